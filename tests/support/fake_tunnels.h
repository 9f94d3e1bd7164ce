#pragma once

#include <utility>
#include <vector>

#include "hostagent/ports/tunnels.h"

namespace dure::host {

// Remembers whom streams may go to.
class FakeTunnels final : public Tunnels {
 public:
  void allow(std::vector<TunnelTarget> targets) override { targets_ = std::move(targets); }

  bool lets_through_to(const NodeId& node) const {
    for (const auto& target : targets_) {
      if (target.node == node) return true;
    }
    return false;
  }

 private:
  std::vector<TunnelTarget> targets_;
};

}  // namespace dure::host
