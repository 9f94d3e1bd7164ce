#pragma once

#include <map>
#include <optional>

#include "common/uuid.h"
#include "controlnode/edges/postgres/database.h"
#include "controlnode/edges/postgres/table.h"

namespace dure::control {

// The largest key of each table that gets rows by the thousand. A key above it is surely not there, since nobody
// writes beside the leader: such a row is inserted without the look for one to replace, which is a quarter of its
// cost. Keys are UUIDs of version 7, so what was just made is above what was there; where it is not (a clock that was
// set back), writing is only slower.
class NewestKeys {
 public:
  // In the transaction that writes, after its deletions and under its lock of the leader's row.
  void look(Transaction& transaction);

  // Of a table that is empty, zero. Nothing: it was not looked for.
  std::optional<Uuid> of(const Table& table) const;

 private:
  std::map<const Table*, Uuid> newest_;
};

}  // namespace dure::control
