#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace dure {

// Why something did not happen. A code exists only where some caller reacts to it differently;
// everything else belongs in the message.
enum class Errc : std::uint8_t {
  invalid_argument,   // the caller's input breaks the grammar or a limit
  not_found,          // the named thing does not exist
  already_exists,     // the name or id is taken
  conflict,           // the thing's state or generation forbids it now
  unauthenticated,    // no or wrong credential, signature or key
  no_capacity,        // well-formed, but does not fit
  quota,              // more than the project may hold
  superseded,         // older than what has been accepted already (generation, epoch, sequence)
  unavailable,        // the other side cannot be reached now; trying again may help
  in_doubt,           // it may or may not have happened: observe again before acting
  lost_leadership,    // another control node has taken over; stop writing
  no_space,           // a disk is full
  corrupt,            // stored bytes are not what was written
  internal,           // a bug or an unexpected answer of a library
};

// Stable name, as it appears in REST problem codes and logs.
std::string_view to_string(Errc code);

struct Error {
  Errc code = Errc::internal;
  std::string message;  // names the thing, the reason and, where there is one, the way out

  friend bool operator==(const Error&, const Error&) = default;
};

// A value or the reason why there is none. (Debian 12's compilers have no std::expected.)
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}        // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}    // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Precondition: ok().
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T value() && { return std::get<0>(std::move(state_)); }  // by value: a range-for may hold it
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Precondition: !ok().
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace dure
