#include "protocol/messages/host_report.h"

namespace dure {

std::string_view to_string(VmState state) {
  switch (state) {
    case VmState::unknown: return "unknown";
    case VmState::creating: return "creating";
    case VmState::running: return "running";
    case VmState::paused: return "paused";
    case VmState::stopped: return "stopped";
    case VmState::crashed: return "crashed";
    case VmState::shut_down: return "shut-down";
  }
  return "unknown";
}

std::string_view to_string(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::host: return "host";
    case ObjectKind::image: return "image";
    case ObjectKind::network: return "network";
    case ObjectKind::vm: return "vm";
  }
  return "host";
}

std::string_view to_string(FailureCode code) {
  switch (code) {
    case FailureCode::image_fetch: return "image-fetch";
    case FailureCode::image_digest: return "image-digest";
    case FailureCode::no_space: return "no-space";
    case FailureCode::hypervisor: return "hypervisor";
    case FailureCode::hypervisor_away: return "hypervisor-away";
    case FailureCode::network: return "network";
    case FailureCode::seed: return "seed";
    case FailureCode::identity: return "identity";
    case FailureCode::internal: return "internal";
    case FailureCode::stuck: return "stuck";
    case FailureCode::crash_loop: return "crash-loop";
  }
  return "internal";
}

std::string_view to_string(ConditionCode code) {
  switch (code) {
    case ConditionCode::hypervisor_away: return "hypervisor-away";
    case ConditionCode::storage: return "storage";
    case ConditionCode::no_space: return "no-space";
    case ConditionCode::network: return "network";
    case ConditionCode::address: return "address";
    case ConditionCode::uplink: return "uplink";
    case ConditionCode::capacity: return "capacity";
    case ConditionCode::clock: return "clock";
    case ConditionCode::order_refused: return "order-refused";
  }
  return "network";
}

}  // namespace dure
