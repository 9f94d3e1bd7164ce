#include "controlnode/cli/yaml_value.h"

#include <utf8proc.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace dure::cli {
namespace {

// Aliases are written out, so a small file can stand for a huge tree.
constexpr std::size_t kMostValues = 200'000;
constexpr int kMostDepth = 64;

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &point);
    if (used <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(used));
  }
  return true;
}

class Copier {
 public:
  // False: too large or too deep.
  bool copy(const YAML::Node& node, YamlValue& into, int depth) {
    if (++count_ > kMostValues || depth > kMostDepth) return false;
    // "!" marks what was quoted, "?" what was plain.
    const auto& tag = node.Tag();
    into.quoted = tag == "!";
    if (tag != "!" && tag != "?") into.tag = tag;
    if (node.IsScalar()) {
      into.kind = YamlValue::Kind::scalar;
      into.text = node.Scalar();
    } else if (node.IsSequence()) {
      into.kind = YamlValue::Kind::list;
      for (const auto& item : node) {
        if (!copy(item, into.items.emplace_back(), depth + 1)) return false;
      }
    } else if (node.IsMap()) {
      into.kind = YamlValue::Kind::map;
      for (const auto& member : node) {
        if (!copy(member.first, into.keys.emplace_back(), depth + 1)) return false;
        if (!copy(member.second, into.items.emplace_back(), depth + 1)) return false;
      }
    }
    return true;
  }

 private:
  std::size_t count_ = 0;
};

void emit(YAML::Emitter& out, const YamlValue& value) {
  if (!value.tag.empty()) out << YAML::VerbatimTag(value.tag);
  switch (value.kind) {
    case YamlValue::Kind::null: out << YAML::Null; break;
    case YamlValue::Kind::scalar:
      if (value.quoted) out << YAML::DoubleQuoted;
      out << value.text;
      break;
    case YamlValue::Kind::list:
      if (value.items.empty()) out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const auto& item : value.items) emit(out, item);
      out << YAML::EndSeq;
      break;
    case YamlValue::Kind::map:
      if (value.items.empty()) out << YAML::Flow;
      out << YAML::BeginMap;
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        out << YAML::Key;
        emit(out, value.keys[i]);
        out << YAML::Value;
        emit(out, value.items[i]);
      }
      out << YAML::EndMap;
      break;
  }
}

Error wrong(std::string why) { return {Errc::invalid_argument, std::move(why)}; }

}  // namespace

YamlValue YamlValue::word(std::string_view text) {
  YamlValue value;
  value.kind = Kind::scalar;
  value.text = text;
  value.quoted = true;
  return value;
}

YamlValue YamlValue::empty_list() {
  YamlValue value;
  value.kind = Kind::list;
  return value;
}

YamlValue YamlValue::empty_map() {
  YamlValue value;
  value.kind = Kind::map;
  return value;
}

const YamlValue* YamlValue::find(std::string_view name) const {
  if (kind != Kind::map) return nullptr;
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const YamlValue& key) {
    return key.kind == Kind::scalar && key.text == name;
  });
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

YamlValue* YamlValue::find(std::string_view name) {
  return const_cast<YamlValue*>(std::as_const(*this).find(name));
}

std::string YamlValue::text_of(std::string_view name) const {
  const auto* value = find(name);
  return value == nullptr || value->kind != Kind::scalar ? std::string() : value->text;
}

void YamlValue::put(std::string_view name, YamlValue value) {
  if (auto* known = find(name)) {
    *known = std::move(value);
    return;
  }
  auto key = word(name);
  key.quoted = false;
  keys.push_back(std::move(key));
  items.push_back(std::move(value));
}

Result<YamlValue> read_yaml(const std::string& text) {
  if (!is_utf8(text)) return wrong("is not UTF-8 text");
  try {
    const auto documents = YAML::LoadAll(text);
    if (documents.size() > 1) return wrong("holds several documents");
    YamlValue value;
    if (documents.empty()) return value;
    if (!Copier().copy(documents.front(), value, 0)) return wrong("is nested too deep or too large");
    return value;
  } catch (const YAML::Exception& error) {
    if (error.mark.is_null()) return wrong("is not YAML: " + error.msg);
    return wrong("is not YAML: line " + std::to_string(error.mark.line + 1) + ", column " +
                 std::to_string(error.mark.column + 1) + ": " + error.msg);
  } catch (const std::exception&) {
    return wrong("is not YAML");
  }
}

std::string write_yaml(const YamlValue& value) {
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace dure::cli
