#include "controlnode/core/observations.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>

#include "common/text.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/removals.h"
#include "controlnode/core/round_trips.h"

namespace dure::control {
namespace {

constexpr TimePoint kLastDate{253'402'300'799'000'000};  // 9999-12-31T23:59:59Z

constexpr std::size_t kMaxReportedObjects = 1024;
constexpr std::size_t kMaxStrangers = 256;
constexpr std::size_t kMaxStoredFailures = 64;
constexpr std::size_t kMaxMessage = 512;
constexpr std::size_t kMaxVersion = 64;

bool numbers_fit(const HostReport& report) {
  for (const std::uint64_t number :
       {report.sequence, report.accepted_generation, report.applied_generation,
        report.capacity.memory_mib, report.capacity.disk_gib, report.highest_fence.delegation,
        report.highest_fence.epoch, report.capacity.disk_free_gib, report.known_generation}) {
    if (number > kMaxStored) return false;
  }
  // Dates are subtracted from one another.
  if (report.clock < TimePoint{} || report.clock > kLastDate) return false;
  return std::all_of(report.vms.begin(), report.vms.end(),
                     [](const VmReport& vm) { return vm.generation <= kMaxStored; });
}

bool sizes_fit(const HostReport& report) {
  for (const std::size_t size : {report.vms.size(), report.networks.size(), report.images.size(),
                                 report.failures.size(), report.in_flight.size(), report.conditions.size()}) {
    if (size > kMaxReportedObjects) return false;
  }
  return report.round_trips.size() <= kMaxRoundTripTargets;
}

// Only images that we know; sorted, each once, so that an agent's order of listing is no change.
std::vector<ImageReport> known_images(const Model& model, const HostReport& report) {
  std::map<ImageId, ImageReport> images;
  for (ImageReport image : report.images) {
    if (!model.images.contains(image.id)) continue;
    image.bytes_done = std::min(image.bytes_done, kMaxStored);
    image.bytes_total = std::min(image.bytes_total, kMaxStored);
    images.emplace(image.id, image);
  }
  std::vector<ImageReport> result;
  for (const auto& [id, image] : images) result.push_back(image);
  return result;
}

std::vector<ObjectFailure> clean_failures(const HostReport& report) {
  std::vector<ObjectFailure> failures;
  for (const ObjectFailure& failure : report.failures) {
    if (failures.size() == kMaxStoredFailures) break;
    failures.push_back({failure.kind, failure.object, failure.code,
                        printable(failure.message, kMaxMessage)});
  }
  return failures;
}

std::string amount(std::uint64_t reported, std::int64_t typed, const char* what) {
  return std::to_string(reported) + " of " + std::to_string(typed) + " " + what;
}

// What a PC says of itself is a little less than what is written on it: a tenth makes no difference worth telling.
std::optional<HostCondition> smaller(const Host& host, const HostCapacity& has) {
  const auto much_less = [](std::uint64_t reported, std::int64_t typed) {
    return reported > 0 && reported < static_cast<std::uint64_t>(typed) - static_cast<std::uint64_t>(typed) / 10;
  };
  std::string text;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (has.vcpus > 0 && has.vcpus < static_cast<std::uint64_t>(host.capacity.vcpus)) add(amount(has.vcpus, host.capacity.vcpus, "CPUs"));
  if (much_less(has.memory_mib, host.capacity.memory_mib)) add(amount(has.memory_mib, host.capacity.memory_mib, "MiB of memory"));
  if (much_less(has.disk_gib, host.capacity.disk_gib)) add(amount(has.disk_gib, host.capacity.disk_gib, "GiB of disk"));
  if (text.empty()) return std::nullopt;
  return HostCondition{ConditionCode::capacity, "has less than was told of it: " + text};
}

// A clock that is off by about a minute does not come and go with each report.
constexpr Duration kClockOff = std::chrono::seconds(60), kClockRight = std::chrono::seconds(45);

// In whole minutes, so that what a clock loses or gains is told now and then. Not while somebody has set the control node's
// own: it would be the hosts that seem wrong.
std::optional<HostCondition> clock_off(const Deciding& deciding, TimePoint clock, bool was_off) {
  if (clock == TimePoint{} || deciding.at.ahead != Duration::zero()) return std::nullopt;
  const Duration off = clock - deciding.now;
  const Duration apart = off < Duration::zero() ? -off : off;
  if (apart < (was_off ? kClockRight : kClockOff)) return std::nullopt;
  const auto minutes = std::max<std::int64_t>(1, apart.count() / 60'000'000);
  const std::string size = minutes < 120 ? std::to_string(minutes) + " min" : std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
  return HostCondition{ConditionCode::clock,
                       "its clock is " + size + (off < Duration::zero() ? " behind" : " ahead of") + " the control node's"};
}

bool has(const HostObservation* seen, ConditionCode code) {
  return seen != nullptr && std::any_of(seen->conditions.begin(), seen->conditions.end(),
                                        [&](const SeenCondition& each) { return each.condition.code == code; });
}

// What the host says is wrong with it, and what is to be seen from here; each code once, with the time since when.
std::vector<SeenCondition> conditions_of(const Deciding& deciding, const HostReport& report, const HostObservation* before) {
  std::map<ConditionCode, std::string> found;
  for (const HostCondition& condition : report.conditions) found.emplace(condition.code, printable(condition.message, kMaxMessage));
  const auto add = [&](const std::optional<HostCondition>& condition) {
    if (condition) found.insert_or_assign(condition->code, condition->message);
  };
  add(smaller(deciding.model.hosts.at(report.host), report.capacity));
  add(clock_off(deciding, report.clock, has(before, ConditionCode::clock)));
  if (report.refused) {
    add(HostCondition{ConditionCode::order_refused, printable("does not accept its order: " + report.refused->reason, kMaxMessage)});
  }
  std::vector<SeenCondition> conditions;
  for (const auto& [code, message] : found) {
    SeenCondition seen{{code, message}, deciding.now};
    for (const SeenCondition& earlier : before == nullptr ? std::vector<SeenCondition>{} : before->conditions) {
      if (earlier.condition.code == code) seen.since = earlier.since;
    }
    conditions.push_back(std::move(seen));
  }
  return conditions;
}

// A condition that comes, or one that goes, is an event; that its sentence changes is not.
void tell_conditions(Deciding& deciding, const HostObservation* before, const HostObservation& after) {
  const std::string name = host_name(deciding.model, after.host);
  for (const SeenCondition& each : after.conditions) {
    if (has(before, each.condition.code)) continue;
    deciding.event("host.unwell", after.host.uuid, name, name + ": " + each.condition.message);
  }
  if (before == nullptr) return;
  for (const SeenCondition& each : before->conditions) {
    if (has(&after, each.condition.code)) continue;
    deciding.event("host.well", after.host.uuid, name, name + ": no longer " + std::string(to_string(each.condition.code)));
  }
}

// VMs with our metadata that neither a node of this host nor a removal explains.
std::vector<NodeId> strangers(const Model& model, const HostReport& report) {
  std::set<NodeId> found;
  const auto removals = model.removals.find(report.host);
  for (const VmReport& vm : report.vms) {
    const auto node = model.nodes.find(vm.id);
    if (node != model.nodes.end() && node->second.host == report.host) continue;
    const bool removing =
        removals != model.removals.end() &&
        std::any_of(removals->second.begin(), removals->second.end(),
                    [&](const Removal& removal) { return removal.object == vm.id.uuid; });
    if (!removing && found.size() < kMaxStrangers) found.insert(vm.id);
  }
  return {found.begin(), found.end()};
}

void tell_news(Deciding& deciding, const HostObservation* before, const HostObservation& after) {
  const Host host = deciding.model.hosts.at(after.host);
  if (before != nullptr && before->silent) {
    deciding.event("host.returned", host.id.uuid, host.name,
                   host.name + " reports again, after it had been silent since " + to_rfc3339(before->seen_at));
  }
  tell_conditions(deciding, before, after);
  if (before == nullptr) {
    deciding.event("host.reported", host.id.uuid, host.name,
                   "host " + host.name + " has reported for the first time");
  }
  const bool fresh_stranger =
      std::any_of(after.strangers.begin(), after.strangers.end(), [&](const NodeId& id) {
        return before == nullptr || std::find(before->strangers.begin(), before->strangers.end(),
                                              id) == before->strangers.end();
      });
  if (fresh_stranger) {
    deciding.event("host.strangers", host.id.uuid, host.name,
                   "host " + host.name + " has " + std::to_string(after.strangers.size()) +
                       " VMs that no node explains, the first of them " +
                       after.strangers.front().str() + "; they are left alone");
  }
  const bool was_ahead = before != nullptr && before->accepted_generation > host.generation;
  if (after.accepted_generation > host.generation && !was_ahead) {
    deciding.event("host.ahead", host.id.uuid, host.name,
                   "host " + host.name + " knows order " +
                       std::to_string(after.accepted_generation) + ", the database only " +
                       std::to_string(host.generation) +
                       ": it gets no new nodes; was the database restored from a backup?");
  }
}

// Generations are counted one by one; no host has seen so many. What is above is a lie, and a row that took it for true
// could not count on.
constexpr std::uint64_t kMostGenerations = std::uint64_t{1} << 40;

// The first word of a host's row: what its PC was ordered in an earlier life, under a row that is deleted or as another
// host, is below what comes now, or it would refuse every order.
void go_on_above(Deciding& deciding, const HostReport& report) {
  Host host = deciding.model.hosts.at(report.host);
  const auto known = std::max(report.known_generation, report.accepted_generation);
  if (known <= host.generation || known > kMostGenerations) return;
  host.generation = known;
  deciding.put(host);
  deciding.touch(host.id);
}

}  // namespace

bool believable(const Model& model, const ReportEvent& event) {
  const HostReport& report = event.report;
  if (event.host != report.host || report.system != model.system) return false;
  const auto host = model.hosts.find(report.host);
  // Whoever is given up is not admitted; but its last words may lie in the queue.
  if (host == model.hosts.end() || host->second.lost_at) return false;
  if (!numbers_fit(report) || !sizes_fit(report)) return false;
  if (report.applied_generation > report.accepted_generation) return false;
  const auto earlier = model.observations.find(report.host);
  return earlier == model.observations.end() || earlier->second.session != report.session ||
         report.sequence > earlier->second.sequence;
}

bool observe(Deciding& deciding, const HostReport& report) {
  take_round_trips(deciding.model, report, deciding.steady);
  const Duration clock_off{report.clock == TimePoint{} ? 0 : report.clock.us - deciding.steady.us};
  Heard& heard = deciding.model.heard[report.host];
  // Of whoever speaks for the first time it is not said that he was blind before.
  if (report.observed || heard.observed_at == SteadyPoint{}) heard.observed_at = deciding.steady;
  heard.at = deciding.steady;
  heard.clock_off = clock_off;
  deciding.heard(report.host);
  HostObservation after;
  after.host = report.host;
  after.session = report.session;
  after.boot = report.boot;
  after.sequence = report.sequence;
  after.seen_at = deciding.now;
  after.accepted_generation = report.accepted_generation;
  after.applied_generation = report.applied_generation;
  after.capacity = report.capacity;
  after.highest_fence = report.highest_fence;
  after.agent_version = printable(report.agent_version, kMaxVersion);
  after.images = known_images(deciding.model, report);
  after.failures = clean_failures(report);
  const auto found = deciding.model.observations.find(report.host);
  if (found == deciding.model.observations.end()) {
    if (report.observed) after.strangers = strangers(deciding.model, report);
    after.conditions = conditions_of(deciding, report, nullptr);
    go_on_above(deciding, report);
    deciding.put(PutObservation{after});
    tell_news(deciding, nullptr, after);
    return true;
  }
  HostObservation& stored = found->second;
  after.strangers = report.observed ? strangers(deciding.model, report) : stored.strangers;
  const HostObservation before = stored;
  after.conditions = conditions_of(deciding, report, &before);
  stored.seen_at = after.seen_at;
  stored.sequence = after.sequence;
  if (stored == after) return false;
  deciding.put(PutObservation{after});
  tell_news(deciding, &before, after);
  return before.images != after.images;
}

}  // namespace dure::control
