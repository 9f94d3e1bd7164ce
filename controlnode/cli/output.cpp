#include "controlnode/cli/output.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>

#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

bool same_title(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::toupper(static_cast<unsigned char>(x)) == std::toupper(static_cast<unsigned char>(y));
  });
}

Result<std::vector<const Column*>> chosen_columns(const Kind& kind, const OutputOptions& options) {
  std::vector<const Column*> chosen;
  for (const auto& title : options.columns) {
    const auto found = std::find_if(kind.columns.begin(), kind.columns.end(),
                                    [&](const Column& c) { return same_title(c.title, title); });
    if (found == kind.columns.end()) {
      std::string known;
      for (const auto& column : kind.columns) known += (known.empty() ? "" : ", ") + column.title;
      return Error{Errc::invalid_argument,
                   "a " + kind.noun + " has no column '" + title + "'; it has " + known};
    }
    chosen.push_back(&*found);
  }
  if (!chosen.empty()) return chosen;
  for (const auto& column : kind.columns) {
    if (!column.wide || options.format == Format::wide) chosen.push_back(&column);
  }
  return chosen;
}

std::string name_of(const Kind& kind, const json::object& thing) {
  const auto* name = thing.if_contains(kind.name_member);
  return name == nullptr ? std::string() : plain(*name);
}

// Green for what is well, red for what has failed, yellow for what is on its way.
std::string colored(const std::string& state) {
  const char* code = "33";
  if (state == "ready" || state == "succeeded" || state == "valid") code = "32";
  if (state == "failed" || state == "silent" || state == "unknown") code = "31";
  return std::string("\x1b[") + code + "m" + state + "\x1b[0m";
}

std::string table(const std::vector<const Column*>& columns,
                  const std::vector<const json::object*>& things, const OutputOptions& options) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> titles;
  for (const auto* column : columns) titles.push_back(column->title);
  if (!options.no_headers) rows.push_back(titles);
  for (const auto* thing : things) {
    std::vector<std::string> row;
    for (const auto* column : columns) {
      const auto text = column->text(*thing, options.now);
      row.push_back(text.empty() ? "-" : text);
    }
    rows.push_back(std::move(row));
  }
  if (!options.color) return columns_of_text(rows);
  const std::size_t first = options.no_headers ? 0 : 1;
  return columns_of_text(rows, [&](std::size_t row, std::size_t column, const std::string& text) {
    return row >= first && columns[column]->title == "STATE" ? colored(text) : text;
  });
}

void flatten(const std::string& prefix, const json::object& object,
             std::vector<std::vector<std::string>>& rows) {
  for (const auto& member : object) {
    const auto key = prefix + std::string(member.key());
    const auto* list = member.value().if_array();
    if (member.value().is_object()) {
      flatten(key + ".", member.value().get_object(), rows);
    } else if (list != nullptr && !list->empty() && list->front().is_object()) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        rows.push_back({key + "[" + std::to_string(i) + "]", plain((*list)[i])});
      }
    } else {
      auto text = plain(member.value());
      rows.push_back({key, text.empty() ? "-" : std::move(text)});
    }
  }
}

Result<std::string> show_things(const Kind& kind, const std::vector<const json::object*>& things,
                                const OutputOptions& options) {
  if (options.format == Format::name) {
    std::string names;
    for (const auto* thing : things) names += name_of(kind, *thing) + "\n";
    return names;
  }
  const auto columns = chosen_columns(kind, options);
  if (!columns) return columns.error();
  return table(*columns, things, options);
}

void write_pretty(const json::value& value, const std::string& indent, std::string& out) {
  const auto inner = indent + "  ";
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    std::size_t left = object->size();
    for (const auto& member : *object) {
      out += inner + json::serialize(json::value(member.key())) + ": ";
      write_pretty(member.value(), inner, out);
      out += --left == 0 ? "\n" : ",\n";
    }
    out += indent + "}";
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += "[\n";
    std::size_t left = array->size();
    for (const auto& item : *array) {
      out += inner;
      write_pretty(item, inner, out);
      out += --left == 0 ? "\n" : ",\n";
    }
    out += indent + "]";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string pretty_json(const json::value& value) {
  std::string out;
  write_pretty(value, "", out);
  return out + "\n";
}

Result<std::string> show_list(const Kind& kind, const json::value& list,
                              const OutputOptions& options) {
  if (options.format == Format::json) return pretty_json(list);
  if (options.format == Format::yaml) return to_yaml(list);
  std::vector<const json::object*> things;
  const auto* object = list.if_object();
  const auto* items = object == nullptr ? nullptr : object->if_contains("items");
  if (items != nullptr && items->is_array()) {
    for (const auto& item : items->get_array()) {
      if (item.is_object()) things.push_back(&item.get_object());
    }
  }
  return show_things(kind, things, options);
}

Result<std::string> show_row(const Kind& kind, const json::value& thing,
                             const OutputOptions& options) {
  if (options.format == Format::json) return pretty_json(thing);
  if (options.format == Format::yaml) return to_yaml(thing);
  if (!thing.is_object()) return Error{Errc::internal, "the answer is not of a " + kind.noun};
  return show_things(kind, {&thing.get_object()}, options);
}

Result<std::string> show_whole(const Kind& kind, const json::value& thing,
                               const OutputOptions& options) {
  const bool rows_asked = options.format == Format::wide || !options.columns.empty();
  if (options.format != Format::table || rows_asked) return show_row(kind, thing, options);
  if (!thing.is_object()) return Error{Errc::internal, "the answer is not of a " + kind.noun};
  std::vector<std::vector<std::string>> rows;
  flatten("", thing.get_object(), rows);
  return columns_of_text(rows);
}

}  // namespace dure::cli
