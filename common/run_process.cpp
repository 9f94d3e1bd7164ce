#include "common/run_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

namespace dure {
namespace {

constexpr std::size_t kMaxOutputBytes = 64 << 10;
constexpr std::array kDirectories = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                     "/usr/bin",        "/sbin",          "/bin"};
constexpr const char* kPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (name.front() == '/' && access(name.c_str(), X_OK) == 0) return name;
    return std::nullopt;
  }
  for (const char* directory : kDirectories) {
    std::string path = std::string(directory) + "/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Returns 0 or an errno.
int spawn(const std::string& program, std::vector<std::string> argv,
          std::vector<std::string> environment, int output, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);

  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETSIGMASK |
                                                           POSIX_SPAWN_SETSIGDEF |
                                                           POSIX_SPAWN_SETPGROUP));
  environment.emplace_back(kPath);
  environment.emplace_back("LC_ALL=C");
  const int failure = posix_spawn(&pid, program.c_str(), &actions, &attributes,
                                  pointers(argv).data(), pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failure;
}

// Reads until the child has ended or the deadline passed. False: still running.
bool collect(int output, int pidfd, std::chrono::steady_clock::time_point deadline,
             std::string& text) {
  bool open = true;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
                          deadline - std::chrono::steady_clock::now())
                          .count();
    std::array<pollfd, 2> entries{pollfd{pidfd, POLLIN, 0}, pollfd{open ? output : -1, POLLIN, 0}};
    const int ready = poll(entries.data(), entries.size(),
                           static_cast<int>(std::clamp<long long>(left, 0, 1 << 30)));
    if (ready < 0 && errno != EINTR) return false;
    if (entries[1].revents != 0) {
      std::array<char, 4096> chunk{};
      const ssize_t got = read(output, chunk.data(), chunk.size());
      if (got > 0) {
        const auto room = kMaxOutputBytes - std::min(kMaxOutputBytes, text.size());
        text.append(chunk.data(), std::min(room, static_cast<std::size_t>(got)));
        continue;
      }
      if (got == 0 || errno != EINTR) open = false;
    }
    // Only after the pipe is empty, so that no output is lost.
    if (entries[0].revents != 0) return true;
    if (ready == 0 && left <= 0) return false;
  }
}

}  // namespace

Result<ProcessOutcome> run_process(const std::vector<std::string>& argv, Duration timeout,
                                   const std::vector<std::string>& environment) {
  if (argv.empty()) return Error{Errc::invalid_argument, "no program to run"};
  const auto program = find_program(argv[0]);
  if (!program) return Error{Errc::not_found, argv[0] + " is not installed"};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    return Error{Errc::internal, std::string("pipe: ") + std::strerror(errno)};
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  pid_t pid = 0;
  const int failure = spawn(*program, argv, environment, writer.get(), pid);
  writer.reset();
  if (failure != 0)
    return Error{Errc::internal, *program + " cannot be started: " + std::strerror(failure)};

  ProcessOutcome outcome;
  const Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const bool ended =
      pidfd.get() >= 0 && collect(reader.get(), pidfd.get(), deadline, outcome.output);
  if (!ended) kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return Error{Errc::unavailable, argv[0] + " did not end in time and was killed"};
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

}  // namespace dure
