#include "hostagent/edges/journal/sqlite.h"

#include <sqlite3.h>

namespace dure::host {
namespace {

constexpr int kBusyMs = 2000;

Errc kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT: return Errc::corrupt;
    case SQLITE_FULL: return Errc::no_space;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Errc::conflict;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_IOERR: return Errc::unavailable;
    default: return Errc::internal;
  }
}

}  // namespace

void SqliteQuery::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Sqlite::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Sqlite::Sqlite(const std::string& path) : path_(path) {
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(
      path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  handle_.reset(handle);
  if (opened != SQLITE_OK) fail(opened);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyMs);
}

void Sqlite::fail(int code) const {
  const char* reason = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  throw SqliteFailure{{kind_of(code), "journal " + path_ + ": " + reason}};
}

void Sqlite::run(const char* text) {
  const int done = sqlite3_exec(handle_.get(), text, nullptr, nullptr, nullptr);
  if (done != SQLITE_OK) fail(done);
}

std::string Sqlite::ask(const char* text) {
  SqliteQuery query(*this, text);
  return query.step() ? query.bytes(0) : std::string();
}

SqliteQuery::SqliteQuery(Sqlite& database, const char* text) : database_(database) {
  sqlite3_stmt* statement = nullptr;
  const int prepared = sqlite3_prepare_v2(database.handle(), text, -1, &statement, nullptr);
  statement_.reset(statement);
  if (prepared != SQLITE_OK) database.fail(prepared);
}

SqliteQuery& SqliteQuery::bind(std::uint64_t value) {
  const int done =
      sqlite3_bind_int64(statement_.get(), ++bound_, static_cast<sqlite3_int64>(value));
  if (done != SQLITE_OK) database_.fail(done);
  return *this;
}

SqliteQuery& SqliteQuery::bind(std::string_view bytes) {
  // A null pointer would bind NULL instead of no bytes.
  const char* data = bytes.empty() ? "" : bytes.data();
  const int done =
      sqlite3_bind_blob64(statement_.get(), ++bound_, data, bytes.size(), SQLITE_STATIC);
  if (done != SQLITE_OK) database_.fail(done);
  return *this;
}

bool SqliteQuery::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail(code);
  return false;
}

std::uint64_t SqliteQuery::number(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

std::string SqliteQuery::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

SqliteTransaction::SqliteTransaction(Sqlite& database) : database_(database) {
  database.run("BEGIN IMMEDIATE");
}

// Not run(): a failure to roll back is no news beside the one that brought us here.
SqliteTransaction::~SqliteTransaction() {
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void SqliteTransaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace dure::host
