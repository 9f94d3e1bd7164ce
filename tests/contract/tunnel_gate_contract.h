#pragma once

#include <doctest/doctest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "controlnode/ports/tunnel_gate.h"
#include "tests/support/agent_link_inbox.h"

namespace dure::control::contract {

// Somebody who waits for a stream.
class StreamUser {
 public:
  explicit StreamUser(std::shared_ptr<TunnelStream> stream) : stream_(std::move(stream)) {
    stream_->watch([bell = bell_] {
      const std::lock_guard lock(bell->mutex);
      ++bell->rung;
      bell->changed.notify_all();
    });
  }

  TunnelStream& stream() { return *stream_; }
  void hang_up() { stream_.reset(); }

  // Until `holds`, which is asked again after each change; false when that takes too long.
  template <class Holds>
  bool until(Holds holds) {
    std::uint64_t seen = 0;
    const auto end = std::chrono::steady_clock::now() + dure::testing::kPatience;
    for (;;) {
      {
        const std::lock_guard lock(bell_->mutex);
        seen = bell_->rung;
      }
      if (holds()) return true;
      std::unique_lock lock(bell_->mutex);
      if (!bell_->changed.wait_until(lock, end, [&] { return bell_->rung != seen; })) return false;
    }
  }

  // Writes all and reads as much as comes back, until so many bytes were read.
  std::string exchange(std::string_view bytes, std::size_t answer) {
    std::string got;
    until([&] {
      for (bool moved = true; moved;) {
        const auto taken = stream_->write(bytes);
        bytes.remove_prefix(taken);
        const auto more = stream_->read();
        got += more;
        moved = taken > 0 || !more.empty();
      }
      return (bytes.empty() && got.size() >= answer) || stream_->broken();
    });
    return got;
  }

 private:
  struct Bell {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t rung = 0;
  };
  std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::shared_ptr<TunnelStream> stream_;
};

inline Result<std::shared_ptr<TunnelStream>> open_now(TunnelGate& gate, const std::string& cluster) {
  auto inbox = std::make_shared<dure::testing::Inbox<Result<std::shared_ptr<TunnelStream>>>>();
  gate.open(cluster, [inbox](Result<std::shared_ptr<TunnelStream>> stream) { inbox->put(std::move(stream)); });
  auto stream = inbox->next();
  REQUIRE(stream.has_value());
  return std::move(*stream);
}

inline std::string noise(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (auto& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// `gate` reaches a server that echoes for "demo"; "vms" is a cluster of plain VMs.
inline void check_tunnel_gate(TunnelGate& gate) {
  CHECK(open_now(gate, "nobody").error().code == Errc::not_found);
  CHECK(open_now(gate, "vms").error().code == Errc::conflict);
  auto stream = open_now(gate, "demo");
  REQUIRE(stream.ok());
  StreamUser user(std::move(*stream));
  CHECK(user.stream().read().empty());
  CHECK(!user.stream().at_end());
  const auto bytes = noise(1'000'000);
  CHECK(user.exchange(bytes, bytes.size()) == bytes);
  INFO("what was written before the end arrives before the end");
  CHECK(user.exchange("last words", 0).size() <= 10);
  user.stream().finish();
  CHECK(user.until([&] {
    user.stream().read();
    return user.stream().at_end();
  }));
  CHECK(!user.stream().broken());
}

}  // namespace dure::control::contract
