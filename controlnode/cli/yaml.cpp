#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <set>
#include <string>

#include "controlnode/cli/output.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

// Whether a YAML 1.1 or 1.2 reader takes the bare word for this text and nothing else. yaml-cpp does
// not quote what another reader would take for a number or a truth value.
bool is_plain_word(std::string_view text) {
  static const std::set<std::string> taken{"true", "false", "null", "yes", "no",
                                           "on",   "off",   "y",    "n",   "~"};
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text.front())) == 0) return false;
  std::string lower;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 && c != '-' && c != '_' && c != '.' && c != '/') return false;
    lower += static_cast<char>(std::tolower(byte));
  }
  return !taken.contains(lower);
}

void emit_text(YAML::Emitter& out, std::string_view text) {
  if (!is_plain_word(text)) out << YAML::DoubleQuoted;
  out << std::string(text);
}

void emit(YAML::Emitter& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: out << YAML::Null; break;
    case json::kind::bool_: out << value.get_bool(); break;
    case json::kind::int64: out << value.get_int64(); break;
    case json::kind::uint64: out << value.get_uint64(); break;
    case json::kind::double_: out << value.get_double(); break;
    case json::kind::string: emit_text(out, value.get_string()); break;
    case json::kind::array:
      if (value.get_array().empty()) out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const auto& item : value.get_array()) emit(out, item);
      out << YAML::EndSeq;
      break;
    case json::kind::object:
      if (value.get_object().empty()) out << YAML::Flow;
      out << YAML::BeginMap;
      for (const auto& member : value.get_object()) {
        out << YAML::Key;
        emit_text(out, member.key());
        out << YAML::Value;
        emit(out, member.value());
      }
      out << YAML::EndMap;
      break;
  }
}

}  // namespace

std::string to_yaml(const json::value& value) {
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace dure::cli
