#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace dure::control::test {

// A line that the format does not know: the scenario is wrong, not what it describes.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The words of one line, taken from the left. Whatever is left over at the end is an error.
class Words {
 public:
  explicit Words(std::string_view line);

  bool empty() const { return at_ == words_.size(); }
  // Takes the next word if it is this one.
  bool take(std::string_view word);
  // Takes the next word; `what` says what it should have been.
  const std::string& next(std::string_view what);
  std::int64_t number(std::string_view what);
  // "90s"
  std::int64_t seconds();
  // "4ms"
  std::int64_t milliseconds();
  // "a,b", or "none"
  std::vector<std::string> list(std::string_view what);
  // All words left, one space between them.
  std::string rest();
  void end() const;

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

[[noreturn]] void unknown_word(std::string_view word, std::string_view what);

std::string joined(const std::vector<std::string>& names, std::string_view joint = ",");

}  // namespace dure::control::test
