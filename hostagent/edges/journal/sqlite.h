#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dure::host {

// What SQLite reported, thrown inside this room only.
struct SqliteFailure {
  Error error;
};

class Sqlite;

// A prepared statement with its values bound from the left; used for one run.
class SqliteQuery {
 public:
  SqliteQuery(Sqlite& database, const char* text);

  // 64 bits, stored as SQLite's signed integer of the same bits.
  SqliteQuery& bind(std::uint64_t value);
  // Bytes; must outlive the query.
  SqliteQuery& bind(std::string_view bytes);

  // True: there is a row to read.
  bool step();
  std::uint64_t number(int column) const;
  std::string bytes(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  Sqlite& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

// One open database file.
class Sqlite {
 public:
  explicit Sqlite(const std::string& path);

  // Statements without values and without an answer.
  void run(const char* text);
  // The one value of a statement's first row, as text.
  std::string ask(const char* text);

  [[noreturn]] void fail(int code) const;
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

// Rolled back at its end unless it was committed.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(Sqlite& database);
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  void commit();

 private:
  Sqlite& database_;
  bool open_ = true;
};

}  // namespace dure::host
