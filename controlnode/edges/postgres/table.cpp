#include "controlnode/edges/postgres/table.h"

#include <charconv>
#include <limits>
#include <utility>

namespace dure::control {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

const char* element_type(const Column& column) {
  switch (column.shape) {
    case Shape::plain:
    case Shape::time: return column.type;
    case Shape::list:
    case Shape::times: return "text";
  }
  return column.type;
}

// The array of a column's values.
std::string parameter(const Column& column, std::size_t place) {
  return "$" + std::to_string(place + 1) + "::" + element_type(column) + "[]";
}

// From an element of it to the column.
std::string stored(const Column& column, const std::string& name) {
  switch (column.shape) {
    case Shape::plain:
    case Shape::time: return name;
    case Shape::list: return name + "::" + column.type;
    case Shape::times:
      return "ARRAY(SELECT timestamptz 'epoch' + t.us * interval '1 microsecond' FROM unnest(" + name +
             "::bigint[]) WITH ORDINALITY AS t (us, place) ORDER BY t.place)";
  }
  return name;
}

ElementType element_of(const Column& column) {
  constexpr std::pair<std::string_view, ElementType> kTypes[] = {
      {"boolean", ElementType::boolean}, {"bytea", ElementType::bytea},     {"bigint", ElementType::bigint},
      {"integer", ElementType::integer}, {"text", ElementType::text},       {"cidr", ElementType::cidr},
      {"macaddr", ElementType::macaddr}, {"inet", ElementType::inet},       {"timestamptz", ElementType::timestamptz},
      {"numeric", ElementType::numeric}, {"uuid", ElementType::uuid}};
  for (const auto& [name, type] : kTypes) {
    if (name == element_type(column)) return type;
  }
  throw Unstorable{std::string("there is no binary form for type ") + column.type};
}

// PostgreSQL counts times from 2000-01-01.
constexpr std::int64_t kPostgresEpochUs = 946'684'800'000'000;

std::string loaded(const Column& column) {
  const auto microseconds = [](const std::string& time) { return "(extract(epoch FROM " + time + ") * 1000000)::bigint"; };
  if (column.shape == Shape::time) return microseconds(column.name);
  if (column.shape != Shape::times) return column.name;
  return "ARRAY(SELECT " + microseconds("t.at") + " FROM unnest(" + column.name +
         ") WITH ORDINALITY AS t (at, place) ORDER BY t.place)";
}

template <class Each>
std::string joined(const std::vector<Column>& columns, std::size_t from, const Each& each) {
  std::string text;
  for (std::size_t i = from; i < columns.size(); ++i) {
    if (i > from) text += ", ";
    text += each(columns[i], i);
  }
  return text;
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<unsigned> hex_digit(char c) {
  const std::size_t at = kHex.find(c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<unsigned>(at);
}

}  // namespace

Statement write_statement(const Table& table, Present present) {
  Statement statement = write_statement(table, present, std::vector<bool>(table.columns.size()));
  statement.name = (present == Present::none ? "insert_" : "put_") + std::string(table.name);
  return statement;
}

Statement write_statement(const Table& table, Present present, const std::vector<bool>& uniform) {
  const auto name = [](const Column& column, std::size_t) { return std::string(column.name); };
  const auto value = [&](const Column& column, std::size_t i) {
    if (!uniform[i]) return stored(column, std::string("r.") + column.name);
    // A query of its own is answered once for all rows.
    return "(SELECT " + stored(column, "(" + parameter(column, i) + ")[1]") + ")";
  };
  // In a list of what is selected, where the server takes one row after the other. As a table
  // (FROM unnest($1, $2, ...)) it would first lay down every column by itself, which costs as much as an index.
  std::string spread;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (uniform[i]) continue;
    spread += (spread.empty() ? "unnest(" : ", unnest(") + parameter(table.columns[i], i) + ") AS " + table.columns[i].name;
  }
  std::string text = std::string("INSERT INTO ") + table.name + " (" + joined(table.columns, 0, name) + ") SELECT " +
                     joined(table.columns, 0, value) + " FROM (SELECT " + spread + ") AS r";
  if (present == Present::none || table.keys == 0) return {{}, std::move(text)};
  const auto replace = [](const Column& column, std::size_t) {
    return std::string(column.name) + " = excluded." + column.name;
  };
  const std::vector<Column> keys(table.columns.begin(), table.columns.begin() + static_cast<std::ptrdiff_t>(table.keys));
  text += " ON CONFLICT (" + joined(keys, 0, name) + ") DO UPDATE SET " + joined(table.columns, table.keys, replace);
  return {{}, std::move(text)};
}

Statement load_statement(const Table& table) {
  const auto value = [](const Column& column, std::size_t) { return loaded(column); };
  return {std::string("load_") + table.name, "SELECT " + joined(table.columns, 0, value) + " FROM " +
                                                 table.name + " ORDER BY " + table.order_by};
}

Statement drop_statement(const char* table, const char* key, const char* type) {
  return {std::string("drop_") + table, std::string("DELETE FROM ") + table + " WHERE " + key +
                                            " = ANY ($1::" + type + "[])"};
}

std::string RowWriter::here() const {
  return std::string(table_.name) + "." + table_.columns[cursor_ % columns_.size()].name;
}

RowWriter::RowWriter(const Table& table) : table_(table) {
  columns_.reserve(table.columns.size());
  for (const Column& column : table.columns) columns_.emplace_back(element_of(column));
}

void RowWriter::refuse(const char* why) const { throw Unstorable{here() + why}; }

void RowWriter::text(std::string_view value) {
  if (!storable(value)) refuse(" is not UTF-8 text without NUL");
  next().add(value);
}

void RowWriter::number(std::uint64_t value) {
  if (columns_[cursor_ % columns_.size()].type() == ElementType::numeric) {
    next().add(numeric_bytes(value));
    return;
  }
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) refuse(" is too large a number");
  number(static_cast<std::int64_t>(value));
}

