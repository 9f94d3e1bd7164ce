#include "hostagent/edges/system/system_machine.h"

#include <sched.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/files.h"

namespace dure::host {
namespace {

constexpr std::string_view kMemTotal = "MemTotal:";
constexpr std::uint64_t kGib = 1ULL << 30;

// The kernel's files in /proc are short and have no size; read_file bounds them.
constexpr std::size_t kMaxProcFileBytes = 64 << 10;

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

SystemMachine::SystemMachine(std::string state_dir, MachineCaps caps)
    : state_dir_(std::move(state_dir)), caps_(caps) {}

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
