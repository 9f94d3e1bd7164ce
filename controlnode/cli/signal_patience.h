#pragma once

#include <optional>

#include "common/system.h"
#include "controlnode/cli/patience.h"

namespace dure::cli {

class SignalPatience : public Patience {
 public:
  void listen() override;
  bool interrupted() override;
  bool pause(Duration length) override;
  TimePoint now() override;

 private:
  std::optional<SignalWaiter> waiter_;
  bool interrupted_ = false;
};

}  // namespace dure::cli
