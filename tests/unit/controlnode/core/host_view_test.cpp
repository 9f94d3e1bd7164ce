// What is kept of the hosts, after any changes, against what the model says.
#include "controlnode/core/host_view.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "controlnode/core/deciding.h"
#include "controlnode/core/placement/chain.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

// Changes of rows as a round would make them, on few hosts, so that they meet.
class Changes {
 public:
  Changes() {
    campus.site("east");
    campus.site("west");
    for (std::uint32_t i = 0; i < 5; ++i) hosts.push_back(add_host());
  }

  HostId add_host() {
    const auto made = static_cast<std::uint32_t>(hosts.size());
    return campus.host("pc-" + std::to_string(made), made % 2 == 0 ? "east" : "west", {200, 4096, 500});
  }

  void any(Kept& kept) {
    Deciding deciding(campus.model, at(campus.now), campus.ids, kept);
    const HostId host = *rc::gen::elementOf(hosts);
    const auto known = campus.model.hosts.find(host);
    const NodeId node = numbered<NodeId>(0x0d, *rc::gen::inRange<std::uint32_t>(1, 60));
    const int kind = *rc::gen::inRange(0, 14);
    if (kind < 4) {
      deciding.put(Claim{node, host, {1, *rc::gen::inRange<std::int64_t>(1, 300), 1}});
    } else if (kind == 4) {
      deciding.put(DropClaim{node});
    } else if (kind == 5) {
      campus.now = campus.now + Duration{*rc::gen::inRange<std::int64_t>(0, 12) * 1'000'000};
    } else if (kind == 6) {
      crowd(deciding, host);
    } else if (known != campus.model.hosts.end()) {
      Host row = known->second;
      change(deciding, row, kind);
    }
  }

  Campus campus;
  std::vector<HostId> hosts;

 private:
  void change(Deciding& deciding, Host& row, int kind) {
    switch (kind) {
      case 7:
        ++row.generation;
        return deciding.put(row);
      case 8:
        row.cordoned = !row.cordoned;
        return deciding.put(row);
      case 9:
        row.labels["gpu"] = *rc::gen::element<std::string>("old", "new");
        return deciding.put(row);
      case 10: {
        HostObservation seen = campus.model.observations[row.id];
        seen.host = row.id;
        seen.seen_at = deciding.now;
        seen.accepted_generation = *rc::gen::inRange<std::uint64_t>(0, 4);
        return deciding.put(PutObservation{seen});
      }
      case 11:
      case 12: {
        const TimePoint from = campus.now + Duration{*rc::gen::inRange<std::int64_t>(-5, 9) * 1'000'000};
        row.busy = {{from, from + Duration{*rc::gen::inRange<std::int64_t>(1, 9) * 1'000'000}}};
        return deciding.put(row);
      }
      default:
        if (hosts.size() > 3 && *rc::gen::inRange(0, 4) == 0) return deciding.put(DropHost{row.id});
        // Heard of again, without a change of a row.
        if (const auto seen = campus.model.observations.find(row.id); seen != campus.model.observations.end()) {
          seen->second.seen_at = deciding.now;
          deciding.heard(row.id);
        }
    }
  }

  // As many as a host may hold, or none of them.
  void crowd(Deciding& deciding, const HostId& host) {
    crowded_ = !crowded_;
    for (std::uint32_t i = 0; i < kMaxNodesPerHost; ++i) {
      const NodeId node = numbered<NodeId>(0x0e, i);
      if (crowded_) {
        deciding.put(Claim{node, host, {1, 1, 1}});
      } else {
        deciding.put(DropClaim{node});
      }
    }
  }

  bool crowded_ = false;
};

}  // namespace

