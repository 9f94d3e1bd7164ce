#include "hostagent/edges/nftables/run_nft.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace dure::host {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{16} << 20;
constexpr std::size_t kMaxComplaint = 500;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return ::lseek(fd, 0, SEEK_SET) == 0;
}

std::string read_back(int fd, std::size_t limit) {
  std::string bytes;
  std::array<char, 8192> part{};
  while (bytes.size() < limit) {
    const ssize_t count = ::pread(fd, part.data(), part.size(), static_cast<off_t>(bytes.size()));
    if (count <= 0) break;
    bytes.append(part.data(), static_cast<std::size_t>(count));
  }
  return bytes;
}

Error system_error(const std::string& what, int error) {
  return {Errc::unavailable, "nft: " + what + ": " + std::strerror(error)};
}

// The child's exit status; killed when it takes too long.
Result<int> wait_for(pid_t child, int timeout_ms) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  pollfd ended{handle.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = handle.get() < 0 ? 1 : ::poll(&ended, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return system_error("wait", errno);
  }
  if (ready <= 0) return Error{Errc::unavailable, "nft: no end within " + std::to_string(timeout_ms) + " ms"};
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

Result<pid_t> spawn(const std::string& program, const std::vector<std::string>& arguments, std::array<int, 3> files) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  for (int i = 0; i < 3; ++i) posix_spawn_file_actions_adddup2(&actions, files[static_cast<std::size_t>(i)], i);
  // The agent's threads block signals; its child must not.
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  char* no_environment[] = {nullptr};
  pid_t child = 0;
  const int error = ::posix_spawn(&child, program.c_str(), &actions, &attributes, argv.data(), no_environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return system_error("cannot run " + program, error);
  return child;
}

}  // namespace

Result<std::string> run_nft(const std::string& program, const std::vector<std::string>& arguments,
                            const std::string& input, int timeout_ms) {
  // Files in memory instead of pipes: neither side ever waits for the other.
  const Fd in(::memfd_create("nft-input", MFD_CLOEXEC));
  const Fd out(::memfd_create("nft-output", MFD_CLOEXEC));
  const Fd complaints(::memfd_create("nft-error", MFD_CLOEXEC));
  if (in.get() < 0 || out.get() < 0 || complaints.get() < 0 || !write_all(in.get(), input)) {
    return system_error("memory file", errno);
  }
  auto child = spawn(program, arguments, {in.get(), out.get(), complaints.get()});
  if (!child) return child.error();
  auto status = wait_for(*child, timeout_ms);
  if (!status) return status.error();
  if (*status != 0) {
    return Error{Errc::internal, "nft ended with " + std::to_string(*status) + ": " + read_back(complaints.get(), kMaxComplaint)};
  }
  return read_back(out.get(), kMaxOutput);
}

}  // namespace dure::host
