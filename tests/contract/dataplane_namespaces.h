#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/ip.h"

// Network namespaces of threads, so that one test process is several hosts and guests. They are
// gone with their threads; nothing is left behind, even after a crash.
namespace dure::test {

// Moves the calling thread into a new, empty network namespace with its loopback up. False without
// the right to do so.
bool enter_new_namespace();

// Runs a program in the calling thread's namespace and returns what it wrote; fails the test when
// it does not end with 0.
std::string run(const std::vector<std::string>& arguments);
// Like run, but a failure is an answer.
std::optional<std::string> try_run(const std::vector<std::string>& arguments, const std::string& input = {});

class Namespace {
 public:
  Namespace();
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  // Runs the job in the namespace and waits for it.
  void in(const std::function<void()>& job);
  std::string run(const std::vector<std::string>& arguments);
  // For `ip link set … netns <id>`.
  std::string id() const { return std::to_string(thread_id_); }

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* job_ = nullptr;
  bool ready_ = false, stop_ = false;
  int thread_id_ = 0;
  std::thread thread_;
};

// A veth pair between two namespaces; both ends up, with this MTU.
void join(Namespace& a, const std::string& name_a, Namespace& b, const std::string& name_b, unsigned mtu);

enum class Ping { answered, lost, too_big, failed };

// ICMP echo with DF set from the calling thread's namespace; `size`: of the whole IP packet.
Ping ping(Ipv4 to, std::size_t size, int timeout_ms);

// One number of /proc/net/snmp, "Ip:" section, of the calling thread's namespace.
std::uint64_t ip_counter(const std::string& name);

}  // namespace dure::test
