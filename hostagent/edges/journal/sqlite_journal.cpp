#include "hostagent/edges/journal/sqlite_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>

#include "common/files.h"
#include "common/sha256.h"

namespace dure::host {
namespace {

// "DURE", in the file's header: a database of somebody else is left alone.
constexpr const char* kApplicationId = "1146442309";
// Some thousands of accepted orders: the WAL grows by two pages for each, until it is written back.
constexpr std::uint64_t kBallastBytes = 8 << 20;
constexpr std::array kKinds{ObjectKind::host, ObjectKind::image, ObjectKind::network, ObjectKind::vm};

std::string_view raw(const Uuid& uuid) {
  return {reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size()};
}

std::string raw(const Digest& digest) { return {digest.bytes.begin(), digest.bytes.end()}; }

[[noreturn]] void corrupt(const std::string& reason) {
  throw SqliteFailure{{Errc::corrupt, "journal: " + reason}};
}

Uuid uuid_of(const std::string& bytes) {
  Uuid uuid;
  if (bytes.size() != uuid.bytes.size()) corrupt("an id has the wrong length");
  std::memcpy(uuid.bytes.data(), bytes.data(), bytes.size());
  return uuid;
}

ObjectKind kind_of(const std::string& text) {
  for (const ObjectKind kind : kKinds) {
    if (to_string(kind) == text) return kind;
  }
  corrupt("an obligation of an unknown kind");
}

// Each part with its length, so that no two lists of parts give the same bytes.
class Sealer {
 public:
  void add(std::uint64_t value) {
    std::array<std::byte, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
    }
    sum_.update(bytes);
  }
  void add(std::string_view bytes) {
    add(std::uint64_t{bytes.size()});
    sum_.update(std::as_bytes(std::span(bytes)));
  }
  std::string finish() { return raw(sum_.finish()); }

 private:
  Sha256 sum_;
};

[[noreturn]] void unusable(const std::string& path, int reason) {
  throw SqliteFailure{{reason == ENOSPC ? Errc::no_space : Errc::unavailable,
                       "journal " + path + ": " + std::strerror(reason)}};
}

// Makes the file for its owner alone before SQLite sees it; SQLite gives the files beside it the
// same mode.
const std::string& made(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) unusable(path, errno);
  const bool closed_to_others = ::fchmod(fd, 0600) == 0;
  const int reason = errno;
  ::close(fd);
  if (!closed_to_others) unusable(path, reason);
  const auto folder = std::filesystem::path(path).parent_path();
  const auto synced = fsync_directory(folder.empty() ? "." : folder.string());
  if (!synced) throw SqliteFailure{synced.error()};
  return path;
}

}  // namespace

SqliteJournal::Lock::Lock(const std::string& path)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (fd_ < 0) unusable(path, errno);
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  ::close(fd_);
  if (reason != EWOULDBLOCK) unusable(path, reason);
  throw SqliteFailure{{Errc::conflict, "journal " + path + ": another agent has it"}};
}

SqliteJournal::Lock::~Lock() { ::close(fd_); }

SqliteJournal::SqliteJournal(const std::string& path)
    : lock_(path + ".lock"), database_(made(path)), ballast_(path + ".ballast", kBallastBytes) {}

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::open(const std::string& path) {
  try {
    std::unique_ptr<SqliteJournal> journal(new SqliteJournal(path));
    journal->prepare();
    return journal;
  } catch (const SqliteFailure& failure) {
    // Our statements are constants: one that SQLite does not understand meets a damaged schema.
    const bool damaged = failure.error.code == Errc::internal;
    return Error{damaged ? Errc::corrupt : failure.error.code, failure.error.message};
  }
}

