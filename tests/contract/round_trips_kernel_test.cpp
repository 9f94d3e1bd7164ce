// The real thing between two hosts: network namespaces with a cable.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "common/system.h"
#include "hostagent/edges/echo/echo_packet.h"
#include "hostagent/edges/echo/icmp_round_trips.h"
#include "tests/contract/dataplane_namespaces.h"
#include "tests/contract/round_trips_contract.h"
#include "tests/support/agent_link_inbox.h"

using namespace dure;
using namespace dure::host;
using contract::measured_site;
using test::Namespace;
using std::chrono::milliseconds;

namespace {

using Measured = std::vector<MeasuredRoundTrip>;

struct Told : RoundTripListener, dure::testing::Inbox<Measured> {
  void on_round_trips(Measured measured) override { put(std::move(measured)); }
};

constexpr Ipv4 kHere{0x0a5b0001}, kThere{0x0a5b0002}, kAlsoThere{0x0a5b0003}, kNobody{0x0a5b0009};

struct TwoHosts {
  TwoHosts() {
    test::join(here, "eth0", there, "eth0", 1500);
    here.run({"ip", "addr", "add", kHere.str() + "/24", "dev", "eth0"});
    there.run({"ip", "addr", "add", kThere.str() + "/24", "dev", "eth0"});
    there.run({"ip", "addr", "add", kAlsoThere.str() + "/24", "dev", "eth0"});
  }
  // Its thread is made in the namespace, and so are its sockets.
  void start(IcmpRoundTripsOptions options) {
    here.in([&] { round_trips = IcmpRoundTrips::start(told, random, kHere.str(), options).value(); });
  }

  Namespace here, there;
  SystemRandom random;
  Told told;
  std::unique_ptr<IcmpRoundTrips> round_trips;
};

IcmpRoundTripsOptions quick() {
  IcmpRoundTripsOptions options;
  options.every = milliseconds(100);
  options.echoes = 3;
  options.apart = milliseconds(5);
  options.wait = milliseconds(300);
  return options;
}

// Answers echoes in the kernel's stead, as `answer` says: from the question, an ICMP message.
class Answerer {
 public:
  using Answer = std::function<std::vector<EchoBytes>(const EchoBytes&)>;
  Answerer(Namespace& where, Answer answer) : answer_(std::move(answer)) {
    where.run({"sysctl", "-q", "-w", "net.ipv4.icmp_echo_ignore_all=1"});
    where.in([&] { fd_ = ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP); });
    REQUIRE(fd_ >= 0);
    thread_ = std::thread([this] { loop(); });
  }
  ~Answerer() {
    stop_ = true;
    thread_.join();
    ::close(fd_);
  }
  int sent() const { return sent_; }

 private:
  void loop() {
    std::array<std::uint8_t, 256> packet{};
    while (!stop_) {
      pollfd ready{fd_, POLLIN, 0};
      if (::poll(&ready, 1, 20) <= 0) continue;
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const ssize_t got = ::recvfrom(fd_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (got != static_cast<ssize_t>(20 + kEchoBytes) || packet[20] != 8) continue;
      EchoBytes question{};
      std::copy_n(packet.begin() + 20, question.size(), question.begin());
      for (const auto& bytes : answer_(question)) {
        const bool sent = ::sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&from),
                                   sizeof from) == static_cast<ssize_t>(bytes.size());
        if (sent) ++sent_;
      }
    }
  }

  Answer answer_;
  std::atomic<int> sent_{0};
  int fd_ = -1;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

EchoBytes with_checksum(EchoBytes bytes) {
  bytes[2] = bytes[3] = 0;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  bytes[2] = static_cast<std::uint8_t>(~sum >> 8 & 0xff);
  bytes[3] = static_cast<std::uint8_t>(~sum & 0xff);
  return bytes;
}

EchoBytes true_answer(EchoBytes question) {
  question[0] = 0;
  return with_checksum(question);
}

std::uint32_t answered_of(TwoHosts& hosts, Ipv4 target) {
  hosts.round_trips->measure({{measured_site(1), target}});
  const auto measured = hosts.told.next();
  REQUIRE(measured);
  REQUIRE(measured->size() == 1);
  CHECK(measured->front().sent == 3);
  return measured->front().answered;
}

}  // namespace

