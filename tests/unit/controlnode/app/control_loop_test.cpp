#include "controlnode/app/control_loop.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/wire/codec.h"
#include "protocol/wire/fence_proof.h"
#include "tests/support/fake_bootstrap_documents.h"
#include "tests/support/fake_cluster_identities.h"
#include "tests/support/fake_store.h"
#include "tests/support/stopped_clock.h"

namespace dure::control {
namespace {

struct CountingRandom : Random {
  std::uint8_t count = 0;
  std::array<std::uint8_t, 16> bytes16() override { return {++count}; }
};

struct Wire : AgentLink {
  std::vector<HostId> sent;
  std::vector<AdmittedHost> admitted;
  void admit(std::vector<AdmittedHost> hosts) override { admitted = std::move(hosts); }
  Result<void> send(const HostId& host, std::string) override {
    sent.push_back(host);
    return {};
  }
  std::size_t send_all(std::vector<AddressedMessage> messages) override {
    for (const auto& message : messages) sent.push_back(message.host);
    return messages.size();
  }
};

const SystemId kSystem{Uuid{{1}}};
const HostId kHost{Uuid{{2}}};

struct Stand {
  testing::StoppedClock clock;
  CountingRandom random;
  FakeStore store;
  Wire wire;
  wire::SigningKey key = wire::SigningKey::from_bytes(std::string(32, 'k')).value();
  FakeClusterIdentities identities;
  FakeBootstrapDocuments documents;
  std::unique_ptr<ControlLoop> loop;

  Stand() {
    start();
    AddHost host;
    host.id = kHost;
    host.name = "pc-1";
    host.site = "north";
    host.address = Ipv4{0x0a000001};
    host.curve_key = std::string(40, 'a');
    host.capacity = {8, 8192, 100};
    CreateImage image;
    image.name = "plain";
    image.disk = {{}, 1'000'000};
    image.min_disk_gib = 5;
    CreateKeyPair pair;
    pair.name = "me";
    pair.public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl me";
    for (Request request : {Request{CreateSite{"north", 1500}}, Request{host}, Request{image}, Request{pair},
                            Request{CreateFlavor{"small", 1, 1024, 10}}}) {
      REQUIRE(accepted(ask(std::move(request))));
    }
    REQUIRE(loop->handle(one(report())).ok());
  }
  void start() {
    loop.reset();
    loop = std::make_unique<ControlLoop>(ControlParts{clock, clock.steady, random, store, wire, key, identities, documents}, kSystem,
                                         Settings{}, "test");
    REQUIRE(loop->start().ok());
  }

  using Answer = std::shared_ptr<std::optional<Result<Reply>>>;
  static std::vector<ControlEvent> one(ControlEvent event) {
    std::vector<ControlEvent> events;
    events.push_back(std::move(event));
    return events;
  }
  static bool accepted(const Answer& answer) {
    return *answer && (*answer)->ok() && std::holds_alternative<Accepted>(**answer->operator->());
  }
  static Errc error(const Answer& answer) {
    REQUIRE(answer->has_value());
    REQUIRE_FALSE((*answer)->ok());
    return (*answer)->error().code;
  }
  // More is waiting: nobody stays for the commit.
  Answer ask(Request request, bool more = false) {
    auto answer = std::make_shared<std::optional<Result<Reply>>>();
    last = loop->handle(one(RequestArrived{std::move(request), [answer](Result<Reply> reply) { *answer = std::move(reply); }}),
                        [more] { return more; });
    return answer;
  }
  Answer create(const std::string& name, bool more) {
    CreateCluster request;
    request.name = name;
    request.workers = 0;
    request.flavor = "small";
    request.image = "plain";
    request.key_pair = "me";
    return ask(request, more);
  }
  ControlEvent report(std::uint64_t sequence = 1) { return spoke(plain_report(sequence)); }
  static ControlEvent spoke(const HostReport& said) { return AgentSpoke{kHost, wire::encode(said)}; }
  static HostReport plain_report(std::uint64_t sequence) {
    HostReport said;
    said.system = kSystem;
    said.host = kHost;
    said.session = SessionId{Uuid{{7}}};
    said.sequence = sequence;
    said.observed = true;
    return said;
  }

