#include "protocol/wire/codec_placement.h"

#include <utility>

#include "protocol/schema/placement_record.pb.h"
#include "protocol/wire/codec_bounded.h"
#include "protocol/wire/field_check.h"

namespace dure::wire {
namespace {

constexpr std::size_t kMaxFleetBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxQuestionBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxHosts = 200'000;
constexpr std::size_t kMaxNodes = 4096;
constexpr std::size_t kMaxPairs = 500'000;  // of sites
constexpr std::size_t kMaxList = 4096;
constexpr std::size_t kMaxNameBytes = 256;
constexpr std::size_t kMaxCodeBytes = 32;
constexpr std::size_t kMaxTextBytes = 4096;

template <class Bytes>
std::string raw(const Bytes& value) {
  return {value.bytes.begin(), value.bytes.end()};
}
template <class Tag>
std::string raw(const Id<Tag>& id) {
  return raw(id.uuid);
}

void put(const StoredAmount& from, schema::StoredAmount& to) {
  to.set_vcpus(from.vcpus);
  to.set_memory_mib(from.memory_mib);
  to.set_disk_gib(from.disk_gib);
}

void put(const StoredHost& from, schema::StoredHost& to) {
  to.set_host(raw(from.host));
  to.set_name(printable(from.name, kMaxNameBytes));
  to.set_site(raw(from.site));
  to.set_host_class(from.host_class);
  to.set_usable(from.usable);
  to.set_why_not(printable(from.why_not, kMaxTextBytes));
  put(from.total, *to.mutable_total());
  put(from.free, *to.mutable_free());
  to.set_nodes(from.nodes);
  to.set_reason(from.reason);
  to.set_room(printable(from.room, kMaxNameBytes));
  for (const auto& label : from.labels) to.add_labels(printable(label, kMaxNameBytes));
  for (const auto& [begin, end] : from.busy) {
    auto& window = *to.add_busy();
    window.set_from(begin.us);
    window.set_until(end.us);
  }
  for (const auto& image : from.images) to.add_images(raw(image));
  to.set_booting(from.booting);
}

void put(const StoredDistance& from, schema::StoredDistance& to) {
  to.set_one(raw(from.one));
  to.set_other(raw(from.other));
  to.set_us(from.us);
}

void put(const StoredPool& from, schema::StoredPool& to) {
  for (const auto& site : from.sites) to.add_sites(raw(site));
  for (const auto& room : from.rooms) to.add_rooms(printable(room, kMaxNameBytes));
  for (const auto& label : from.labels) to.add_labels(printable(label, kMaxNameBytes));
  for (const auto& host_class : from.classes) to.add_classes(host_class);
  to.set_sites_stay(from.sites_stay);
}

// Reads fields, each by its rule.
struct Reader {
  FieldCheck check;

  template <class IdType>
  std::vector<IdType> ids(const google::protobuf::RepeatedPtrField<std::string>& from, std::string_view field,
                          std::size_t most) {
    count(from.size(), most, field);
    std::vector<IdType> result(static_cast<std::size_t>(from.size()));
    for (int i = 0; i < from.size(); ++i) check.id(result[static_cast<std::size_t>(i)], from[i], field);
    return result;
  }
  std::vector<std::string> texts(const google::protobuf::RepeatedPtrField<std::string>& from, std::string_view field,
                                 std::size_t most_bytes) {
    count(from.size(), kMaxList, field);
    std::vector<std::string> result;
    for (const std::string& text : from) result.push_back(check.text(text, field, most_bytes));
    return result;
  }
  void count(int size, std::size_t most, std::string_view field) {
    check.require(static_cast<std::size_t>(size) <= most, field, "has too many");
  }

  StoredAmount amount(const schema::StoredAmount& from, std::string_view field) {
    check.known(from, field);
    return {from.vcpus(), from.memory_mib(), from.disk_gib()};
  }

  StoredHost host(const schema::StoredHost& from) {
    check.known(from, "host");
    StoredHost to;
    check.id(to.host, from.host(), "host.host");
    to.name = check.text(from.name(), "host.name", kMaxNameBytes);
    check.id(to.site, from.site(), "host.site");
    to.host_class = check.name(from.host_class(), "host.class", kMaxCodeBytes);
    to.usable = from.usable();
    to.why_not = check.text(from.why_not(), "host.why_not", kMaxTextBytes);
    check.require(from.has_total() && from.has_free(), "host.total", "or host.free is not there");
    to.total = amount(from.total(), "host.total");
    to.free = amount(from.free(), "host.free");
    to.nodes = from.nodes();
    to.reason = check.name(from.reason(), "host.reason", kMaxCodeBytes);
    to.room = check.text(from.room(), "host.room", kMaxNameBytes);
    to.labels = texts(from.labels(), "host.labels", kMaxNameBytes);
    count(from.busy_size(), kMaxList, "host.busy");
    for (const auto& window : from.busy()) {
      check.known(window, "host.busy");
      to.busy.push_back({{window.from()}, {window.until()}});
    }
    to.images = ids<ImageId>(from.images(), "host.images", kMaxList);
    to.booting = from.booting();
    return to;
  }

