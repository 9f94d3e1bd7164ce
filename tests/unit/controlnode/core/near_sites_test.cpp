#include "controlnode/core/near_sites.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

using Groups = std::vector<std::vector<SiteId>>;
constexpr Duration kBound{10'000};

SiteId site(std::uint32_t number) { return numbered<SiteId>(0x5e, number); }

Candidate host(std::uint32_t number, std::uint32_t at, std::int64_t memory_mib = 8192,
               HostClass host_class = HostClass::scavenged) {
  Candidate candidate;
  candidate.host = numbered<HostId>(0xa0, number);
  candidate.name = "pc-" + std::to_string(number);
  candidate.site = site(at);
  candidate.host_class = host_class;
  candidate.total = candidate.free = {16, memory_mib, 100};
  return candidate;
}

SiteDistance apart(std::uint32_t one, std::uint32_t other, std::int64_t ms) {
  return {site(one), site(other), Duration{ms * 1000}};
}

MemberRequest three(bool spread = false) { return {{1, 1024, 10}, 3, spread, {}}; }

}  // namespace

TEST_CASE("near sites: a site with room for all, or sites that are near to each other") {
  const std::vector<Candidate> hosts{host(1, 1), host(2, 1), host(3, 1), host(4, 2), host(5, 3), host(6, 4)};
  CHECK(near_groups(hosts, three(), {}, kBound) == Groups{{site(1)}});
  const std::vector<SiteDistance> near{apart(2, 3, 10), apart(2, 4, 1), apart(3, 4, 3), apart(1, 4, 11)};
  CHECK(near_groups(hosts, three(), near, kBound) == Groups{{site(1)}, {site(2), site(3), site(4)}});
  // Not all of them are near to each other, or not known to be.
  const std::vector<SiteDistance> chain{apart(2, 3, 10), apart(2, 4, 1)};
  CHECK(near_groups(hosts, three(), chain, kBound) == Groups{{site(1)}});
}

TEST_CASE("near sites: durable hosts first, then where sites were named most of them, then most memory") {
  std::vector<Candidate> hosts{host(1, 1), host(2, 1), host(3, 1), host(4, 2, 9999), host(5, 2), host(6, 2),
                               host(7, 3), host(8, 4), host(9, 4)};
  const std::vector<SiteDistance> near{apart(3, 4, 1)};
  CHECK(near_groups(hosts, three(), near, kBound) == Groups{{site(2)}, {site(1)}, {site(3), site(4)}});
  CHECK(near_groups(hosts, three(true), near, kBound) == Groups{{site(3), site(4)}, {site(2)}, {site(1)}});
  hosts[1].host_class = HostClass::anchor;
  CHECK(near_groups(hosts, three(true), near, kBound).front() == std::vector{site(1)});
}

TEST_CASE("near sites: hosts that a member does not fit on do not count, nor do sites that were not named") {
  std::vector<Candidate> hosts{host(1, 1), host(2, 1), host(3, 1), host(4, 2), host(5, 2), host(6, 2)};
  hosts[0].usable = false;
  hosts[5].free.vcpus = 0;
  CHECK(near_groups(hosts, three(), {}, kBound).empty());
  hosts[0].usable = hosts[5].usable = true;
  hosts[5].free.vcpus = 1;
  auto wanted = three();
  wanted.sites = {site(2)};
  CHECK(near_groups(hosts, wanted, {}, kBound) == Groups{{site(2)}});
}

