#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "controlnode/core/requests.h"
#include "tests/explore/world.h"

namespace dure::explore {

// One thing that a user or operator may ask for in a walk.
struct Ask {
  enum class Kind : std::uint8_t {
    create, scale, repair, repair_lost, remove, cancel, stop, start, reboot, lose, replace_host,
  };
  Kind kind = Kind::create;
  std::string cluster{};
  std::uint32_t planes = 1, workers = 0;
  std::size_t pc = 0;
  std::string node{};
  std::uint8_t times = 1;   // at most, in one history
  std::string image{};      // of a cluster that is created; empty: one without Kubernetes
};

// What an agent does in one step: what is between is seen by nobody else, and cannot go wrong. So walks with more PCs are
// done with; the walks on one PC have it all.
enum class Pace : std::uint8_t {
  fine,    // a look begins, a look ends, an op ends
  brisk,   // a look is one step
  swift,   // looks and ops until there is nothing left to do
};

// A campus to be walked, and how much may go wrong in one history.
struct Config {
  std::string name;
  std::string about;
  std::vector<control::Resources> hosts;
  std::vector<Ask> asks;
  std::uint8_t max_asks = 3, max_faults = 1;
  std::vector<std::pair<Fault, std::uint8_t>> faults;   // that may happen, and how often
  bool kubernetes = false;
  bool image_there = true;    // else it is fetched first
  Pace pace = Pace::fine;
  std::uint8_t network_prefix = 24;   // of a cluster
  // States that the walk has at least, unless its bounds are others: with fewer, something that could come comes no more.
  std::size_t least_states = 0;
};

std::vector<Config> configs();
// The same with room for one more fault and one more request.
Config deeper(Config config);

State first_state(const Config& config);

// As the scenarios of tests/unit/controlnode/core write it. `model`: of whom it is asked.
std::string in_words(const Ask& ask, const control::Model& model);
std::string setting_in_words(const Config& config);

}  // namespace dure::explore
