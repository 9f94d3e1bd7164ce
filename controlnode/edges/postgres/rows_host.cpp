#include <array>
#include <string>

#include "controlnode/edges/postgres/rows.h"

namespace dure::control {
namespace {

constexpr std::array kKinds{ObjectKind::host, ObjectKind::image, ObjectKind::network, ObjectKind::vm};
constexpr std::array kFailureCodes{
    FailureCode::image_fetch, FailureCode::image_digest,    FailureCode::no_space,
    FailureCode::hypervisor,  FailureCode::hypervisor_away, FailureCode::network,
    FailureCode::seed,        FailureCode::identity,        FailureCode::internal,
    FailureCode::stuck,       FailureCode::crash_loop};

std::optional<ObjectKind> object_kind(std::string_view text) {
  for (const ObjectKind kind : kKinds) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

constexpr std::array kConditionCodes{
    ConditionCode::hypervisor_away, ConditionCode::storage,  ConditionCode::no_space,
    ConditionCode::network,         ConditionCode::address,  ConditionCode::uplink,
    ConditionCode::capacity,        ConditionCode::clock,    ConditionCode::order_refused};

std::optional<ConditionCode> condition_code(std::string_view text) {
  for (const ConditionCode code : kConditionCodes) {
    if (to_string(code) == text) return code;
  }
  return std::nullopt;
}

std::optional<FailureCode> failure_code(std::string_view text) {
  for (const FailureCode code : kFailureCodes) {
    if (to_string(code) == text) return code;
  }
  return std::nullopt;
}

void write_images(RowWriter& writer, const std::vector<ImageReport>& images) {
  using Image = ImageReport;
  writer.list(images, [](ArrayText& list, const Image& image) { list.add_plain(image.id.str()); });
  writer.list(images, [](ArrayText& list, const Image& image) {
    list.add_plain(image.complete ? "true" : "false");
  });
  writer.list(images, [](ArrayText& list, const Image& image) {
    list.add_plain(std::to_string(image.bytes_done));
  });
  writer.list(images, [](ArrayText& list, const Image& image) {
    list.add_plain(std::to_string(image.bytes_total));
  });
}

// The database checks that lists that belong together are of one length.
std::vector<ImageReport> read_images(RowReader& reader) {
  const auto ids = reader.list();
  const auto complete = reader.list();
  const auto done = reader.list();
  const auto total = reader.list();
  std::vector<ImageReport> images;
  for (std::size_t i = 0; i < ids.size() && i < total.size(); ++i) {
    images.push_back({reader.element(ids[i], &ImageId::parse), complete[i] == "t",
                      reader.element_u64(done[i]), reader.element_u64(total[i])});
  }
  return images;
}

void write_failures(RowWriter& writer, const std::vector<ObjectFailure>& failures) {
  using Failure = ObjectFailure;
  writer.list(failures, [](ArrayText& list, const Failure& failure) {
    list.add_text(to_string(failure.kind));
  });
  writer.list(failures, [](ArrayText& list, const Failure& failure) {
    list.add_plain(failure.object.str());
  });
  writer.list(failures, [](ArrayText& list, const Failure& failure) {
    list.add_text(to_string(failure.code));
  });
  writer.list(failures, [](ArrayText& list, const Failure& failure) {
    list.add_text(failure.message);
  });
}

std::vector<ObjectFailure> read_failures(RowReader& reader) {
  const auto kinds = reader.list();
  const auto objects = reader.list();
  const auto codes = reader.list();
  const auto messages = reader.list();
  std::vector<ObjectFailure> failures;
  for (std::size_t i = 0; i < kinds.size() && i < messages.size(); ++i) {
    failures.push_back({reader.element(kinds[i], &object_kind),
                        reader.element(objects[i], &Uuid::parse),
                        reader.element(codes[i], &failure_code), messages[i]});
  }
  return failures;
}

void write_conditions(RowWriter& writer, const std::vector<SeenCondition>& conditions) {
  using Seen = SeenCondition;
  writer.list(conditions, [](ArrayText& list, const Seen& seen) { list.add_text(to_string(seen.condition.code)); });
  writer.list(conditions, [](ArrayText& list, const Seen& seen) { list.add_text(seen.condition.message); });
  writer.list(conditions, [](ArrayText& list, const Seen& seen) { list.add_plain(std::to_string(seen.since.us)); });
}

std::vector<SeenCondition> read_conditions(RowReader& reader) {
  const auto codes = reader.list(), messages = reader.list(), since = reader.list();
  std::vector<SeenCondition> conditions;
  for (std::size_t i = 0; i < codes.size() && i < since.size(); ++i) {
    conditions.push_back({{reader.element(codes[i], &condition_code), messages[i]}, TimePoint{reader.element_i64(since[i])}});
  }
  return conditions;
}

}  // namespace

const Table& RowMap<Removal>::table() {
  static const Table table{"removals",
                           0,
                           "host, object",
                           {{"host", "uuid"},
                            {"kind", "text"},
                            {"object", "uuid"},
                            {"number", "numeric"},
                            {"ordered_at", "bigint"},
                            {"name", "text"},
                            {"due_us", "bigint"},
                            {"owed", "boolean"}}};
  return table;
}

void RowMap<Removal>::write(RowWriter& writer, const Removal& row) {
  writer.id(row.host);
  writer.text(to_string(row.kind));
  writer.uuid(row.object);
  writer.number(row.number);
  writer.number(row.ordered_at);
  writer.text(row.name);
  writer.steady(row.due);
  writer.flag(row.owed);
}

Removal RowMap<Removal>::read(RowReader& reader) {
  Removal row;
  reader.id(row.host);
  row.kind = reader.parsed(&object_kind);
  row.object = reader.uuid();
  row.number = reader.u64();
  row.ordered_at = reader.u64();
  row.name = reader.text();
  row.due = reader.steady();
  row.owed = reader.flag();
  return row;
}

const Table& RowMap<PutOrder>::table() {
  static const Table table{
      "orders", 1, "host", {{"host", "uuid"}, {"generation", "bigint"}, {"order_id", "uuid"}}};
  return table;
}

void RowMap<PutOrder>::write(RowWriter& writer, const PutOrder& row) {
  writer.id(row.host);
  writer.number(row.generation);
  writer.id(row.order);
}

PutOrder RowMap<PutOrder>::read(RowReader& reader) {
  PutOrder row;
  reader.id(row.host);
  row.generation = reader.u64();
  reader.id(row.order);
  return row;
}

const Table& RowMap<HostObservation>::table() {
  static const Table table{"host_observations",
                           1,
                           "host",
                           {{"host", "uuid"},
                            {"session", "uuid"},
                            {"boot", "uuid"},
                            {"sequence", "numeric"},
                            {"seen_at", "timestamptz", Shape::time},
                            {"accepted_generation", "numeric"},
                            {"applied_generation", "numeric"},
                            {"vcpus", "bigint"},
                            {"memory_mib", "numeric"},
                            {"disk_gib", "numeric"},
                            {"hardware_virtualisation", "boolean"},
                            {"highest_delegation", "numeric"},
                            {"highest_epoch", "numeric"},
                            {"agent_version", "text"},
                            {"image_ids", "uuid[]", Shape::list},
                            {"image_complete", "boolean[]", Shape::list},
                            {"image_bytes_done", "numeric[]", Shape::list},
                            {"image_bytes_total", "numeric[]", Shape::list},
                            {"failure_kinds", "text[]", Shape::list},
                            {"failure_objects", "uuid[]", Shape::list},
                            {"failure_codes", "text[]", Shape::list},
                            {"failure_messages", "text[]", Shape::list},
                            {"strangers", "uuid[]", Shape::list},
                            {"disk_free_gib", "numeric"},
                            {"condition_codes", "text[]", Shape::list},
                            {"condition_messages", "text[]", Shape::list},
                            {"condition_since_us", "bigint[]", Shape::list},
                            {"silent", "boolean"}}};
  return table;
}

void RowMap<HostObservation>::write(RowWriter& writer, const HostObservation& row) {
  writer.id(row.host);
  writer.id(row.session);
  writer.id(row.boot);
  writer.number(row.sequence);
  writer.time(row.seen_at);
  writer.number(row.accepted_generation);
  writer.number(row.applied_generation);
  writer.number(std::uint64_t{row.capacity.vcpus});
  writer.number(row.capacity.memory_mib);
  writer.number(row.capacity.disk_gib);
  writer.flag(row.capacity.hardware_virtualisation);
  writer.number(row.highest_fence.delegation);
  writer.number(row.highest_fence.epoch);
  writer.text(row.agent_version);
  write_images(writer, row.images);
  write_failures(writer, row.failures);
  writer.list(row.strangers, [](ArrayText& list, const NodeId& node) { list.add_plain(node.str()); });
  writer.number(row.capacity.disk_free_gib);
  write_conditions(writer, row.conditions);
  writer.flag(row.silent);
}

HostObservation RowMap<HostObservation>::read(RowReader& reader) {
  HostObservation row;
  reader.id(row.host);
  reader.id(row.session);
  reader.id(row.boot);
  row.sequence = reader.u64();
  row.seen_at = reader.time();
  row.accepted_generation = reader.u64();
  row.applied_generation = reader.u64();
  row.capacity.vcpus = reader.u32();
  row.capacity.memory_mib = reader.u64();
  row.capacity.disk_gib = reader.u64();
  row.capacity.hardware_virtualisation = reader.flag();
  row.highest_fence.delegation = reader.u64();
  row.highest_fence.epoch = reader.u64();
  row.agent_version = reader.text();
  row.images = read_images(reader);
  row.failures = read_failures(reader);
  for (const std::string& node : reader.list()) {
    row.strangers.push_back(reader.element(node, &NodeId::parse));
  }
  row.capacity.disk_free_gib = reader.u64();
  row.conditions = read_conditions(reader);
  row.silent = reader.flag();
  return row;
}

}  // namespace dure::control
