#include "controlnode/edges/postgres/database.h"

#include <set>
#include <utility>

#include "common/log.h"
#include "controlnode/edges/postgres/connection_options.h"
#include "controlnode/edges/postgres/pqxx_compat.h"

namespace dure::control {
namespace {

// A deposed leader that stopped inside a transaction holds a lock on the leader's row; the server
// ends it, so that another can take over. A statement that waits longer than this is not worth it.
constexpr const char* kSessionSettings =
    "SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '20s'; "
    "SET statement_timeout = '60s'; SET client_encoding = 'UTF8'; SET timezone = 'UTC'; "
    "SET datestyle = 'ISO'; SET bytea_output = 'hex'; SET standard_conforming_strings = on; "
    "SET client_min_messages = warning";

// The first line is the reason; what follows repeats the statement.
std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

// A class of SQLSTATE (its first two characters) says what kind of failure it is.
Error error_of(const pqxx::sql_error& failure) {
  const std::string& state = failure.sqlstate();
  const std::string reason = "database: " + first_line(failure.what()) +
                             (state.empty() ? "" : " (SQLSTATE " + state + ")");
  const std::string kind = state.substr(0, 2);
  if (state == "53100") return {Errc::no_space, reason};
  if (kind == "23") return {Errc::conflict, reason};
  if (kind == "22") return {Errc::invalid_argument, reason};
  // Connection lost, shut down, out of resources, a lock not had in time, or a server that may only be read (25006), as one is
  // that another has taken over from: later it may work, or elsewhere.
  if (state == "25006" || kind == "08" || kind == "57" || kind == "53" || kind == "55" || kind == "40") {
    return {Errc::unavailable, reason};
  }
  return {Errc::internal, reason};
}

// The server said no and rolled back, so that nothing has happened. Anything else that ends a
// commit (a shutdown, a lost connection) may have come after it was made durable.
bool surely_rolled_back(const pqxx::sql_error& failure) {
  const std::string& state = failure.sqlstate();
  const std::string kind = state.substr(0, 2);
  return !state.empty() && kind != "08" && kind != "57" && state != "40003";
}

Rows copied(const pqxx::result& result) {
  Rows rows;
  rows.columns = static_cast<std::size_t>(result.columns());
  rows.cells.reserve(rows.columns * static_cast<std::size_t>(result.size()));
  for (const auto& row : result) {
    for (const auto& field : row) {
      rows.cells.push_back(field.is_null() ? Cell{} : Cell{std::string(field.c_str(), field.size())});
    }
  }
  return rows;
}

}  // namespace

class Database::Session {
 public:
  explicit Session(const std::string& url) : connection_(url) {}

  void begin() {
    if (begun_) return;
    pqxx::nontransaction setup(connection_);
    setup.exec(kSessionSettings);
    begun_ = true;
  }

  void prepare(const Statement& statement) {
    if (statement.name.empty() || !prepared_.insert(statement.name).second) return;
    connection_.prepare(statement.name.c_str(), statement.text.c_str());
  }

  pqxx::connection& connection() { return connection_; }

 private:
  pqxx::connection connection_;
  bool begun_ = false;
  std::set<std::string, std::less<>> prepared_;
};

namespace {

template <class Session>
class RunningTransaction : public Transaction {
 public:
  RunningTransaction(Session& session, pqxx::transaction_base& transaction)
      : session_(session), transaction_(transaction) {}

  Rows run(const Statement& statement, const std::vector<std::string>& parameters) override {
    session_.prepare(statement);
    return copied(run_with(transaction_, statement.name, statement.text, parameters));
  }

  Rows run_binary(const Statement& statement, const std::vector<std::string>& parameters) override {
    session_.prepare(statement);
    return copied(run_with_binary(transaction_, statement.name, statement.text, parameters));
  }

  void run_script(const std::string& script) override { transaction_.exec(script); }

 private:
  Session& session_;
  pqxx::transaction_base& transaction_;
};

Result<void> commit(pqxx::transaction_base& transaction) {
  try {
    transaction.commit();
    return {};
  } catch (const pqxx::sql_error& failure) {
    if (surely_rolled_back(failure)) return error_of(failure);
    return Error{Errc::in_doubt, std::string("database: commit: ") + first_line(failure.what())};
  } catch (const std::exception& failure) {
    return Error{Errc::in_doubt, std::string("database: commit: ") + first_line(failure.what())};
  }
}

// For as long as it lives the server has to answer.
class Armed {
 public:
  Armed(AnswerDeadline& deadline, int socket, Duration limit, bool& mute) : deadline_(deadline), mute_(mute) {
    deadline_.arm(socket, limit);
  }
  ~Armed() { mute_ = !deadline_.disarm(); }
  Armed(const Armed&) = delete;
  Armed& operator=(const Armed&) = delete;

 private:
  AnswerDeadline& deadline_;
  bool& mute_;
};

template <class Session, class Work>
Result<void> work_through(Session& session, const Database::Body& body) {
  Work work(session.connection());
  RunningTransaction<Session> transaction(session, work);
  const Result<void> done = body(transaction);
  if (!done) return done;
  return commit(work);
}

}  // namespace

Database::Database(std::string url, AnswerLimits limits) : url_(std::move(url)), limits_(limits) {}
Database::~Database() = default;

Result<void> Database::transact(Mode mode, const Body& body) {
  const bool used_before = session_ != nullptr;
  const Result<void> done = attempt(mode, body);
  if (done || done.error().code != Errc::unavailable || !used_before || session_ || mute_) return done;
  log::warn("database connection lost, connecting again", {{"reason", done.error().message}});
  return attempt(mode, body);
}

// After any failure of the driver the session is dropped: what it still holds is not known.
Result<void> Database::attempt(Mode mode, const Body& body) {
  using Write = pqxx::transaction<pqxx::isolation_level::read_committed>;
#if PQXX_VERSION_MAJOR >= 7
  using Snapshot =
      pqxx::transaction<pqxx::isolation_level::repeatable_read, pqxx::write_policy::read_only>;
#else
  using Snapshot = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;
#endif
  mute_ = false;
  try {
    if (!session_) session_ = std::make_unique<Session>(with_time_limits(url_));
    const Armed armed(deadline_, session_->connection().sock(), mode == Mode::write ? limits_.write : limits_.read, mute_);
    session_->begin();
    const Result<void> done = mode == Mode::write
                                  ? work_through<Session, Write>(*session_, body)
                                  : work_through<Session, Snapshot>(*session_, body);
    if (!done && (done.error().code == Errc::in_doubt || !session_->connection().is_open())) {
      session_.reset();
    }
    return done;
  } catch (const pqxx::broken_connection& failure) {
    session_.reset();
    return Error{Errc::unavailable, mute_ ? "database: does not answer" : "database: " + first_line(failure.what())};
  } catch (const pqxx::sql_error& failure) {
    session_.reset();
    return error_of(failure);
  } catch (const std::exception& failure) {
    session_.reset();
    return Error{Errc::internal, "database: " + first_line(failure.what())};
  }
}

}  // namespace dure::control
