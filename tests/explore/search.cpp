#include "tests/explore/search.h"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>

#include "tests/explore/control_side.h"
#include "tests/explore/history.h"
#include "tests/explore/liveness.h"

namespace dure::explore {
namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{0};

// How a state was reached first, and where it goes when nothing more goes wrong and nobody asks for anything: by the
// cooperative step that comes first. So all of its ways to rest are one, and shared with those of the states on it.
struct Entry {
  std::uint32_t parent = kNone;
  Step step{};
  std::uint32_t next = kNone;
};

class Search {
 public:
  Search(const Config& config, const Limits& limits) : config_(config), limits_(limits), operator_(config) {}

  Walk run() {
    insert(first_state(config_), kNone, {});
    while (!frontier_.empty() && !stopped()) {
      const auto index = expanded_;
      const State state = std::move(frontier_.front());
      frontier_.pop_front();
      ++expanded_;
      expand(state, index);
    }
    walk_.states = entries_.size();
    walk_.complete = frontier_.empty();
    if (walk_.complete) find_circles();
    return std::move(walk_);
  }

 private:
  bool stopped() const {
    if (limits_.stop_at_violation && !walk_.violations.empty()) return true;
    return limits_.states > 0 && entries_.size() >= limits_.states;
  }

  void expand(const State& state, std::uint32_t index) {
    steps_from(config_, state, steps_);
    const auto steps = steps_;
    for (const Step& step : steps) {
      Findings findings;
      std::optional<State> next;
      try {
        next = after(config_, state, step, findings);
      } catch (const Broken& broken) {
        findings.push_back({"broken-decision", broken.what});
      }
      for (const Finding& finding : findings) found(finding, index, &step);
      if (!next) continue;
      ++walk_.transitions;
      const auto to = insert(std::move(*next), index, step);
      if (cooperative(step) && entries_[index].next == kNone && to != index) entries_[index].next = to;
      if (stopped()) return;
    }
    if (entries_[index].next == kNone) at_rest(state, index);
  }

  std::uint32_t insert(State&& state, std::uint32_t parent, const Step& step) {
    const auto index = static_cast<std::uint32_t>(entries_.size());
    const auto [at, fresh] = known_.try_emplace(hash_of(state), index);
    if (!fresh) return at->second;
    entries_.push_back({parent, step});
    Findings findings;
    check_state(state, findings);
    for (const Finding& finding : findings) found(finding, index, nullptr);
    frontier_.push_back(std::move(state));
    return index;
  }

  void at_rest(const State& state, std::uint32_t index) {
    ++walk_.at_rest;
    Findings findings;
    check_rest(state, findings);
    for (const Finding& finding : findings) found(finding, index, nullptr);
    if (!findings.empty()) return;
    operator_.visit(state, findings, nullptr);
    if (findings.empty() || known_violation(findings.front())) return;
    std::vector<std::string> told;
    Findings again;
    Operator(config_).visit(state, again, &told);
    found(findings.front(), index, nullptr, told);
  }

  bool known_violation(const Finding& finding) const {
    return std::any_of(walk_.violations.begin(), walk_.violations.end(),
                       [&](const Violation& violation) { return violation.finding.code == finding.code; });
  }

  void found(const Finding& finding, std::uint32_t index, const Step* last, const std::vector<std::string>& told = {}) {
    if (known_violation(finding)) return;
    std::vector<Step> steps;
    if (last != nullptr) steps.push_back(*last);
    for (auto at = index; entries_[at].parent != kNone; at = entries_[at].parent) steps.push_back(entries_[at].step);
    std::reverse(steps.begin(), steps.end());
    walk_.violations.push_back({finding, history(config_, steps, finding, told)});
  }

  // Whoever comes back to where he was without anything having gone wrong never comes to rest.
  void find_circles() {
    std::vector<std::uint32_t> seen_by(entries_.size(), kNone);
    for (std::uint32_t begin = 0; begin < entries_.size(); ++begin) {
      auto at = begin;
      while (at != kNone && seen_by[at] == kNone) {
        seen_by[at] = begin;
        at = entries_[at].next;
      }
      if (at == kNone || seen_by[at] != begin) continue;
      found({"no-rest", "it goes round for ever although nothing goes wrong any more"}, at, nullptr);
      return;
    }
  }

  const Config& config_;
  const Limits& limits_;
  Operator operator_;
  std::vector<Entry> entries_;
  std::unordered_map<Hash, std::uint32_t, HashOfHash> known_;
  std::deque<State> frontier_;
  std::uint32_t expanded_ = 0;
  std::vector<Step> steps_;
  Walk walk_;
};

}  // namespace

Walk walk(const Config& config, const Limits& limits) { return Search(config, limits).run(); }

}  // namespace dure::explore
