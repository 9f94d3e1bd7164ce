#pragma once

#include <string>

#include "common/result.h"

namespace dure::host {

// Whether a guest really runs on KVM here. The device file tells little: under some clouds it opens,
// yet its KVM interprets guests instead of running them and no stock kernel boots.
//
// The probe starts a guest whose boot sector asks CPUID for SSE3, then runs an instruction of BMI2 in protected mode if
// there is BMI2, and answers through QEMU's debug exit port. Every processor with hardware virtualisation has SSE3
// and KVM passes it on; a KVM that interprets masks it, or QEMU already fails to set up a processor like the host's,
// or it cannot decode BMI2's instructions, which Linux's own decompressor uses.
// `work_dir`: where the boot sector's 512 bytes are put meanwhile.
Result<bool> kvm_guest_runs(const std::string& work_dir);

// The same with another accelerator and processor of QEMU's ("tcg", "max").
Result<bool> guest_runs(const std::string& work_dir, const std::string& accelerator, const std::string& cpu);

}  // namespace dure::host
