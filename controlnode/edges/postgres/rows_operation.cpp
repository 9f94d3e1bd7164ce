#include "controlnode/core/lifecycle.h"
#include "controlnode/edges/postgres/rows.h"

namespace dure::control {

const Table& RowMap<Operation>::table() {
  static const Table table{"operations",
                           1,
                           "id",
                           {{"id", "uuid"},
                            {"kind", "text"},
                            {"state", "text"},
                            {"cluster", "uuid"},
                            {"cluster_name", "text"},
                            {"error", "text"},
                            {"started_at", "timestamptz", Shape::time},
                            {"finished_at", "timestamptz", Shape::time}}};
  return table;
}

void RowMap<Operation>::write(RowWriter& writer, const Operation& row) {
  writer.id(row.id);
  writer.text(to_string(row.kind));
  writer.text(to_string(row.state));
  writer.id(row.cluster);
  writer.text(row.cluster_name);
  writer.text(row.error);
  writer.time(row.started_at);
  writer.time(row.finished_at);
}

Operation RowMap<Operation>::read(RowReader& reader) {
  Operation row;
  reader.id(row.id);
  row.kind = reader.parsed(&operation_kind);
  row.state = reader.parsed(&operation_state);
  reader.id(row.cluster);
  row.cluster_name = reader.text();
  row.error = reader.text();
  row.started_at = reader.time();
  row.finished_at = reader.maybe_time();
  return row;
}

const Table& RowMap<StepRow>::table() {
  static const Table table{"operation_steps",
                           2,
                           "operation, position",
                           {{"operation", "uuid"},
                            {"position", "integer"},
                            {"name", "text"},
                            {"state", "text"},
                            {"done", "bigint"},
                            {"total", "bigint"},
                            {"detail", "text"},
                            {"started_at", "timestamptz", Shape::time},
                            {"finished_at", "timestamptz", Shape::time}}};
  return table;
}

void RowMap<StepRow>::write(RowWriter& writer, const StepRow& row) {
  writer.id(row.operation);
  writer.number(std::uint64_t{row.position});
  writer.text(row.step.name);
  writer.text(to_string(row.step.state));
  writer.number(std::uint64_t{row.step.done});
  writer.number(std::uint64_t{row.step.total});
  writer.text(row.step.detail);
  writer.time(row.step.started_at);
  writer.time(row.step.finished_at);
}

StepRow RowMap<StepRow>::read(RowReader& reader) {
  StepRow row;
  reader.id(row.operation);
  row.position = reader.u32();
  row.step.name = reader.text();
  row.step.state = reader.parsed(&step_state);
  row.step.done = reader.u32();
  row.step.total = reader.u32();
  row.step.detail = reader.text();
  row.step.started_at = reader.maybe_time();
  row.step.finished_at = reader.maybe_time();
  return row;
}

const Table& RowMap<IdempotencyRecord>::table() {
  static const Table table{"idempotency_keys",
                           1,
                           "key",
                           {{"key", "text"},
                            {"request_sha256", "text"},
                            {"operation", "uuid"},
                            {"cluster", "uuid"},
                            {"made_at", "timestamptz", Shape::time}}};
  return table;
}

void RowMap<IdempotencyRecord>::write(RowWriter& writer, const IdempotencyRecord& row) {
  writer.text(row.key);
  writer.digest(row.request);
  writer.id(row.operation);
  writer.id(row.cluster);
  writer.time(row.made_at);
}

IdempotencyRecord RowMap<IdempotencyRecord>::read(RowReader& reader) {
  IdempotencyRecord row;
  row.key = reader.text();
  row.request = reader.digest();
  reader.id(row.operation);
  reader.id(row.cluster);
  row.made_at = reader.time();
  return row;
}

const Table& RowMap<EventRow>::table() {
  static const Table table{"events",
                           0,
                           "number",
                           {{"number", "bigint"},
                            {"at", "timestamptz", Shape::time},
                            {"kind", "text"},
                            {"subject", "uuid"},
                            {"subject_name", "text"},
                            {"message", "text"}}};
  return table;
}

void RowMap<EventRow>::write(RowWriter& writer, const EventRow& row) {
  writer.number(row.number);
  writer.time(row.at);
  writer.text(row.kind);
  writer.uuid(row.subject);
  writer.text(row.subject_name);
  writer.text(row.message);
}

EventRow RowMap<EventRow>::read(RowReader& reader) {
  EventRow row;
  row.number = reader.u64();
  row.at = reader.time();
  row.kind = reader.text();
  row.subject = reader.uuid();
  row.subject_name = reader.text();
  row.message = reader.text();
  return row;
}

}  // namespace dure::control
