#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/files.h"
#include "hostagent/edges/journal/sqlite_journal.h"
#include "tests/contract/journal_contract.h"

namespace dure::host {
namespace {

namespace fs = std::filesystem;
using contract::evidence;
using contract::mark;
using contract::obligation;

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "dure-journal-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path() const { return path_; }
  std::string file() const { return path_ + "/journal.db"; }

 private:
  std::string path_;
};

std::unique_ptr<SqliteJournal> opened(const std::string& path) {
  auto journal = SqliteJournal::open(path);
  INFO((journal.ok() ? std::string() : journal.error().message));
  REQUIRE(journal.ok());
  return std::move(journal).value();
}

class SqliteHome : public contract::JournalHome {
 public:
  Journal& start() override {
    journal_.reset();
    journal_ = opened(folder_.file());
    return *journal_;
  }

 private:
  Folder folder_;
  std::unique_ptr<SqliteJournal> journal_;
};

// Cleanly closed, with one of each.
std::string sample_bytes(const std::string& path) {
  {
    auto journal = opened(path);
    REQUIRE(journal->accept(mark(40), evidence(0xee)).ok());
    REQUIRE(journal->oblige(obligation(ObjectKind::vm, 1, 1)).ok());
    REQUIRE(journal->oblige(obligation(ObjectKind::network, 2, 4097)).ok());
  }
  return read_file(path, 1 << 20).value();
}

void overwrite(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Writes one mark and one obligation after the other, and tells each as soon as it is durable.
[[noreturn]] void write_until_killed(const std::string& path, int tell) {
  auto journal = SqliteJournal::open(path);
  if (!journal) ::_exit(1);
  const std::uint64_t first = (*journal)->accepted()->generation + 1;
  for (std::uint64_t n = first;; ++n) {
    OrderMark next;
    next.generation = n;
    if (!(*journal)->oblige(obligation(ObjectKind::vm, static_cast<std::uint8_t>(n), n))) ::_exit(2);
    if (!(*journal)->accept(next, evidence(0x78))) ::_exit(3);
    if (::write(tell, &n, sizeof(n)) != sizeof(n)) ::_exit(4);
  }
}

void run_sql(const std::string& path, const std::string& text) {
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &other) == SQLITE_OK);
  CHECK(sqlite3_exec(other, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(other);
}

std::string value_in(const std::string& path, const char* text) {
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open_v2(path.c_str(), &other, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK);
  std::string seen;
  const auto note = [](void* to, int, char** values, char**) {
    *static_cast<std::string*>(to) = values[0];
    return 0;
  };
  CHECK(sqlite3_exec(other, text, note, &seen, nullptr) == SQLITE_OK);
  sqlite3_close(other);
  return seen;
}

// The file as version 2 made it, with one obligation.
void make_version_2(const std::string& path, const std::string& accepted, const std::string& seal) {
  run_sql(path,
          "BEGIN; CREATE TABLE accepted (singleton INTEGER PRIMARY KEY CHECK (singleton = 1), "
          "delegation INTEGER NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, "
          "generation INTEGER NOT NULL, envelope_sha256 BLOB NOT NULL);"
          "CREATE TABLE obligations (kind TEXT NOT NULL, object BLOB NOT NULL, number INTEGER NOT NULL, "
          "order_id BLOB NOT NULL, PRIMARY KEY (kind, object));"
          "CREATE TABLE seal (singleton INTEGER PRIMARY KEY CHECK (singleton = 1), sha256 BLOB NOT NULL);"
          "PRAGMA application_id = 1146442309; PRAGMA user_version = 2;"
          "INSERT INTO obligations VALUES ('vm', x'01010101010101010101010101010101', 1, "
          "x'01010101010101010101010101010101');"
          "INSERT INTO accepted VALUES (1, " + accepted + "); INSERT INTO seal VALUES (1, x'" + seal +
              "'); COMMIT; PRAGMA journal_mode = WAL");
}

// Runs `check` in a child that has a small disk of its own at `path`; its answer is the child's.
// 77: there is no right to mount.
int on_small_disk(const std::string& path, const std::function<int()>& check, const std::string& size = "256k") {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0) ::_exit(77);
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", path.c_str(), "tmpfs", 0, ("size=" + size).c_str()) != 0) {
      ::_exit(77);
    }
    ::_exit(check());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

std::unique_ptr<contract::JournalHome> contract::make_journal_home() {
  return std::make_unique<SqliteHome>();
}

TEST_CASE("sqlite journal: an agent killed while it writes has lost nothing that it was told is kept") {
  const Folder folder;
  std::uint64_t told = 0;
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) write_until_killed(folder.file(), ends[1]);
    ::close(ends[1]);
    for (int n = 0; n < 20 + round * 7; ++n) REQUIRE(::read(ends[0], &told, sizeof(told)) == sizeof(told));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(ends[0], &told, sizeof(told)) == sizeof(told)) {
    }
    ::close(ends[0]);
    auto journal = opened(folder.file());
    const std::uint64_t kept = journal->accepted()->generation;
    CHECK(kept >= told);
    CHECK(kept <= told + 1);
    CHECK(journal->obligations()->size() >= std::min<std::uint64_t>(kept, 256));
  }
  CHECK(told >= 5 * 20);
}

