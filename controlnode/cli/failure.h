#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlnode/cli/exit_codes.h"

namespace dure::cli {

// One host that a request does not fit on, as the control node counts it.
struct HostReason {
  std::string host, dimension, wanted, free, total, detail;
};

// Why a command ends without what was asked for: what is printed, and the exit code.
struct Failure {
  Exit exit = Exit::failure;
  std::string message;
  std::vector<std::pair<std::string, std::string>> faults;  // JSON pointer, what is wrong there
  std::vector<HostReason> reasons;
  std::string hint;
  bool transient = false;  // the same call may succeed in a moment
  unsigned retry_after_s = 0;
  std::vector<std::string> remedies{};  // each follows "It would fit "
};

// A value or the failure.
template <class T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : value_(std::move(value)) {}             // NOLINT(google-explicit-constructor)
  Outcome(Failure failure) : failure_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return value_.has_value(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  const Failure& failure() const { return failure_; }

 private:
  std::optional<T> value_;
  Failure failure_;
};

// An answer of status 400 and above. `body` should be problem+json; anything else is shown by its
// status alone.
Failure failure_of(unsigned status, const std::string& body);

// For stderr, several lines: the message, each fault, the table of hosts, the hint.
std::string describe(const Failure& failure);

}  // namespace dure::cli
