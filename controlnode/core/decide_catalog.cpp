#include "controlnode/core/decide_catalog.h"

#include <utility>

#include "common/text.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/grammar.h"

namespace dure::control {
namespace {

constexpr std::uint16_t kMinUnderlayMtu = 1330;  // leaves a guest the 1280 of IPv6
constexpr std::uint16_t kMaxUnderlayMtu = 9216;
constexpr std::uint32_t kMaxVcpus = 512;
constexpr std::uint32_t kMaxMemoryMib = 16U << 20;
constexpr std::uint32_t kMaxDiskGib = 1U << 16;
constexpr std::uint64_t kMaxBlobBytes = std::uint64_t{1} << 44;
constexpr std::size_t kMaxCmdline = 2048;

Reply taken(const std::string& kind, const std::string& name) {
  return refuse(Errc::already_exists, kind + " '" + name + "' exists already, with other content");
}

// The common end of every creation: the same again, a conflict, or a new row.
template <class Row, class Rows>
Reply store(Deciding& deciding, const std::string& kind, const Rows& rows, Row row) {
  if (const auto* existing = find_by_name(rows, row.name)) {
    row.id = existing->id;
    return row == *existing ? Reply{accepted(row.id.uuid, row.name)} : taken(kind, row.name);
  }
  row.id.uuid = deciding.ids.next();
  deciding.put(row);
  deciding.event(kind + ".created", row.id.uuid, row.name, kind + " " + row.name + " is created");
  return accepted(row.id.uuid, row.name);
}

std::optional<std::string> image_fault(const CreateImage& request) {
  if (request.disk.size_bytes == 0) return "disk: is empty";
  for (const BlobRef& blob : {request.disk, request.kernel, request.initrd}) {
    if (blob.size_bytes > kMaxBlobBytes) return "a file of an image is larger than 16 TiB";
  }
  const bool kernel = request.kernel.size_bytes > 0;
  if (!kernel && (request.initrd.size_bytes > 0 || !request.cmdline.empty())) {
    return "initrd and cmdline: only together with a kernel";
  }
  if (!request.cmdline.empty() && !printable_ascii(request.cmdline, kMaxCmdline)) {
    return "cmdline: at most 2048 printable ASCII characters";
  }
  if (request.min_disk_gib > kMaxDiskGib) return "min_disk_gib: at most 65536";
  if (!request.kubernetes.empty() && !valid_kubernetes_version(request.kubernetes)) {
    return "kubernetes: a version such as v1.32.13, from v1.32 on";
  }
  return std::nullopt;
}

}  // namespace

Reply create_site(Deciding& deciding, const CreateSite& request) {
  if (!valid_name(request.name)) return bad_name();
  if (request.underlay_mtu < kMinUnderlayMtu || request.underlay_mtu > kMaxUnderlayMtu) {
    return refuse(Errc::invalid_argument, "underlay_mtu: 1330 to 9216");
  }
  return store(deciding, "site", deciding.model.sites,
               Site{{}, request.name, request.underlay_mtu});
}

Reply create_flavor(Deciding& deciding, const CreateFlavor& request) {
  if (!valid_catalog_name(request.name)) return bad_name();
  const auto within = [](std::uint32_t value, std::uint32_t max) {
    return value >= 1 && value <= max;
  };
  if (!within(request.vcpus, kMaxVcpus) || !within(request.memory_mib, kMaxMemoryMib) ||
      !within(request.disk_gib, kMaxDiskGib)) {
    return refuse(Errc::invalid_argument,
                  "vcpus: 1 to 512; memory_mib: 1 to 16777216; disk_gib: 1 to 65536");
  }
  return store(deciding, "flavor", deciding.model.flavors,
               Flavor{{}, request.name, request.vcpus, request.memory_mib, request.disk_gib});
}

Reply create_image(Deciding& deciding, const CreateImage& request) {
  if (!valid_catalog_name(request.name)) return bad_name();
  if (const auto fault = image_fault(request)) return refuse(Errc::invalid_argument, *fault);
  return store(deciding, "image", deciding.model.images,
               Image{{}, request.name, request.disk, request.kernel, request.initrd,
                     request.cmdline, request.min_disk_gib, request.kubernetes});
}

Reply create_key_pair(Deciding& deciding, const CreateKeyPair& request) {
  if (!valid_name(request.name)) return bad_name();
  if (!is_ssh_public_key(request.public_key)) {
    return refuse(Errc::invalid_argument,
                  "public_key: must be one line of OpenSSH form, complete and at most 8 KiB, such as 'ssh-ed25519 AAAA... me'; "
                  "its comment must not hold control characters or marks of direction");
  }
  const Project* project = find_by_name(deciding.model.projects, request.project);
  KeyPair row{{}, {}, request.name, request.public_key};
  if (project != nullptr) {
    row.project = project->id;
  } else if (request.project == "default") {
    const Project fresh{deciding.ids.make<ProjectId>(), request.project};
    deciding.put(fresh);
    row.project = fresh.id;
  } else {
    return refuse(Errc::not_found,
                  "there is no project '" + printable(request.project, 64) + "'");
  }
  std::map<KeyPairId, KeyPair> in_project;
  for (const auto& [id, existing] : deciding.model.key_pairs) {
    if (existing.project == row.project) in_project.emplace(id, existing);
  }
  return store(deciding, "keypair", in_project, std::move(row));
}

}  // namespace dure::control