TEST_CASE("sqlite journal: a flipped byte is found or does not matter") {
  const Folder folder;
  const std::string good = sample_bytes(folder.file());
  const auto obligations = std::vector{obligation(ObjectKind::network, 2, 4097), obligation(ObjectKind::vm, 1, 1)};
  int found = 0;
  for (std::size_t at = 0; at < good.size(); at += 13) {
    CAPTURE(at);
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x55);
    overwrite(folder.file(), bad);
    auto journal = SqliteJournal::open(folder.file());
    if (!journal) {
      CHECK(journal.error().code == Errc::corrupt);
      ++found;
      continue;
    }
    CHECK(*(*journal)->accepted() == mark(40));
    CHECK(*(*journal)->obligations() == obligations);
  }
  CHECK(found > 20);
}

TEST_CASE("sqlite journal: what is no journal of ours is corrupt and left as it is") {
  const Folder folder;
  const std::string good = sample_bytes(folder.file());
  sqlite3* other = nullptr;
  const std::string foreign = folder.path() + "/other.db";
  REQUIRE(sqlite3_open(foreign.c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "CREATE TABLE bookmarks (url TEXT)", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(other);
  for (const std::string& bytes : {std::string(4096, 'z'), std::string("short"), good.substr(0, good.size() / 2),
                                   read_file(foreign, 1 << 20).value()}) {
    CAPTURE(bytes.size());
    overwrite(folder.file(), bytes);
    const auto journal = SqliteJournal::open(folder.file());
    REQUIRE_FALSE(journal.ok());
    CHECK(journal.error().code == Errc::corrupt);
    CHECK(read_file(folder.file(), 1 << 20).value() == bytes);
  }
}

TEST_CASE("sqlite journal: rows changed by somebody else are corrupt") {
  const Folder folder;
  const std::string good = sample_bytes(folder.file());
  for (const char* change : {"UPDATE accepted SET epoch = 0", "UPDATE accepted SET envelope_sha256 = x''",
                             "DELETE FROM obligations WHERE kind = 'vm'", "DELETE FROM accepted",
                             "UPDATE obligations SET object = x'00'", "DELETE FROM seal", "DROP TABLE seal",
                             "PRAGMA user_version = 1", "PRAGMA user_version = 4"}) {
    CAPTURE(std::string(change));
    overwrite(folder.file(), good);
    sqlite3* other = nullptr;
    REQUIRE(sqlite3_open(folder.file().c_str(), &other) == SQLITE_OK);
    REQUIRE(sqlite3_exec(other, change, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(other);
    const auto journal = SqliteJournal::open(folder.file());
    REQUIRE_FALSE(journal.ok());
    CHECK(journal.error().code == Errc::corrupt);
  }
}

constexpr const char* kEvidence = "86bfccc7631f2d38edcf4fcda50154b11929f1113971dcf1b46d8f54b8f4837f";

TEST_CASE("sqlite journal: one of version 2, which proves no fence, is brought up to date") {
  const Folder folder;
  make_version_2(folder.file(), "40, 41, 42, 43, x'" + std::string(kEvidence) + "'",
                 "b1f9ba6677fee19ad2d524842d778abe749dcd5c2b53cdf90404a31d7f7db6c4");
  for (int start = 0; start < 2; ++start) {
    auto journal = opened(folder.file());
    CHECK(*journal->accepted() == mark(40));
    CHECK(*journal->obligations() == std::vector{obligation(ObjectKind::vm, 1, 1)});
  }
  CHECK(value_in(folder.file(), "SELECT lower(hex(envelope_sha256)) FROM accepted") == kEvidence);
  CHECK(value_in(folder.file(), "PRAGMA user_version") == "3");
}

TEST_CASE("sqlite journal: one of version 2 that somebody changed is corrupt") {
  const Folder folder;
  make_version_2(folder.file(), "40, 41, 42, 44, x'" + std::string(kEvidence) + "'",
                 "b1f9ba6677fee19ad2d524842d778abe749dcd5c2b53cdf90404a31d7f7db6c4");
  const auto journal = SqliteJournal::open(folder.file());
  REQUIRE_FALSE(journal.ok());
  CHECK(journal.error().code == Errc::corrupt);
}

TEST_CASE("sqlite journal: the proof of the fence is kept, and no other is taken for it") {
  const Folder folder;
  auto proven = mark(1);
  proven.fence_proof = std::string(64, 'p');
  REQUIRE(opened(folder.file())->accept(proven, evidence(1)).ok());
  CHECK(*opened(folder.file())->accepted() == proven);
  run_sql(folder.file(), "UPDATE accepted SET fence_proof = x'00'");
  CHECK(SqliteJournal::open(folder.file()).error().code == Errc::corrupt);
}

TEST_CASE("sqlite journal: the file is for its owner alone, and one agent has it at a time") {
  const Folder folder;
  ::close(::open(folder.file().c_str(), O_CREAT | O_RDWR, 0644));
  auto journal = opened(folder.file());
  REQUIRE(journal->accept(mark(1), evidence(1)).ok());
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    CAPTURE(entry.path().string());
    CHECK((entry.status().permissions() & fs::perms(077)) == fs::perms::none);
  }
  const auto second = SqliteJournal::open(folder.file());
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == Errc::conflict);
  journal.reset();
  CHECK(*opened(folder.file())->accepted() == mark(1));
}

TEST_CASE("sqlite journal: an onlooker reads while the agent writes") {
  const Folder folder;
  auto journal = opened(folder.file());
  REQUIRE(journal->accept(mark(1), evidence(0x5a)).ok());
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open_v2(folder.file().c_str(), &other, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
  std::string seen, evidence_hex;
  for (int n = 0; n < 32; ++n) evidence_hex += "5A";
  const auto note = [](void* to, int, char** values, char**) {
    *static_cast<std::string*>(to) = values[0];
    return 0;
  };
  CHECK(sqlite3_exec(other, "SELECT hex(envelope_sha256) FROM accepted", note, &seen, nullptr) == SQLITE_OK);
  CHECK(seen == evidence_hex);
  CHECK(journal->accept(mark(2), evidence(2)).ok());
  sqlite3_close(other);
}

TEST_CASE("sqlite journal: a place that is not there is unavailable") {
  const Folder folder;
  const std::string directory = folder.path() + "/directory";
  REQUIRE(fs::create_directory(directory));
  for (const std::string& path : {folder.path() + "/none/journal.db", directory}) {
    const auto journal = SqliteJournal::open(path);
    REQUIRE_FALSE(journal.ok());
    CHECK(journal.error().code == Errc::unavailable);
  }
}

TEST_CASE("sqlite journal: a full disk refuses a write and keeps what was written") {
  const Folder folder;
  const int answer = on_small_disk(folder.path(), [&] {
    auto journal = SqliteJournal::open(folder.file());
    if (!journal || !(*journal)->accept(mark(1), evidence(1))) return 1;
    const std::string ballast = folder.path() + "/ballast";
    std::ofstream(ballast) << std::string(400'000, 'x');
    const auto full = (*journal)->accept(mark(2), evidence(2));
    if (full.ok() || full.error().code != Errc::no_space) return 2;
    if (!(*(*journal)->accepted() == mark(1))) return 3;
    fs::remove(ballast);
    if (!(*journal)->accept(mark(3), evidence(3))) return 4;
    journal = Error{};  // closes it
    journal = SqliteJournal::open(folder.file());
    return journal.ok() && *(*journal)->accepted() == mark(3) ? 0 : 5;
  });
  if (answer == 77) {
    MESSAGE("no right to mount a small disk");
  } else {
    CHECK(answer == 0);
  }
}

TEST_CASE("sqlite journal: on a full disk orders are accepted all the same, with room that was kept for it and is taken again") {
  const Folder folder;
  const int answer = on_small_disk(folder.path(), [&] {
    const std::string kept = folder.file() + ".ballast", filler = folder.path() + "/filler";
    auto journal = SqliteJournal::open(folder.file());
    if (!journal || !(*journal)->accept(mark(1), evidence(1))) return 1;
    if (!fs::exists(kept)) return 2;
    const auto fill = [&] {
      std::ofstream out(filler, std::ios::app);
      const std::string block(4096, 'x');
      while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
      }
      return fs::space(folder.path()).available < block.size();
    };
    if (!fill()) return 3;
    for (std::uint64_t n = 2; n < 300; ++n) {
      if (!(*journal)->accept(mark(n), evidence(static_cast<std::uint8_t>(n)))) return 4;
      if (!(*journal)->oblige(obligation(ObjectKind::vm, static_cast<std::uint8_t>(n), n))) return 5;
    }
    if (fs::exists(kept)) return 6;
    fs::remove(filler);
    if (!(*journal)->accept(mark(300), evidence(1))) return 7;
    if (!fs::exists(kept) || fs::file_size(kept) != 8 << 20) return 8;
    // An agent that is started on a full disk has what the one before has kept.
    if (!fill()) return 9;
    journal = Error{};
    journal = SqliteJournal::open(folder.file());
    if (!journal || !(*journal)->accept(mark(301), evidence(2))) return 10;
    return *(*journal)->accepted() == mark(301) ? 0 : 11;
  }, "64m");
  if (answer == 77) {
    MESSAGE("no right to mount a small disk");
  } else {
    CHECK(answer == 0);
  }
}

TEST_CASE("sqlite journal: a read-only disk is unavailable") {
  const Folder folder;
  const int answer = on_small_disk(folder.path(), [&] {
    {
      auto journal = SqliteJournal::open(folder.file());
      if (!journal || !(*journal)->accept(mark(1), evidence(1))) return 1;
    }
    if (::mount("none", folder.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return 2;
    const auto journal = SqliteJournal::open(folder.file());
    return !journal.ok() && journal.error().code == Errc::unavailable ? 0 : 3;
  });
  if (answer == 77) {
    MESSAGE("no right to mount a small disk");
  } else {
    CHECK(answer == 0);
  }
}

}  // namespace dure::host
