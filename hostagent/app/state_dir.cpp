#include "hostagent/app/state_dir.h"

#include <filesystem>

#include "common/files.h"

namespace dure::host {

Result<std::string> prepare_state_dir(const std::string& state_dir) {
  if (auto made = make_directories(state_dir, 0711); !made) return made.error();
  using std::filesystem::perms;
  std::error_code failure;
  std::filesystem::permissions(state_dir, perms::group_exec | perms::others_exec, std::filesystem::perm_options::add, failure);
  if (failure) return Error{Errc::unavailable, state_dir + ": others may not enter it: " + failure.message()};
  auto channels = state_dir + "/channels";
  if (auto made = make_directories(channels, 0700); !made) return made.error();
  return channels;
}

}  // namespace dure::host
