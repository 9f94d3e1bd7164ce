#include "controlnode/edges/http/blob_shelf.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <vector>

#include "common/files.h"
#include "common/sha256.h"

namespace dure::control {
namespace {

Error failed(const std::string& what) {
  const int code = errno;
  return {code == ENOSPC ? Errc::no_space : Errc::internal, what + ": " + std::strerror(code)};
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::uint64_t big_endian(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    value = (value << 8) | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

}  // namespace

Result<void> check_disk_header(std::string_view bytes) {
  constexpr std::string_view magic{"QFI\xfb", 4};
  if (!bytes.starts_with(magic)) return {};
  const auto refuse = [](const std::string& why) {
    return Error{Errc::invalid_argument, "the qcow2 image " + why};
  };
  if (bytes.size() < 104) return refuse("is cut off within its header");
  const auto version = big_endian(bytes, 4, 4);
  if (version != 2 && version != 3) return refuse("is of an unknown version");
  if (big_endian(bytes, 8, 8) != 0) return refuse("refers to a backing file; flatten it first");
  if (big_endian(bytes, 32, 4) != 0) return refuse("is encrypted");
  if (version == 3) {
    // Bit 0 dirty, 1 corrupt, 2 external data file, 3 compression type, 4 extended L2 entries.
    constexpr std::uint64_t allowed = (1U << 3) | (1U << 4);
    if ((big_endian(bytes, 72, 8) & ~allowed) != 0) {
      return refuse("is dirty, corrupt, or keeps its data in another file");
    }
  }
  return {};
}

Result<void> BlobShelf::open() {
  for (const auto& part : {"/blobs", "/incoming"}) {
    if (auto made = make_directories(directory_ + part, 0755); !made) return made;
  }
  const auto incoming = directory_ + "/incoming";
  DIR* listing = ::opendir(incoming.c_str());
  if (listing == nullptr) return failed(incoming);
  while (const auto* entry = ::readdir(listing)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") ::unlink((incoming + "/" + name).c_str());
  }
  ::closedir(listing);
  return {};
}

void BlobShelf::touch(const Digest& digest) {
  if (::utimensat(AT_FDCWD, path_of(digest).c_str(), nullptr, 0) != 0) return;  // there is no such file
  const std::lock_guard lock(mutex_);
  touched_[digest] = Steady::now();
}

bool BlobShelf::touched_since(const Digest& digest, Steady::time_point since) {
  const std::lock_guard lock(mutex_);
  const auto found = touched_.find(digest);
  if (found == touched_.end()) return false;
  if (found->second > since) return true;
  touched_.erase(found);
  return false;
}

BlobShelf::Swept BlobShelf::sweep(const std::set<Digest>& referred, Duration untouched) {
  Swept swept;
  const auto folder = directory_ + "/blobs";
  DIR* listing = ::opendir(folder.c_str());
  if (listing == nullptr) return swept;
  const auto newest = std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()) - untouched;
  const auto since = Steady::now() - untouched;
  while (const auto* entry = ::readdir(listing)) {
    const auto digest = Digest::parse(entry->d_name);
    if (!digest || referred.contains(*digest)) continue;
    struct stat info {};
    if (::stat(path_of(*digest).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    if (std::chrono::seconds(info.st_mtim.tv_sec) > newest || touched_since(*digest, since)) continue;
    if (::unlink(path_of(*digest).c_str()) != 0) continue;
    ++swept.files;
    swept.bytes += static_cast<std::uint64_t>(info.st_size);
  }
  ::closedir(listing);
  return swept;
}

std::string BlobShelf::path_of(const Digest& digest) const {
  return directory_ + "/blobs/" + digest.str();
}

std::optional<std::uint64_t> BlobShelf::size_of(const Digest& digest) const {
  struct stat info {};
  if (::stat(path_of(digest).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_size);
}

std::string BlobShelf::incoming() {
  return directory_ + "/incoming/" + std::to_string(++next_);
}

Result<BlobShelf::Kept> BlobShelf::keep(const std::string& incoming, const Digest& expected) {
  OpenFile file(incoming);
  if (file.fd() < 0) return failed(incoming);
  Sha256 hash;
  Kept kept;
  std::vector<std::byte> buffer(1 << 20);
  for (;;) {
    const auto got = ::read(file.fd(), buffer.data(), buffer.size());
    if (got < 0) return failed(incoming);
    if (got == 0) break;
    const auto count = static_cast<std::size_t>(got);
    if (kept.size_bytes == 0) {
      const std::string_view head(reinterpret_cast<const char*>(buffer.data()), count);
      if (auto good = check_disk_header(head); !good) return good.error();
    }
    hash.update(std::span(buffer.data(), count));
    kept.size_bytes += count;
  }
  if (kept.size_bytes == 0) return Error{Errc::invalid_argument, "there are no bytes in it"};
  kept.digest = hash.finish();
  if (expected != Digest{} && kept.digest != expected) {
    return Error{Errc::corrupt, "the bytes received have SHA-256 " + kept.digest.str() +
                                    ", not " + expected.str() + "; send them again"};
  }
  if (::fchmod(file.fd(), 0444) != 0 || ::fsync(file.fd()) != 0) return failed(incoming);
  if (::rename(incoming.c_str(), path_of(kept.digest).c_str()) != 0) return failed(incoming);
  if (auto durable = fsync_directory(directory_ + "/blobs"); !durable) return durable.error();
  touch(kept.digest);
  return kept;
}

}  // namespace dure::control
