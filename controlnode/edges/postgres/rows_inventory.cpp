#include "controlnode/core/lifecycle.h"
#include "controlnode/core/quota.h"
#include "controlnode/edges/postgres/rows.h"

namespace dure::control {
namespace {

void write_resources(RowWriter& writer, const Resources& amount) {
  writer.number(amount.vcpus);
  writer.number(amount.memory_mib);
  writer.number(amount.disk_gib);
}

Resources read_resources(RowReader& reader) {
  Resources amount;
  amount.vcpus = reader.i64();
  amount.memory_mib = reader.i64();
  amount.disk_gib = reader.i64();
  return amount;
}

void write_blob(RowWriter& writer, const BlobRef& blob) {
  writer.digest(blob.digest);
  writer.number(blob.size_bytes);
}

BlobRef read_blob(RowReader& reader) {
  BlobRef blob;
  blob.digest = reader.digest();
  blob.size_bytes = reader.u64();
  return blob;
}

}  // namespace

const Table& RowMap<Site>::table() {
  static const Table table{
      "sites", 1, "id", {{"id", "uuid"}, {"name", "text"}, {"underlay_mtu", "integer"}}};
  return table;
}

void RowMap<Site>::write(RowWriter& writer, const Site& row) {
  writer.id(row.id);
  writer.text(row.name);
  writer.number(std::uint64_t{row.underlay_mtu});
}

Site RowMap<Site>::read(RowReader& reader) {
  Site row;
  reader.id(row.id);
  row.name = reader.text();
  row.underlay_mtu = reader.u16();
  return row;
}

const Table& RowMap<Host>::table() {
  static const Table table{"hosts",
                           1,
                           "id",
                           {{"id", "uuid"},
                            {"name", "text"},
                            {"site", "uuid"},
                            {"address", "inet"},
                            {"curve_key", "text"},
                            {"class", "text"},
                            {"vcpus", "bigint"},
                            {"memory_mib", "bigint"},
                            {"disk_gib", "bigint"},
                            {"reserve_vcpus", "bigint"},
                            {"reserve_memory_mib", "bigint"},
                            {"reserve_disk_gib", "bigint"},
                            {"cordoned", "boolean"},
                            {"room", "text"},
                            {"labels", "text[]", Shape::list},
                            {"busy_from", "timestamptz[]", Shape::times},
                            {"busy_until", "timestamptz[]", Shape::times},
                            {"vcpu_overcommit_percent", "bigint"},
                            {"lost_at", "timestamptz", Shape::time}}};
  return table;
}

void RowMap<Host>::write(RowWriter& writer, const Host& row) {
  writer.id(row.id);
  writer.text(row.name);
  writer.id(row.site);
  writer.address(row.address);
  writer.text(row.curve_key);
  writer.text(to_string(row.host_class));
  write_resources(writer, row.capacity);
  write_resources(writer, row.reserve);
  writer.flag(row.cordoned);
  writer.text(row.room);
  writer.list(row.labels, [](ArrayText& list, const auto& label) {
    list.add_text(label.first);
    list.add_text(label.second);
  });
  using Window = BusyWindow;
  writer.list(row.busy, [](ArrayText& list, const Window& window) { list.add_plain(std::to_string(window.from.us)); });
  writer.list(row.busy, [](ArrayText& list, const Window& window) { list.add_plain(std::to_string(window.until.us)); });
  writer.number(row.vcpu_overcommit_percent);
  writer.time(row.lost_at);
}

Host RowMap<Host>::read(RowReader& reader) {
  Host row;
  reader.id(row.id);
  row.name = reader.text();
  reader.id(row.site);
  row.address = reader.address();
  row.curve_key = reader.text();
  row.host_class = reader.parsed(&host_class);
  row.capacity = read_resources(reader);
  row.reserve = read_resources(reader);
  row.cordoned = reader.flag();
  row.room = reader.text();
  const auto labels = reader.list();
  for (std::size_t i = 0; i + 1 < labels.size(); i += 2) row.labels.emplace(labels[i], labels[i + 1]);
  const auto from = reader.list();
  const auto until = reader.list();
  // The database checks that they are of one length.
  for (std::size_t i = 0; i < from.size() && i < until.size(); ++i) {
    row.busy.push_back({TimePoint{reader.element_i64(from[i])}, TimePoint{reader.element_i64(until[i])}});
  }
  row.vcpu_overcommit_percent = reader.maybe_i64();
  row.lost_at = reader.maybe_time();
  return row;
}

const Table& RowMap<Image>::table() {
  static const Table table{"images",
                           1,
                           "id",
                           {{"id", "uuid"},
                            {"name", "text"},
                            {"disk_sha256", "text"},
                            {"disk_bytes", "bigint"},
                            {"kernel_sha256", "text"},
                            {"kernel_bytes", "bigint"},
                            {"initrd_sha256", "text"},
                            {"initrd_bytes", "bigint"},
                            {"cmdline", "text"},
                            {"min_disk_gib", "bigint"},
                            {"kubernetes", "text"}}};
  return table;
}

void RowMap<Image>::write(RowWriter& writer, const Image& row) {
  writer.id(row.id);
  writer.text(row.name);
  write_blob(writer, row.disk);
  write_blob(writer, row.kernel);
  write_blob(writer, row.initrd);
  writer.text(row.cmdline);
  writer.number(std::uint64_t{row.min_disk_gib});
  writer.text(row.kubernetes);
}

Image RowMap<Image>::read(RowReader& reader) {
  Image row;
  reader.id(row.id);
  row.name = reader.text();
  row.disk = read_blob(reader);
  row.kernel = read_blob(reader);
  row.initrd = read_blob(reader);
  row.cmdline = reader.text();
  row.min_disk_gib = reader.u32();
  row.kubernetes = reader.text();
  return row;
}

const Table& RowMap<Flavor>::table() {
  static const Table table{"flavors",
                           1,
                           "id",
                           {{"id", "uuid"},
                            {"name", "text"},
                            {"vcpus", "bigint"},
                            {"memory_mib", "bigint"},
                            {"disk_gib", "bigint"}}};
  return table;
}

void RowMap<Flavor>::write(RowWriter& writer, const Flavor& row) {
  writer.id(row.id);
  writer.text(row.name);
  write_resources(writer, {row.vcpus, row.memory_mib, row.disk_gib});
}

Flavor RowMap<Flavor>::read(RowReader& reader) {
  Flavor row;
  reader.id(row.id);
  row.name = reader.text();
  row.vcpus = reader.u32();
  row.memory_mib = reader.u32();
  row.disk_gib = reader.u32();
  return row;
}

const Table& RowMap<Project>::table() {
  static const Table table{"projects",
                           1,
                           "id",
                           {{"id", "uuid"},
                            {"name", "text"},
                            {"quota_vcpus", "bigint"},
                            {"quota_memory_mib", "bigint"},
                            {"quota_disk_gib", "bigint"},
                            {"quota_nodes", "bigint"},
                            {"quota_clusters", "bigint"}}};
  return table;
}

void RowMap<Project>::write(RowWriter& writer, const Project& row) {
  writer.id(row.id);
  writer.text(row.name);
  for (const QuotaPart& part : quota_parts()) writer.number(row.quota.*part.limit);
}

Project RowMap<Project>::read(RowReader& reader) {
  Project row;
  reader.id(row.id);
  row.name = reader.text();
  for (const QuotaPart& part : quota_parts()) row.quota.*part.limit = reader.maybe_i64();
  return row;
}

const Table& RowMap<KeyPair>::table() {
  static const Table table{
      "key_pairs",
      1,
      "id",
      {{"id", "uuid"}, {"project", "uuid"}, {"name", "text"}, {"public_key", "text"}}};
  return table;
}

void RowMap<KeyPair>::write(RowWriter& writer, const KeyPair& row) {
  writer.id(row.id);
  writer.id(row.project);
  writer.text(row.name);
  writer.text(row.public_key);
}

KeyPair RowMap<KeyPair>::read(RowReader& reader) {
  KeyPair row;
  reader.id(row.id);
  reader.id(row.project);
  row.name = reader.text();
  row.public_key = reader.text();
  return row;
}

const Table& RowMap<Claim>::table() {
  static const Table table{"claims",
                           1,
                           "node",
                           {{"node", "uuid"},
                            {"host", "uuid"},
                            {"vcpus", "bigint"},
                            {"memory_mib", "bigint"},
                            {"disk_gib", "bigint"},
                            {"project", "uuid"},
                            {"replaced", "boolean"}}};
  return table;
}

void RowMap<Claim>::write(RowWriter& writer, const Claim& row) {
  writer.id(row.node);
  writer.id(row.host);
  write_resources(writer, row.amount);
  writer.id(row.project);
  writer.flag(row.replaced);
}

Claim RowMap<Claim>::read(RowReader& reader) {
  Claim row;
  reader.id(row.node);
  reader.id(row.host);
  row.amount = read_resources(reader);
  reader.id(row.project);
  row.replaced = reader.flag();
  return row;
}

}  // namespace dure::control
