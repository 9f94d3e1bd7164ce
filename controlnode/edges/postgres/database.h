#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/time.h"
#include "controlnode/edges/postgres/answer_deadline.h"

namespace dure::control {

using Cell = std::optional<std::string>;

// An answer, copied out of the driver.
struct Rows {
  std::size_t columns = 0;
  std::vector<Cell> cells;  // row by row

  std::size_t size() const { return columns == 0 ? 0 : cells.size() / columns; }
};

// A statement that is prepared once per connection. Values travel as parameters only.
struct Statement {
  std::string name;  // unique in the program; empty: it is not prepared, but read and planned each time
  std::string text;
};

// What a statement inside a transaction may do. Failures leave as exceptions that Database turns
// into a Result; nothing outside of database.cpp sees the driver.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual Rows run(const Statement& statement, const std::vector<std::string>& parameters) = 0;
  // All of them in PostgreSQL's binary form (array_bytes.h).
  virtual Rows run_binary(const Statement& statement, const std::vector<std::string>& parameters) = 0;
  // Several statements without parameters, as a migration file has them.
  virtual void run_script(const std::string& script) = 0;
};

// How long a transaction may take from its beginning to its end. Then the connection is ended: a server that does not answer
// is one that is not there.
struct AnswerLimits {
  Duration write = std::chrono::seconds(15);
  Duration read = std::chrono::seconds(60);   // all that there is, at a start
};

// One connection, made when it is needed and made again after it was lost.
class Database {
 public:
  // `url`: what libpq takes, a connection URI or keyword list.
  explicit Database(std::string url, AnswerLimits limits = {});
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  enum class Mode {
    write,          // read committed
    read_snapshot,  // repeatable read, read only
  };
  using Body = std::function<Result<void>(Transaction&)>;

  // Runs `body` in one transaction; an error from it rolls back and is returned. `unavailable`: the
  // server cannot be reached and nothing has happened. `in_doubt`: the connection was lost while
  // committing. A connection found dead before the commit is replaced once, and the body run again:
  // it starts from nothing each time. A connection that was ended because its server was mute is not.
  Result<void> transact(Mode mode, const Body& body);

 private:
  class Session;

  Result<void> attempt(Mode mode, const Body& body);

  std::string url_;
  AnswerLimits limits_;
  AnswerDeadline deadline_;
  bool mute_ = false;   // the last attempt's server did not answer in time
  std::unique_ptr<Session> session_;
};

}  // namespace dure::control