TEST_CASE("host_view: after any changes it is what would be made anew, and places alike") {
  CHECK(rc::check([] {
    Changes changes;
    Kept kept;
    const Model& model = changes.campus.model;
    for (int step = 0; step < 40; ++step) {
      changes.any(kept);
      if (*rc::gen::inRange(0, 3) != 0) continue;
      HostView& view = kept.hosts(model, at(changes.campus.now));
      const auto hosts = candidates(model, at(changes.campus.now));
      RC_ASSERT(std::equal(hosts.begin(), hosts.end(), view.hosts().begin(), view.hosts().end()));
      Fleet fleet(hosts);
      std::vector<NodeRequest> wanted;
      for (std::uint32_t i = 0; i < 3; ++i) {
        const Resources amount{*rc::gen::inRange<std::int64_t>(1, 150), *rc::gen::inRange<std::int64_t>(1, 3000), 1};
        wanted.push_back({numbered<NodeId>(0x0f, i), "n", i == 0 ? Role::control_plane : Role::worker, amount});
      }
      PlacementPolicy policy;
      policy.strategy = *rc::gen::element(Strategy::spread, Strategy::pack);
      const auto fresh = place_all(FleetQuestion{fleet, hosts, wanted, policy});
      const auto here = place_all(FleetQuestion{view.fleet(), view.hosts(), wanted, policy});
      RC_ASSERT(here.placed == fresh.placed);
      RC_ASSERT(here.unplaced == fresh.unplaced);
      RC_ASSERT(here.refusals == fresh.refusals);
    }
  }));
}

TEST_CASE("host_view: what it says has changed since a decision was recorded is all that has") {
  CHECK(rc::check([] {
    Changes changes;
    Kept kept;
    Model& model = changes.campus.model;
    for (int step = 0; step < 40; ++step) {
      changes.any(kept);
      if (*rc::gen::inRange(0, 3) != 0) continue;
      const HostView& view = kept.hosts(model, at(changes.campus.now));
      const auto hosts = candidates(model, at(changes.campus.now));
      PlacementRecord record, whole;
      link(record, own(model.placements), view.hosts(), view.changed());
      link(whole, own(model.placements), hosts);
      RC_ASSERT(record == whole);
      Deciding(model, at(changes.campus.now), changes.campus.ids, kept).put(PutPlacementRecord{record});
      RC_ASSERT(model.placements->fleet == hosts);
      const auto* changed = kept.hosts(model, at(changes.campus.now)).changed();
      RC_ASSERT(changed != nullptr);
      RC_ASSERT(changed->empty());
    }
  }));
}

TEST_CASE("host_view: a host is free for guests again when its owner's time is over") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east");
  campus.model.hosts.at(host).busy = {{seconds_in(1), seconds_in(5)}};
  Kept kept;
  CHECK(kept.hosts(campus.model, at(seconds_in(4))).hosts()[0].busy.size() == 1);
  CHECK(kept.hosts(campus.model, at(seconds_in(5))).hosts()[0].busy.empty());
  CHECK(kept.hosts(campus.model, at(seconds_in(4))).hosts()[0].busy.size() == 1);
}

TEST_CASE("host_view: what advice has tried on the fleet does not stay for ever") {
  Campus campus;
  campus.site("east");
  campus.host("pc-1", "east");
  Kept kept;
  for (std::int64_t more = 1; more <= 1000; ++more) {
    Fleet& fleet = kept.hosts(campus.model, at(campus.now)).fleet();
    fleet.grow(0, {more, 0, 0});
    fleet.grow(0, {-more, 0, 0});
  }
  CHECK(kept.hosts(campus.model, at(campus.now)).fleet().index().sizes() < 300);
}

TEST_CASE("host_view: a host falls silent by the clock alone, and is heard of again within a round") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east");
  Kept kept;
  CHECK(kept.hosts(campus.model, at(campus.now)).hosts()[0].usable);
  campus.now = seconds_in(60);
  CHECK(kept.hosts(campus.model, at(campus.now)).hosts()[0].reason == Unusable::silent);
  campus.kept = &kept;
  campus.report(host);
  CHECK(kept.hosts(campus.model, at(campus.now)).hosts()[0].usable);
}

TEST_CASE("host_view: a host that knew a newer order than the database takes nodes again when it is ordered anew") {
  Changes changes;
  Campus& campus = changes.campus;
  const HostId host = changes.hosts[0];
  campus.model.observations.at(host).accepted_generation = 3;
  Kept kept;
  const auto reason = [&] {
    const auto hosts = kept.hosts(campus.model, at(campus.now)).hosts();
    return std::find_if(hosts.begin(), hosts.end(), [&](const Candidate& one) { return one.host == host; })->reason;
  };
  REQUIRE(reason() == Unusable::restored);
  Deciding deciding(campus.model, at(campus.now), campus.ids, kept);
  deciding.put(PutOrder{host, 2, {}});
  CHECK(reason() == Unusable::restored);
  deciding.put(PutOrder{host, 3, {}});
  CHECK(reason() == Unusable::no);
}
