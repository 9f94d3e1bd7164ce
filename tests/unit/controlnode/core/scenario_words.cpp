#include "tests/unit/controlnode/core/scenario_words.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace dure::control::test {
namespace {

constexpr std::int64_t kLargest = 1'000'000'000;

std::int64_t parse_number(std::string_view text, std::string_view what) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > kLargest) {
    throw Malformed("'" + std::string(text) + "' is no " + std::string(what));
  }
  return value;
}

}  // namespace

Words::Words(std::string_view line) {
  std::istringstream in{std::string(line)};
  for (std::string word; in >> word;) words_.push_back(word);
}

bool Words::take(std::string_view word) {
  if (empty() || words_[at_] != word) return false;
  ++at_;
  return true;
}

const std::string& Words::next(std::string_view what) {
  if (empty()) throw Malformed("the " + std::string(what) + " is missing");
  return words_[at_++];
}

std::int64_t Words::number(std::string_view what) { return parse_number(next(what), what); }

std::int64_t Words::seconds() {
  const std::string& word = next("duration");
  if (word.back() != 's') unknown_word(word, "duration");
  return parse_number(std::string_view(word).substr(0, word.size() - 1), "duration");
}

std::int64_t Words::milliseconds() {
  const std::string& word = next("round trip");
  if (!word.ends_with("ms")) unknown_word(word, "round trip");
  return parse_number(std::string_view(word).substr(0, word.size() - 2), "round trip");
}

std::vector<std::string> Words::list(std::string_view what) {
  std::vector<std::string> names;
  const std::string& word = next(what);
  if (word == "none") return names;
  std::size_t from = 0;
  while (from <= word.size()) {
    const std::size_t comma = std::min(word.find(',', from), word.size());
    names.push_back(word.substr(from, comma - from));
    if (names.back().empty()) throw Malformed("'" + word + "' has an empty " + std::string(what));
    from = comma + 1;
  }
  return names;
}

std::string Words::rest() {
  if (empty()) throw Malformed("the text is missing");
  std::string text = words_[at_++];
  while (!empty()) text += " " + words_[at_++];
  return text;
}

void Words::end() const {
  if (!empty()) throw Malformed("unknown word '" + words_[at_] + "'");
}

void unknown_word(std::string_view word, std::string_view what) {
  throw Malformed("unknown word '" + std::string(word) + "': it is no " + std::string(what));
}

std::string joined(const std::vector<std::string>& names, std::string_view joint) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += joint;
    text += name;
  }
  return text.empty() ? "none" : text;
}

}  // namespace dure::control::test