TEST_CASE("round trips: the kernel's echoes") {
  TwoHosts hosts;
  hosts.start(quick());
  contract::RoundTripsWorld world{*hosts.round_trips, kThere, kAlsoThere, kNobody, [&](bool expected) {
    if (expected) return hosts.told.next();
    // Several times as long as from one measurement to the next.
    std::this_thread::sleep_for(milliseconds(1500));
    const bool none = hosts.told.empty();
    std::optional<Measured> last;
    while (!hosts.told.empty()) last = hosts.told.next();
    return none ? std::nullopt : last;
  }};
  contract::round_trips_contract(world);
}

TEST_CASE("round trips: without the kernel's own socket for echoes a raw one asks") {
  TwoHosts hosts;
  for (const auto* groups : {"1 0", "0 2147483647"}) {
    CAPTURE(std::string(groups));
    hosts.here.run({"sysctl", "-q", "-w", std::string("net.ipv4.ping_group_range=") + groups});
    hosts.start(quick());
    CHECK(answered_of(hosts, kThere) == 3);
    hosts.round_trips.reset();
    while (!hosts.told.empty()) hosts.told.next();
  }
}

TEST_CASE("round trips: a site that answers no echoes is not measured, and no error") {
  TwoHosts hosts;
  hosts.there.run({"sysctl", "-q", "-w", "net.ipv4.icmp_echo_ignore_all=1"});
  hosts.start(quick());
  CHECK(answered_of(hosts, kThere) == 0);
}

TEST_CASE("round trips: only true answers count, each once") {
  struct Row {
    std::string what;
    Answerer::Answer answer;
  };
  const Row rows[] = {
      {"true", [](const EchoBytes& q) { return std::vector{true_answer(q)}; }},
      {"twice", [](const EchoBytes& q) { return std::vector{true_answer(q), true_answer(q)}; }},
      {"another secret", [](const EchoBytes& q) {
         auto bytes = q;
         bytes[kEchoBytes - 1] ^= 1;
         return std::vector{true_answer(bytes)};
       }},
      {"another number", [](const EchoBytes& q) {
         auto bytes = q;
         bytes[7] ^= 1;
         return std::vector{true_answer(bytes)};
       }},
      {"a number that was never sent", [](const EchoBytes& q) {
         auto bytes = q;
         bytes[6] = 0xff;
         return std::vector{true_answer(bytes)};
       }},
      {"another identifier", [](const EchoBytes& q) {
         auto bytes = q;
         bytes[4] ^= 1;
         return std::vector{true_answer(bytes)};
       }},
      {"the question", [](const EchoBytes& q) { return std::vector{q}; }},
  };
  for (const auto* groups : {"1 0", "0 2147483647"}) {
    for (const auto& row : rows) {
      CAPTURE(std::string(groups));
      CAPTURE(row.what);
      TwoHosts hosts;
      hosts.here.run({"sysctl", "-q", "-w", std::string("net.ipv4.ping_group_range=") + groups});
      Answerer answerer(hosts.there, row.answer);
      auto options = quick();
      options.every = std::chrono::hours(1);
      hosts.start(options);
      const bool counts = row.what == "true" || row.what == "twice";
      CHECK(answered_of(hosts, kThere) == (counts ? 3 : 0));
      CHECK(answerer.sent() >= 3);
    }
  }
}

TEST_CASE("round trips: who was not asked answers in vain") {
  TwoHosts hosts;
  hosts.start(quick());
  // From another address than the one that was asked, as a second host of that segment would send it.
  hosts.there.run({"ip", "addr", "flush", "dev", "eth0"});
  hosts.there.run({"ip", "addr", "add", kAlsoThere.str() + "/24", "dev", "eth0"});
  hosts.there.run({"ip", "addr", "add", kThere.str() + "/32", "dev", "lo"});
  Answerer answerer(hosts.there, [](const EchoBytes& q) { return std::vector{true_answer(q)}; });
  CHECK(answered_of(hosts, kThere) == 0);
  CHECK(answerer.sent() >= 3);
}

TEST_CASE("round trips: it ends at once in the middle of a measurement") {
  TwoHosts hosts;
  auto slow = quick();
  slow.wait = std::chrono::minutes(10);
  hosts.start(slow);
  hosts.round_trips->measure({{measured_site(1), kNobody}});
  std::this_thread::sleep_for(milliseconds(50));
  const auto begun = std::chrono::steady_clock::now();
  hosts.round_trips.reset();
  CHECK(std::chrono::steady_clock::now() - begun < dure::testing::kPatience);
  CHECK(hosts.told.empty());
}
