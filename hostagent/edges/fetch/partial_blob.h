#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/result.h"
#include "common/sha256.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

// The part of a blob that has arrived, with the hash over it. Appends only.
class PartialBlob {
 public:
  // Opens or makes the file and hashes what is there; starts anew when that is more than the blob.
  // `no_space` when the rest and `keep_free` bytes do not fit.
  static Result<PartialBlob> open(const std::string& path, const BlobRef& blob, std::uint64_t keep_free);
  PartialBlob(PartialBlob&& other) noexcept;
  PartialBlob& operator=(PartialBlob&&) = delete;
  ~PartialBlob();

  std::uint64_t bytes() const { return bytes_; }
  // `corrupt` when there are more than the blob has; `no_space`.
  Result<void> append(std::span<const std::byte> bytes);
  Result<void> start_over();
  // Read-only and on the disk, when digest and size are right; otherwise `corrupt`.
  Result<void> seal();

 private:
  PartialBlob(int fd, std::string path, const BlobRef& blob) : fd_(fd), path_(std::move(path)), blob_(blob) {}
  Result<void> hash_what_is_there();
  Result<void> reserve(std::uint64_t keep_free) const;
  Error error(const std::string& what, int number) const;

  int fd_;
  std::string path_;
  BlobRef blob_;
  std::uint64_t bytes_ = 0;
  Sha256 hash_;
};

}  // namespace dure::host