void RowWriter::number(std::int64_t value) {
  if (columns_[cursor_ % columns_.size()].type() == ElementType::integer) {
    if (value != static_cast<std::int32_t>(value)) refuse(" is too large a number");
    next().add(integer_bytes(static_cast<std::int32_t>(value)));
    return;
  }
  next().add(bigint_bytes(value));
}

void RowWriter::number(const std::optional<std::int64_t>& value) { value ? number(*value) : next().add_null(); }
void RowWriter::flag(bool value) { next().add(value ? std::string_view("\1", 1) : std::string_view("\0", 1)); }

void RowWriter::time(TimePoint value) {
  if (value.us < std::numeric_limits<std::int64_t>::min() + kPostgresEpochUs) refuse(" is too early a time");
  next().add(bigint_bytes(value.us - kPostgresEpochUs));
}

void RowWriter::time(const std::optional<TimePoint>& value) { value ? time(*value) : next().add_null(); }

void RowWriter::steady(SteadyPoint value) { number(value.us); }
void RowWriter::steady(const std::optional<SteadyPoint>& value) { value ? steady(*value) : next().add_null(); }

void RowWriter::uuid(const Uuid& value) {
  next().add({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
}

void RowWriter::address(Ipv4 value) { next().add(inet_bytes(value.value, 32, false)); }
void RowWriter::prefix(const Ipv4Prefix& value) { next().add(inet_bytes(value.base.value, value.length, true)); }

void RowWriter::mac(const Mac& value) {
  next().add({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
}

void RowWriter::digest(const Digest& value) { next().add(value.str()); }
void RowWriter::bytes(std::string_view value) { next().add(value); }

std::vector<bool> RowWriter::uniform() const {
  std::vector<bool> all;
  all.reserve(columns_.size());
  for (const ArrayBytes& column : columns_) all.push_back(column.uniform());
  return all;
}

std::vector<std::string> RowWriter::parameters(const std::vector<bool>& uniform) && {
  std::vector<std::string> all;
  all.reserve(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    all.push_back(uniform[i] ? std::move(columns_[i]).take_first() : std::move(columns_[i]).take());
  }
  return all;
}

const std::string& RowReader::needed() {
  if (empty()) refuse("null");
  return *cells_[at_++];
}

void RowReader::refuse() const { refuse(cells_[at_ - 1].value_or("null")); }

void RowReader::refuse(const std::string& text) const {
  throw Unreadable{std::string("database: table ") + table_.name + " holds '" + text.substr(0, 100) +
                   "' where it cannot be (column " + std::to_string(at_) + " of its load)"};
}

std::uint64_t RowReader::u64() { return parsed(&whole_number<std::uint64_t>); }
std::int64_t RowReader::i64() { return parsed(&whole_number<std::int64_t>); }

std::uint64_t RowReader::element_u64(const std::string& text) const {
  return element(text, &whole_number<std::uint64_t>);
}

std::uint32_t RowReader::element_u32(const std::string& text) const {
  return element(text, &whole_number<std::uint32_t>);
}

std::int64_t RowReader::element_i64(const std::string& text) const {
  return element(text, &whole_number<std::int64_t>);
}

std::optional<std::int64_t> RowReader::maybe_i64() {
  if (!empty()) return i64();
  ++at_;
  return std::nullopt;
}

std::optional<TimePoint> RowReader::maybe_time() {
  if (!empty()) return time();
  ++at_;
  return std::nullopt;
}

std::optional<SteadyPoint> RowReader::maybe_steady() {
  if (!empty()) return steady();
  ++at_;
  return std::nullopt;
}

std::vector<std::string> RowReader::list() { return parsed(&parse_array); }

std::string RowReader::bytes() {
  const std::string& hex = needed();
  if (!hex.starts_with("\\x") || hex.size() % 2 != 0) refuse();
  std::string value;
  value.reserve(hex.size() / 2 - 1);
  for (std::size_t i = 2; i < hex.size(); i += 2) {
    const auto high = hex_digit(hex[i]);
    const auto low = hex_digit(hex[i + 1]);
    if (!high || !low) refuse();
    value += static_cast<char>(*high * 16 + *low);
  }
  return value;
}

}  // namespace dure::control
