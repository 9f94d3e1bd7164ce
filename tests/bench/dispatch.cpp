// Orders from the control node's key to the agents' acknowledgement, beside what OpenSSL alone signs
// and verifies. See README.md.

#include <openssl/crypto.h>
#include <sched.h>
#include <zmq.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "common/event_queue.h"
#include "controlnode/edges/zmq/curve_keys.h"
#include "controlnode/edges/zmq/zmq_agent_link.h"
#include "protocol/wire/codec.h"
#include "protocol/wire/envelope.h"
#include "tests/bench/bench_output.h"
#include "tests/bench/dispatch_agent.h"
#include "tests/bench/dispatch_order.h"
#include "tests/bench/openssl_alone.h"

namespace dure::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kAgents = 4;
constexpr std::size_t kWindow = 32;  // orders under way per agent; the channel drops from 64
constexpr std::size_t kOrders = 10000;
constexpr std::size_t kPairs = 5000;
constexpr std::size_t kSingles = 1000;
constexpr int kRounds = 7;
constexpr double kGoal = 0.6;
constexpr std::chrono::seconds kPatience{30};

void need(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "dispatch: %s\n", what.c_str());
  std::exit(1);
}

// The sending side as the control loop is: one thread that decodes what came and signs what is next.
class Sender : public control::AgentLinkListener {
 public:
  explicit Sender(wire::SigningKey key) : key_(std::move(key)) {}

  void on_agent_message(const HostId& host, std::string bytes) override {
    arrived_.push_always({host, std::move(bytes)});
  }

  void add(const BareAgent& agent, const SystemId& system) {
    lines_[agent.host()].order = class_order(system, agent.host(), agent.session());
  }

  control::AddressedMessage seal(const HostId& host) {
    auto& line = lines_.at(host);
    line.order.sequence = ++sequence_;
    line.order.generation = sequence_;
    auto sealed = wire::seal(wire::EnvelopeKind::order, wire::encode(line.order), key_);
    need(sealed.ok(), "an order was not sealed");
    ++line.under_way;
    return {host, std::move(*sealed)};
  }
  void send(control::AgentLink& link, const HostId& host) {
    auto message = seal(host);
    need(link.send(host, std::move(message.bytes)).ok(), "an order was not sent");
  }

  // Fills the window of every agent that has acknowledged half of it: orders come in bursts, as the
  // pump sends them after a commit. Returns how many were sent, at most `most`.
  std::size_t refill(control::AgentLink& link, std::size_t most) {
    std::vector<control::AddressedMessage> messages;
    for (const auto& [host, line] : lines_) {
      if (line.under_way > kWindow / 2) continue;
      while (line.under_way < kWindow && messages.size() < most) messages.push_back(seal(host));
    }
    const auto sent = messages.size();
    need(link.send_all(std::move(messages)) == sent, "an order was not sent");
    return sent;
  }

  // Waits for acknowledgements and returns their number.
  std::size_t take() {
    std::size_t taken = 0;
    const auto batch = arrived_.pop_all(Clock::now() + kPatience);
    need(!batch.empty(), "an acknowledgement is missing");
    for (const auto& [host, bytes] : batch) {
      const auto message = wire::decode_agent_message(bytes);
      need(message.ok() && std::holds_alternative<OrderAck>(*message), "not an acknowledgement");
      const auto& ack = std::get<OrderAck>(*message);
      need(ack.accepted, "an order was refused");
      if (ack.generation == 0) continue;  // a hello
      --lines_.at(host).under_way;
      ++taken;
    }
    return taken;
  }

  std::string payload() const { return wire::encode(lines_.begin()->second.order); }

 private:
  struct Line {
    HostOrder order;
    std::size_t under_way = 0;
  };
  struct Arrived {
    HostId host;
    std::string bytes;
  };
  wire::SigningKey key_;
  std::map<HostId, Line> lines_;
  std::uint64_t sequence_ = 0;
  EventQueue<Arrived> arrived_{1};
};

// A control node's channel and its agents, connected.
class Rig {
 public:
  Rig() : Rig(must(wire::SigningKey::generate())) {}

  double orders_per_second() {
    const auto begun = Clock::now();
    std::size_t sent = 0;
    for (std::size_t done = 0; done < kOrders; done += sender_.take()) {
      sent += sender_.refill(*link_, kOrders - sent);
    }
    return static_cast<double>(kOrders) / seconds_since(begun);
  }

  // Microseconds from signing one order to its decoded acknowledgement, nothing else under way.
  std::vector<double> single_orders() {
    std::vector<double> times;
    for (std::size_t i = 0; i < kSingles; ++i) {
      const auto begun = Clock::now();
      sender_.send(*link_, agents_[i % kAgents]->host());
      while (sender_.take() == 0) {
      }
      times.push_back(seconds_since(begun) * 1e6);
    }
    return times;
  }

  std::string payload() const { return sender_.payload(); }

