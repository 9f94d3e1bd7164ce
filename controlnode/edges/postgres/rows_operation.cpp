#include "controlnode/core/lifecycle.h"
#include "controlnode/edges/postgres/rows.h"

namespace dure::control {

namespace {

using Step = OperationStep;

// A list of one thing that each step has.
template <class Of>
void write_plain(RowWriter& writer, const std::vector<Step>& steps, const Of& of) {
  writer.list(steps, [&](ArrayText& list, const Step& step) { list.add_plain(std::to_string(of(step))); });
}

// Not yet: 0, which no step was at.
std::int64_t when(const std::optional<TimePoint>& time) { return time ? time->us : 0; }
std::optional<TimePoint> when(std::int64_t us) { return us == 0 ? std::nullopt : std::optional(TimePoint{us}); }

void write_steps(RowWriter& writer, const std::vector<Step>& steps) {
  writer.list(steps, [](ArrayText& list, const Step& step) { list.add_text(step.name); });
  writer.list(steps, [](ArrayText& list, const Step& step) { list.add_plain(to_string(step.state)); });
  write_plain(writer, steps, [](const Step& step) { return step.done; });
  write_plain(writer, steps, [](const Step& step) { return step.total; });
  writer.list(steps, [](ArrayText& list, const Step& step) { list.add_text(step.detail); });
  write_plain(writer, steps, [](const Step& step) { return when(step.started_at); });
  write_plain(writer, steps, [](const Step& step) { return when(step.finished_at); });
}

// The database checks that the lists are of one length.
std::vector<Step> read_steps(RowReader& reader) {
  const auto names = reader.list(), states = reader.list(), done = reader.list(), total = reader.list(),
             details = reader.list(), started = reader.list(), finished = reader.list();
  std::vector<Step> steps;
  for (std::size_t i = 0; i < names.size() && i < finished.size(); ++i) {
    steps.push_back({names[i], reader.element(states[i], &step_state), reader.element_u32(done[i]),
                     reader.element_u32(total[i]), details[i], when(reader.element_i64(started[i])),
                     when(reader.element_i64(finished[i]))});
  }
  return steps;
}

}  // namespace

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
                            {"finished_at", "timestamptz", Shape::time},
                            {"step_names", "text[]", Shape::list},
                            {"step_states", "text[]", Shape::list},
                            {"steps_done", "bigint[]", Shape::list},
                            {"steps_total", "bigint[]", Shape::list},
                            {"step_details", "text[]", Shape::list},
                            {"steps_started_us", "bigint[]", Shape::list},
                            {"steps_finished_us", "bigint[]", Shape::list},
                            {"warning", "text"}}};
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
  write_steps(writer, row.steps);
  writer.text(row.warning);
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
  row.steps = read_steps(reader);
  row.warning = reader.text();
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
                            {"made_us", "bigint"}}};
  return table;
}

void RowMap<IdempotencyRecord>::write(RowWriter& writer, const IdempotencyRecord& row) {
  writer.text(row.key);
  writer.digest(row.request);
  writer.id(row.operation);
  writer.id(row.cluster);
  writer.steady(row.made_at);
}

IdempotencyRecord RowMap<IdempotencyRecord>::read(RowReader& reader) {
  IdempotencyRecord row;
  row.key = reader.text();
  row.request = reader.digest();
  reader.id(row.operation);
  reader.id(row.cluster);
  row.made_at = reader.steady();
  return row;
}

const Table& RowMap<EventPage>::table() {
  static const Table table{"event_pages",
                           0,
                           "first",
                           {{"first", "bigint"},
                            {"last", "bigint"},
                            {"at_us", "bigint[]", Shape::list},
                            {"kinds", "text[]", Shape::list},
                            {"subjects", "uuid[]", Shape::list},
                            {"subject_names", "text[]", Shape::list},
                            {"messages", "text[]", Shape::list}}};
  return table;
}

void RowMap<EventPage>::write(RowWriter& writer, const EventPage& row) {
  const std::vector<EventRow>& events = row.events;
  writer.number(events.front().number);
  writer.number(events.back().number);
  writer.list(events, [](ArrayText& list, const EventRow& event) { list.add_plain(std::to_string(event.at.us)); });
  writer.list(events, [](ArrayText& list, const EventRow& event) { list.add_text(event.kind); });
  writer.list(events, [](ArrayText& list, const EventRow& event) { list.add_plain(event.subject.str()); });
  writer.list(events, [](ArrayText& list, const EventRow& event) { list.add_text(event.subject_name); });
  writer.list(events, [](ArrayText& list, const EventRow& event) { list.add_text(event.message); });
}

// The database checks that the lists are as long as there are numbers.
EventPage RowMap<EventPage>::read(RowReader& reader) {
  EventPage row;
  std::uint64_t number = reader.u64();
  reader.u64();
  const auto times = reader.list(), kinds = reader.list(), subjects = reader.list(), names = reader.list(),
             messages = reader.list();
  for (std::size_t i = 0; i < times.size() && i < messages.size(); ++i) {
    row.events.push_back({number++, TimePoint{reader.element_i64(times[i])}, kinds[i],
                          reader.element(subjects[i], &Uuid::parse), names[i], messages[i]});
  }
  return row;
}

}  // namespace dure::control
