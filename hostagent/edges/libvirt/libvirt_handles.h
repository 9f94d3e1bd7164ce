#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace dure::host {

// libvirt's objects, freed with their owners.
struct LibvirtFree {
  void operator()(virDomain* domain) const { virDomainFree(domain); }
  void operator()(virStoragePool* pool) const { virStoragePoolFree(pool); }
  void operator()(virStorageVol* volume) const { virStorageVolFree(volume); }
  void operator()(char* text) const { std::free(text); }
};

using DomainHandle = std::unique_ptr<virDomain, LibvirtFree>;
using PoolHandle = std::unique_ptr<virStoragePool, LibvirtFree>;
using VolumeHandle = std::unique_ptr<virStorageVol, LibvirtFree>;
using LibvirtText = std::unique_ptr<char, LibvirtFree>;

// The thread's last libvirt error.
inline int last_code() { return virGetLastErrorCode(); }
inline std::string last_message() {
  const char* text = virGetLastErrorMessage();
  return text ? text : "no reason given";
}

}  // namespace dure::host
