#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"

namespace dure::cli {

// Columns on the screen: wide East-Asian characters take two, combining ones none.
std::size_t display_width(std::string_view text);
// Cut to `width` columns, with an ellipsis where something is missing.
std::string fit(std::string_view text, std::size_t width);
std::string pad(std::string_view text, std::size_t width);

// With control characters and malformed UTF-8 replaced, so that a hostile name cannot drive the
// terminal.
std::string printable(std::string_view text);

// How a cell is written; must not change its width.
using Paint = std::function<std::string(std::size_t row, std::size_t column, const std::string& text)>;

// Rows of cells, two spaces between columns, no spaces at the end of a line.
std::string columns_of_text(const std::vector<std::vector<std::string>>& rows,
                            const Paint& paint = {});

// A JSON value for people: text without quotes, null as nothing, lists with commas.
std::string plain(const boost::json::value& value);
// Its member of this name likewise; empty: it has none, or is no object.
std::string member(const boost::json::object& object, std::string_view name);
std::string member(const boost::json::value& value, std::string_view name);

std::string human_bytes(std::uint64_t bytes);  // 1.2 GiB
std::string human_duration(Duration length);   // 7s, 3m12s, 5h04m, 12d
std::string seconds(Duration length);          // 12.3s

// "90", "90s", "30m", "2h", "1d"; positive, at most `most`.
std::optional<Duration> parse_duration(std::string_view text,
                                       Duration most = std::chrono::hours(7 * 24));
// Why it is none, for people; empty: it is one.
std::string duration_fault(const std::string& text);

// "1.5" -> 150, with two places after the point at most; 1 to 64.
std::optional<std::int64_t> parse_overcommit_percent(std::string_view text);

// One segment of a URL's path.
std::string path_segment(std::string_view text);

}  // namespace dure::cli
