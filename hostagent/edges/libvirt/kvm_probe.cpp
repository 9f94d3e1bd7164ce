#include "hostagent/edges/libvirt/kvm_probe.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/files.h"
#include "common/run_process.h"

namespace dure::host {
namespace {

constexpr Duration kProbeTimeout = std::chrono::seconds(10);
constexpr std::size_t kSectorBytes = 512;

// 16-bit code at the start of a disk. QEMU exits with 2 * value + 1.
constexpr std::array<std::uint8_t, 28> kBootCode = {
    0x66, 0xb8, 0x01, 0x00, 0x00, 0x00,  // mov  eax, 1
    0x0f, 0xa2,                          // cpuid
    0xf6, 0xc1, 0x01,                    // test cl, 1      SSE3
    0x74, 0x07,                          // jz   without
    0xb0, 0x10,                          // mov  al, 0x10
    0xe6, 0xf4,                          // out  0xf4, al   exit code 33
    0xf4, 0xeb, 0xfd,                    // hlt, again
    0xb0, 0x20,                          // without: mov al, 0x20
    0xe6, 0xf4,                          // out  0xf4, al   exit code 65
    0xf4, 0xeb, 0xfd,                    // hlt, again
    0x00,
};
constexpr int kRuns = 33;

std::string boot_sector() {
  std::string sector(kSectorBytes, '\0');
  std::copy(kBootCode.begin(), kBootCode.end(), sector.begin());
  sector[kSectorBytes - 2] = '\x55';
  sector[kSectorBytes - 1] = '\xaa';
  return sector;
}

}  // namespace

Result<bool> kvm_guest_runs(const std::string& work_dir) {
  if (access("/dev/kvm", R_OK | W_OK) != 0) return false;
  const std::string disk = work_dir + "/kvm-probe.raw";
  if (auto written = write_file_durably(disk, boot_sector(), 0600); !written) return written.error();
  const auto outcome = run_process(
      {"qemu-system-x86_64", "-machine", "pc,accel=kvm", "-cpu", "host", "-m", "16", "-nodefaults",
       "-no-user-config", "-display", "none", "-no-reboot", "-drive",
       "file=" + disk + ",format=raw,if=ide", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"},
      kProbeTimeout);
  unlink(disk.c_str());
  // A guest that hangs does not run.
  if (!outcome && outcome.error().code == Errc::unavailable) return false;
  if (!outcome) return outcome.error();
  return outcome->exit_code == kRuns;
}

}  // namespace dure::host
