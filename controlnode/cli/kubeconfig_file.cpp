#include "controlnode/cli/kubeconfig_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/files.h"

namespace dure::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 4 * 1024 * 1024;
constexpr int kMostLinks = 40;
constexpr Duration kLockPause = std::chrono::milliseconds(100);
constexpr int kLockTries = 50;

std::string value_of(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

// What a chain of symbolic links ends at, whether it is there or not.
Result<std::string> follow_links(const std::string& path) {
  fs::path at = path;
  std::error_code error;
  for (int i = 0; i < kMostLinks; ++i) {
    if (!fs::is_symlink(fs::symlink_status(at, error))) return at.string();
    auto to = fs::read_symlink(at, error);
    if (error) return Error{Errc::internal, "cannot read the link " + at.string() + ": " + error.message()};
    at = to.is_absolute() ? to : at.parent_path() / to;
  }
  return Error{Errc::invalid_argument, path + " is a symbolic link without an end"};
}

// The content; nothing when there is no file.
Result<std::string> read_existing(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) return std::string();
  auto text = read_file(path, kMostBytes);
  // A new file would be ours, and its owner could not read it any more.
  if (text && info.st_uid != ::geteuid()) {
    return Error{Errc::invalid_argument, path + " belongs to another user"};
  }
  return text;
}

Result<MergedKubeconfig> merge_with(const std::string& target, const ClusterCredential& credential) {
  const auto existing = read_existing(target);
  if (!existing) return existing.error();
  auto merged = merge_kubeconfig(*existing, credential);
  if (!merged) return Error{merged.error().code, target + " " + merged.error().message};
  return merged;
}

// The lock that kubectl takes, too: a file beside it that only one can make.
class Lock {
 public:
  explicit Lock(std::string path) : path_(std::move(path)) {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() {
    if (held_) ::unlink(path_.c_str());
  }

  Result<void> take(Patience& patience) {
    for (int i = 0; i < kLockTries; ++i) {
      const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (fd >= 0) {
        ::close(fd);
        held_ = true;
        return {};
      }
      if (errno != EEXIST) {
        return Error{Errc::internal,
                     "cannot make " + path_ + ": " + std::generic_category().message(errno)};
      }
      if (patience.pause(kLockPause)) return Error{Errc::internal, "interrupted while waiting for " + path_};
    }
    return Error{Errc::conflict, path_ + " is there: another program is changing the file. If none is, " +
                                     "remove " + path_};
  }

 private:
  std::string path_;
  bool held_ = false;
};

}  // namespace

Result<std::string> default_kubeconfig(const Environment& environment) {
  const auto list = value_of(environment, "KUBECONFIG");
  for (std::size_t at = 0; at < list.size();) {
    const auto end = std::min(list.find(':', at), list.size());
    if (end > at) return list.substr(at, end - at);
    at = end + 1;
  }
  const auto home = value_of(environment, "HOME");
  if (home.empty()) return Error{Errc::invalid_argument, "neither KUBECONFIG nor HOME is set"};
  return home + "/.kube/config";
}

Result<void> check_kubeconfig(const std::string& path) {
  const auto target = follow_links(path);
  if (!target) return target.error();
  const auto merged = merge_with(*target, {"x", "https://x", {}, "x", "x", "x", "x"});
  if (!merged) return merged.error();
  return {};
}

Result<MergedKubeconfig> merge_into_file(const std::string& path, const ClusterCredential& credential,
                                         Patience& patience) {
  const auto target = follow_links(path);
  if (!target) return target.error();
  for (const auto& file : {path, *target}) {
    const auto parent = fs::path(file).parent_path().string();
    if (parent.empty()) continue;
    if (auto made = make_directories(parent, 0700); !made) return made.error();
  }
  Lock lock(path + ".lock");
  if (auto taken = lock.take(patience); !taken) return taken.error();
  auto merged = merge_with(*target, credential);
  if (!merged) return merged;
  if (auto written = write_file_durably(*target, merged->text, 0600); !written) return written.error();
  return merged;
}

}  // namespace dure::cli
