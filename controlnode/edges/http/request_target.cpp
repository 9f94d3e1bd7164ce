#include "controlnode/edges/http/request_target.h"

#include "controlnode/edges/http/text.h"

namespace dure::control {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> percent_decode(const std::string& text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out.push_back(c);
  }
  return out;
}

bool split_target(const std::string& target, HttpRequest& into) {
  const auto mark = target.find('?');
  const auto path = percent_decode(target.substr(0, mark), false);
  if (!path || path->empty() || path->front() != '/' || path->find("..") != std::string::npos ||
      path->find("//") != std::string::npos || !is_utf8(*path)) {
    return false;
  }
  into.path = *path;
  if (mark == std::string::npos) return true;
  std::string rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const auto amp = rest.find('&');
    const auto pair = rest.substr(0, amp);
    rest = amp == std::string::npos ? std::string() : rest.substr(amp + 1);
    const auto equals = pair.find('=');
    const auto key = percent_decode(pair.substr(0, equals), true);
    const auto value = equals == std::string::npos ? std::optional<std::string>("")
                                                   : percent_decode(pair.substr(equals + 1), true);
    if (!key || !value || key->empty() || !is_utf8(*key) || !is_utf8(*value) ||
        !into.query.emplace(*key, *value).second) {
      return false;
    }
  }
  return true;
}

}  // namespace dure::control
