#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/result.h"
#include "protocol/messages/fencing.h"
#include "protocol/messages/host_order.h"
#include "protocol/messages/host_report.h"

namespace dure::host {

struct Obligation {
  ObjectKind kind = ObjectKind::vm;
  Uuid object;
  std::uint64_t number = 0;  // VM: generation; network: VNI
  OrderId order;
  friend bool operator==(const Obligation&, const Obligation&) = default;
};

// Durable before it returns: the agent writes here before an effect and before an acknowledgement.
class Journal {
 public:
  virtual ~Journal() = default;
  // Nothing accepted yet: zeros. `corrupt`: the file was damaged or is not ours.
  virtual Result<OrderMark> accepted() = 0;
  // What the agent accepts from now on, and as evidence the SHA-256 of the verified envelope. Not the
  // envelope: an order can carry a guest's keys, which must never be on the host's disk.
  virtual Result<void> accept(const OrderMark& accepted, const Digest& envelope_sha256) = 0;
  // What this host may have made and not removed yet.
  virtual Result<std::vector<Obligation>> obligations() = 0;
  virtual Result<void> oblige(const Obligation& obligation) = 0;
  virtual Result<void> discharge(ObjectKind kind, const Uuid& object) = 0;
};

}  // namespace dure::host
