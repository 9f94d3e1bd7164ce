#include <doctest/doctest.h>

#include "controlnode/core/placement/remedies.h"
#include "tests/unit/controlnode/core/placement/any_fleet.h"
#include "tests/unit/hostagent/edges/golden.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

const std::vector<FlavorOffer> kFlavors{
    {"small", {1, 2048, 10}}, {"medium", {2, 4096, 20}}, {"large", {4, 8192, 40}}, {"huge", {16, 65536, 80}}};
constexpr Resources kMedium{2, 4096, 20}, kLarge{4, 8192, 40};
// 2026-03-02T09:00:00Z.
constexpr TimePoint kNine{1'772'442'000'000'000};

TimePoint at(std::int64_t hour) {
  return kNine + Duration{(hour - 9) * 3'600'000'000};
}

// PCs of 16 vCPU and 16 GiB with so much memory left, from number `first` on, in one room.
void room(Question& question, const std::string& name, std::uint32_t first, std::uint32_t count, std::int64_t free_mib,
          std::uint32_t site = 1) {
  for (std::uint32_t i = first; i < first + count; ++i) {
    Candidate host;
    host.host = numbered<HostId>(0xa0, i);
    host.name = "pc-" + std::to_string(i);
    host.site = numbered<SiteId>(0x5e, site);
    host.room = name;
    host.total = {16, 16384, 200};
    host.free = {16, free_mib, 200};
    question.hosts.push_back(host);
  }
}

void want(Question& question, std::uint32_t planes, std::uint32_t workers, Resources amount) {
  for (std::uint32_t i = 1; i <= planes + workers; ++i) {
    const bool plane = i <= planes;
    const std::string name = "demo-" + (plane ? "cp" + std::to_string(i) : "w" + std::to_string(i - planes));
    question.wanted.push_back(
        {numbered<NodeId>(0x0d, i), name, plane ? Role::control_plane : Role::worker, amount});
  }
}

void check(const std::string& name, const Question& question) {
  host::check_golden("placement/" + name + ".txt", explain(question, kFlavors));
  for (const Remedy& remedy : remedies(question, kFlavors)) {
    const Question other = changed(question, remedy);
    CHECK(place_all(other.hosts, other.wanted, other.policy).unplaced.empty());
  }
}

}  // namespace

TEST_CASE("explained: a class asks for more workers than fit") {
  Question question;
  room(question, "301", 1, 3, 8192);
  want(question, 1, 8, kMedium);
  check("too_many_workers", question);
}

TEST_CASE("explained: every PC of a room lacks a little memory") {
  Question question;
  room(question, "301", 1, 4, 6144);
  want(question, 1, 0, kLarge);
  check("little_memory", question);
}

TEST_CASE("explained: the rooms are in use by classes") {
  Question question;
  room(question, "301", 1, 3, 16384);
  room(question, "302", 4, 3, 16384);
  for (Candidate& host : question.hosts) {
    host.busy = host.room == "301" ? std::vector<BusyWindow>{{at(8), at(18)}} : std::vector<BusyWindow>{{at(8), at(20)}};
  }
  question.policy.now = kNine;
  question.policy.until = at(13);
  want(question, 1, 2, kMedium);
  check("classes", question);
}

TEST_CASE("explained: the lease runs into a class") {
  Question question;
  room(question, "301", 1, 2, 16384);
  for (Candidate& host : question.hosts) host.busy = {{at(14), at(16)}};
  question.policy.now = kNine;
  want(question, 1, 1, kMedium);
  check("lease_meets_class", question);
}

TEST_CASE("explained: all PCs are cordoned") {
  Question question;
  room(question, "301", 1, 2, 16384);
  for (Candidate& host : question.hosts) {
    host.usable = false;
    host.reason = Unusable::cordoned;
    host.why_not = "is cordoned";
  }
  want(question, 1, 1, kMedium);
  check("cordoned", question);
}

TEST_CASE("explained: nodes are to be apart and there are too few PCs") {
  Question question;
  room(question, "301", 1, 3, 16384);
  question.policy.apart = true;
  want(question, 1, 3, kMedium);
  check("apart", question);
}

TEST_CASE("explained: control planes are to survive a room and there are two rooms") {
  Question question;
  room(question, "301", 1, 3, 16384);
  room(question, "302", 4, 3, 16384);
  question.policy.survive = Survive::room;
  want(question, 3, 1, kMedium);
  check("survive_a_room", question);
}

TEST_CASE("explained: two control planes can survive nothing") {
  Question question;
  room(question, "301", 1, 3, 16384);
  question.policy.survive = Survive::host;
  want(question, 2, 0, kMedium);
  check("survive_with_two", question);
}

TEST_CASE("explained: the room is at another site than the request allows") {
  Question question;
  room(question, "301", 1, 1, 2048);
  room(question, "501", 2, 2, 16384, 2);
  question.policy.sites = {numbered<SiteId>(0x5e, 1)};
  want(question, 1, 1, kMedium);
  check("other_site", question);
}

TEST_CASE("explained: a pool asks for a label that no PC with room has") {
  Question question;
  room(question, "301", 1, 3, 16384);
  question.hosts[0].labels = {"gpu"};
  question.hosts[0].free.memory_mib = 1024;
  question.policy.pools.resize(1);
  question.policy.pools[0].labels = {"gpu"};
  want(question, 0, 1, kMedium);
  check("label", question);
}

TEST_CASE("explained: there are no hosts") {
  Question question;
  want(question, 1, 0, kMedium);
  check("no_hosts", question);
}
