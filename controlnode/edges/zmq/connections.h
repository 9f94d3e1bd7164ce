#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace dure::control {

// Which connections the listener has, by what its monitor tells, and whose they are, by what was said over them. libzmq
// keeps as many as an admitted key opens, and each holds a descriptor. So of one key's connections those stay that
// spoke last, and one over which nobody has said anything in time is ended. Not for several threads at a time.
class Connections {
 public:
  using Steady = std::chrono::steady_clock;
  // An agent needs one, and another while it does not know yet that the former is dead.
  static constexpr std::size_t kMostOfOneKey = 3;

  Connections(std::uint16_t listened_on, Steady::duration first_word_within)
      : listened_on_(listened_on), first_word_within_(first_word_within) {}

  void accepted(int descriptor, Steady::time_point now);
  void ended(int descriptor) { open_.erase(descriptor); }
  bool knows(int descriptor) const { return open_.contains(descriptor); }
  // An admitted key has spoken on it.
  void heard(int descriptor, const std::string& key);
  void end_silent(Steady::time_point now);
  // When end_silent() is due; may be too early.
  std::optional<Steady::time_point> next_end();

 private:
  struct Connection {
    std::string ends;
    std::uint64_t number = 0;
    std::string key;            // empty until it has spoken
    std::uint64_t word = 0;     // of those that have spoken, the greater is the later
  };
  struct Deadline {
    int descriptor = 0;
    std::uint64_t number = 0;  // descriptors are used again
    Steady::time_point at;
  };
  bool still_silent(const Deadline& deadline) const;

  std::uint16_t listened_on_;
  Steady::duration first_word_within_;
  std::map<int, Connection> open_;
  std::deque<Deadline> deadlines_;  // the first is due first
  std::uint64_t last_number_ = 0, last_word_ = 0;
};

}  // namespace dure::control
