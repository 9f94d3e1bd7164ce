#include "hostagent/edges/echo/icmp_round_trips.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "common/log.h"
#include "hostagent/edges/echo/echo_socket.h"

namespace dure::host {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Question {
  RoundTripTarget target;
  Echo echo;
  Steady::time_point asked;
  std::optional<std::uint32_t> took_us{};
};

std::vector<MeasuredRoundTrip> summary(const std::vector<Question>& questions) {
  std::map<SiteId, std::pair<std::uint32_t, std::vector<std::uint32_t>>> sites;
  for (const auto& question : questions) {
    auto& [sent, times] = sites[question.target.site];
    ++sent;
    if (question.took_us) times.push_back(*question.took_us);
  }
  std::vector<MeasuredRoundTrip> result;
  for (auto& [site, asked] : sites) {
    auto& [sent, times] = asked;
    std::sort(times.begin(), times.end());
    MeasuredRoundTrip one{site, sent, static_cast<std::uint32_t>(times.size())};
    if (!times.empty()) {
      one.least_us = times.front();
      one.median_us = times[times.size() / 2];
    }
    result.push_back(one);
  }
  return result;
}

}  // namespace

class IcmpRoundTrips::Loop {
 public:
  Loop(RoundTripListener& listener, Random& random, Ipv4 source, IcmpRoundTripsOptions options, int wake)
      : listener_(listener), random_(random), source_(source), options_(options), wake_(wake) {
    thread_ = std::thread([this] { guarded(); });
  }
  ~Loop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    rouse();
    thread_.join();
    close(wake_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void measure(std::vector<RoundTripTarget> targets) {
    if (targets.size() > kMaxRoundTripTargets) targets.resize(kMaxRoundTripTargets);
    {
      const std::lock_guard lock(mutex_);
      wanted_ = std::move(targets);
    }
    rouse();
  }

 private:
  void rouse() const {
    const std::uint64_t one = 1;
    // A full counter is a wake-up that waits already.
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
  }

  void guarded() {
    try {
      run();
    } catch (const std::exception& error) {
      log::error("round trips are measured no more", {{"reason", error.what()}});
    }
  }

  void run() {
    std::optional<Steady::time_point> due;
    while (take_wanted(due)) {
      if (due && *due <= Steady::now()) {
        due = Steady::now() + options_.every;
        round();
      } else {
        wait_until(due, nullptr);
      }
    }
  }

  // False: stop. A new list is due at once, an empty one never.
  bool take_wanted(std::optional<Steady::time_point>& due) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (!wanted_) return true;
    targets_ = *std::exchange(wanted_, std::nullopt);
    due = targets_.empty() ? std::nullopt : std::optional(Steady::now());
    return true;
  }

  bool interrupted() {
    const std::lock_guard lock(mutex_);
    return stopping_ || wanted_;
  }

  // Until then, or until there is something to read on the socket, or until woken.
  void wait_until(std::optional<Steady::time_point> end, const EchoSocket* socket) {
    int timeout_ms = -1;
    if (end) {
      const auto left = std::chrono::ceil<milliseconds>(*end - Steady::now()).count();
      timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
    }
    pollfd entries[] = {{wake_, POLLIN, 0}, {socket == nullptr ? -1 : socket->fd(), POLLIN, 0}};
    if (poll(entries, 2, timeout_ms) <= 0 || entries[0].revents == 0) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(wake_, &count, sizeof count);
  }

  // One measurement; it ends without a word when there is another list or an end.
  void round() {
    auto socket = EchoSocket::open(source_);
    if (!socket) {
      // Told as unanswered: a site that cannot be asked is not measured.
      log::warn("round trips cannot be measured", {{"reason", socket.error().message}});
    }
    std::vector<Question> questions;
    questions.reserve(targets_.size() * options_.echoes);
    const auto identity = random_.bytes16();
    identifier_ = static_cast<std::uint16_t>(identity[0] << 8 | identity[1]);
    for (std::uint32_t turn = 0; turn < options_.echoes; ++turn) {
      for (const auto& target : targets_) ask(socket ? &*socket : nullptr, target, questions);
      if (!socket) continue;
      const bool last = turn + 1 == options_.echoes;
      if (!listen(*socket, questions, Steady::now() + (last ? options_.wait : options_.apart), last)) return;
    }
    listener_.on_round_trips(summary(questions));
  }

  void ask(const EchoSocket* socket, const RoundTripTarget& target, std::vector<Question>& questions) {
    Question question{target, {identifier_, static_cast<std::uint16_t>(questions.size()), random_.bytes16()}, {}};
    question.asked = Steady::now();
    if (socket != nullptr) socket->send(target.address, question.echo);
    questions.push_back(question);
  }

  // Takes answers until the end, or until all have come where nothing else is waited for. False:
  // interrupted.
  bool listen(const EchoSocket& socket, std::vector<Question>& questions, Steady::time_point end, bool last) {
    while (Steady::now() < end) {
      if (interrupted()) return false;
      wait_until(end, &socket);
      // However much arrives, the end is kept.
      while (Steady::now() < end) {
        const auto received = socket.receive(identifier_);
        if (received.reply) note(*received.reply, questions);
        if (!received.more) break;
      }
      const bool all = std::all_of(questions.begin(), questions.end(),
                                   [](const Question& question) { return question.took_us.has_value(); });
      if (all && last) return true;
    }
    return !interrupted();
  }

  static void note(const EchoSocket::Reply& reply, std::vector<Question>& questions) {
    const auto now = Steady::now();
    if (reply.echo.sequence >= questions.size()) return;
    auto& question = questions[reply.echo.sequence];
    if (question.took_us || question.target.address != reply.from || question.echo != reply.echo) return;
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - question.asked).count();
    question.took_us = static_cast<std::uint32_t>(std::clamp<std::int64_t>(took, 1, kMaxRoundTripUs));
  }

  RoundTripListener& listener_;
  Random& random_;
  const Ipv4 source_;
  const IcmpRoundTripsOptions options_;
  const int wake_;
  std::mutex mutex_;
  std::optional<std::vector<RoundTripTarget>> wanted_;
  bool stopping_ = false;
  std::vector<RoundTripTarget> targets_;
  std::uint16_t identifier_ = 0;
  std::thread thread_;
};

Result<std::unique_ptr<IcmpRoundTrips>> IcmpRoundTrips::start(RoundTripListener& listener, Random& random,
                                                              std::string_view source, IcmpRoundTripsOptions options) {
  const auto address = Ipv4::parse(source);
  if (!address) {
    return Error{Errc::invalid_argument, "'" + std::string(source) + "' is no IPv4 address to measure round trips from"};
  }
  const auto most = static_cast<std::uint32_t>(kMaxEchoes / kMaxRoundTripTargets);
  options.echoes = std::clamp<std::uint32_t>(options.echoes, 1, most);
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return Error{Errc::internal, std::string("eventfd: ") + std::strerror(errno)};
  return std::unique_ptr<IcmpRoundTrips>(
      new IcmpRoundTrips(std::make_unique<Loop>(listener, random, *address, options, wake)));
}

IcmpRoundTrips::IcmpRoundTrips(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
IcmpRoundTrips::~IcmpRoundTrips() = default;

void IcmpRoundTrips::measure(std::vector<RoundTripTarget> targets) { loop_->measure(std::move(targets)); }

}  // namespace dure::host
