#include "hostagent/edges/fetch/partial_blob.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace dure::host {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

}  // namespace

Error PartialBlob::error(const std::string& what, int number) const {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return {full ? Errc::no_space : Errc::internal, what + " " + path_ + ": " + std::strerror(number)};
}

Result<PartialBlob> PartialBlob::open(const std::string& path, const BlobRef& blob, std::uint64_t keep_free) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  PartialBlob partial(fd, path, blob);
  if (fd < 0) return partial.error("open", errno);
  struct stat held {};
  if (::fstat(fd, &held) != 0) return partial.error("stat", errno);
  if (!S_ISREG(held.st_mode)) return Error{Errc::internal, path + " is no regular file"};
  partial.bytes_ = static_cast<std::uint64_t>(held.st_size);
  if (partial.bytes_ > blob.size_bytes) {
    if (auto anew = partial.start_over(); !anew) return anew.error();
  }
  if (auto enough = partial.reserve(keep_free); !enough) return enough.error();
  if (auto hashed = partial.hash_what_is_there(); !hashed) return hashed.error();
  return partial;
}

PartialBlob::PartialBlob(PartialBlob&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      blob_(other.blob_),
      bytes_(other.bytes_),
      hash_(std::move(other.hash_)) {}

PartialBlob::~PartialBlob() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> PartialBlob::reserve(std::uint64_t keep_free) const {
  const std::uint64_t rest = blob_.size_bytes - bytes_;
  struct statvfs disk {};
  if (::fstatvfs(fd_, &disk) != 0) return error("statvfs", errno);
  const std::uint64_t free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (free_bytes < keep_free || free_bytes - keep_free < rest) {
    return Error{Errc::no_space, path_ + ": " + std::to_string(rest) + " bytes to come, " + std::to_string(free_bytes) +
                                     " free, of which " + std::to_string(keep_free) + " are kept"};
  }
  if (rest == 0) return {};
  // The size stays what has arrived; a file system that cannot do this finds out while writing.
  const int done = ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(bytes_), static_cast<off_t>(rest));
  if (done != 0 && errno != EOPNOTSUPP && errno != ENOSYS) return error("reserve", errno);
  return {};
}

Result<void> PartialBlob::hash_what_is_there() {
  std::vector<std::byte> part(static_cast<std::size_t>(std::min<std::uint64_t>(bytes_, kReadBytes)));
  std::uint64_t at = 0;
  while (at < bytes_) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(bytes_ - at, part.size()));
    const ssize_t count = ::pread(fd_, part.data(), wanted, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return error("read", errno);
    if (count == 0) return Error{Errc::internal, path_ + " became shorter while it was read"};
    hash_.update(std::span(part).first(static_cast<std::size_t>(count)));
    at += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<void> PartialBlob::append(std::span<const std::byte> bytes) {
  if (bytes.size() > blob_.size_bytes - bytes_) return Error{Errc::corrupt, path_ + ": more bytes arrive than were named"};
  hash_.update(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(bytes_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return error("write", errno);
    bytes_ += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> PartialBlob::start_over() {
  if (::ftruncate(fd_, 0) != 0) return error("truncate", errno);
  bytes_ = 0;
  hash_ = Sha256();
  return {};
}

Result<void> PartialBlob::seal() {
  if (bytes_ != blob_.size_bytes) return Error{Errc::corrupt, path_ + " has not the size that was named"};
  if (const Digest found = hash_.finish(); found != blob_.digest) {
    return Error{Errc::corrupt, path_ + " has the digest " + found.str()};
  }
  if (::fchmod(fd_, 0444) != 0) return error("chmod", errno);
  if (::fsync(fd_) != 0) return error("fsync", errno);
  return {};
}

}  // namespace dure::host
