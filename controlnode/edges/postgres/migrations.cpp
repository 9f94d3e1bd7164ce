#include "controlnode/edges/postgres/migrations.h"

#include <charconv>
#include <map>
#include <span>

#include "common/log.h"
#include "common/sha256.h"
#include "controlnode/edges/postgres/database.h"

namespace dure::control {
namespace {

// Any number that nobody else uses; held until the transaction ends.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(7310576215011)";
constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, "
    "applied_at timestamptz NOT NULL DEFAULT now())";

struct Applied {
  std::string name;
  std::string sha256;
};

std::string digest_of(const std::string& text) {
  Sha256 sum;
  sum.update(std::as_bytes(std::span(text)));
  return sum.finish().str();
}

std::map<std::uint32_t, Applied> applied_ones(Transaction& transaction) {
  const Statement statement{"migrations_applied",
                            "SELECT number, name, sha256 FROM schema_migrations ORDER BY number"};
  const Rows rows = transaction.run(statement, {});
  std::map<std::uint32_t, Applied> applied;
  for (std::size_t i = 0; i < rows.cells.size(); i += rows.columns) {
    std::uint32_t number = 0;
    const std::string& digits = *rows.cells[i];
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    applied[number] = {*rows.cells[i + 1], *rows.cells[i + 2]};
  }
  return applied;
}

// What was applied must be what these files say, as far as it goes.
Result<void> verify(const std::map<std::uint32_t, Applied>& applied,
                    const std::vector<Migration>& migrations) {
  std::map<std::uint32_t, const Migration*> files;
  for (const Migration& migration : migrations) files[migration.number] = &migration;
  for (const auto& [number, row] : applied) {
    const auto file = files.find(number);
    if (file == files.end()) {
      const bool newer = files.empty() || number > files.rbegin()->first;
      return Error{Errc::conflict,
                   newer ? "the database is newer than this program: it has migration " + row.name
                         : "migration " + row.name + " was applied, but its file is missing"};
    }
    if (digest_of(file->second->text) != row.sha256) {
      return Error{Errc::conflict,
                   "migration " + row.name + " was applied, but its file has changed since; "
                   "a migration is never edited, add a new one"};
    }
  }
  return {};
}

// The first migration that is not applied yet; null when there is none.
const Migration* next_of(const std::map<std::uint32_t, Applied>& applied,
                         const std::vector<Migration>& migrations) {
  for (const Migration& migration : migrations) {
    if (!applied.contains(migration.number)) return &migration;
  }
  return nullptr;
}

// A file in the middle that was never applied would change a schema that later files have built on.
Result<void> only_forward(const std::map<std::uint32_t, Applied>& applied, const Migration& next) {
  if (applied.empty() || applied.rbegin()->first < next.number) return {};
  return Error{Errc::conflict, "migration " + next.name + " is missing in the database, but " +
                                   applied.rbegin()->second.name + " after it was applied"};
}

}  // namespace

Result<void> migrate(Database& database, const std::vector<Migration>& migrations) {
  for (bool finished = false; !finished;) {
    const Migration* tried = nullptr;
    const auto step = [&](Transaction& transaction) -> Result<void> {
      tried = nullptr;
      transaction.run_script(kLock);
      transaction.run_script(kTable);
      const auto applied = applied_ones(transaction);
      if (auto good = verify(applied, migrations); !good) return good;
      const Migration* next = next_of(applied, migrations);
      if (!next) return {};
      if (auto good = only_forward(applied, *next); !good) return good;
      tried = next;
      transaction.run_script(next->text);
      transaction.run({"migrations_note",
                       "INSERT INTO schema_migrations (number, name, sha256) "
                       "VALUES ($1::integer, $2::text, $3::text)"},
                      {std::to_string(next->number), next->name, digest_of(next->text)});
      return {};
    };
    if (auto good = database.transact(Database::Mode::write, step); !good) {
      if (!tried) return good;
      return Error{good.error().code, "migration " + tried->name + ": " + good.error().message};
    }
    if (tried) log::info("migration applied", {{"name", tried->name}});
    finished = tried == nullptr;
  }
  return {};
}

}  // namespace dure::control
