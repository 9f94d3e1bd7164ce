#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/digest.h"
#include "common/ids.h"
#include "common/ip.h"
#include "common/time.h"
#include "controlnode/edges/postgres/array_bytes.h"
#include "controlnode/edges/postgres/array_text.h"
#include "controlnode/edges/postgres/database.h"

namespace dure::control {

// How a column travels. A batch of rows is one parameter per column: an array with a row's value each.
enum class Shape : std::uint8_t {
  plain,  // as it is
  time,   // as it is; it is read as microseconds since the Unix epoch
  list,   // an array: its literal is one text of the parameter's array
  times,  // an array of times, which travels as a list of microseconds
};

struct Column {
  const char* name;
  const char* type;  // of the column
  Shape shape = Shape::plain;
};

struct Table {
  const char* name;
  std::size_t keys;      // the first columns, which are the primary key; 0: rows are only ever added
  const char* order_by;  // of load
  std::vector<Column> columns;
};

// Statements made from a table's own description; values are never part of them.
enum class Present : std::uint8_t {
  replaced,  // rows that are there already are
  none,      // no row is there
};
Statement write_statement(const Table& table, Present present);
// Of columns that are `uniform` one value travels for all rows: it is received, and a list in it read, once and not for each
// row. It has no name, as there are as many of them as sets of columns. Precondition: one column is not.
Statement write_statement(const Table& table, Present present, const std::vector<bool>& uniform);
Statement load_statement(const Table& table);
Statement drop_statement(const char* table, const char* key, const char* type);

// A value that the database cannot hold; leaves Database as `invalid_argument`.
struct Unstorable {
  std::string reason;
};
// A stored value that is not what was written; leaves as `corrupt`.
struct Unreadable {
  std::string reason;
};

// Collects rows column by column. Each row adds its values in the order of the table's columns.
class RowWriter {
 public:
  explicit RowWriter(const Table& table);

  void text(std::string_view value);
  void number(std::uint64_t value);
  void number(std::int64_t value);
  void number(const std::optional<std::int64_t>& value);
  void flag(bool value);
  void time(TimePoint value);
  void steady(SteadyPoint value);
  void steady(const std::optional<SteadyPoint>& value);
  void time(const std::optional<TimePoint>& value);
  void uuid(const Uuid& value);
  template <class Tag>
  void id(const Id<Tag>& value) {
    uuid(value.uuid);
  }
  template <class Tag>
  void id(const std::optional<Id<Tag>>& value) {
    value ? uuid(value->uuid) : next().add_null();
  }
  void address(Ipv4 value);
  void prefix(const Ipv4Prefix& value);
  void mac(const Mac& value);
  void digest(const Digest& value);
  void bytes(std::string_view value);  // bytea
  // One element per item, written by `write(ArrayText&, item)`.
  template <class Items, class Write>
  void list(const Items& items, const Write& write) {
    ArrayText inner;
    for (const auto& item : items) write(inner, item);
    text(inner.str());
  }

  std::size_t rows() const { return cursor_ / columns_.size(); }
  // Of each column, whether all rows have one value in it.
  std::vector<bool> uniform() const;
  // One for each column, in binary form; of `uniform` ones the first value alone. Takes the rows out. Precondition: there are
  // some.
  std::vector<std::string> parameters(const std::vector<bool>& uniform) &&;

 private:
  ArrayBytes& next() { return columns_[cursor_++ % columns_.size()]; }
  std::string here() const;
  [[noreturn]] void refuse(const char* why) const;

  const Table& table_;
  std::vector<ArrayBytes> columns_;
  std::size_t cursor_ = 0;
};

// What a function from text to an optional value gives.
template <class Parse>
using ParsedBy = typename std::invoke_result_t<const Parse&, std::string_view>::value_type;

// Reads one row's values in the order of the table's columns; throws Unreadable.
class RowReader {
 public:
  RowReader(const Table& table, std::span<const Cell> cells) : table_(table), cells_(cells) {}

  const std::string& text() { return needed(); }
  std::uint64_t u64();
  std::int64_t i64();
  std::optional<std::int64_t> maybe_i64();
  std::uint32_t u32() { return narrow<std::uint32_t>(); }
  std::uint16_t u16() { return narrow<std::uint16_t>(); }
  bool flag() { return needed() == "t"; }
  TimePoint time() { return {i64()}; }
  std::optional<TimePoint> maybe_time();
  SteadyPoint steady() { return {i64()}; }
  std::optional<SteadyPoint> maybe_steady();
  Uuid uuid() { return parsed(&Uuid::parse); }
  template <class IdType>
  void id(IdType& into) {
    into.uuid = uuid();
  }
  template <class IdType>
  void id(std::optional<IdType>& into) {
    if (empty()) {
      into.reset();
      ++at_;
    } else {
      into = IdType{uuid()};
    }
  }
  Ipv4 address() { return parsed(&Ipv4::parse); }
  Ipv4Prefix prefix() { return parsed(&Ipv4Prefix::parse); }
  Mac mac() { return parsed(&Mac::parse); }
  Digest digest() { return parsed(&Digest::parse); }
  std::string bytes();
  std::vector<std::string> list();
  // By the inverse of a to_string or a parse function that gives an optional.
  template <class Parse>
  ParsedBy<Parse> parsed(const Parse& parse) {
    const auto value = parse(std::string_view(needed()));
    if (!value) refuse();
    return *value;
  }
  // The same for one element of a list.
  template <class Parse>
  ParsedBy<Parse> element(const std::string& text, const Parse& parse) const {
    const auto value = parse(std::string_view(text));
    if (!value) refuse(text);
    return *value;
  }
  std::uint64_t element_u64(const std::string& text) const;
  std::uint32_t element_u32(const std::string& text) const;
  std::int64_t element_i64(const std::string& text) const;

 private:
  bool empty() const { return !cells_[at_].has_value(); }
  const std::string& needed();
  [[noreturn]] void refuse() const;
  [[noreturn]] void refuse(const std::string& text) const;
  template <class Small>
  Small narrow() {
    const std::uint64_t value = u64();
    if (value > static_cast<Small>(-1)) refuse();
    return static_cast<Small>(value);
  }

  const Table& table_;
  std::span<const Cell> cells_;
  std::size_t at_ = 0;
};

}  // namespace dure::control
