#pragma once

#include <mutex>
#include <string>

#include "hostagent/ports/control_link.h"

namespace dure::host {

// Stands behind the control link: frames of tunnels go to whoever takes them at the moment, everything
// else to `next`.
class TunnelSwitch : public ControlLinkListener {
 public:
  explicit TunnelSwitch(ControlLinkListener& next) : next_(next) {}

  // Null: frames are dropped. When it returns, the former one is not called any more.
  void connect(ControlLinkListener* tunnels);
  void on_envelope(std::string bytes) override;

 private:
  ControlLinkListener& next_;
  std::mutex mutex_;
  ControlLinkListener* tunnels_ = nullptr;
};

}  // namespace dure::host
