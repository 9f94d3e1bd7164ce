#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace dure::cli {

// A YAML document as a value that can be changed and written again without another meaning: a scalar
// that was quoted stays quoted, and one that was plain stays plain, so that "1" does not become 1.
struct YamlValue {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string text;              // scalar
  bool quoted = false;           // scalar: text, whatever it looks like
  std::string tag;               // of the author's own; empty: none
  std::vector<YamlValue> keys;   // map; as many as items
  std::vector<YamlValue> items;  // list, map

  static YamlValue word(std::string_view text);
  static YamlValue empty_list();
  static YamlValue empty_map();

  // Of a map; null when it has no such member.
  const YamlValue* find(std::string_view name) const;
  YamlValue* find(std::string_view name);
  // The member as text; empty when it is none.
  std::string text_of(std::string_view name) const;
  void put(std::string_view name, YamlValue value);
};

// One document; nothing at all is null. An error says where, and nothing of the content.
Result<YamlValue> read_yaml(const std::string& text);
std::string write_yaml(const YamlValue& value);

}  // namespace dure::cli
