#include <string>

#include "controlnode/edges/postgres/placement_mapping.h"
#include "controlnode/edges/postgres/rows.h"
#include "protocol/wire/codec_placement.h"

namespace dure::control {
namespace {

std::optional<PlacementKind> placement_kind(std::string_view text) {
  for (const PlacementKind kind :
       {PlacementKind::create, PlacementKind::scale, PlacementKind::replace, PlacementKind::repair}) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

// Whether it is what the row's nodes say.
std::optional<bool> refused(std::string_view outcome) {
  if (outcome == "refused") return true;
  return outcome == "placed" ? std::optional(false) : std::nullopt;
}

template <class Stored>
Stored decoded(Result<Stored> stored, std::uint64_t number) {
  if (stored) return std::move(stored).value();
  throw Unreadable{"database: decision " + std::to_string(number) + " cannot be read: " + stored.error().message};
}

}  // namespace

const Table& RowMap<PlacementRecord>::table() {
  static const Table table{"placement_records",
                           0,
                           "number",
                           {{"number", "bigint"},
                            {"segment", "bigint"},
                            {"at", "timestamptz", Shape::time},
                            {"kind", "text"},
                            {"cluster", "uuid"},
                            {"cluster_name", "text"},
                            {"outcome", "text"},
                            {"summary", "text"},
                            {"bytes", "bigint"},
                            {"question", "bytea"},
                            {"answer", "bytea"},
                            {"fleet", "bytea"}}};
  return table;
}

void RowMap<PlacementRecord>::write(RowWriter& writer, const PlacementRecord& row) {
  writer.number(row.number);
  writer.number(row.segment);
  writer.time(row.at);
  writer.text(to_string(row.kind));
  writer.id(row.cluster);
  writer.text(row.cluster_name);
  writer.text(row.refused() ? "refused" : "placed");
  writer.text(row.summary);
  writer.number(row.bytes);
  writer.bytes(wire::encode(stored_question(row)));
  writer.bytes(wire::encode(stored_answer(row)));
  writer.bytes(wire::encode(stored_fleet(row.fleet)));
}

PlacementRecord RowMap<PlacementRecord>::read(RowReader& reader) {
  PlacementRecord row;
  row.number = reader.u64();
  row.segment = reader.u64();
  row.at = reader.time();
  row.kind = reader.parsed(&placement_kind);
  reader.id(row.cluster);
  row.cluster_name = reader.text();
  const bool outcome = reader.parsed(&refused);
  row.summary = reader.text();
  row.bytes = reader.u64();
  read_question(decoded(wire::decode_stored_question(reader.bytes()), row.number), row);
  read_answer(decoded(wire::decode_stored_answer(reader.bytes()), row.number), row);
  row.fleet = decoded_fleet({row.number, reader.bytes()});
  if (row.refused() != outcome) throw Unreadable{"database: decision " + std::to_string(row.number) + " has two outcomes"};
  return row;
}

const Table& RowMap<FleetRow>::table() {
  static const Table table{"placement_records", 0, "number", {{"number", "bigint"}, {"fleet", "bytea"}}};
  return table;
}

void RowMap<FleetRow>::write(RowWriter& writer, const FleetRow& row) {
  writer.number(row.number);
  writer.bytes(row.fleet);
}

FleetRow RowMap<FleetRow>::read(RowReader& reader) {
  const std::uint64_t number = reader.u64();
  return {number, reader.bytes()};
}

const Table& RowMap<SegmentSize>::table() {
  static const Table table{
      "placement_records", 0, "segment", {{"segment", "bigint"}, {"count", "bigint"}, {"bytes", "bigint"}}};
  return table;
}

void RowMap<SegmentSize>::write(RowWriter& writer, const SegmentSize& row) {
  writer.number(row.first);
  writer.number(std::uint64_t{row.records});
  writer.number(row.bytes);
}

SegmentSize RowMap<SegmentSize>::read(RowReader& reader) {
  SegmentSize row;
  row.first = reader.u64();
  row.records = reader.u32();
  row.bytes = reader.u64();
  return row;
}

}  // namespace dure::control
