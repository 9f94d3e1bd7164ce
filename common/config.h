#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace dure {

// One key that a program's configuration may carry.
struct ConfigKey {
  enum class Kind { text, integer, real, boolean };
  std::string name;                          // "section.key"
  Kind kind = Kind::text;
  std::optional<std::string> default_value;  // none: the key must be given
  std::string meaning;                       // one line for --help-config
};

// A TOML file against a closed list of keys. Each key can be overridden from the environment:
// "api.listen" by <PREFIX>_API_LISTEN. An unknown key or section, a wrong type and a missing
// required key are errors that name file, line and key.
class Config {
 public:
  static Result<Config> load(const std::string& path, const std::vector<ConfigKey>& keys,
                             std::string_view environment_prefix);
  // The same from TOML text, and with a given environment; `source` names it in errors.
  static Result<Config> parse(std::string_view toml, std::string_view source,
                              const std::vector<ConfigKey>& keys,
                              std::string_view environment_prefix,
                              const std::map<std::string, std::string>& environment);

  // Precondition for all: the key is in the list, with that kind.
  const std::string& text(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  bool boolean(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace dure