void SqliteJournal::prepare() {
  database_.run("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
  const bool fresh = database_.ask("SELECT count(*) FROM sqlite_schema") == "0" &&
                     database_.ask("PRAGMA application_id") == "0";
  if (!fresh && database_.ask("PRAGMA application_id") != kApplicationId) corrupt("not a journal of ours");
  if (database_.ask("PRAGMA journal_mode = WAL") != "wal") corrupt("the file cannot be used with a WAL");
  // With a WAL, one fsync makes a commit last, and an onlooker may read meanwhile.
  database_.run("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304");
  if (const auto found = database_.ask("PRAGMA integrity_check"); found != "ok") corrupt(found);
  if (fresh) make_tables();
  if (database_.ask("PRAGMA user_version") == "2") bring_up_to_date();
  if (database_.ask("PRAGMA user_version") != "3") corrupt("of another version");
  state_ = read();
  // What earlier processes left in the WAL is now read and sealed: into the file with it.
  database_.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

// In one transaction with the application id: a half-made file is still fresh.
void SqliteJournal::make_tables() {
  SqliteTransaction transaction(database_);
  database_.run(
      "CREATE TABLE accepted (singleton INTEGER PRIMARY KEY CHECK (singleton = 1), "
      "delegation INTEGER NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, "
      "generation INTEGER NOT NULL, envelope_sha256 BLOB NOT NULL, fence_proof BLOB NOT NULL DEFAULT x'');"
      "CREATE TABLE obligations (kind TEXT NOT NULL, object BLOB NOT NULL, number INTEGER NOT NULL, "
      "order_id BLOB NOT NULL, PRIMARY KEY (kind, object));"
      "CREATE TABLE seal (singleton INTEGER PRIMARY KEY CHECK (singleton = 1), sha256 BLOB NOT NULL);"
      "INSERT INTO accepted VALUES (1, 0, 0, 0, 0, x'', x'');"
      "PRAGMA application_id = 1146442309; PRAGMA user_version = 3");
  write_seal(State{});
  transaction.commit();
}

// A journal of version 2 has no proof of its fence; without one its seal is what it was.
void SqliteJournal::bring_up_to_date() {
  SqliteTransaction transaction(database_);
  database_.run(
      "ALTER TABLE accepted ADD COLUMN fence_proof BLOB NOT NULL DEFAULT x''; PRAGMA user_version = 3");
  transaction.commit();
}

SqliteJournal::State SqliteJournal::read() {
  State state;
  SqliteQuery accepted(database_,
                       "SELECT delegation, epoch, sequence, generation, envelope_sha256, fence_proof FROM accepted");
  if (!accepted.step()) corrupt("what was accepted is missing");
  state.accepted.fence = {accepted.number(0), accepted.number(1)};
  state.accepted.sequence = accepted.number(2);
  state.accepted.generation = accepted.number(3);
  state.envelope_sha256 = accepted.bytes(4);
  state.accepted.fence_proof = accepted.bytes(5);
  SqliteQuery rows(database_, "SELECT kind, object, number, order_id FROM obligations");
  while (rows.step()) {
    Obligation obligation;
    obligation.kind = kind_of(rows.bytes(0));
    obligation.object = uuid_of(rows.bytes(1));
    obligation.number = rows.number(2);
    obligation.order.uuid = uuid_of(rows.bytes(3));
    state.obligations[{obligation.kind, obligation.object}] = obligation;
  }
  if (database_.ask("SELECT sha256 FROM seal") != seal(state)) corrupt("its seal is broken");
  return state;
}

std::string SqliteJournal::seal(const State& state) {
  Sealer sealer;
  sealer.add(state.accepted.fence.delegation);
  sealer.add(state.accepted.fence.epoch);
  sealer.add(state.accepted.sequence);
  sealer.add(state.accepted.generation);
  sealer.add(std::string_view(state.envelope_sha256));
  if (!state.accepted.fence_proof.empty()) sealer.add(std::string_view(state.accepted.fence_proof));
  for (const auto& [key, obligation] : state.obligations) {
    sealer.add(to_string(obligation.kind));
    sealer.add(raw(obligation.object));
    sealer.add(obligation.number);
    sealer.add(raw(obligation.order.uuid));
  }
  return sealer.finish();
}

void SqliteJournal::write_seal(const State& state) {
  const std::string sum = seal(state);
  SqliteQuery(database_, "INSERT INTO seal VALUES (1, ?1) ON CONFLICT DO UPDATE SET sha256 = ?1")
      .bind(sum)
      .step();
}

Result<void> SqliteJournal::write(const std::function<void(State&)>& change, const std::function<void()>& write) {
  auto written = write_once(change, write);
  if (!written && written.error().code == Errc::no_space && ballast_.give()) written = write_once(change, write);
  if (written) ballast_.keep();
  return written;
}

Result<void> SqliteJournal::write_once(const std::function<void(State&)>& change, const std::function<void()>& write) {
  try {
    State next = state_;
    change(next);
    SqliteTransaction transaction(database_);
    write();
    write_seal(next);
    transaction.commit();
    state_ = std::move(next);
    return {};
  } catch (const SqliteFailure& failure) {
    return failure.error;
  }
}

Result<void> SqliteJournal::accept(const OrderMark& accepted, const Digest& envelope_sha256) {
  const std::string evidence = raw(envelope_sha256);
  const auto change = [&](State& state) {
    state.accepted = accepted;
    state.envelope_sha256 = evidence;
  };
  return write(change, [&] {
    SqliteQuery(database_,
                "UPDATE accepted SET delegation = ?1, epoch = ?2, sequence = ?3, generation = ?4, "
                "envelope_sha256 = ?5, fence_proof = ?6")
        .bind(accepted.fence.delegation)
        .bind(accepted.fence.epoch)
        .bind(accepted.sequence)
        .bind(accepted.generation)
        .bind(std::string_view(evidence))
        .bind(std::string_view(accepted.fence_proof))
        .step();
  });
}

Result<std::vector<Obligation>> SqliteJournal::obligations() {
  std::vector<Obligation> all;
  for (const auto& [key, obligation] : state_.obligations) all.push_back(obligation);
  return all;
}

// What is written already costs nothing: the agent repeats itself with every order.
Result<void> SqliteJournal::oblige(const Obligation& obligation) {
  const auto key = std::pair(obligation.kind, obligation.object);
  const auto known = state_.obligations.find(key);
  if (known != state_.obligations.end() && known->second == obligation) return {};
  return write([&](State& state) { state.obligations[key] = obligation; },
               [&] {
                 const std::string_view kind = to_string(obligation.kind);
                 SqliteQuery(database_,
                             "INSERT INTO obligations VALUES (CAST(?1 AS TEXT), ?2, ?3, ?4) "
                             "ON CONFLICT DO UPDATE SET number = ?3, order_id = ?4")
                     .bind(kind)
                     .bind(raw(obligation.object))
                     .bind(obligation.number)
                     .bind(raw(obligation.order.uuid))
                     .step();
               });
}

Result<void> SqliteJournal::discharge(ObjectKind kind, const Uuid& object) {
  const auto key = std::pair(kind, object);
  if (!state_.obligations.contains(key)) return {};
  return write([&](State& state) { state.obligations.erase(key); },
               [&] {
                 SqliteQuery(database_,
                             "DELETE FROM obligations WHERE kind = CAST(?1 AS TEXT) AND object = ?2")
                     .bind(to_string(kind))
                     .bind(raw(object))
                     .step();
               });
}

}  // namespace dure::host
