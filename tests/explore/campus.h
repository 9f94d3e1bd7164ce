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
    create, scale, replace, repair, repair_lost, remove, cancel, stop, start, reboot, lose, replace_host, cordon,
  };
  Kind kind = Kind::create;
  std::string cluster{};
  std::uint32_t planes = 1, workers = 0;
  std::size_t pc = 0;
  std::string node{};
  std::uint8_t times = 1;   // at most, in one history
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
};

std::vector<Config> configs();
// The same with more room for faults and requests.
Config deeper(Config config, unsigned by);

State first_state(const Config& config);

// As the scenarios of tests/unit/controlnode/core write it.
std::string in_words(const Ask& ask);
std::string setting_in_words(const Config& config);

std::string_view to_string(Fault fault);

}  // namespace dure::explore
