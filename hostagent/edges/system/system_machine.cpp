#include "hostagent/edges/system/system_machine.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "common/files.h"

namespace dure::host {
namespace {

constexpr std::string_view kMemTotal = "MemTotal:";
constexpr std::uint64_t kGib = 1ULL << 30;

// The kernel's files in /proc are short and have no size; read_file bounds them.
constexpr std::size_t kMaxProcFileBytes = 64 << 10;

// Where the kernel does not say, the address is taken to be there.
bool has_address(const std::string& text) {
  in_addr wanted{};
  ifaddrs* all = nullptr;
  if (inet_pton(AF_INET, text.c_str(), &wanted) != 1 || getifaddrs(&all) != 0) return true;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(all, &freeifaddrs);
  for (const auto* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    sockaddr_in held{};
    std::memcpy(&held, each->ifa_addr, sizeof held);
    if (held.sin_addr.s_addr == wanted.s_addr) return true;
  }
  return false;
}

}  // namespace

std::optional<std::uint64_t> total_memory_mib(std::string_view meminfo) {
  const std::size_t at = meminfo.find(kMemTotal);
  if (at == std::string_view::npos || (at != 0 && meminfo[at - 1] != '\n')) return std::nullopt;
  std::string_view rest = meminfo.substr(at + kMemTotal.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  std::uint64_t kib = 0;
  const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), kib);
  if (failure != std::errc{}) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  if (!rest.starts_with(" kB")) return std::nullopt;
  return kib >> 10;
}

bool nearly_full(std::uint64_t free_bytes, std::uint64_t total_bytes) {
  return free_bytes < std::min(2 * kGib, total_bytes / 50);
}

SystemMachine::SystemMachine(std::string state_dir, MachineCaps caps, MachineNeeds needs)
    : state_dir_(std::move(state_dir)), caps_(caps), needs_(std::move(needs)) {}

HostState SystemMachine::state() {
  HostState state;
  struct statvfs disk {};
  if (statvfs(state_dir_.c_str(), &disk) != 0) {
    state.conditions.push_back({ConditionCode::storage, state_dir_ + ": " + std::strerror(errno)});
  } else {
    const std::uint64_t total = std::uint64_t{disk.f_frsize} * disk.f_blocks;
    const std::uint64_t left = std::uint64_t{disk.f_frsize} * disk.f_bavail;
    const std::uint64_t step = std::max<std::uint64_t>(total / 16, 1);
    state.disk_free_gib = left / step * step / kGib;
    if (nearly_full(left, total)) {
      state.conditions.push_back({ConditionCode::no_space, "the disk with " + state_dir_ + " is nearly full"});
    }
  }
  if (!needs_.uplink.empty() && if_nametoindex(needs_.uplink.c_str()) == 0) {
    state.conditions.push_back({ConditionCode::uplink, "there is no interface " + needs_.uplink + ", by which guests reach the outside"});
  }
  if (!needs_.underlay_address.empty() && !has_address(needs_.underlay_address)) {
    state.conditions.push_back({ConditionCode::address, "no interface has the address " + needs_.underlay_address +
                                                            " that this host is known by"});
  }
  return state;
}

Result<BootId> SystemMachine::boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", kMaxProcFileBytes);
  if (!text) return text.error();
  while (!text->empty() && text->back() == '\n') text->pop_back();
  const auto id = BootId::parse(*text);
  if (!id) return Error{Errc::internal, "the kernel's boot id is not a UUID"};
  return *id;
}

Result<HostCapacity> SystemMachine::capacity() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
    return Error{Errc::internal, std::string("sched_getaffinity: ") + std::strerror(errno)};
  const auto meminfo = read_file("/proc/meminfo", kMaxProcFileBytes);
  if (!meminfo) return meminfo.error();
  const auto memory = total_memory_mib(*meminfo);
  if (!memory) return Error{Errc::internal, "/proc/meminfo has no MemTotal"};
  struct statvfs disk {};
  if (statvfs(state_dir_.c_str(), &disk) != 0)
    return Error{Errc::internal, state_dir_ + ": " + std::strerror(errno)};

  HostCapacity capacity;
  capacity.vcpus = static_cast<std::uint32_t>(CPU_COUNT(&cpus));
  capacity.memory_mib = *memory;
  capacity.disk_gib = std::uint64_t{disk.f_frsize} * disk.f_blocks / kGib;
  if (caps_.vcpus) capacity.vcpus = std::min(capacity.vcpus, *caps_.vcpus);
  if (caps_.memory_mib) capacity.memory_mib = std::min(capacity.memory_mib, *caps_.memory_mib);
  if (caps_.disk_gib) capacity.disk_gib = std::min(capacity.disk_gib, *caps_.disk_gib);
  return capacity;
}

}  // namespace dure::host
