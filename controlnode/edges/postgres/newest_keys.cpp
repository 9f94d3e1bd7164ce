#include "controlnode/edges/postgres/newest_keys.h"

#include <string>
#include <vector>

#include "controlnode/edges/postgres/rows.h"

namespace dure::control {
namespace {

const std::vector<const Table*>& tables() {
  static const std::vector<const Table*> all{&RowMap<Network>::table(), &RowMap<Cluster>::table(),
                                             &RowMap<Node>::table(), &RowMap<Claim>::table(),
                                             &RowMap<Operation>::table()};
  return all;
}

std::string largest_of_each() {
  std::string text;
  for (const Table* table : tables()) {
    const std::string key = table->columns[0].name;
    text += (text.empty() ? "SELECT (SELECT " : ", (SELECT ") + key + " FROM " + table->name + " ORDER BY " + key +
            " DESC LIMIT 1)";
  }
  return text;
}

}  // namespace

void NewestKeys::look(Transaction& transaction) {
  static const Statement statement{"newest_keys", largest_of_each()};
  const Rows found = transaction.run(statement, {});
  for (std::size_t i = 0; i < tables().size(); ++i) {
    const auto key = found.cells[i] ? Uuid::parse(*found.cells[i]) : Uuid{};
    if (key) newest_.emplace(tables()[i], *key);
  }
}

std::optional<Uuid> NewestKeys::of(const Table& table) const {
  const auto found = newest_.find(&table);
  return found == newest_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace dure::control
