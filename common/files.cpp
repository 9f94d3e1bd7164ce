#include "common/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace dure {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  // The last chance of a network file system to report a failed write.
  bool close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

Error failure(const std::string& action, const std::string& path, int number) {
  Errc code = Errc::internal;
  if (number == ENOENT || number == ENOTDIR) code = Errc::not_found;
  if (number == ENOSPC || number == EDQUOT) code = Errc::no_space;
  return {code, action + " " + path + ": " + std::generic_category().message(number)};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Errno of the step that failed, or 0.
int write_temporary(const std::string& temporary, std::string_view bytes, unsigned mode) {
  // O_EXCL after unlink: never write through a link, nor into a file that is open elsewhere.
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) return errno;
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                         static_cast<mode_t>(mode & 0700)));
  if (!file.ok()) return errno;
  // fchmod, because the process's umask must not decide about the mode.
  if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0) return errno;
  if (!write_all(file.get(), bytes)) return errno;
  if (::fsync(file.get()) != 0) return errno;
  return file.close() ? 0 : errno;
}

Result<void> make_directory(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) {
    return ::chmod(path.c_str(), static_cast<mode_t>(mode)) == 0
               ? Result<void>{}
               : failure("cannot set the mode of", path, errno);
  }
  const int number = errno;
  struct stat status {};
  if (number == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
  return failure("cannot make directory", path, number);
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK, so that a pipe in the file's place cannot hang the program.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) return failure("cannot open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failure("cannot look at", path, errno);
  if (!S_ISREG(status.st_mode)) {
    return Error{Errc::invalid_argument, "cannot read " + path + ": not a regular file"};
  }
  std::string content;
  char block[16384];
  while (true) {
    const ssize_t got = ::read(file.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("cannot read", path, errno);
    if (got == 0) return content;
    if (content.size() + static_cast<std::size_t>(got) > max_bytes) {
      return Error{Errc::invalid_argument,
                   "cannot read " + path + ": longer than " + std::to_string(max_bytes) + " bytes"};
    }
    content.append(block, static_cast<std::size_t>(got));
  }
}

Result<void> write_file_durably(const std::string& path, std::string_view bytes, unsigned mode) {
  const std::string temporary = path + ".tmp";
  if (const int number = write_temporary(temporary, bytes, mode); number != 0) {
    ::unlink(temporary.c_str());
    return failure("cannot write", temporary, number);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int number = errno;
    ::unlink(temporary.c_str());
    return failure("cannot replace", path, number);
  }
  return fsync_directory(parent_of(path));
}

Result<void> make_directories(const std::string& path, unsigned mode) {
  if (path.empty()) return Error{Errc::invalid_argument, "cannot make a directory without a name"};
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const auto made = make_directory(path.substr(0, end), mode);
    if (!made) return made;
  }
  return path.back() == '/' ? Result<void>{} : make_directory(path, mode);
}

Result<void> fsync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok()) return failure("cannot open directory", path, errno);
  if (::fsync(directory.get()) != 0) return failure("cannot sync directory", path, errno);
  return {};
}

}  // namespace dure
