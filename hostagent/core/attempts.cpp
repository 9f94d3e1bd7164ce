#include "hostagent/core/attempts.h"

#include <algorithm>
#include <string>

namespace dure::host {
namespace {

// So often something is done in vain before it is told: once or twice is a student's reboot.
constexpr std::uint32_t kInVainTold = 3;

// Longer than the call behind it can take while everything works. A download counts from its last byte.
struct AtMost {
  Duration operator()(const FetchBlob&) const { return std::chrono::minutes(5); }
  Duration operator()(const ApplyNetwork&) const { return std::chrono::seconds(60); }
  Duration operator()(const RemoveNetwork&) const { return std::chrono::seconds(60); }
  Duration operator()(const ApplyFirewall&) const { return std::chrono::seconds(60); }
  Duration operator()(const RemoveFirewall&) const { return std::chrono::seconds(60); }
  Duration operator()(const StartVm&) const { return std::chrono::minutes(2); }
  Duration operator()(const StopVm&) const { return std::chrono::seconds(60); }
  Duration operator()(const RemoveVm&) const { return std::chrono::seconds(90); }
  Duration operator()(const RemoveBlob&) const { return std::chrono::seconds(60); }
};

FailureCode in_vain_code(const HostOp& op) {
  if (std::holds_alternative<StartVm>(op)) return FailureCode::crash_loop;
  return key_of(op).kind == ObjectKind::image ? FailureCode::image_fetch : FailureCode::network;
}

}  // namespace

Duration Attempts::lasts(const HostOp& op) const {
  return std::holds_alternative<StartVm>(op) ? rules_.vm_lasts : rules_.lasts;
}

void Attempts::plan(const std::vector<HostOp>& ops, SteadyPoint now) {
  for (auto& [key, attempt] : attempts_) attempt.planned = false;
  for (const auto& op : ops) {
    const auto key = key_of(op);
    auto& attempt = attempts_[key];
    attempt.planned = true;
    if (attempt.done_at && !attempt.running && !ended_.contains(key)) again(op, attempt, now);
  }
  std::erase_if(attempts_, [&](const auto& entry) {
    const auto& attempt = entry.second;
    return !attempt.running && !attempt.planned && (!attempt.done_at || now - *attempt.done_at >= rules_.vm_lasts);
  });
  for (auto& [key, attempt] : attempts_) {
    if (!attempt.planned) attempt.failures = 0, attempt.failure.reset();
  }
}

// It was done, the newest look has seen the host since, and it is to be done once more.
void Attempts::again(const HostOp& op, Attempt& attempt, SteadyPoint now) const {
  const bool in_vain = op.index() == attempt.done_op && now - *attempt.done_at < lasts(op);
  attempt.in_vain = in_vain ? std::min(attempt.in_vain + 1, 16U) : 0;
  const auto done_at = *attempt.done_at;
  attempt.done_at.reset();
  if (!in_vain) return;
  const bool vm = std::holds_alternative<StartVm>(op);
  const auto wait = pause(attempt.in_vain, vm ? rules_.most_between_starts : rules_.most);
  attempt.not_before = done_at + wait;
  // Who is asked to stop takes its time.
  if (attempt.in_vain < kInVainTold || std::holds_alternative<StopVm>(op)) return;
  const auto times = std::to_string(attempt.in_vain) + " times";
  const auto key = key_of(op);
  attempt.failure = {key.kind, key.object, in_vain_code(op),
                     vm ? "it was started " + times + " and ended each time within " + in_seconds(rules_.vm_lasts) +
                              "; it is started again after " + in_seconds(wait)
                        : describe(op) + ": done " + times + ", and it does not last"};
}

bool Attempts::may_begin(const HostOp& op, SteadyPoint now) const {
  const auto key = key_of(op);
  const auto found = attempts_.find(key);
  return found != attempts_.end() && found->second.planned && !found->second.running && found->second.not_before <= now &&
         !ended_.contains(key);
}

void Attempts::begin(const HostOp& op, SteadyPoint now) {
  auto& attempt = attempts_[key_of(op)];
  attempt.running = true;
  attempt.since = now;
  attempt.at_most = std::visit(AtMost{}, op);
}

void Attempts::end(const HostOp& op, const std::optional<ObjectFailure>& failure, SteadyPoint now) {
  const auto key = key_of(op);
  auto& attempt = attempts_[key];
  attempt.running = false;
  ended_.insert(key);
  attempt.failure = failure;
  if (failure) {
    attempt.failures = std::min(attempt.failures + 1, 16U);
    attempt.not_before = now + pause(attempt.failures, rules_.most);
    return;
  }
  attempt.failures = 0;
  attempt.not_before = {};
  if (attempt.done_op != op.index()) attempt.in_vain = 0;
  attempt.done_at = now;
  attempt.done_op = op.index();
}

void Attempts::progress(const OpKey& key, SteadyPoint now) {
  const auto found = attempts_.find(key);
  if (found != attempts_.end()) found->second.since = now;
}

void Attempts::forgive(const std::set<OpKey>& wishes) {
  for (auto& [key, attempt] : attempts_) {
    if (wishes.contains(key)) attempt.not_before = {};
  }
}

void Attempts::look() {
  unseen_.merge(ended_);
  ended_.clear();
}

bool Attempts::running(const OpKey& key) const {
  const auto found = attempts_.find(key);
  return found != attempts_.end() && found->second.running;
}

bool Attempts::in_flight(const OpKey& key) const { return ended_.contains(key) || unseen_.contains(key) || running(key); }

std::vector<ObjectRef> Attempts::in_flight() const {
  std::set<ObjectRef> all(ended_);
  all.insert(unseen_.begin(), unseen_.end());
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.running) all.insert(key);
  }
  return {all.begin(), all.end()};
}

bool Attempts::only_failures() const {
  return std::all_of(attempts_.begin(), attempts_.end(), [](const auto& entry) {
    return !entry.second.running && (!entry.second.planned || entry.second.failure);
  });
}

bool Attempts::overdue(const Attempt& attempt, SteadyPoint now) {
  return attempt.running && now - attempt.since >= attempt.at_most;
}

std::vector<ObjectFailure> Attempts::failures(SteadyPoint now) const {
  std::vector<ObjectFailure> all;
  for (const auto& [key, attempt] : attempts_) {
    if (overdue(attempt, now)) {
      all.push_back({key.kind, key.object, FailureCode::stuck,
                     "has been under way for more than " + in_seconds(attempt.at_most)});
    } else if (attempt.failure && attempt.planned) {
      all.push_back(*attempt.failure);
    }
  }
  return all;
}

bool Attempts::retry_due(SteadyPoint now) const {
  return std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& entry) {
    const auto& attempt = entry.second;
    return attempt.planned && !attempt.running && attempt.not_before <= now && !ended_.contains(entry.first);
  });
}

std::optional<SteadyPoint> Attempts::next_change(SteadyPoint now) const {
  std::optional<SteadyPoint> next;
  const auto at = [&](SteadyPoint when) {
    if (when > now && (!next || when < *next)) next = when;
  };
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.running) at(attempt.since + attempt.at_most);
    if (attempt.planned && !attempt.running) at(attempt.not_before);
  }
  return next;
}

Duration Attempts::pause(std::uint32_t failures, Duration most) const {
  return std::min(rules_.first * (std::int64_t{1} << std::min(failures - 1, 20U)), most);
}

}  // namespace dure::host
