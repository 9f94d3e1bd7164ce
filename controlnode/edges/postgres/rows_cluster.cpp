#include <string>

#include "controlnode/core/lifecycle.h"
#include "controlnode/edges/postgres/rows.h"

namespace dure::control {
namespace {

void write_pool(RowWriter& writer, const NodePool& pool) {
  writer.number(std::uint64_t{pool.count});
  const auto text = [](ArrayText& list, const std::string& item) { list.add_text(item); };
  writer.list(pool.rules.rooms, text);
  writer.list(pool.rules.labels, text);
  writer.list(pool.rules.classes, [](ArrayText& list, HostClass item) { list.add_text(to_string(item)); });
}

NodePool read_pool(RowReader& reader) {
  NodePool pool;
  pool.count = reader.u32();
  pool.rules.rooms = reader.list();
  pool.rules.labels = reader.list();
  for (const std::string& item : reader.list()) pool.rules.classes.push_back(reader.element(item, &host_class));
  return pool;
}

}  // namespace

const Table& RowMap<Cluster>::table() {
  static const Table table{"clusters",
                           1,
                           "id",
                           {{"id", "uuid"},
                            {"project", "uuid"},
                            {"name", "text"},
                            {"state", "text"},
                            {"reason", "text"},
                            {"flavor", "uuid"},
                            {"image", "uuid"},
                            {"key_pair", "uuid"},
                            {"network", "uuid"},
                            {"sites", "uuid[]", Shape::list},
                            {"next_worker", "bigint"},
                            {"next_address", "bigint"},
                            {"operation", "uuid"},
                            {"created_at", "timestamptz", Shape::time},
                            {"kubernetes_version", "text"},
                            {"cni", "text"},
                            {"pods", "cidr"},
                            {"services", "cidr"},
                            {"strategy", "text"},
                            {"apart", "boolean"},
                            {"survive", "text"},
                            {"until", "timestamptz", Shape::time},
                            {"control_planes", "bigint"},
                            {"control_plane_rooms", "text[]", Shape::list},
                            {"control_plane_labels", "text[]", Shape::list},
                            {"control_plane_classes", "text[]", Shape::list},
                            {"workers", "bigint"},
                            {"worker_rooms", "text[]", Shape::list},
                            {"worker_labels", "text[]", Shape::list},
                            {"worker_classes", "text[]", Shape::list},
                            {"delete_at", "timestamptz", Shape::time},
                            {"departing_names", "text[]", Shape::list},
                            {"departing_addresses", "inet[]", Shape::list},
                            {"access_revision", "bigint"},
                            {"access_done", "bigint"},
                            {"since", "timestamptz", Shape::time}}};
  return table;
}

void RowMap<Cluster>::write(RowWriter& writer, const Cluster& row) {
  writer.id(row.id);
  writer.id(row.project);
  writer.text(row.name);
  writer.text(to_string(row.state));
  writer.text(row.reason);
  writer.id(row.flavor);
  writer.id(row.image);
  writer.id(row.key_pair);
  writer.id(row.network);
  writer.list(row.sites, [](ArrayText& list, const SiteId& site) { list.add_plain(site.str()); });
  writer.number(std::uint64_t{row.next_worker});
  writer.number(std::uint64_t{row.next_address});
  writer.id(row.operation);
  writer.time(row.created_at);
  writer.text(row.kubernetes.version);
  writer.text(to_string(row.kubernetes.cni));
  writer.prefix(row.kubernetes.pods);
  writer.prefix(row.kubernetes.services);
  writer.text(to_string(row.layout.strategy));
  writer.flag(row.layout.apart);
  writer.text(to_string(row.layout.survive));
  writer.time(row.until);
  write_pool(writer, row.control_planes);
  write_pool(writer, row.workers);
  writer.time(row.delete_at);
  writer.list(row.departing, [](ArrayText& list, const Departing& node) { list.add_text(node.name); });
  writer.list(row.departing, [](ArrayText& list, const Departing& node) { list.add_plain(node.address.str()); });
  writer.number(row.access_revision);
  writer.number(row.access_done);
  writer.time(row.since);
}

Cluster RowMap<Cluster>::read(RowReader& reader) {
  Cluster row;
  reader.id(row.id);
  reader.id(row.project);
  row.name = reader.text();
  row.state = reader.parsed(&cluster_state);
  row.reason = reader.text();
  reader.id(row.flavor);
  reader.id(row.image);
  reader.id(row.key_pair);
  reader.id(row.network);
  for (const std::string& site : reader.list()) {
    row.sites.push_back(reader.element(site, &SiteId::parse));
  }
  row.next_worker = reader.u32();
  row.next_address = reader.u32();
  reader.id(row.operation);
  row.created_at = reader.time();
  row.kubernetes.version = reader.text();
  row.kubernetes.cni = reader.parsed(&cni);
  row.kubernetes.pods = reader.prefix();
  row.kubernetes.services = reader.prefix();
  row.layout.strategy = reader.parsed(&strategy);
  row.layout.apart = reader.flag();
  row.layout.survive = reader.parsed(&survive);
  row.until = reader.maybe_time();
  row.control_planes = read_pool(reader);
  row.workers = read_pool(reader);
  row.delete_at = reader.maybe_time();
  // The database checks that they are of one length.
  const auto names = reader.list(), addresses = reader.list();
  for (std::size_t i = 0; i < names.size() && i < addresses.size(); ++i) {
    row.departing.push_back({names[i], reader.element(addresses[i], &Ipv4::parse)});
  }
  row.access_revision = reader.u64();
  row.access_done = reader.u64();
  row.since = reader.time();
  return row;
}

const Table& RowMap<Node>::table() {
  static const Table table{"nodes",
                           1,
                           "id",
                           {{"id", "uuid"},
                            {"cluster", "uuid"},
                            {"name", "text"},
                            {"role", "text"},
                            {"host", "uuid"},
                            {"generation", "bigint"},
                            {"mac", "macaddr"},
                            {"address", "inet"},
                            {"state", "text"},
                            {"reason", "text"},
                            {"vm_state", "text"},
                            {"observed_generation", "numeric"},
                            {"stage_names", "text[]", Shape::list},
                            {"stage_at_ms", "numeric[]", Shape::list},
                            {"deadline_us", "bigint"},
                            {"created_at", "timestamptz", Shape::time},
                            {"ready_at", "timestamptz", Shape::time},
                            {"pods", "cidr"},
                            {"joined", "boolean"},
                            {"served", "boolean"},
                            {"power", "text"},
                            {"restart", "bigint"},
                            {"guest_boot", "uuid"},
                            {"not_ready", "boolean"},
                            {"doubt", "text"},
                            {"since", "timestamptz", Shape::time}}};
  return table;
}

void RowMap<Node>::write(RowWriter& writer, const Node& row) {
  writer.id(row.id);
  writer.id(row.cluster);
  writer.text(row.name);
  writer.text(to_string(row.role));
  writer.id(row.host);
  writer.number(row.generation);
  writer.mac(row.mac);
  writer.address(row.address);
  writer.text(to_string(row.state));
  writer.text(row.reason);
  writer.text(to_string(row.vm_state));
  writer.number(row.observed_generation);
  writer.list(row.stages,
              [](ArrayText& list, const GuestStage& stage) { list.add_text(stage.name); });
  writer.list(row.stages, [](ArrayText& list, const GuestStage& stage) {
    list.add_plain(std::to_string(stage.at_ms));
  });
  writer.steady(row.deadline);
  writer.time(row.created_at);
  writer.time(row.ready_at);
  writer.prefix(row.pods);
  writer.flag(row.joined);
  writer.flag(row.served);
  writer.text(to_string(row.power));
  writer.number(row.restart);
  writer.uuid(row.guest_boot);
  writer.flag(row.not_ready);
  writer.text(to_string(row.doubt));
  writer.time(row.since);
}

Node RowMap<Node>::read(RowReader& reader) {
  Node row;
  reader.id(row.id);
  reader.id(row.cluster);
  row.name = reader.text();
  row.role = reader.parsed(&role);
  reader.id(row.host);
  row.generation = reader.u64();
  row.mac = reader.mac();
  row.address = reader.address();
  row.state = reader.parsed(&node_state);
  row.reason = reader.text();
  row.vm_state = reader.parsed(&vm_state);
  row.observed_generation = reader.u64();
  const auto names = reader.list();
  const auto times = reader.list();
  for (std::size_t i = 0; i < names.size() && i < times.size(); ++i) {
    row.stages.push_back({names[i], reader.element_u64(times[i])});
  }
  row.deadline = reader.maybe_steady();
  row.created_at = reader.time();
  row.ready_at = reader.maybe_time();
  row.pods = reader.prefix();
  row.joined = reader.flag();
  row.served = reader.flag();
  row.power = reader.parsed(&power);
  row.restart = reader.u64();
  row.guest_boot = reader.uuid();
  row.not_ready = reader.flag();
  row.doubt = reader.parsed(&doubt);
  row.since = reader.time();
  return row;
}

const Table& RowMap<PutIdentity>::table() {
  static const Table table{
      "cluster_identities", 1, "cluster", {{"cluster", "uuid"}, {"sealed", "bytea"}}};
  return table;
}

void RowMap<PutIdentity>::write(RowWriter& writer, const PutIdentity& row) {
  writer.id(row.cluster);
  writer.bytes(row.sealed);
}

PutIdentity RowMap<PutIdentity>::read(RowReader& reader) {
  PutIdentity row;
  reader.id(row.cluster);
  row.sealed = reader.bytes();
  return row;
}

const Table& RowMap<ClusterAccess>::table() {
  static const Table table{"cluster_accesses",
                           1,
                           "id",
                           {{"id", "uuid"},
                            {"cluster", "uuid"},
                            {"user_name", "text"},
                            {"issued_at", "timestamptz", Shape::time},
                            {"expires_at", "timestamptz", Shape::time},
                            {"revoked_at", "timestamptz", Shape::time},
                            {"revision", "bigint"}}};
  return table;
}

void RowMap<ClusterAccess>::write(RowWriter& writer, const ClusterAccess& row) {
  writer.id(row.id);
  writer.id(row.cluster);
  writer.text(row.user);
  writer.time(row.issued_at);
  writer.time(row.expires_at);
  writer.time(row.revoked_at);
  writer.number(row.revision);
}

ClusterAccess RowMap<ClusterAccess>::read(RowReader& reader) {
  ClusterAccess row;
  reader.id(row.id);
  reader.id(row.cluster);
  row.user = reader.text();
  row.issued_at = reader.time();
  row.expires_at = reader.time();
  row.revoked_at = reader.maybe_time();
  row.revision = reader.u64();
  return row;
}

const Table& RowMap<Network>::table() {
  static const Table table{"networks",
                           1,
                           "id",
                           {{"id", "uuid"},
                            {"cluster", "uuid"},
                            {"vni", "bigint"},
                            {"prefix", "cidr"},
                            {"gateway", "inet"},
                            {"gateway_mac", "macaddr"},
                            {"mtu", "integer"}}};
  return table;
}

void RowMap<Network>::write(RowWriter& writer, const Network& row) {
  writer.id(row.id);
  writer.id(row.cluster);
  writer.number(std::uint64_t{row.vni});
  writer.prefix(row.prefix);
  writer.address(row.gateway);
  writer.mac(row.gateway_mac);
  writer.number(std::uint64_t{row.mtu});
}

Network RowMap<Network>::read(RowReader& reader) {
  Network row;
  reader.id(row.id);
  reader.id(row.cluster);
  row.vni = reader.u32();
  row.prefix = reader.prefix();
  row.gateway = reader.address();
  row.gateway_mac = reader.mac();
  row.mtu = reader.u16();
  return row;
}

}  // namespace dure::control