 private:
  explicit Rig(wire::SigningKey key)
      : verifying_(must(wire::VerifyingKey::from_bytes(key.public_key()))), sender_(std::move(key)) {
    const auto server = must(control::generate_curve_keys());
    link_ = must(control::ZmqAgentLink::create({"tcp://127.0.0.1:*", server.secret_key}, sender_));
    std::vector<control::AdmittedHost> admitted;
    std::vector<std::string> secrets;
    for (std::size_t i = 0; i < kAgents; ++i) {
      const auto pair = must(host::generate_curve_keys());
      admitted.push_back({HostId{numbered(2, 100 + i)}, pair.public_key});
      secrets.push_back(pair.secret_key);
    }
    link_->admit(admitted);
    const SystemId system{numbered(1, 1)};
    for (std::size_t i = 0; i < kAgents; ++i) {
      agents_.push_back(
          std::make_unique<BareAgent>(system, admitted[i].host, SessionId{numbered(8, i)}, verifying_));
      const auto started = agents_.back()->start({link_->endpoint(), secrets[i], server.public_key});
      need(started.ok(), "an agent did not start");
      sender_.add(*agents_.back(), system);
      greet(*agents_.back());
    }
  }

  static void greet(BareAgent& agent) {
    const auto end = Clock::now() + kPatience;
    while (!agent.hello()) {
      need(Clock::now() < end, "an agent did not connect");
      std::this_thread::yield();
    }
  }

  template <class T>
  static T must(Result<T> result) {
    need(result.ok(), result.ok() ? "" : result.error().message);
    return std::move(result).value();
  }

  static double seconds_since(Clock::time_point begun) {
    return std::chrono::duration<double>(Clock::now() - begun).count();
  }

  wire::VerifyingKey verifying_;
  Sender sender_;
  std::unique_ptr<control::ZmqAgentLink> link_;
  std::vector<std::unique_ptr<BareAgent>> agents_;
};

// A channel has many threads and OpenSSL two: only on the same cores they can be compared.
void stay_on_two_cores() {
  cpu_set_t allowed;
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  need(::sched_getaffinity(0, sizeof allowed, &allowed) == 0, "the allowed cores are not known");
  for (std::size_t core = 0; core < CPU_SETSIZE && CPU_COUNT(&chosen) < 2; ++core) {
    if (CPU_ISSET(core, &allowed)) CPU_SET(core, &chosen);
  }
  need(::sched_setaffinity(0, sizeof chosen, &chosen) == 0, "the cores cannot be chosen");
}

// Our own part alone, for a profiler.
int profile() {
  stay_on_two_cores();
  Rig rig;
  for (int round = 0; round < kRounds; ++round) rig.orders_per_second();
  return 0;
}

int run() {
  stay_on_two_cores();
  Rig rig;
  const auto payload = rig.payload();
  int major = 0;
  int minor = 0;
  int patch = 0;
  zmq_version(&major, &minor, &patch);
  std::fprintf(stderr, "dispatch: %s; libzmq %d.%d.%d; order of %zu bytes; %zu agents with %zu orders under way; load %s\n",
               OpenSSL_version(OPENSSL_VERSION), major, minor, patch, payload.size(), kAgents, kWindow,
               load_average().c_str());
  Series ours, parted, both, sign, verify, p50, p99, of_parted, of_both, per_cpu, of_cpu;
  rig.orders_per_second();  // the first connections and pages are not measured
  for (int round = 0; round < kRounds; ++round) {
    const auto alone = openssl_alone(payload, kPairs);
    const double spent = cpu_seconds();
    const double mine = rig.orders_per_second();
    per_cpu.add(static_cast<double>(kOrders) / (cpu_seconds() - spent));
    of_cpu.add(per_cpu.values.back() / alone.per_cpu);
    const auto times = rig.single_orders();
    ours.add(mine);
    parted.add(alone.parted);
    both.add(alone.both);
    sign.add(alone.sign);
    verify.add(alone.verify);
    of_parted.add(mine / alone.parted);
    of_both.add(mine / alone.both);
    p50.add(percentile(times, 0.5));
    p99.add(percentile(times, 0.99));
    std::fprintf(stderr, "dispatch: round %d: %.0f orders/s; OpenSSL alone %.0f pairs/s (%.0f with no idle core); "
                 "single order %.0f us, p99 %.0f us\n",
                 round + 1, mine, alone.parted, alone.both, p50.values.back(), p99.values.back());
  }
  const char* name = "dispatch";
  print_metric(name, "orders", ours, "1/s", "OpenSSL, one thread signs, one verifies", of_parted.median());
  print_metric(name, "orders-of-limit", ours, "1/s", "OpenSSL, two threads sign and verify", of_both.median());
  print_metric(name, "orders-per-cpu-second", per_cpu, "1/s", "OpenSSL, pairs per second of computing", of_cpu.median());
  print_metric(name, "openssl-pairs", parted, "1/s", "", 0);
  print_metric(name, "openssl-pairs-limit", both, "1/s", "", 0);
  print_metric(name, "openssl-sign", sign, "1/s", "", 0);
  print_metric(name, "openssl-verify", verify, "1/s", "", 0);
  print_metric(name, "single-order-p50", p50, "us", "", 0);
  print_metric(name, "single-order-p99", p99, "us", "", 0);
  std::fprintf(stderr, "dispatch: %.2f of OpenSSL alone (goal %.2f), %.2f of its limit, %.2f of it by computing time; load %s\n",
               of_parted.median(), kGoal, of_both.median(), of_cpu.median(), load_average().c_str());
  return std::min(of_both.median(), of_cpu.median()) >= kGoal ? 0 : 1;
}

}  // namespace
}  // namespace dure::bench

int main(int argc, char** argv) {
  const bool profile = argc > 1 && std::string_view(argv[1]) == "--profile";
  return profile ? dure::bench::profile() : dure::bench::run();
}
