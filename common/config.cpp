#include "common/config.h"

#include <toml++/toml.h>
#include <unistd.h>

#include <charconv>
#include <cmath>

#include "common/files.h"

namespace dure {
namespace {

constexpr std::size_t kMaxConfigBytes = 1 << 20;

std::string_view kind_name(ConfigKey::Kind kind) {
  switch (kind) {
    case ConfigKey::Kind::text: return "a text";
    case ConfigKey::Kind::integer: return "an integer";
    case ConfigKey::Kind::real: return "a number";
    case ConfigKey::Kind::boolean: return "true or false";
  }
  return "a text";
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The shortest text that reads back as the same number.
std::string real_text(double value) {
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return error == std::errc{} ? std::string(text, end) : std::string("0");
}

// Whether a value given as text (environment, default) is of the kind.
bool is_of_kind(ConfigKey::Kind kind, std::string_view text) {
  switch (kind) {
    case ConfigKey::Kind::text: return text.find('\0') == std::string_view::npos;
    case ConfigKey::Kind::integer: return parse_number<std::int64_t>(text).has_value();
    case ConfigKey::Kind::real: {
      const auto number = parse_number<double>(text);
      return number && std::isfinite(*number);
    }
    case ConfigKey::Kind::boolean: return text == "true" || text == "false";
  }
  return false;
}

// A TOML value as the text under which Config keeps it; nothing when it is of another kind.
std::optional<std::string> text_of(const toml::node& node, ConfigKey::Kind kind) {
  std::optional<std::string> text;
  if (kind == ConfigKey::Kind::text && node.is_string()) text = node.value<std::string>();
  if (kind == ConfigKey::Kind::boolean && node.is_boolean()) {
    text = *node.value<bool>() ? "true" : "false";
  }
  if (node.is_integer() && (kind == ConfigKey::Kind::integer || kind == ConfigKey::Kind::real)) {
    text = std::to_string(*node.value<std::int64_t>());
  }
  if (kind == ConfigKey::Kind::real && node.is_floating_point()) {
    text = real_text(*node.value<double>());
  }
  if (text && !is_of_kind(kind, *text)) text.reset();
  return text;
}

std::string place(std::string_view source, const toml::node& node) {
  return std::string(source) + ":" + std::to_string(node.source().begin.line);
}

const ConfigKey* find_key(const std::vector<ConfigKey>& keys, std::string_view name) {
  for (const auto& key : keys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

// "api." is a section when some key begins so.
bool is_section(const std::vector<ConfigKey>& keys, const std::string& name) {
  const std::string prefix = name + ".";
  for (const auto& key : keys) {
    if (key.name.starts_with(prefix)) return true;
  }
  return false;
}

using Values = std::map<std::string, std::string, std::less<>>;

struct Reading {
  std::string_view source;
  const std::vector<ConfigKey>& keys;
  Values values;
  std::vector<std::string> faults;
};

void read_table(const toml::table& table, const std::string& prefix, Reading& reading) {
  for (const auto& [toml_key, node] : table) {
    const std::string name = prefix + std::string(toml_key.str());
    const ConfigKey* key = find_key(reading.keys, name);
    if (key != nullptr) {
      if (auto text = text_of(node, key->kind)) {
        reading.values[name] = std::move(*text);
      } else {
        reading.faults.push_back(place(reading.source, node) + ": " + name + " must be " +
                                 std::string(kind_name(key->kind)));
      }
    } else if (node.is_table() && is_section(reading.keys, name)) {
      read_table(*node.as_table(), name + ".", reading);
    } else {
      reading.faults.push_back(place(reading.source, node) + ": unknown " +
                               (node.is_table() ? "section " : "key ") + name);
    }
  }
}

std::string environment_name(std::string_view prefix, const std::string& key) {
  std::string name(prefix);
  name.push_back('_');
  for (const char c : key) {
    if (c >= 'a' && c <= 'z') {
      name.push_back(static_cast<char>(c - 'a' + 'A'));
    } else {
      name.push_back(c == '.' || c == '-' ? '_' : c);
    }
  }
  return name;
}

void apply_environment(std::string_view prefix,
                       const std::map<std::string, std::string>& environment, Reading& reading) {
  for (const auto& key : reading.keys) {
    const auto variable = environment.find(environment_name(prefix, key.name));
    if (variable == environment.end()) continue;
    if (is_of_kind(key.kind, variable->second)) {
      reading.values[key.name] = variable->second;
    } else {
      reading.faults.push_back("environment: " + variable->first + " (" + key.name + ") must be " +
                               std::string(kind_name(key.kind)));
    }
  }
}

void apply_defaults(std::string_view prefix, Reading& reading) {
  for (const auto& key : reading.keys) {
    if (reading.values.contains(key.name)) continue;
    if (!key.default_value) {
      reading.faults.push_back(std::string(reading.source) + ": " + key.name +
                               " is missing (or set " + environment_name(prefix, key.name) + ")");
    } else if (is_of_kind(key.kind, *key.default_value)) {
      reading.values[key.name] = *key.default_value;
    } else {
      reading.faults.push_back("default of " + key.name + " must be " +
                               std::string(kind_name(key.kind)));
    }
  }
}

}  // namespace

Result<Config> Config::parse(std::string_view toml, std::string_view source,
                             const std::vector<ConfigKey>& keys,
                             std::string_view environment_prefix,
                             const std::map<std::string, std::string>& environment) {
  Reading reading{source, keys, {}, {}};
  try {
    read_table(toml::parse(toml, source), "", reading);
  } catch (const toml::parse_error& error) {
    return Error{Errc::invalid_argument, std::string(source) + ":" +
                                             std::to_string(error.source().begin.line) + ": " +
                                             std::string(error.description())};
  }
  apply_environment(environment_prefix, environment, reading);
  // A key with a fault above is not missing as well.
  if (reading.faults.empty()) apply_defaults(environment_prefix, reading);
  if (!reading.faults.empty()) {
    std::string message;
    for (const auto& fault : reading.faults) message += (message.empty() ? "" : "; ") + fault;
    return Error{Errc::invalid_argument, message};
  }
  Config config;
  config.values_ = std::move(reading.values);
  return config;
}

Result<Config> Config::load(const std::string& path, const std::vector<ConfigKey>& keys,
                            std::string_view environment_prefix) {
  const auto content = read_file(path, kMaxConfigBytes);
  if (!content) return content.error();
  std::map<std::string, std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    const auto equals = variable.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return parse(*content, path, keys, environment_prefix, environment);
}

const std::string& Config::text(std::string_view name) const { return values_.find(name)->second; }

std::int64_t Config::integer(std::string_view name) const {
  return parse_number<std::int64_t>(text(name)).value_or(0);
}

double Config::real(std::string_view name) const {
  return parse_number<double>(text(name)).value_or(0);
}

bool Config::boolean(std::string_view name) const { return text(name) == "true"; }

}  // namespace dure
