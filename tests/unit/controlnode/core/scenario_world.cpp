#include "tests/unit/controlnode/core/scenario_world.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "controlnode/core/deciding.h"

namespace dure::control::test {
namespace {

constexpr std::int64_t kHeartbeatSeconds = 5;
constexpr std::int64_t kLongestWait = 1'000'000;

std::uint32_t small(std::int64_t value) { return static_cast<std::uint32_t>(value); }

// Stands for the digest of a request's body: other words, another digest.
Digest digest_of(std::string_view line) {
  Digest digest;
  std::size_t at = 0;
  for (const char byte : line) {
    auto& slot = digest.bytes[at++ % digest.bytes.size()];
    slot = static_cast<std::uint8_t>(slot * 31 + static_cast<unsigned char>(byte));
  }
  return digest;
}

// The same words with another key are the same request.
Idempotency key_of(Words& words, const std::string& line) {
  return {words.next("key"), digest_of(line.substr(0, line.rfind(" key ")))};
}

template <class Rows>
bool has_name(const Rows& rows, const std::string& name) {
  return std::any_of(rows.begin(), rows.end(), [&](const auto& entry) { return entry.second.name == name; });
}

}  // namespace

World::World() {
  campus.catalog();
  campus.model.flavors.clear();
}

HostId World::host(const std::string& name) const {
  for (const auto& [id, row] : campus.model.hosts) {
    if (row.name == name) return id;
  }
  throw Malformed("there is no host '" + name + "'");
}

std::string World::host_name(const HostId& id) const { return campus.model.hosts.at(id).name; }

std::vector<std::string> World::host_names(const std::set<HostId>& ids) const {
  std::vector<std::string> names;
  for (const HostId& id : ids) names.push_back(host_name(id));
  std::sort(names.begin(), names.end());
  return names;
}

std::string World::node_name(const NodeId& id) const {
  for (const auto& [name, node] : nodes_) {
    if (node == id) return name;
  }
  return id.str();
}

void World::set_up(std::string_view word, Words& words) {
  if (word == "site") return add_site(words);
  if (word == "host") return add_host(words);
  if (word == "flavor") return add_flavor(words);
  if (word == "settings") return set(words);
  unknown_word(word, "line of a scenario");
}

void World::add_site(Words& words) {
  const std::string name = words.next("site's name");
  if (has_name(campus.model.sites, name)) throw Malformed("there is a site '" + name + "' already");
  const std::int64_t mtu = words.take("mtu") ? words.number("mtu") : 1500;
  if (mtu < 576 || mtu > 65535) throw Malformed("an mtu is 576 to 65535");
  words.end();
  campus.site(name, static_cast<std::uint16_t>(mtu));
}

void World::add_host(Words& words) {
  const std::string name = words.next("host's name");
  if (has_name(campus.model.hosts, name)) throw Malformed("there is a host '" + name + "' already");
  if (!words.take("site")) throw Malformed("the host's site is missing");
  const std::string site = words.next("site's name");
  if (!has_name(campus.model.sites, site)) throw Malformed("there is no site '" + site + "'");
  Resources capacity = Campus::kCapacity;
  HostClass klass = HostClass::scavenged;
  bool heard = true;
  Host place;
  while (!words.empty()) {
    if (words.take("vcpus")) {
      capacity.vcpus = words.number("number of vCPUs");
    } else if (words.take("memory")) {
      capacity.memory_mib = words.number("memory in MiB");
    } else if (words.take("disk")) {
      capacity.disk_gib = words.number("disk in GiB");
    } else if (words.take("class")) {
      const std::string& text = words.next("host class");
      const auto found = host_class(text);
      if (!found) unknown_word(text, "host class");
      klass = *found;
    } else if (words.take("unheard")) {
      heard = false;
    } else if (!take_place(words, place)) {
      words.end();
    }
  }
  const HostId id = campus.host(name, site, capacity, klass, false);
  std::tie(campus.model.hosts.at(id).room, campus.model.hosts.at(id).labels) = std::tie(place.room, place.labels);
  if (heard) say(campus.idle_report(id));
}

void World::add_flavor(Words& words) {
  CreateFlavor request;
  request.name = words.next("flavor's name");
  request.vcpus = small(words.number("number of vCPUs"));
  request.memory_mib = small(words.number("memory in MiB"));
  request.disk_gib = small(words.number("disk in GiB"));
  words.end();
  ask(request);
  if (!accepted(*reply)) throw Malformed(refused(*reply).error.message);
}

void World::set(Words& words) {
  Settings& settings = campus.model.settings;
  while (!words.empty()) {
    if (words.take("silent-after")) {
      settings.silent_after_s = words.seconds();
    } else if (words.take("missing-after")) {
      settings.missing_after_s = words.seconds();
    } else if (words.take("node-deadline")) {
      settings.node_deadline_s = words.seconds();
    } else if (words.take("drain-deadline")) {
      settings.drain_deadline_s = words.seconds();
    } else if (words.take("network-prefix")) {
      settings.cluster_prefix_length = static_cast<std::uint8_t>(words.number("length of a prefix"));
    } else {
      words.end();
    }
  }
}

void World::happen(Words& words) {
  reply.reset();
  ordered.clear();
  changes = 0;
  const std::string line = Words(words).rest();
  const std::string event = words.next("event");
  if (event == "create") return create(words, line);
  if (event == "scale") return scale(words, line);
  if (event == "replace") return replace(words);
  if (event == "repair") return repair(words);
  if (event == "delete") return remove(words, line);
  if (event == "cancel") return cancel(words);
  if (event == "stop") return power(words, PowerAction::stop);
  if (event == "start") return power(words, PowerAction::start);
  if (event == "reboot") return power(words, PowerAction::reboot);
  if (event == "lose") return lose(words);
  if (event == "replace-host") return replace_host(words);
  if (event == "extend") return extend(words);
  if (event == "busy") return busy(words);
  if (event == "access") return access(words);
  if (event == "revoke") return revoke(words);
  if (event == "cordon") return cordon(words, true);
  if (event == "uncordon") return cordon(words, false);
  if (event == "report") return report(words);
  if (event == "confirm") return confirm(words);
  if (event == "measure") return measure(words);
  if (event == "new-leader") return new_leader(words);
  if (event == "silence") return wait(words, true);
  if (event == "wait") return wait(words, false);
  unknown_word(event, "event");
}

void World::create(Words& words, const std::string& line) {
  CreateCluster request = campus.create_request(words.next("cluster's name"), 1, 0);
  while (!words.empty()) {
    if (words.take("control-planes")) {
      request.control_planes = small(words.number("number of control planes"));
    } else if (words.take("workers")) {
      request.workers = small(words.number("number of workers"));
    } else if (words.take("sites")) {
      request.sites = words.list("site");
    } else if (words.take("flavor")) {
      request.flavor = words.next("flavor");
    } else if (words.take("image")) {
      request.image = words.next("image");
    } else if (words.take("dry-run")) {
      request.dry_run = true;
    } else if (take_wish(words, request)) {
      continue;
    } else if (words.take("key")) {
      request.idempotency = key_of(words, line);
    } else {
      words.end();
    }
  }
  ask(request);
}

void World::scale(Words& words, const std::string& line) {
  ScaleCluster request;
  request.cluster = words.next("cluster's name");
  request.workers = small(words.number("number of workers"));
  request.dry_run = words.take("dry-run");
  if (words.take("key")) request.idempotency = key_of(words, line);
  words.end();
  ask(request);
}

void World::replace(Words& words) {
  ReplaceNode request;
  request.cluster = words.next("cluster's name");
  request.node = words.next("node");
  request.dry_run = words.take("dry-run");
  words.end();
  ask(request);
}

void World::repair(Words& words) {
  RepairCluster request;
  request.cluster = words.next("cluster's name");
  request.lost = words.take("lost");
  request.dry_run = words.take("dry-run");
  words.end();
  ask(request);
}

void World::lose(Words& words) {
  LoseHost request;
  request.host = words.next("host");
  request.force = true;
  words.end();
  said_.erase(host(request.host));  // it says nothing more
  ask(request);
}

// The same PC set up anew, or another one: what was sent to the one before it has never seen.
void World::replace_host(Words& words) {
  ReplaceHost request;
  request.host = words.next("host");
  words.end();
  const HostId before = host(request.host);
  request.id = numbered<HostId>(0xa1, ++replaced_);
  request.curve_key = std::string(40, static_cast<char>('A' + replaced_));
  ask(request);
  if (!accepted(*reply)) return;
  said_.erase(before);
  sent_.erase(before);
  campus.orders.erase(before);
}

void World::power(Words& words, PowerAction action) {
  PowerNode request;
  request.cluster = words.next("cluster's name");
  request.node = words.next("node");
  request.action = action;
  words.end();
  ask(request);
}

void World::new_leader(Words& words) {
  words.end();
  take_the_lead(campus.model, steady(campus.now));
}

// The newest operation of a kind.
void World::cancel(Words& words) {
  const auto kind = operation_kind(words.next("kind of operation"));
  words.end();
  CancelOperation request;
  for (const auto& [id, operation] : campus.model.operations) {
    if (operation.kind == kind) request.operation = id;
  }
  ask(request);
}

void World::remove(Words& words, const std::string& line) {
  DeleteCluster request;
  request.cluster = words.next("cluster's name");
  if (words.take("key")) request.idempotency = key_of(words, line);
  words.end();
  ask(request);
}

void World::access(Words& words) {
  GiveAccess request;
  request.cluster = words.next("cluster's name");
  request.seconds = words.seconds();
  words.end();
  ask(request);
}

// The one that was given last.
void World::revoke(Words& words) {
  RevokeAccess request;
  request.cluster = words.next("cluster's name");
  words.end();
  TimePoint newest{};
  for (const auto& [id, row] : campus.model.accesses) {
    if (row.issued_at < newest) continue;
    newest = row.issued_at;
    request.user = row.user;
  }
  ask(request);
}

void World::cordon(Words& words, bool cordoned) {
  const std::string name = words.next("host");
  words.end();
  host(name);
  ask(CordonHost{name, cordoned});
}

void World::ask(Request request) {
  act(RequestEvent{1, std::move(request)});
  reply = campus.last.replies.at(0).reply;
  const auto* yes = std::get_if<Accepted>(&*reply);
  if (yes != nullptr && yes->operation) answers.push_back(*yes->operation);
}

void World::act(const Event& event) {
  campus.decide_all({event});
  changes += static_cast<std::size_t>(
      std::count_if(campus.last.changes.begin(), campus.last.changes.end(), [](const Change& change) {
        return !std::holds_alternative<PutPlacementRecord>(change);
      }));
  ordered.insert(campus.last.ordered.begin(), campus.last.ordered.end());
  for (const Change& change : campus.last.changes) {
    if (const auto* put = std::get_if<PutOrder>(&change)) {
      sent_[put->host][put->generation] = campus.orders.at(put->host);
    } else if (const auto* node = std::get_if<Node>(&change)) {
      nodes_[node->name] = node->id;
    } else if (const auto* cluster = std::get_if<Cluster>(&change)) {
      const auto network = campus.model.networks.find(cluster->network);
      if (network != campus.model.networks.end()) networks_[cluster->name] = {network->first, network->second.vni};
    }
  }
}

void World::say(HostReport report) {
  said_[report.host] = report;
  act(ReportEvent{report.host, std::move(report)});
}

// Time passes. Every host that has ever spoken repeats what it said last, silent ones excepted.
void World::wait(Words& words, bool silence) {
  std::set<HostId> silent;
  if (silence) {
    for (const std::string& name : words.list("host")) silent.insert(host(name));
  }
  const std::int64_t seconds = words.seconds();
  if (seconds == 0 || seconds > kLongestWait) throw Malformed("a wait is 1s to 1000000s");
  words.end();
  for (std::int64_t left = seconds; left > 0; left -= kHeartbeatSeconds) {
    campus.now = campus.now + Duration{std::min(left, kHeartbeatSeconds) * 1'000'000};
    for (auto& [id, report] : said_) {
      if (silent.contains(id)) continue;
      report.sequence = campus.idle_report(id).sequence;
      report.clock = campus.now;
      act(ReportEvent{id, report});
    }
    act(TickEvent{});
  }
}

}  // namespace dure::control::test
