#include "controlnode/core/placement/fleet.h"

#include <doctest/doctest.h>

#include "controlnode/core/placement/gang.h"
#include "tests/unit/controlnode/core/placement/any_fleet.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

// The best host by looking at every one: what the index has to find.
Choice scan(const Fleet& fleet, const Cost& cost, const Amounts& wanted) {
  Choice best;
  for (Rank rank = 0; rank < fleet.size(); ++rank) {
    if (!fleet.usable(rank) || !covers(fleet.free(rank), wanted)) continue;
    best = std::min(best, Choice{0, cost.of(fleet.host_size(rank), fleet.free(rank), fleet.booting(rank)), 0, rank});
  }
  return best;
}

Choice look_up(const Fleet& fleet, const Cost& cost, const Amounts& wanted) {
  const std::vector<GroupTerm> all(fleet.groups().size(), GroupTerm{true, 0, 0, 0});
  Choice best;
  fleet.index().search({all, cost, wanted}, best);
  return best;
}

Amounts any_amount(std::int64_t most) {
  return {*rc::gen::inRange<std::int64_t>(1, most), *rc::gen::inRange<std::int64_t>(1, most),
          *rc::gen::inRange<std::int64_t>(1, most)};
}

std::vector<Candidate> wide_hosts() {
  std::vector<Candidate> hosts;
  const auto count = *rc::gen::inRange<std::uint32_t>(1, 60);
  for (std::uint32_t i = 0; i < count; ++i) {
    Candidate host = any_host(i + 1);
    const std::int64_t scale = *rc::gen::element<std::int64_t>(4, 100, 1000);
    host.total = {*rc::gen::inRange<std::int64_t>(1, scale), *rc::gen::inRange<std::int64_t>(1, scale * 10),
                  *rc::gen::inRange<std::int64_t>(0, scale)};
    host.free = {host.total.vcpus - *rc::gen::inRange<std::int64_t>(0, scale / 2), host.total.memory_mib,
                 host.total.disk_gib};
    hosts.push_back(host);
  }
  return hosts;
}

}  // namespace

TEST_CASE("fleet: the index finds what a look at every host finds, after any takes, returns and cordons") {
  CHECK(rc::check([] {
    Fleet fleet(wide_hosts());
    std::vector<std::pair<Rank, Amounts>> held;
    for (int step = 0; step < 60; ++step) {
      const Rank rank = *rc::gen::inRange<Rank>(0, static_cast<Rank>(fleet.size()));
      switch (*rc::gen::inRange(0, 5)) {
        case 0:
        case 1: {
          const Amounts amount = any_amount(8);
          fleet.take(rank, amount);
          held.emplace_back(rank, amount);
          break;
        }
        case 2:
          if (!held.empty()) {
            fleet.give_back(held.back().first, held.back().second);
            held.pop_back();
          }
          break;
        case 3: fleet.set_reason(rank, *rc::gen::element(Unusable::no, Unusable::no, Unusable::cordoned)); break;
        case 4: fleet.set_booting(rank, *rc::gen::inRange<std::uint32_t>(0, 3)); break;
      }
      for (const Strategy strategy : {Strategy::spread, Strategy::pack}) {
        const Amounts wanted = any_amount(40);
        const Cost cost(strategy, wanted, fleet.worth(wanted));
        RC_ASSERT(look_up(fleet, cost, wanted) == scan(fleet, cost, wanted));
      }
    }
  }));
}

TEST_CASE("fleet: after any takes and returns it decides like one that is built from scratch") {
  CHECK(rc::check([] {
    auto hosts = wide_hosts();
    Fleet fleet(hosts);
    for (int step = 0; step < 40; ++step) {
      const auto which = *rc::gen::inRange<std::size_t>(0, hosts.size());
      const Rank rank = *fleet.find(hosts[which].host);
      if (*rc::gen::inRange(0, 3) != 0) {
        const Resources amount{1, 3, 0};
        fleet.take(rank, amounts(amount));
        hosts[which].free.vcpus -= 1;
        hosts[which].free.memory_mib -= 3;
        ++hosts[which].nodes;
      } else {
        fleet.grow(rank, {1, 2, 3});
        for (Resources* of : {&hosts[which].total, &hosts[which].free}) {
          *of = {of->vcpus + 1, of->memory_mib + 2, of->disk_gib + 3};
        }
      }
    }
    const Fleet rebuilt(hosts);
    RC_ASSERT(fleet.index().states() == rebuilt.index().states());
    for (int ask = 0; ask < 8; ++ask) {
      const Amounts wanted = any_amount(30);
      const Cost cost(ask % 2 == 0 ? Strategy::spread : Strategy::pack, wanted, fleet.worth(wanted));
      const Cost other(ask % 2 == 0 ? Strategy::spread : Strategy::pack, wanted, rebuilt.worth(wanted));
      RC_ASSERT(look_up(fleet, cost, wanted) == look_up(rebuilt, other, wanted));
    }
  }));
}

TEST_CASE("fleet: what is left over on every host when the other has run out counts nothing to pack") {
  const auto host = [](std::uint32_t number, Resources total, Resources free) {
    Candidate made;
    made.host = numbered<HostId>(0xa0, number);
    made.total = total;
    made.free = free;
    return made;
  };
  const Amounts wanted{1, 2048, 10};
  const auto best = [&](const std::vector<Candidate>& hosts) {
    const Fleet fleet(hosts);
    return look_up(fleet, Cost(Strategy::pack, wanted, fleet.worth(wanted)), wanted).rank;
  };
  // The first has less memory left, the second far fewer vCPUs.
  std::vector<Candidate> hosts{host(1, {64, 8192, 100}, {60, 4096, 100}), host(2, {64, 8192, 100}, {10, 5000, 100})};
  CHECK(best(hosts) == 0);
  // With one host that runs out of vCPUs first they are worth something again.
  hosts.push_back(host(3, {4, 65536, 100}, {0, 65536, 100}));
  CHECK(best(hosts) == 1);
}

TEST_CASE("fleet: a crowded host is given no more nodes until one has left") {
  Candidate host;
  host.host = numbered<HostId>(0xa0, 1);
  host.total = host.free = {1000, 1000, 1000};
  host.nodes = kMaxNodesPerHost - 1;
  Fleet fleet(std::vector<Candidate>{host});
  const Amounts one{1, 1, 1};
  CHECK(look_up(fleet, Cost(Strategy::spread, one), one).found());
  fleet.take(0, one);
  CHECK_FALSE(look_up(fleet, Cost(Strategy::spread, one), one).found());
  fleet.give_back(0, one);
  CHECK(look_up(fleet, Cost(Strategy::spread, one), one).found());
}

TEST_CASE("fleet: a lease meets the first busy window that is not over yet") {
  const std::vector<BusyWindow> busy{{seconds_in(10), seconds_in(20)}, {seconds_in(30), seconds_in(40)}};
  CHECK(meets(busy, seconds_in(0), seconds_in(10)) == nullptr);
  CHECK(meets(busy, seconds_in(0), seconds_in(11)) == &busy[0]);
  CHECK(meets(busy, seconds_in(20), seconds_in(30)) == nullptr);
  CHECK(meets(busy, seconds_in(20), std::nullopt) == &busy[1]);
  CHECK(meets(busy, seconds_in(40), std::nullopt) == nullptr);
  CHECK(meets({}, kStart, std::nullopt) == nullptr);
}
