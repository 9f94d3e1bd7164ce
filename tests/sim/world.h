#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string_view>
#include <utility>

#include "common/ports.h"

namespace dure::sim {

// Simulated time, chance and a trace: everything that happens in a run is a function of the seed.
class World : public Random {
 public:
  explicit World(std::uint64_t seed) : engine_(seed) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // The true date. What a machine takes for it is its own affair (Clocks).
  TimePoint now() const { return now_; }
  std::array<std::uint8_t, 16> bytes16() override {
    std::array<std::uint8_t, 16> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(engine_());
    return bytes;
  }

  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : engine_() % bound; }
  bool chance(unsigned percent) { return below(100) < percent; }
  Duration between(Duration low, Duration high) {
    const auto span = static_cast<std::uint64_t>((high - low).count());
    return low + Duration{static_cast<std::int64_t>(below(span + 1))};
  }

  void at(TimePoint when, std::function<void()> what) {
    agenda_.emplace(std::pair{std::max(when, now_), ++counter_}, std::move(what));
  }
  void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  // Runs what is due until then; `each` after every step.
  void run_until(TimePoint end, const std::function<void()>& each) {
    while (!agenda_.empty() && agenda_.begin()->first.first <= end) {
      auto next = agenda_.extract(agenda_.begin());
      now_ = next.key().first;
      next.mapped()();
      each();
    }
    now_ = end;
  }

  // FNV-1a over everything that was noted, with its time.
  void note(std::string_view what) {
    const auto mix = [this](std::uint8_t byte) { hash_ = (hash_ ^ byte) * 1099511628211ULL; };
    for (const char c : what) mix(static_cast<std::uint8_t>(c));
    for (int shift = 0; shift < 64; shift += 8) mix(static_cast<std::uint8_t>(now_.us >> shift));
    ++notes_;
  }
  std::uint64_t trace_hash() const { return hash_; }
  std::uint64_t notes() const { return notes_; }

 private:
  std::mt19937_64 engine_;
  TimePoint now_{1'700'000'000'000'000};
  std::uint64_t counter_ = 0;
  std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> agenda_;
  std::uint64_t hash_ = 14695981039346656037ULL;
  std::uint64_t notes_ = 0;
};

// The clocks of one machine: a date that anybody may set, and one that counts since the machine was switched on.
class Clocks {
 public:
  explicit Clocks(const World& world) : world_(world), on_since_(world.now()), date_(*this), steady_(*this) {}
  Clocks(const Clocks&) = delete;
  Clocks& operator=(const Clocks&) = delete;

  Clock& date() { return date_; }
  SteadyClock& steady() { return steady_; }

  SteadyPoint steady_now() const { return {kFirst + (world_.now() - on_since_).count()}; }

  void set_ahead(Duration by) { ahead_ = by; }
  Duration ahead() const { return ahead_; }
  void switched_on() { on_since_ = world_.now(); }
  // When that is; for who keeps the agenda.
  TimePoint true_date(SteadyPoint point) const { return on_since_ + Duration{point.us - kFirst}; }

 private:
  static constexpr std::int64_t kFirst = 1'000'000;  // nobody meets a clock at 0

  struct Date : Clock {
    explicit Date(const Clocks& of) : clocks(of) {}
    TimePoint now() override { return clocks.world_.now() + clocks.ahead_; }
    const Clocks& clocks;
  };
  struct Steady : SteadyClock {
    explicit Steady(const Clocks& of) : clocks(of) {}
    SteadyPoint now() override { return clocks.steady_now(); }
    const Clocks& clocks;
  };

  const World& world_;
  TimePoint on_since_;
  Duration ahead_{};
  Date date_;
  Steady steady_;
};

}  // namespace dure::sim
