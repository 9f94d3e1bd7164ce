#include "hostagent/edges/netlink/sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace dure::host {

namespace {

std::string path_of(const std::string& path) { return "/proc/sys/" + path; }

Error failure(const char* call, const std::string& path) {
  return {errno == ENOENT ? Errc::not_found : Errc::internal, std::string(call) + " " + path_of(path) + ": " + std::strerror(errno)};
}

bool holds(int fd, std::string_view value) {
  std::array<char, 64> held{};
  const auto count = ::pread(fd, held.data(), held.size(), 0);
  std::string_view now(held.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  if (now.ends_with('\n')) now.remove_suffix(1);
  return now == value;
}

}  // namespace

Result<void> set_sysctl(const std::string& path, std::string_view value) {
  const int fd = ::open(path_of(path).c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return failure("open", path);
  Result<void> result;
  if (!holds(fd, value) && ::pwrite(fd, value.data(), value.size(), 0) != static_cast<ssize_t>(value.size())) {
    result = failure("write", path);
  }
  ::close(fd);
  return result;
}

Result<bool> sysctl_is(const std::string& path, std::string_view value) {
  const int fd = ::open(path_of(path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failure("open", path);
  const bool same = holds(fd, value);
  ::close(fd);
  return same;
}

}  // namespace dure::host
