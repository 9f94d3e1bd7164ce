#include "hostagent/edges/journal/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>

namespace dure::host {
namespace {

// A disk with less left is one that fills up: what is taken of it now would be missing to somebody else.
constexpr std::uint64_t kTimesLeft = 4;

bool has_room(const std::string& path, std::uint64_t bytes) {
  struct statvfs disk {};
  const auto folder = std::filesystem::path(path).parent_path();
  if (::statvfs(folder.empty() ? "." : folder.c_str(), &disk) != 0) return false;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize >= kTimesLeft * bytes;
}

bool has_size(int fd, std::uint64_t bytes) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && static_cast<std::uint64_t>(info.st_blocks) * 512 >= bytes;
}

}  // namespace

bool Ballast::give() {
  if (!kept_) return false;
  kept_ = false;
  return ::unlink(path_.c_str()) == 0;
}

void Ballast::keep() {
  if (kept_ || (!has_room(path_, bytes_) && ::access(path_.c_str(), F_OK) != 0)) return;
  const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  kept_ = has_size(fd, bytes_) || (has_room(path_, bytes_) && ::posix_fallocate(fd, 0, static_cast<off_t>(bytes_)) == 0);
  ::close(fd);
  // Half of it is of no use, and a file system that cannot reserve room has none to give.
  if (!kept_) ::unlink(path_.c_str());
}

}  // namespace dure::host
