#include "controlnode/edges/http/read_request.h"

#include <string_view>
#include <utility>

#include "common/ip.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/lifecycle.h"
#include "controlnode/core/quota.h"
#include "controlnode/edges/http/body_reader.h"
#include "controlnode/edges/http/read_placement.h"

namespace dure::control {
namespace {

constexpr std::size_t kMaxName = BodyReader::kMaxName;
constexpr std::size_t kMaxCatalogName = BodyReader::kMaxCatalogName;
using Reader = BodyReader;

Resources read_resources(Reader& reader, bool required) {
  Resources amount;
  const std::int64_t low = required ? 1 : 0;
  amount.vcpus = reader.number<std::int64_t>("vcpus", low, 4096, required);
  amount.memory_mib = reader.number<std::int64_t>("memory_mib", low, 64LL << 20, required);
  amount.disk_gib = reader.number<std::int64_t>("disk_gib", low, 1 << 20, required);
  return amount;
}

BlobRef read_blob(Reader& parent, std::string_view name, bool required) {
  BlobRef blob;
  auto reader = parent.nested(name, required);
  if (!reader) return blob;
  blob.digest = reader->parsed<Digest>("sha256", &Digest::parse, "64 hexadecimal digits");
  blob.size_bytes = reader->number<std::uint64_t>("size_bytes", 1, 1LL << 44, true);
  parent.absorb(*reader);
  return blob;
}

}  // namespace

ReadResult<CreateCluster> read_create_cluster(const std::string& body) {
  Reader reader(body, "");
  CreateCluster wanted;
  wanted.project = reader.name("project", false, "default");
  wanted.name = reader.name("name", true);
  wanted.control_planes = reader.number<std::uint32_t>("control_planes", 1, 3, false, 1);
  if (wanted.control_planes == 2) reader.wrong("control_planes", "1 or 3 is wanted");
  wanted.workers = reader.number<std::uint32_t>("workers", 0, 1000, true);
  wanted.flavor = reader.text("flavor", kMaxCatalogName, true);
  wanted.image = reader.text("image", kMaxCatalogName, true);
  wanted.key_pair = reader.text("key_pair", kMaxName, true);
  wanted.sites = reader.names("sites", 64);
  const auto pod_network = reader.text("cni", 16, false, "native");
  if (const auto known = cni(pod_network)) {
    wanted.cni = *known;
  } else {
    reader.wrong("cni", "native or none is wanted");
  }
  read_wishes(reader, wanted);
  wanted.dry_run = reader.flag("dry_run");
  return reader.finish(std::move(wanted));
}

ReadResult<GiveAccess> read_give_access(const std::string& cluster, const std::string& body) {
  Reader reader(body.empty() ? "{}" : body, "");
  GiveAccess wanted;
  wanted.cluster = cluster;
  wanted.seconds =
      reader.number<std::int64_t>("seconds", 600, 30LL * 24 * 3600, false, wanted.seconds);
  return reader.finish(std::move(wanted));
}

ReadResult<LoseHost> read_lose_host(const std::string& host, const std::string& body) {
  Reader reader(body.empty() ? "{}" : body, "");
  LoseHost wanted;
  wanted.host = host;
  wanted.force = reader.flag("force");
  return reader.finish(std::move(wanted));
}

ReadResult<ReplaceNode> read_replace_node(const std::string& cluster, const std::string& body) {
  Reader reader(body, "");
  ReplaceNode wanted;
  wanted.cluster = cluster;
  wanted.node = reader.text("node", 64, true);
  wanted.dry_run = reader.flag("dry_run");
  return reader.finish(std::move(wanted));
}

ReadResult<RepairCluster> read_repair_cluster(const std::string& cluster, const std::string& body) {
  Reader reader(body.empty() ? "{}" : body, "");
  RepairCluster wanted;
  wanted.cluster = cluster;
  wanted.lost = reader.flag("lost");
  wanted.dry_run = reader.flag("dry_run");
  return reader.finish(std::move(wanted));
}

ReadResult<ScaleCluster> read_scale_cluster(const std::string& cluster, const std::string& body) {
  Reader reader(body, "");
  ScaleCluster wanted;
  wanted.cluster = cluster;
  wanted.workers = reader.number<std::uint32_t>("workers", 0, 1000, true);
  wanted.dry_run = reader.flag("dry_run");
  return reader.finish(std::move(wanted));
}

ReadResult<WhatIf> read_what_if(const std::string& body) {
  constexpr std::size_t kMostNamed = 100;
  Reader reader(body, "");
  WhatIf wanted;
  CreateCluster& request = wanted.request;
  request.project = reader.name("project", false, "default");
  request.control_planes = reader.number<std::uint32_t>("control_planes", 1, 3, false, 1);
  request.workers = reader.number<std::uint32_t>("workers", 0, 1000, true);
  request.flavor = reader.text("flavor", kMaxCatalogName, true);
  request.image = reader.text("image", kMaxCatalogName, true);
  request.sites = reader.names("sites", 64);
  read_wishes(reader, request);
  reader.objects("add", kMostNamed, [&](Reader& one) {
    ImaginedHosts& hosts = wanted.add.emplace_back();
    hosts.site = one.text("site", kMaxName, true);
    hosts.room = one.text("room", 32, false);
    const auto known = host_class(one.text("class", 16, false, "scavenged"));
    if (!known) one.wrong("class", "anchor or scavenged is wanted");
    hosts.host_class = known.value_or(HostClass::scavenged);
    hosts.capacity = read_resources(one, true);
    hosts.count = one.number<std::uint32_t>("count", 1, kMostImagined, false, 1);
  });
  wanted.remove = reader.names("remove", kMostNamed);
  wanted.uncordon = reader.names("uncordon", kMostNamed);
  return reader.finish(std::move(wanted));
}

ReadResult<CreateSite> read_create_site(const std::string& body) {
  Reader reader(body, "");
  CreateSite wanted;
  wanted.name = reader.name("name", true);
  wanted.underlay_mtu = reader.number<std::uint16_t>("underlay_mtu", 1280, 9216, false, 1500);
  return reader.finish(std::move(wanted));
}

namespace {

constexpr std::string_view kOvercommit = "vcpu_overcommit_percent";

// Null, like nothing: none of its own.
std::optional<std::int64_t> read_overcommit(Reader& reader) {
  if (!reader.has(kOvercommit)) return std::nullopt;
  return reader.number<std::int64_t>(kOvercommit, kMinOvercommitPercent, kMaxOvercommitPercent, false, kMinOvercommitPercent);
}

}  // namespace

ReadResult<AddHost> read_add_host(const std::string& body) {
  Reader reader(body, "");
  AddHost wanted;
  wanted.name = reader.name("name", true);
  wanted.site = reader.text("site", kMaxName, true);
  wanted.id = reader.parsed<HostId>("id", &HostId::parse, "a UUID");
  wanted.address = reader.parsed<Ipv4>("address", &Ipv4::parse, "an IPv4 address");
  wanted.curve_key = reader.text("curve_key", 40, true);
  const auto the_class = reader.text("class", 16, false, "scavenged");
  if (const auto known = host_class(the_class)) {
    wanted.host_class = *known;
  } else {
    reader.wrong("class", "anchor or scavenged is wanted");
  }
  if (auto capacity = reader.nested("capacity", true)) {
    wanted.capacity = read_resources(*capacity, true);
    reader.absorb(*capacity);
  }
  if (auto reserve = reader.nested("reserve", false)) {
    wanted.reserve = read_resources(*reserve, false);
    reader.absorb(*reserve);
  }
  wanted.room = reader.text("room", 32, false);
  for (auto& [key, value] : reader.texts("labels", kMaxLabels, false)) wanted.labels[key] = std::move(*value);
  wanted.vcpu_overcommit_percent = read_overcommit(reader);
  return reader.finish(std::move(wanted));
}

ReadResult<UpdateHost> read_update_host(const std::string& host, const std::string& body) {
  Reader reader(body, "");
  UpdateHost wanted;
  wanted.host = host;
  if (reader.has("address")) wanted.address = reader.parsed<Ipv4>("address", &Ipv4::parse, "an IPv4 address");
  if (reader.has("room")) wanted.room = reader.text("room", 32, true);
  wanted.labels = reader.texts("labels", 2 * kMaxLabels, true);
  if (reader.has("busy")) wanted.busy = read_busy(reader, "busy");
  wanted.more_busy = read_busy(reader, "more_busy");
  if (reader.given(kOvercommit)) wanted.vcpu_overcommit_percent = read_overcommit(reader);
  return reader.finish(std::move(wanted));
}

ReadResult<ReplaceHost> read_replace_host(const std::string& host, const std::string& body) {
  Reader reader(body, "");
  ReplaceHost wanted;
  wanted.host = host;
  wanted.id = reader.parsed<HostId>("id", &HostId::parse, "a UUID");
  wanted.curve_key = reader.text("curve_key", 40, true);
  if (reader.has("address")) wanted.address = reader.parsed<Ipv4>("address", &Ipv4::parse, "an IPv4 address");
  return reader.finish(std::move(wanted));
}

ReadResult<CreateFlavor> read_create_flavor(const std::string& body) {
  Reader reader(body, "");
  CreateFlavor wanted;
  wanted.name = reader.catalog_name("name");
  wanted.vcpus = reader.number<std::uint32_t>("vcpus", 1, 256, true);
  wanted.memory_mib = reader.number<std::uint32_t>("memory_mib", 16, 1 << 22, true);
  wanted.disk_gib = reader.number<std::uint32_t>("disk_gib", 1, 1 << 16, true);
  return reader.finish(std::move(wanted));
}

ReadResult<CreateImage> read_create_image(const std::string& body) {
  Reader reader(body, "");
  CreateImage wanted;
  wanted.name = reader.catalog_name("name");
  wanted.disk = read_blob(reader, "disk", true);
  wanted.kernel = read_blob(reader, "kernel", false);
  wanted.initrd = read_blob(reader, "initrd", false);
  wanted.cmdline = reader.text("cmdline", 1024, false);
  wanted.min_disk_gib = reader.number<std::uint32_t>("min_disk_gib", 0, 1 << 16, false);
  wanted.kubernetes = reader.text("kubernetes", 32, false);
  if (!wanted.kubernetes.empty() && !valid_kubernetes_version(wanted.kubernetes)) {
    reader.wrong("kubernetes", "a version such as v1.32.13 is wanted, from v1.32 on");
  }
  return reader.finish(std::move(wanted));
}

ReadResult<CreateKeyPair> read_create_key_pair(const std::string& body) {
  Reader reader(body, "");
  CreateKeyPair wanted;
  wanted.project = reader.name("project", false, "default");
  wanted.name = reader.name("name", true);
  wanted.public_key = reader.text("public_key", 8192, true);
  return reader.finish(std::move(wanted));
}

ReadResult<CreateProject> read_create_project(const std::string& body) {
  Reader reader(body, "");
  CreateProject wanted;
  wanted.name = reader.name("name", true);
  wanted.quota = reader.limits("quota", quota_parts().size());
  return reader.finish(std::move(wanted));
}

ReadResult<UpdateProject> read_update_project(const std::string& project, const std::string& body) {
  Reader reader(body, "");
  UpdateProject wanted;
  wanted.project = project;
  wanted.no_quota = reader.given("quota") && !reader.has("quota");
  wanted.quota = reader.limits("quota", quota_parts().size());
  return reader.finish(std::move(wanted));
}

}  // namespace dure::control
