#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/time.h"

namespace dure::cli {

enum class Format { table, wide, json, yaml, name };

struct OutputOptions {
  Format format = Format::table;
  std::vector<std::string> columns;  // titles; empty: those of the format
  bool no_headers = false;
  bool color = false;
  TimePoint now;                     // for ages
};

struct Column {
  std::string title;
  bool wide = false;  // shown by -o wide only
  std::function<std::string(const boost::json::object&, TimePoint now)> text;
};

// A kind of thing: what its rows look like and what one is called.
struct Kind {
  std::string noun, plural;
  std::string name_member = "name";
  std::vector<Column> columns;
};

// All return what goes to stdout. `list` is the answer of the API, {"items": [...]}.
// `invalid_argument`: a column that is not known.
Result<std::string> show_list(const Kind& kind, const boost::json::value& list,
                              const OutputOptions& options);
// One thing as one row.
Result<std::string> show_row(const Kind& kind, const boost::json::value& thing,
                             const OutputOptions& options);
// One thing with all that is known of it.
Result<std::string> show_whole(const Kind& kind, const boost::json::value& thing,
                               const OutputOptions& options);

std::string pretty_json(const boost::json::value& value);
std::string to_yaml(const boost::json::value& value);

}  // namespace dure::cli