  Result<void> last;
};

}  // namespace

TEST_CASE("control loop: while more waits, a batch is decided on the one before and answered when that is durable") {
  Stand stand;
  const auto first = stand.create("one", true);
  CHECK_FALSE(first->has_value());
  CHECK(stand.loop->next_wake() <= stand.clock.steady_now());
  CHECK(stand.store.stored().clusters.empty());
  // The first is known to the second: its name is taken.
  const auto same = stand.create("one", true), second = stand.create("two", true);
  CHECK(stand.accepted(first));
  REQUIRE(same->has_value());
  CHECK_FALSE(stand.accepted(same));
  CHECK_FALSE(second->has_value());
  CHECK(stand.store.stored().clusters.size() == 1);
  CHECK(stand.loop->handle({}).ok());
  CHECK(stand.accepted(second));
  CHECK(stand.store.stored().clusters.size() == 2);
}

TEST_CASE("control loop: orders go out only for what is durable") {
  Stand stand;
  stand.wire.sent.clear();
  stand.create("one", true);
  stand.create("two", true);
  CHECK(stand.wire.sent.empty());
  CHECK(stand.loop->handle({}).ok());
  CHECK(stand.wire.sent == std::vector{kHost});
  // Under a flood that does not end they go out all the same.
  stand.create("three", true);
  CHECK(stand.wire.sent.size() == 1);
  stand.clock.time = stand.clock.time + std::chrono::seconds(1);
  CHECK(stand.accepted(stand.create("four", true)));
  CHECK(stand.wire.sent.size() == 2);
}

TEST_CASE("control loop: a host whose commit ended with a batch that changes nothing may speak all the same") {
  Stand stand;
  AddHost host;
  host.id = HostId{Uuid{{3}}};
  host.name = "pc-2";
  host.site = "north";
  host.address = Ipv4{0x0a000002};
  host.curve_key = std::string(40, 'b');
  host.capacity = {8, 8192, 100};
  stand.ask(host, true);
  CHECK(stand.wire.admitted.size() == 1);
  CHECK(stand.loop->handle({}).ok());
  CHECK(stand.wire.admitted.size() == 2);
}

TEST_CASE("control loop: a read sees what is durable and nothing else") {
  Stand stand;
  const auto first = stand.create("one", true);
  std::size_t seen = 0, stored = 0;
  auto batch = Stand::one(QueryArrived{[&](const Result<ModelView>& model) {
    seen = (*model)->clusters.size();
    stored = stand.store.stored().clusters.size();
  }});
  CreateCluster request;
  request.name = "two";
  request.workers = 0;
  request.flavor = "small";
  request.image = "plain";
  request.key_pair = "me";
  batch.push_back(RequestArrived{request, [](const Result<Reply>&) {}});
  CHECK(stand.loop->handle(std::move(batch), [] { return true; }).ok());
  CHECK(stand.accepted(first));
  CHECK(seen == 2);
  CHECK(stored == 2);
}

TEST_CASE("control loop: a quota that is lowered in the moment in which a cluster is let in fails nobody's requests") {
  for (const bool quota_first : {false, true}) {
    CAPTURE(quota_first);
    Stand stand;
    std::vector<ControlEvent> batch;
    std::vector<Stand::Answer> answers;
    const auto add = [&](Request request) {
      auto answer = std::make_shared<std::optional<Result<Reply>>>();
      answers.push_back(answer);
      batch.push_back(RequestArrived{std::move(request), [answer](Result<Reply> reply) { *answer = std::move(reply); }});
    };
    CreateCluster wanted;
    wanted.name = "one";
    wanted.workers = 0;
    wanted.flavor = "small";
    wanted.image = "plain";
    wanted.key_pair = "me";
    const UpdateProject none{"default", false, {{"nodes", 0}}};
    const UpdateProject enough{"default", true, {}};
    if (quota_first) add(none), add(enough);
    add(wanted);
    add(none);
    add(CreateFlavor{"large", 2, 2048, 10});  // somebody else's
    CHECK(stand.loop->handle(std::move(batch)).ok());
    for (const auto& answer : answers) CHECK(Stand::accepted(answer));
    CHECK(stand.store.stored().clusters.size() == 1);
    CHECK(stand.store.stored().projects.begin()->second.quota.nodes == 0);
    CHECK(stand.store.stored().flavors.size() == 2);
  }
}

TEST_CASE("control loop: of many reads in one round one waits for a mute database, and the others are answered the same") {
  Stand stand;
  stand.store.set_down(true);
  std::size_t away = 0;
  std::vector<ControlEvent> batch;
  const auto count = [&](const auto& answer) { away += !answer && answer.error().code == Errc::unavailable ? 1 : 0; };
  for (int i = 0; i < 100; ++i) {
    batch.push_back(EventsAsked{0, 10, count});
    batch.push_back(PlacementsAsked{{}, count});
    batch.push_back(PlacementAsked{1, count});
  }
  std::size_t seen = 0;
  batch.push_back(QueryArrived{[&](const Result<ModelView>& model) { seen = model ? (*model)->hosts.size() : 0; }});
  CHECK(stand.loop->handle(std::move(batch)).ok());
  CHECK(away == 300);
  CHECK(stand.store.reads() == 1);
  CHECK(seen == 1);
  // The next round asks again.
  stand.store.set_down(false);
  std::size_t answered = 0;
  const auto heard = [&](const Result<std::vector<EventRow>>& rows) { answered += rows ? 1 : 0; };
  CHECK(stand.loop->handle(Stand::one(EventsAsked{0, 10, heard})).ok());
  CHECK(stand.loop->handle(Stand::one(EventsAsked{0, 10, heard})).ok());
  CHECK(answered == 2);
  CHECK(stand.store.reads() == 3);
}

TEST_CASE("control loop: when a commit fails, what was decided on it goes with it") {
  using Fault = FakeStore::Fault;
  for (const Fault fault : {Fault::unavailable, Fault::in_doubt_not_applied, Fault::in_doubt_applied}) {
    CAPTURE(static_cast<int>(fault));
    Stand stand;
    const auto first = stand.create("one", true);
    stand.store.fail_next_commit(fault);
    const auto second = stand.create("two", true);
    CHECK(stand.last.ok());
    CHECK(Stand::error(first) == (fault == Fault::unavailable ? Errc::unavailable : Errc::in_doubt));
    CHECK(Stand::error(second) == Errc::unavailable);
    CHECK_FALSE(stand.loop->serving());
    // Loaded again, it goes on with what is stored.
    const auto third = stand.create("three", false);
    CHECK(stand.accepted(third));
    const std::size_t kept = fault == Fault::in_doubt_applied ? 2 : 1;
    CHECK(stand.store.stored().clusters.size() == kept);
    CHECK(stand.loop->model().clusters == stand.store.stored().clusters);
  }
}

TEST_CASE("control loop: a leader that was deposed answers nobody with success, and stops") {
  Stand stand;
  const auto first = stand.create("one", true);
  REQUIRE(stand.store.take_lead("other", 0).ok());
  const auto second = stand.create("two", true);
  REQUIRE_FALSE(stand.last.ok());
  CHECK(stand.last.error().code == Errc::lost_leadership);
  CHECK(Stand::error(first) == Errc::lost_leadership);
  CHECK(Stand::error(second) == Errc::unavailable);
  CHECK(stand.store.stored().clusters.empty());
}

TEST_CASE("control loop: who stops it while a commit is under way is told that it is in doubt") {
  Stand stand;
  const auto first = stand.create("one", true);
  stand.loop.reset();
  CHECK(Stand::error(first) == Errc::in_doubt);
  CHECK(stand.store.stored().clusters.size() == 1);
}

TEST_CASE("control loop: time passes also for who is never left alone") {
  Stand stand;
  const auto silent = Duration{Settings{}.silent_after_s * 1'000'000};
  stand.create("one", false);
  const auto state = [&] { return stand.loop->model().nodes.begin()->second.state; };
  REQUIRE(state() != NodeState::unknown);
  for (Duration passed{0}; passed < silent + std::chrono::seconds(5); passed += std::chrono::milliseconds(200)) {
    stand.clock.time = stand.clock.time + std::chrono::milliseconds(200);
    stand.create("one", false);
  }
  CHECK(state() == NodeState::unknown);
}

TEST_CASE("control loop: whoever stops this process for minutes makes no host silent, and what is waited for has a while yet") {
  Stand stand;
  stand.create("one", false);
  const auto& node = [&]() -> const Node& { return stand.loop->model().nodes.begin()->second; };
  REQUIRE(node().deadline);
  const auto pass = [&](Duration time) {
    stand.clock.time = stand.clock.time + time;
    stand.last = stand.loop->handle(Stand::one(TimePassed{}));
  };
  pass(std::chrono::hours(3));
  CHECK(node().state == NodeState::creating);
  CHECK_FALSE(stand.loop->model().observations.at(kHost).silent);
  // Whoever does not speak when it is heard again is silent as ever.
  for (int second = 0; second < 14; ++second) pass(std::chrono::seconds(1));
  CHECK(node().state == NodeState::creating);
  for (int second = 0; second < 2; ++second) pass(std::chrono::seconds(1));
  CHECK(node().state == NodeState::unknown);
  for (int second = 0; second < 120; ++second) pass(std::chrono::seconds(1));
  CHECK(node().state == NodeState::failed);
}

TEST_CASE("control loop: while the database is away nobody is heard, and so nobody is silent when it is back") {
  Stand stand;
  stand.store.set_down(true);
  const auto pass = [&] {
    stand.clock.time = stand.clock.time + std::chrono::seconds(1);
    stand.last = stand.loop->handle(Stand::one(TimePassed{}));
  };
  stand.create("one", false);
  REQUIRE_FALSE(stand.loop->serving());
  for (int second = 0; second < 60; ++second) pass();
  stand.store.set_down(false);
  for (int second = 0; second < 3; ++second) pass();
  REQUIRE(stand.loop->serving());
  CHECK_FALSE(stand.loop->model().observations.at(kHost).silent);
  for (int second = 0; second < 15; ++second) pass();
  CHECK(stand.loop->model().observations.at(kHost).silent);
}

TEST_CASE("control loop: whatever fence a host names, it neither moves the epoch nor loads the model, unless we have signed it") {
  Stand stand;
  const auto epoch = stand.store.epoch(), loads = stand.store.loads();
  const auto thief = wire::SigningKey::from_bytes(std::string(32, 't')).value();
  std::uint64_t sequence = 1;
  for (const std::uint64_t named : {epoch + 1, epoch + 1024, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0} - 1,
                                    ~std::uint64_t{0}}) {
    for (const auto& proof : {std::string(), std::string(64, 'x'), wire::prove_fence(kSystem, {1, named}, thief).value(),
                              wire::prove_fence(kSystem, {1, epoch}, stand.key).value(),
                              wire::prove_fence(SystemId{Uuid{{9}}}, {1, named}, stand.key).value()}) {
      auto said = Stand::plain_report(++sequence);
      said.highest_fence = {1, named};
      said.fence_proof = proof;
      CHECK(stand.loop->handle(Stand::one(Stand::spoke(said))).ok());
      CHECK(stand.loop->handle({}).ok());
    }
  }
  CHECK(stand.store.epoch() == epoch);
  CHECK(stand.store.loads() == loads);
  CHECK(stand.loop->model().fence == Fence{1, epoch});
  CHECK(stand.loop->serving());
}

TEST_CASE("control loop: above a fence that it has signed itself it rises at once, and goes on with what it knows") {
  Stand stand;
  const auto loads = stand.store.loads();
  auto said = Stand::plain_report(2);
  said.highest_fence = {1, 70};
  said.fence_proof = wire::prove_fence(kSystem, {1, 70}, stand.key).value();
  CHECK(stand.loop->handle(Stand::one(Stand::spoke(said))).ok());
  CHECK(stand.loop->handle({}).ok());
  CHECK(stand.store.epoch() == 71);
  CHECK(stand.loop->model().fence == Fence{1, 71});
  CHECK(stand.store.loads() == loads);
  CHECK(stand.accepted(stand.create("one", false)));
}

}  // namespace dure::control