  StoredNode node(const schema::StoredNode& from) {
    check.known(from, "node");
    StoredNode to;
    check.id(to.node, from.node(), "node.node");
    to.name = check.text(from.name(), "node.name", kMaxNameBytes);
    to.role = check.name(from.role(), "node.role", kMaxCodeBytes);
    check.require(from.has_amount(), "node.amount", "is not there");
    to.amount = amount(from.amount(), "node.amount");
    to.pool = from.pool();
    return to;
  }

  StoredPool pool(const schema::StoredPool& from) {
    check.known(from, "pool");
    StoredPool to;
    to.sites = ids<SiteId>(from.sites(), "pool.sites", kMaxList);
    to.rooms = texts(from.rooms(), "pool.rooms", kMaxNameBytes);
    to.labels = texts(from.labels(), "pool.labels", kMaxNameBytes);
    count(from.classes_size(), kMaxList, "pool.classes");
    for (const auto& name : from.classes()) to.classes.push_back(check.name(name, "pool.classes", kMaxCodeBytes));
    to.sites_stay = from.sites_stay();
    return to;
  }

  std::vector<StoredDistance> distances(const google::protobuf::RepeatedPtrField<schema::StoredDistance>& from,
                                        std::string_view field) {
    count(from.size(), kMaxPairs, field);
    std::vector<StoredDistance> result;
    for (const auto& item : from) {
      check.known(item, field);
      auto& to = result.emplace_back();
      check.id(to.one, item.one(), field);
      check.id(to.other, item.other(), field);
      to.us = item.us();
    }
    return result;
  }

