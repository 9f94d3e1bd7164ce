#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"

namespace dure::control {

class Database;

struct Migration {
  std::uint32_t number = 0;
  std::string name;  // file name
  std::string text;
};

// The files of sql/ as they were when the program was built, by number.
std::vector<Migration> embedded_migrations();

// Brings the database to the last of `migrations`: forward only, one transaction each, one program
// at a time. `conflict`: the database is newer than these files, or a file that was applied has
// changed or is missing; the message names it.
Result<void> migrate(Database& database, const std::vector<Migration>& migrations);

}  // namespace dure::control