TEST_CASE("near sites: any groups are near, have room, come in the order of no hosts, and none is missed for three") {
  CHECK(rc::check([] {
    const auto sites = *rc::gen::inRange<std::uint32_t>(1, 7);
    std::vector<Candidate> hosts;
    const auto count = *rc::gen::inRange<std::uint32_t>(1, 14);
    for (std::uint32_t n = 1; n <= count; ++n) hosts.push_back(host(n, *rc::gen::inRange<std::uint32_t>(1, sites + 1)));
    std::vector<SiteDistance> distances;
    std::set<std::pair<SiteId, SiteId>> near;
    for (std::uint32_t a = 1; a <= sites; ++a) {
      for (std::uint32_t b = a + 1; b <= sites; ++b) {
        const auto ms = *rc::gen::inRange<std::int64_t>(0, 20);
        if (ms < 18) distances.push_back(apart(a, b, ms));
        if (ms <= 10) near.insert({site(a), site(b)});
      }
    }
    const auto groups = near_groups(hosts, three(), distances, kBound);
    RC_ASSERT(groups.size() <= kNearGroups);
    for (const auto& group : groups) {
      RC_ASSERT(std::is_sorted(group.begin(), group.end()));
      const auto room = std::count_if(hosts.begin(), hosts.end(), [&](const Candidate& one) {
        return std::binary_search(group.begin(), group.end(), one.site);
      });
      RC_ASSERT(room >= 3);
      for (std::size_t i = 0; i < group.size(); ++i) {
        for (std::size_t j = i + 1; j < group.size(); ++j) RC_ASSERT(near.contains({group[i], group[j]}));
      }
    }
    // By trying every three hosts.
    const auto together = [&](const Candidate& a, const Candidate& b) {
      return a.site == b.site || near.contains({std::min(a.site, b.site), std::max(a.site, b.site)});
    };
    bool possible = false;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      for (std::size_t j = i + 1; j < hosts.size(); ++j) {
        for (std::size_t k = j + 1; k < hosts.size(); ++k) {
          possible = possible || (together(hosts[i], hosts[j]) && together(hosts[i], hosts[k]) && together(hosts[j], hosts[k]));
        }
      }
    }
    RC_ASSERT(possible == !groups.empty());
    std::reverse(hosts.begin(), hosts.end());
    std::reverse(distances.begin(), distances.end());
    RC_ASSERT(near_groups(hosts, three(), distances, kBound) == groups);
  }));
}

TEST_CASE("near sites: without a bound the members go where they would") {
  Campus campus;
  for (const char* name : {"a", "b", "c"}) {
    campus.site(name);
    campus.host(std::string(name) + "1", name);
  }
  campus.catalog();
  CHECK(refused(campus.create("demo", 3, 0)).error.code == Errc::no_capacity);
  campus.model.settings.etcd_round_trip_ms = 0;
  CHECK(accepted(campus.create("demo", 3, 0)));
}

TEST_CASE("near sites: what does not fit anywhere is refused as before, for what is missing") {
  Campus campus;
  campus.site("a");
  campus.host("a1", "a");
  campus.catalog();
  const auto reply = campus.create("demo", 3, 0);
  const auto& no = refused(reply);
  CHECK(no.error.message.find("3 control-plane members") == std::string::npos);
  CHECK(no.error.message.find("nodes do not fit") != std::string::npos);
}

TEST_CASE("near sites: the rules for members hold for whoever asks, and members need not be alike") {
  const std::vector<Candidate> hosts{host(1, 1), host(2, 2)};
  const auto member = [](std::uint32_t number, std::int64_t memory_mib) {
    return NodeRequest{numbered<NodeId>(0x0d, number), "demo-cp" + std::to_string(number), Role::control_plane,
                       {1, memory_mib, 10}, 9};
  };
  PlacementPolicy policy;
  Question question{hosts, {member(1, 4096), member(2, 8192)}, policy};
  auto outcome = place_near(NearRule{kBound, {}, {}}, question);
  CHECK(outcome.unplaced.size() == 1);
  CHECK(outcome.summary.find("room for members is") != std::string::npos);

  policy.pools.resize(1);
  policy.pools[0].labels = {"gpu"};
  question = {hosts, {member(1, 4096), member(2, 4096)}, policy};
  outcome = place_near(NearRule{kBound, {}, {}}, question);
  CHECK(outcome.placed.empty());
  CHECK(question.wanted[0].pool == 0);
  for (const Refusal& refusal : outcome.refusals) CHECK(refusal.dimension == Dimension::label);
}

TEST_CASE("near sites: times are told to a tenth of a millisecond") {
  CHECK(in_milliseconds(Duration{0}) == "0.0 ms");
  CHECK(in_milliseconds(Duration{49}) == "0.0 ms");
  CHECK(in_milliseconds(Duration{12'345}) == "12.3 ms");
  CHECK(in_milliseconds(Duration{12'350}) == "12.4 ms");
}
