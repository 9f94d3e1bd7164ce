#include "tests/bench/place_peer.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

extern char** environ;

namespace dure::bench {
namespace {

using Clock = std::chrono::steady_clock;

std::string first_of(std::initializer_list<const char*> paths) {
  for (const char* path : paths) {
    if (::access(path, X_OK) == 0) return path;
  }
  return {};
}

// The seconds it took; nothing if it failed or was stopped at the limit.
std::optional<double> run(const std::vector<std::string>& words, const std::string& output, int limit_seconds) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = 0;
  const auto begun = Clock::now();
  const int failed = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return std::nullopt;
  int status = 0;
  // Polled, because the child may have to be stopped; a tenth of a millisecond is below what is compared.
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (Clock::now() - begun > std::chrono::seconds(limit_seconds)) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return seconds;
}

std::string read_all(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Ganeti's text format: groups, nodes, instances, tags, policies; an empty line between them.
void write_cluster(const std::string& path, std::uint32_t hosts, control::Resources size) {
  std::ofstream file(path);
  file << "group-01|fake-uuid-01|preferred||\n\n";
  const auto disk = size.disk_gib * 1024;
  for (std::uint32_t i = 0; i < hosts; ++i) {
    file << "node-" << i + 1 << '|' << size.memory_mib << "|0|" << size.memory_mib << '|' << disk << '|' << disk
         << '|' << size.vcpus << '|' << (i == 0 ? 'M' : 'N') << "|fake-uuid-01|1||N|0|0|1.0\n";
  }
  file << "\n\n\n";
  for (const char* owner : {"", "group-01"}) {
    file << owner << "|128,1,1024,1,1,1|128,1,1024,1,1,1;1048576,64,104857600,16,8,64|plain|4.0|1024.0\n";
  }
}

// Numbers only: there is nothing to escape.
void write_request(const std::string& path, control::Resources wanted) {
  std::ofstream file(path);
  const auto disk = wanted.disk_gib * 1024;
  file << R"({"cluster_name":"c","cluster_tags":[],"version":2,"enabled_hypervisors":["kvm"],"nodegroups":{},)"
       << R"("nodes":{},"instances":{},"ipolicy":{},"request":{"type":"allocate","name":"vm.new","memory":)"
       << wanted.memory_mib << R"(,"disks":[{"size":)" << disk << R"(,"mode":"w"}],"disk_space_total":)" << disk
       << R"(,"disk_template":"plain","vcpus":)" << wanted.vcpus
       << R"(,"os":"debian","tags":[],"nics":[],"required_nodes":1,"hypervisor":"kvm","spindle_use":1}})";
}

}  // namespace

Ganeti::Ganeti(std::string folder)
    : folder_(std::move(folder)),
      hail_(first_of({"/usr/lib/ganeti/iallocators/hail", "/usr/bin/hail"})),
      hspace_(first_of({"/usr/bin/hspace"})) {
  for (const char* name : {"/cluster", "/request", "/output"}) files_.push_back(folder_ + name);
}

Ganeti::~Ganeti() {
  for (const std::string& file : files_) std::remove(file.c_str());
}

std::string Ganeti::version() const {
  if (!has_hspace() || !run({hspace_, "--version"}, files_[2], 10)) return "unknown version";
  const std::string text = read_all(files_[2]);
  const auto end = text.find('\n');
  return text.substr(0, end);
}

std::optional<double> Ganeti::decide(std::uint32_t hosts, control::Resources size, control::Resources wanted) {
  write_cluster(files_[0], hosts, size);
  write_request(files_[1], wanted);
  const auto seconds = run({hail_, "-t", files_[0], files_[1]}, files_[2], 120);
  if (!seconds || read_all(files_[2]).find("\"success\":true") == std::string::npos) return std::nullopt;
  return seconds;
}

std::optional<Ganeti::Fill> Ganeti::fill(std::uint32_t hosts, control::Resources size, control::Resources wanted,
                                         int limit_seconds) {
  const auto number = [](auto value) { return std::to_string(value); };
  const std::string fleet = "p," + number(hosts) + ',' + number(size.disk_gib * 1024) + ',' +
                            number(size.memory_mib) + ',' + number(size.vcpus);
  const std::string guest =
      number(wanted.disk_gib * 1024) + ',' + number(wanted.memory_mib) + ',' + number(wanted.vcpus);
  const auto seconds = run({hspace_, "--simulate=" + fleet, "--standard-alloc=" + guest, "--disk-template=plain",
                            "--no-capacity-checks", "--machine-readable", "-l", "1000000"},
                           files_[2], limit_seconds);
  if (!seconds) return std::nullopt;
  const std::string text = read_all(files_[2]), key = "HTS_ALLOC_INSTANCES=";
  const auto at = text.find(key);
  if (at == std::string::npos) return std::nullopt;
  return Fill{*seconds, std::stoull(text.substr(at + key.size()))};
}

}  // namespace dure::bench
