#include "tests/contract/dataplane_namespaces.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

extern char** environ;

namespace dure::test {
namespace {

std::uint16_t internet_checksum(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  if (bytes.size() % 2 == 1) sum += static_cast<std::uint32_t>(bytes.back() << 8);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return htons(static_cast<std::uint16_t>(~sum));
}

struct Fd {
  int fd;
  explicit Fd(int number) : fd(number) {}
  Fd(const Fd&) = delete;
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
};

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> part{};
  ssize_t count = 0;
  while ((count = ::read(fd, part.data(), part.size())) > 0) text.append(part.data(), static_cast<std::size_t>(count));
  return text;
}

}  // namespace

bool enter_new_namespace() {
  return ::unshare(CLONE_NEWNET) == 0 && try_run({"ip", "link", "set", "lo", "up"}).has_value();
}

std::optional<std::string> try_run(const std::vector<std::string>& arguments, const std::string& input) {
  std::array<int, 2> output{}, feed{};
  if (::pipe2(output.data(), O_CLOEXEC) != 0 || ::pipe2(feed.data(), O_CLOEXEC) != 0) return std::nullopt;
  const Fd out_end(output[0]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, feed[0], 0);
  posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  posix_spawn_file_actions_adddup2(&actions, output[1], 2);
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(output[1]);
  ::close(feed[0]);
  std::size_t written = 0;
  while (error == 0 && written < input.size()) {
    const ssize_t count = ::write(feed[1], input.data() + written, input.size() - written);
    if (count <= 0) break;
    written += static_cast<std::size_t>(count);
  }
  ::close(feed[1]);
  if (error != 0) return std::nullopt;
  std::string text = read_all(output[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    MESSAGE(arguments[0] << ": " << text);
    return std::nullopt;
  }
  return text;
}

std::string run(const std::vector<std::string>& arguments) {
  std::string line;
  for (const auto& argument : arguments) line += argument + " ";
  auto text = try_run(arguments);
  CHECK_MESSAGE(text.has_value(), line);
  return text.value_or("");
}

Namespace::Namespace() : thread_([this] { loop(); }) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ready_; });
}

Namespace::~Namespace() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Namespace::loop() {
  const bool entered = enter_new_namespace();
  std::unique_lock lock(mutex_);
  thread_id_ = ::gettid();
  ready_ = true;
  changed_.notify_all();
  while (true) {
    changed_.wait(lock, [this] { return stop_ || job_ != nullptr; });
    if (stop_) return;
    const auto& job = *job_;
    lock.unlock();
    if (entered) job();
    lock.lock();
    job_ = nullptr;
    changed_.notify_all();
  }
}

void Namespace::in(const std::function<void()>& job) {
  std::unique_lock lock(mutex_);
  job_ = &job;
  changed_.notify_all();
  changed_.wait(lock, [this] { return job_ == nullptr; });
}

std::string Namespace::run(const std::vector<std::string>& arguments) {
  std::string text;
  in([&] { text = test::run(arguments); });
  return text;
}

void join(Namespace& a, const std::string& name_a, Namespace& b, const std::string& name_b, unsigned mtu) {
  const std::string size = std::to_string(mtu);
  a.run({"ip", "link", "add", name_a, "mtu", size, "type", "veth", "peer", "name", name_b, "mtu", size, "netns", b.id()});
  a.run({"ip", "link", "set", name_a, "up"});
  b.run({"ip", "link", "set", name_b, "up"});
}

Ping ping(Ipv4 to, std::size_t size, int timeout_ms) {
  const Fd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  const int never_fragment = IP_PMTUDISC_DO;
  if (socket.fd < 0 || size < 28) return Ping::failed;
  ::setsockopt(socket.fd, IPPROTO_IP, IP_MTU_DISCOVER, &never_fragment, sizeof never_fragment);
  std::vector<std::uint8_t> packet(size - 20, 0xa5);
  const auto id = static_cast<std::uint16_t>(socket.fd ^ ::gettid());
  packet[0] = ICMP_ECHO, packet[1] = packet[2] = packet[3] = 0;
  std::memcpy(&packet[4], &id, 2);
  std::memset(&packet[6], 0, 2);
  const auto sum = internet_checksum(packet);
  std::memcpy(&packet[2], &sum, 2);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(to.value);
  if (::sendto(socket.fd, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    return errno == EMSGSIZE ? Ping::too_big : Ping::failed;
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  std::vector<std::uint8_t> answer(65536);
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd ready{socket.fd, POLLIN, 0};
    if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) return Ping::lost;
    const ssize_t count = ::recv(socket.fd, answer.data(), answer.size(), 0);
    const std::size_t header = (answer[0] & 0xfU) * 4U;
    if (count == static_cast<ssize_t>(size) && answer[header] == ICMP_ECHOREPLY &&
        std::memcmp(&answer[header + 4], &packet[4], 4) == 0) {
      return Ping::answered;
    }
  }
}

std::uint64_t ip_counter(const std::string& name) {
  std::ifstream file("/proc/thread-self/net/snmp");
  std::string names, values, word;
  std::getline(file, names);
  std::getline(file, values);
  std::istringstream name_words(names), value_words(values);
  std::string value;
  while (name_words >> word && value_words >> value) {
    if (word == name) return std::stoull(value);
  }
  FAIL_CHECK("no counter " << name);
  return 0;
}

}  // namespace dure::test
