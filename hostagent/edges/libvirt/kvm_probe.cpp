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

// The start of a disk, which the BIOS loads to 0x7c00 and runs in real mode. QEMU exits with 2 * value + 1.
constexpr std::array<std::uint8_t, 104> kBootCode = {
    0x66, 0xb8, 0x01, 0x00, 0x00, 0x00,  // mov  eax, 1
    0x0f, 0xa2,                          // cpuid
    0xf6, 0xc1, 0x01,                    // test cl, 1           SSE3
    0x74, 0x3e,                          // jz   without
    0x66, 0x31, 0xc0,                    // xor  eax, eax
    0x0f, 0xa2,                          // cpuid
    0x66, 0x83, 0xf8, 0x07,              // cmp  eax, 7
    0x72, 0x2c,                          // jb   runs            too old for BMI2
    0x66, 0xb8, 0x07, 0x00, 0x00, 0x00,  // mov  eax, 7
    0x66, 0x31, 0xc9,                    // xor  ecx, ecx
    0x0f, 0xa2,                          // cpuid
    0xf6, 0xc7, 0x01,                    // test bh, 1           BMI2
    0x74, 0x1c,                          // jz   runs
    0xfa,                                // cli
    0x31, 0xc0,                          // xor  ax, ax
    0x8e, 0xd8,                          // mov  ds, ax
    0x0f, 0x01, 0x16, 0x52, 0x7c,        // lgdt [gdtr]
    0x0f, 0x20, 0xc0,                    // mov  eax, cr0
    0x0c, 0x01,                          // or   al, 1           protected mode
    0x0f, 0x22, 0xc0,                    // mov  cr0, eax
    0xea, 0x3f, 0x7c, 0x08, 0x00,        // jmp  8:0x7c3f        the next instruction
    0xc4, 0xe2, 0x69, 0xf7, 0xc0,        // shlx eax, eax, edx   32-bit; what follows means the same in both modes
    0xb0, 0x10,                          // runs: mov al, 0x10
    0xe6, 0xf4,                          // out  0xf4, al        exit code 33
    0xf4, 0xeb, 0xfd,                    // hlt, again
    0xb0, 0x20,                          // without: mov al, 0x20
    0xe6, 0xf4,                          // out  0xf4, al        exit code 65
    0xf4, 0xeb, 0xfd,                    // hlt, again
    0x0f, 0x00, 0x58, 0x7c, 0x00, 0x00,  // gdtr: 16 bytes at gdt
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // gdt: none
    0xff, 0xff, 0x00, 0x00, 0x00, 0x9a, 0xcf, 0x00,  // 8: code, 4 GiB, 32 bits
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
  return guest_runs(work_dir, "kvm", "host");
}

Result<bool> guest_runs(const std::string& work_dir, const std::string& accelerator, const std::string& cpu) {
  const std::string disk = work_dir + "/kvm-probe.raw";
  if (auto written = write_file_durably(disk, boot_sector(), 0600); !written) return written.error();
  const auto outcome = run_process(
      {"qemu-system-x86_64", "-machine", "pc,accel=" + accelerator, "-cpu", cpu, "-m", "16", "-nodefaults",
       "-no-user-config", "-display", "none", "-no-reboot", "-drive",
       "file=" + disk + ",format=raw,if=ide", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"},
      kProbeTimeout);
  unlink(disk.c_str());
  // A guest that hangs, or that QEMU stops because KVM cannot go on with it, does not run.
  if (!outcome && outcome.error().code == Errc::unavailable) return false;
  if (!outcome) return outcome.error();
  return outcome->exit_code == kRuns;
}

}  // namespace dure::host
