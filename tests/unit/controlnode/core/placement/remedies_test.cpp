#include "controlnode/core/placement/remedies.h"

#include <doctest/doctest.h>

#include "tests/unit/controlnode/core/placement/any_fleet.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

const std::vector<FlavorOffer> kOffers{{"tiny", {1, 1, 1}}, {"small", {2, 2, 2}}, {"large", {3, 3, 3}}};

Question any_question(int hosts, int nodes) {
  AnyCase made = any_rules(hosts, nodes);
  return {std::move(made.hosts), std::move(made.wanted), std::move(made.policy)};
}

bool fits(const Question& question) {
  return place_all(question.hosts, question.wanted, question.policy).unplaced.empty();
}

bool listed(const Question& question, const HostId& host, Dimension dimension) {
  const auto outcome = place_all(question.hosts, question.wanted, question.policy);
  return std::any_of(outcome.refusals.begin(), outcome.refusals.end(), [&](const Refusal& refusal) {
    return refusal.host == host && refusal.dimension == dimension;
  });
}

// What is wrong with the host by this refusal is set right.
Question without_reason(Question question, const Refusal& refusal) {
  for (Candidate& host : question.hosts) {
    if (host.host != refusal.host) continue;
    // A refusal shows nothing free where more is taken than there is.
    const auto lacking = [&](std::int64_t free) { return std::max<std::int64_t>(refusal.wanted - free, 0); };
    const std::int64_t vcpus = lacking(host.free.vcpus), memory = lacking(host.free.memory_mib);
    const std::int64_t disk = lacking(host.free.disk_gib);
    switch (refusal.dimension) {
      case Dimension::vcpus: host.total.vcpus += vcpus, host.free.vcpus += vcpus; break;
      case Dimension::memory: host.total.memory_mib += memory, host.free.memory_mib += memory; break;
      case Dimension::disk: host.total.disk_gib += disk, host.free.disk_gib += disk; break;
      case Dimension::unusable:
        host.usable = true, host.reason = Unusable::no, host.nodes = 0;
        question.policy.closed.clear();
        break;
      case Dimension::label: host.labels = {"gpu", "ssd", "tpm"}; break;
      case Dimension::host_class: host.host_class = HostClass::anchor; break;
      case Dimension::room: host.room = "101"; break;
      case Dimension::busy: host.busy.clear(); break;
      case Dimension::site: question.policy.sites.clear(), question.policy.pools[0].sites.clear(); break;
      case Dimension::apart: question.policy.apart = false; break;
      case Dimension::survive: question.policy.survive = Survive::nothing; break;
      case Dimension::round_trip: question.policy.round_trip_us.reset(); break;
      case Dimension::distinct_host: question.policy.members.clear(); break;
    }
  }
  return question;
}

}  // namespace

TEST_CASE("remedies: after any change that is offered the same request fits, on whichever host is chosen") {
  CHECK(rc::check([] {
    const Question question = any_question(7, 6);
    const auto offered = remedies(question, kOffers);
    if (fits(question)) RC_ASSERT(offered.empty());
    for (const Remedy& remedy : offered) {
      for (std::size_t choice = 0; choice < std::max<std::size_t>(remedy.hosts.size(), 1); ++choice) {
        RC_ASSERT(fits(changed(question, remedy, choice)));
      }
      RC_ASSERT(!remedy.text.empty());
    }
  }));
}

TEST_CASE("remedies: the order of hosts does not change what is offered") {
  CHECK(rc::check([] {
    const Question question = any_question(7, 5);
    Question turned = question;
    std::reverse(turned.hosts.begin(), turned.hosts.end());
    std::reverse(turned.wanted.begin(), turned.wanted.end());
    RC_ASSERT(explain(question, kOffers) == explain(turned, kOffers));
  }));
}

TEST_CASE("refusals: taking away a reason that is listed for a host changes what is said of it") {
  CHECK(rc::check([] {
    const Question question = any_question(6, 1);
    const auto outcome = place_all(question.hosts, question.wanted, question.policy);
    for (const Refusal& refusal : outcome.refusals) {
      RC_ASSERT(listed(question, refusal.host, refusal.dimension));
      RC_ASSERT(!listed(without_reason(question, refusal), refusal.host, refusal.dimension));
    }
  }));
}

TEST_CASE("refusals: where one reason is all that a host lacks, taking it away makes one node fit") {
  CHECK(rc::check([] {
    const Question question = any_question(6, 1);
    const auto outcome = place_all(question.hosts, question.wanted, question.policy);
    std::map<HostId, std::size_t> reasons;
    for (const Refusal& refusal : outcome.refusals) ++reasons[refusal.host];
    for (const Refusal& refusal : outcome.refusals) {
      if (reasons[refusal.host] == 1) RC_ASSERT(fits(without_reason(question, refusal)));
    }
  }));
}

TEST_CASE("remedies: what a request lacks decides which changes are offered") {
  Question question;
  Candidate host;
  host.host = numbered<HostId>(0xa0, 1);
  host.name = "pc-1";
  host.total = host.free = {8, 4, 8};
  question.hosts = {host};
  for (std::uint32_t i = 0; i < 3; ++i) {
    question.wanted.push_back({numbered<NodeId>(0x0d, i + 1), "w" + std::to_string(i + 1), Role::worker, {2, 2, 2}});
  }
  const auto offered = remedies(question, kOffers);
  REQUIRE(offered.size() == 3);
  CHECK(offered[0].kind == RemedyKind::fewer_workers);
  CHECK(offered[0].count == 2);
  CHECK(offered[1].kind == RemedyKind::smaller_flavor);
  CHECK(offered[1].flavor == "tiny");
  CHECK(offered[2].kind == RemedyKind::more_room);
  CHECK(offered[2].dimension == Dimension::memory);
  CHECK(offered[2].more == 2);
  CHECK(offered[2].hosts == std::vector<HostId>{host.host});
  question.wanted.pop_back();
  CHECK(remedies(question, kOffers).empty());
}
