#pragma once

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/time.h"

namespace dure::cli {

// When a lease ends: --until TIME or --for DURATION.
struct LeaseEnd {
  std::string until, length;
  bool given() const { return !until.empty() || !length.empty(); }
  // As the API takes it.
  std::string at(TimePoint now) const;
};
void add_lease_end(CLI::App& verb, LeaseEnd& given);

// Where the nodes of a new cluster may go, and for how long.
struct PlacementOptions {
  struct Hosts {
    std::vector<std::string> rooms, labels, classes;
  };
  std::string strategy, survive;
  bool apart = false;
  LeaseEnd end;
  Hosts workers, control_planes;
};
void add_placement_options(CLI::App& verb, PlacementOptions& given);

// Adds to the body of a request what was given; `invalid_argument`: a label that is none.
Result<void> put_placement(const PlacementOptions& given, TimePoint now, boost::json::object& body);

// Words as the API has labels: KEY=VALUE, and KEY- where a label may be taken away.
Result<boost::json::object> labels_of(const std::vector<std::string>& words, bool removals);

}  // namespace dure::cli
