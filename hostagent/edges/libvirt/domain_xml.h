#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "hostagent/ports/hypervisor.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

inline constexpr const char* kMetadataUri = "https://dure.example/ns/1";
inline constexpr const char* kMetadataPrefix = "dure";

// What a domain says about itself: the cause of its existence travels with it, so that the
// inventory can be rebuilt from the host alone.
struct DomainIdentity {
  NodeId id;
  std::uint64_t generation = 0;
  OrderId order;
  ClusterId cluster;
  NetworkId network;
  std::uint32_t vni = 0;
  std::string channel;  // socket to delete with the domain
  std::uint64_t restart = 0;  // under which it is switched on (VmSpec)
  friend bool operator==(const DomainIdentity&, const DomainIdentity&) = default;
};

struct DomainSpec {
  VmSpec vm;
  NetworkSpec network;
  OrderId order;
  VmPaths paths;
  std::string overlay;  // path of the qcow2 over paths.base_disk
  bool kvm = false;
};

std::string domain_name(const NodeId& id);  // dure-<uuid>

// Pure. XML has no way to write most control characters, so they are replaced before the document
// is made.
std::string domain_xml(const DomainSpec& spec);

// Our element, as virDomainGetMetadata gives it; nullopt when it is not exactly what we write.
std::optional<DomainIdentity> parse_identity(std::string_view metadata_xml);

struct OverlaySpec {
  std::string name;
  std::string base_disk;
  std::uint64_t capacity_bytes = 0;
  friend bool operator==(const OverlaySpec&, const OverlaySpec&) = default;
};

std::string pool_xml(const std::string& name, const std::string& directory);
std::string overlay_xml(const OverlaySpec& spec);
// What libvirt read from an existing volume; nullopt when it is no qcow2 over a qcow2.
std::optional<OverlaySpec> parse_overlay(std::string_view volume_xml);
// The target directory of a pool.
std::optional<std::string> parse_pool_directory(std::string_view pool_xml);

}  // namespace dure::host
