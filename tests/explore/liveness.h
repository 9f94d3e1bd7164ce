#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "tests/explore/steps.h"

namespace dure::explore {

// From a state in which nothing more happens by itself: what an operator does then has to lead to rest as well. PCs that are
// dead are given up, clusters are repaired, and in the end, or at once, all of them are deleted.
class Operator {
 public:
  explicit Operator(const Config& config) : config_(config) {}

  // `told`: the steps, as text, up to the first finding; null: nobody wants to know.
  void visit(const State& rest, Findings& findings, std::vector<std::string>* told);

 private:
  bool asked(State& state, const Ask& ask, Findings& findings);
  bool to_rest(State& state, Findings& findings);
  void give_up(State& state, Findings& findings);
  void repair(State& state, Findings& findings);
  void remove_all(State& state, Findings& findings);
  void tell(const std::string& line);
  void tell_end(const State& state);

  const Config& config_;
  std::vector<std::string>* told_ = nullptr;
  std::unordered_set<Hash, HashOfHash> repaired_, removed_;  // from here it was seen to go well
};

}  // namespace dure::explore
