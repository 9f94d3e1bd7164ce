#include "controlnode/edges/postgres/array_text.h"

#include <algorithm>
#include <utility>

namespace dure::control {
namespace {

// Length of the well-formed UTF-8 sequence at the front of `text` (RFC 3629: shortest form, no
// surrogates, at most U+10FFFF), or 0.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

// One element from `text` at `at`; false when it is malformed. Leaves `at` behind the element.
bool parse_element(std::string_view text, std::size_t& at, std::string& element) {
  if (at < text.size() && text[at] == '"') {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && ++at == text.size()) return false;
      element += text[at];
    }
    return at++ < text.size();
  }
  while (at < text.size() && text[at] != ',' && text[at] != '}') {
    if (text[at] == '"' || text[at] == '{' || text[at] == '\\') return false;
    element += text[at++];
  }
  return !element.empty() && element != "NULL";
}

}  // namespace

void ArrayText::separate() {
  if (body_.size() > 1) body_ += ',';
}

void ArrayText::add_text(std::string_view text) {
  separate();
  body_ += '"';
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find_first_of("\"\\"), text.size());
    body_ += text.substr(0, plain);
    if (plain == text.size()) break;
    body_ += '\\';
    body_ += text[plain];
    text.remove_prefix(plain + 1);
  }
  body_ += '"';
}

void ArrayText::add_plain(std::string_view text) {
  separate();
  body_ += text;
}

void ArrayText::add_null() { add_plain("NULL"); }

std::optional<std::vector<std::string>> parse_array(std::string_view text) {
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return std::nullopt;
  std::vector<std::string> elements;
  if (text == "{}") return elements;
  for (std::size_t at = 1;;) {
    std::string element;
    if (!parse_element(text, at, element) || at >= text.size()) return std::nullopt;
    elements.push_back(std::move(element));
    if (text[at] == '}') return at + 1 == text.size() ? std::optional(elements) : std::nullopt;
    if (text[at++] != ',') return std::nullopt;
  }
}

bool storable(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = text.front() == '\0' ? 0 : sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace dure::control
