#include "hostagent/edges/netlink/sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace dure::host {

Result<void> set_sysctl(const std::string& path, std::string_view value) {
  const std::string full = "/proc/sys/" + path;
  const int fd = ::open(full.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    return Error{errno == ENOENT ? Errc::not_found : Errc::internal, "open " + full + ": " + std::strerror(errno)};
  }
  std::array<char, 64> held{};
  const auto count = ::read(fd, held.data(), held.size());
  std::string_view now(held.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  if (now.ends_with('\n')) now.remove_suffix(1);
  Result<void> result;
  if (now != value && ::pwrite(fd, value.data(), value.size(), 0) != static_cast<ssize_t>(value.size())) {
    result = Error{Errc::internal, "write " + full + ": " + std::strerror(errno)};
  }
  ::close(fd);
  return result;
}

}  // namespace dure::host