  StoredNear near(const schema::StoredNear& from) {
    check.known(from, "near");
    StoredNear to{from.bound_us(), distances(from.distances(), "near.distances"), {}};
    count(from.names_size(), kMaxList, "near.names");
    for (const auto& item : from.names()) {
      check.known(item, "near.names");
      auto& added = to.names.emplace_back();
      check.id(added.first, item.site(), "near.names");
      added.second = check.text(item.name(), "near.names", kMaxNameBytes);
    }
    return to;
  }
};

template <class Value>
Result<Value> done(const Reader& reader, Value value) {
  if (auto good = reader.check.result(); !good) return good.error();
  return value;
}

}  // namespace

std::string encode(const StoredFleet& fleet) {
  schema::StoredFleet to;
  for (const auto& host : fleet.changed) put(host, *to.add_changed());
  for (const auto& host : fleet.removed) to.add_removed(raw(host));
  return to.SerializeAsString();
}

std::string encode(const StoredQuestion& question) {
  schema::StoredQuestion to;
  for (const auto& node : question.nodes) {
    auto& added = *to.add_nodes();
    added.set_node(raw(node.node));
    added.set_name(printable(node.name, kMaxNameBytes));
    added.set_role(node.role);
    put(node.amount, *added.mutable_amount());
    added.set_pool(node.pool);
  }
  for (const auto& site : question.sites) to.add_sites(raw(site));
  for (const auto& [host, role] : question.members) {
    auto& added = *to.add_members();
    added.set_host(raw(host));
    added.set_role(role);
  }
  to.set_strategy(question.strategy);
  to.set_survive(question.survive);
  to.set_apart(question.apart);
  to.set_now(question.now.us);
  if (question.until) to.set_until(question.until->us);
  for (const auto& pool : question.pools) put(pool, *to.add_pools());
  if (question.image) to.set_image(raw(*question.image));
  if (question.round_trip_us) to.set_round_trip_us(*question.round_trip_us);
  for (const auto& trip : question.round_trips) put(trip, *to.add_round_trips());
  auto& near = *to.mutable_near();
  near.set_bound_us(question.near.bound_us);
  for (const auto& distance : question.near.distances) put(distance, *near.add_distances());
  for (const auto& [site, name] : question.near.names) {
    auto& added = *near.add_names();
    added.set_site(raw(site));
    added.set_name(printable(name, kMaxNameBytes));
  }
  for (const auto& [site, why] : question.closed) {
    auto& added = *to.add_closed();
    added.set_site(raw(site));
    added.set_why(printable(why, kMaxTextBytes));
  }
  return to.SerializeAsString();
}

std::string encode(const StoredAnswer& answer) {
  schema::StoredAnswer to;
  for (const auto& [node, host] : answer.placed) {
    auto& added = *to.add_placed();
    added.set_node(raw(node));
    added.set_host(raw(host));
  }
  for (const auto& node : answer.unplaced) to.add_unplaced(raw(node));
  to.set_refusals(answer.refusals);
  to.set_refusals_digest(raw(answer.refusals_digest));
  for (const auto& [code, text] : answer.remedies) {
    auto& added = *to.add_remedies();
    added.set_code(code);
    added.set_text(printable(text, kMaxTextBytes));
  }
  return to.SerializeAsString();
}

Result<StoredFleet> decode_stored_fleet(std::string_view bytes) {
  schema::StoredFleet from;
  if (auto parsed = parse_bounded(bytes, kMaxFleetBytes, from); !parsed) return parsed.error();
  Reader reader;
  reader.check.known(from, "fleet");
  reader.count(from.changed_size(), kMaxHosts, "fleet.changed");
  StoredFleet to;
  to.changed.reserve(static_cast<std::size_t>(from.changed_size()));
  for (const auto& host : from.changed()) {
    if (reader.check.failed()) break;
    to.changed.push_back(reader.host(host));
  }
  to.removed = reader.ids<HostId>(from.removed(), "fleet.removed", kMaxHosts);
  return done(reader, std::move(to));
}

Result<StoredQuestion> decode_stored_question(std::string_view bytes) {
  schema::StoredQuestion from;
  if (auto parsed = parse_bounded(bytes, kMaxQuestionBytes, from); !parsed) return parsed.error();
  Reader reader;
  reader.check.known(from, "question");
  StoredQuestion to;
  reader.count(from.nodes_size(), kMaxNodes, "question.nodes");
  for (const auto& node : from.nodes()) to.nodes.push_back(reader.node(node));
  to.sites = reader.ids<SiteId>(from.sites(), "question.sites", kMaxList);
  reader.count(from.members_size(), kMaxNodes, "question.members");
  for (const auto& member : from.members()) {
    reader.check.known(member, "question.members");
    auto& added = to.members.emplace_back();
    reader.check.id(added.first, member.host(), "question.members");
    added.second = reader.check.name(member.role(), "question.members", kMaxCodeBytes);
  }
  to.strategy = reader.check.name(from.strategy(), "question.strategy", kMaxCodeBytes);
  to.survive = reader.check.name(from.survive(), "question.survive", kMaxCodeBytes);
  to.apart = from.apart();
  to.now = {from.now()};
  if (from.has_until()) to.until = TimePoint{from.until()};
  reader.count(from.pools_size(), kMaxList, "question.pools");
  for (const auto& pool : from.pools()) to.pools.push_back(reader.pool(pool));
  if (from.has_image()) reader.check.id(to.image.emplace(), from.image(), "question.image");
  if (from.has_round_trip_us()) to.round_trip_us = from.round_trip_us();
  to.round_trips = reader.distances(from.round_trips(), "question.round_trips");
  reader.check.require(from.has_near(), "question.near", "is not there");
  to.near = reader.near(from.near());
  reader.count(from.closed_size(), kMaxList, "question.closed");
  for (const auto& site : from.closed()) {
    reader.check.known(site, "question.closed");
    auto& added = to.closed.emplace_back();
    reader.check.id(added.first, site.site(), "question.closed");
    added.second = reader.check.text(site.why(), "question.closed", kMaxTextBytes);
  }
  return done(reader, std::move(to));
}

Result<StoredAnswer> decode_stored_answer(std::string_view bytes) {
  schema::StoredAnswer from;
  if (auto parsed = parse_bounded(bytes, kMaxAnswerBytes, from); !parsed) return parsed.error();
  Reader reader;
  reader.check.known(from, "answer");
  StoredAnswer to;
  reader.count(from.placed_size(), kMaxNodes, "answer.placed");
  for (const auto& placed : from.placed()) {
    reader.check.known(placed, "answer.placed");
    auto& added = to.placed.emplace_back();
    reader.check.id(added.first, placed.node(), "answer.placed");
    reader.check.id(added.second, placed.host(), "answer.placed");
  }
  to.unplaced = reader.ids<NodeId>(from.unplaced(), "answer.unplaced", kMaxNodes);
  to.refusals = from.refusals();
  to.refusals_digest = reader.check.digest(from.refusals_digest(), "answer.refusals_digest");
  reader.count(from.remedies_size(), kMaxList, "answer.remedies");
  for (const auto& remedy : from.remedies()) {
    reader.check.known(remedy, "answer.remedies");
    to.remedies.emplace_back(reader.check.name(remedy.code(), "answer.remedies", kMaxCodeBytes),
                             reader.check.text(remedy.text(), "answer.remedies", kMaxTextBytes));
  }
  return done(reader, std::move(to));
}

}  // namespace dure::wire
