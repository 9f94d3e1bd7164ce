#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "common/time.h"
#include "hostagent/core/host_plan.h"

namespace dure::host {

struct RetryRules {
  Duration first = std::chrono::milliseconds(500);  // after the first failure; twice as long after each further one
  Duration most = std::chrono::seconds(30);
  // What went well and is to be done again sooner than this was done in vain: it is tried again after a pause that grows
  // alike. A VM that ends so soon after its start is such a case, and waits longer.
  Duration lasts = std::chrono::seconds(30), vm_lasts = std::chrono::minutes(2);
  Duration most_between_starts = std::chrono::minutes(5);
};

// What has been tried of every object and when it may be tried next. Pure: time is an argument. At most one attempt of an
// object is under way; one that takes longer than it can is told as stuck, and holds up nothing but its own object.
class Attempts {
 public:
  explicit Attempts(RetryRules rules = {}) : rules_(rules) {}

  // The ops of the newest plan. What is planned no more needs no retry and has no failure any more.
  void plan(const std::vector<HostOp>& ops, SteadyPoint now);
  // Only what is planned may begin.
  bool may_begin(const HostOp& op, SteadyPoint now) const;
  void begin(const HostOp& op, SteadyPoint now);
  // It could not even be begun, or it has ended; `failure` nothing: it went well.
  void end(const HostOp& op, const std::optional<ObjectFailure>& failure, SteadyPoint now);
  // Sign of life of a long one.
  void progress(const OpKey& key, SteadyPoint now);
  // A new wish deserves a new try at once, and nobody else's does.
  void forgive(const std::set<OpKey>& wishes);

  // A look at the host begins: it sees what has ended by now.
  void look();
  // It has ended: what is told of the host from now on is what it saw.
  void looked() { unseen_.clear(); }
  bool running(const OpKey& key) const;
  // Of these the look that has ended last proves nothing: they are under way, or have ended after it began. Sorted.
  std::vector<ObjectRef> in_flight() const;
  bool in_flight(const OpKey& key) const;
  // Nothing is under way, and everything that is planned has failed.
  bool only_failures() const;
  std::vector<ObjectFailure> failures(SteadyPoint now) const;

  // Something that is planned may be tried again.
  bool retry_due(SteadyPoint now) const;
  // The next instant at which one of the answers above is another.
  std::optional<SteadyPoint> next_change(SteadyPoint now) const;

  // Gives a hasher all that the answers above depend on but times and counts: under rules without pauses two that give the
  // same answer alike whatever happens to both.
  template <class Hasher>
  void add_to(Hasher& hasher) const;

 private:
  struct Attempt {
    bool running = false, planned = false;
    SteadyPoint since;                   // began, or showed a sign of life
    Duration at_most{};                  // it can take; then it is stuck
    std::uint32_t failures = 0;
    SteadyPoint not_before{};
    std::optional<ObjectFailure> failure;
    std::optional<SteadyPoint> done_at;  // it went well then, and was not planned since
    std::size_t done_op = 0;             // which kind of op that was
    std::uint32_t in_vain = 0;           // how often in a row it had to be done again soon
  };
  void again(const HostOp& op, Attempt& attempt, SteadyPoint now) const;
  Duration lasts(const HostOp& op) const;
  Duration pause(std::uint32_t failures, Duration most) const;
  static bool overdue(const Attempt& attempt, SteadyPoint now);

  RetryRules rules_;
  std::map<OpKey, Attempt> attempts_;
  std::set<OpKey> ended_;   // since the newest look began
  std::set<OpKey> unseen_;  // before that, but after the one began that has ended last
};

template <class Hasher>
void Attempts::add_to(Hasher& hasher) const {
  const auto add_key = [&](const OpKey& key) {
    hasher.add(key.kind);
    hasher.add(key.object);
  };
  std::size_t count = 0;
  for (const auto& [key, attempt] : attempts_) {
    if (!attempt.running && !attempt.failure) continue;
    ++count;
    add_key(key);
    hasher.add(static_cast<std::uint64_t>(attempt.running) | static_cast<std::uint64_t>(attempt.planned && attempt.failure) << 1);
    hasher.add(attempt.failure ? 1 + static_cast<std::uint64_t>(attempt.failure->code) : 0);
  }
  hasher.add(count);
  for (const auto* keys : {&ended_, &unseen_}) {
    hasher.add(keys->size());
    for (const auto& key : *keys) add_key(key);
  }
}

}  // namespace dure::host
