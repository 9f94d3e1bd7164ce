#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "controlnode/ports/tunnel_gate.h"

namespace dure::control {

// Streams in memory that say back what they are told, with room for `kRoom` bytes.
class FakeTunnelGate final : public TunnelGate {
 public:
  static constexpr std::size_t kRoom = 4096;

  std::set<std::string> clusters, plain;

  void open(const std::string& cluster, Done done) override {
    if (plain.contains(cluster)) return done(Error{Errc::conflict, "its nodes are plain VMs"});
    if (!clusters.contains(cluster)) return done(Error{Errc::not_found, "there is no cluster of that name"});
    done(std::shared_ptr<TunnelStream>(std::make_shared<Echo>()));
  }

 private:
  class Echo final : public TunnelStream {
   public:
    std::string read() override {
      std::string bytes;
      {
        const std::lock_guard lock(mutex_);
        bytes.swap(bytes_);
      }
      if (!bytes.empty()) tell();
      return bytes;
    }
    bool at_end() override {
      const std::lock_guard lock(mutex_);
      return finished_ && bytes_.empty();
    }
    std::size_t write(std::string_view bytes) override {
      std::size_t taken = 0;
      {
        const std::lock_guard lock(mutex_);
        taken = std::min(bytes.size(), kRoom - bytes_.size());
        bytes_.append(bytes.substr(0, taken));
      }
      if (taken > 0) tell();
      return taken;
    }
    void finish() override {
      {
        const std::lock_guard lock(mutex_);
        finished_ = true;
      }
      tell();
    }
    bool broken() override { return false; }
    void watch(std::function<void()> changed) override {
      const std::lock_guard lock(mutex_);
      changed_ = std::move(changed);
    }

   private:
    void tell() {
      std::function<void()> changed;
      {
        const std::lock_guard lock(mutex_);
        changed = changed_;
      }
      if (changed) changed();
    }

    std::mutex mutex_;
    std::string bytes_;
    bool finished_ = false;
    std::function<void()> changed_;
  };
};

}  // namespace dure::control
