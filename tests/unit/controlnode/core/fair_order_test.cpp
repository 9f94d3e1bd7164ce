#include "controlnode/core/fair_order.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "controlnode/core/model_index.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

// Projects a, b and c; flavors "thin" (1 vCPU, little memory), "fat" (much memory) and "small".
struct Stand {
  Stand() {
    campus.site("east");
    for (int i = 0; i < 4; ++i) campus.host("pc-" + std::to_string(i), "east", {5, 8192, 1000});
    campus.catalog();
    flavor("thin", {4, 128, 5});
    flavor("fat", {1, 2048, 5});
    for (const std::string name : {"a", "b", "c"}) {
      campus.ask(CreateProject{name, {}});
      campus.ask(CreateKeyPair{name, "me", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl me"});
    }
  }
  void flavor(const std::string& name, Resources amount) {
    campus.ask(CreateFlavor{name, static_cast<std::uint32_t>(amount.vcpus),
                            static_cast<std::uint32_t>(amount.memory_mib), static_cast<std::uint32_t>(amount.disk_gib)});
  }
  RequestEvent create(const std::string& project, const std::string& name, const std::string& size = "small") {
    auto request = campus.create_request(name, 1, 0);
    request.project = project;
    request.flavor = size;
    return {++token, request};
  }
  // The names of the clusters in the order in which they were decided.
  std::string order(const std::vector<Event>& batch) {
    std::string text;
    for (const TokenReply& reply : campus.decide_all(batch).replies) {
      if (accepted(reply.reply)) text += std::get<Accepted>(reply.reply).name + " ";
      if (!accepted(reply.reply)) text += "- ";
    }
    return text;
  }

  Campus campus;
  std::uint64_t token = 0;
};

}  // namespace

TEST_CASE("fair_order: projects take turns, by arrival where they hold alike, each in its own order") {
  Stand stand;
  const std::vector<Event> batch{stand.create("a", "a1"), stand.create("a", "a2"), stand.create("a", "a3"),
                                 stand.create("b", "b1"), stand.create("c", "c1"), stand.create("b", "b2")};
  CHECK(stand.order(batch) == "a1 b1 c1 a2 b2 a3 ");
}

TEST_CASE("fair_order: who holds least of what it holds most of is next, as in the paper's example") {
  Stand stand;
  // Of 80 vCPUs and 32 GiB: "thin" is 1/20 of the vCPUs, "fat" 1/16 of the memory.
  std::vector<Event> batch;
  for (int i = 1; i <= 6; ++i) batch.push_back(stand.create("a", "t" + std::to_string(i), "thin"));
  for (int i = 1; i <= 5; ++i) batch.push_back(stand.create("b", "f" + std::to_string(i), "fat"));
  // 0:0 t, 5:0 f, 5:6.25 t, 10:6.25 f, 10:12.5 t, 15:12.5 f, 15:18.75 t, 20:18.75 f, 20:25 t, 25:25 t, 30:25 f
  CHECK(stand.order(batch) == "t1 f1 t2 f2 t3 f3 t4 f4 t5 t6 f5 ");
}

TEST_CASE("fair_order: what is held from before counts, and so does scaling") {
  Stand stand;
  stand.order({stand.create("a", "a1")});
  CHECK(stand.order({stand.create("a", "a2"), stand.create("b", "b1")}) == "b1 a2 ");
  ScaleCluster scale;
  scale.cluster = "a1";
  scale.workers = 1;
  CHECK(stand.order({RequestEvent{7, scale}, stand.create("b", "b2")}) == "b2 a1 ");
}

TEST_CASE("fair_order: requests of another kind are not passed, reports are") {
  Stand stand;
  stand.order({stand.create("a", "a1")});
  const std::vector<Event> batch{stand.create("a", "a2"), RequestEvent{9, CordonHost{"pc-0", true}},
                                 stand.create("a", "a3"), TickEvent{}, stand.create("b", "b1")};
  CHECK(stand.order(batch) == "a2 pc-0 b1 a3 ");
}

TEST_CASE("fair_order: a cluster is scaled after the request of the same batch that makes it") {
  Stand stand;
  ScaleCluster scale;
  scale.cluster = "a2";
  scale.workers = 1;
  stand.order({stand.create("a", "a0")});
  CHECK(stand.order({stand.create("a", "a1"), stand.create("a", "a2"), RequestEvent{9, scale},
                     stand.create("nobody", "n1")}) == "- a1 a2 a2 ");
}

TEST_CASE("fair_order: any batch is decided whole, first come first served within a project, least share next") {
  CHECK(rc::check([] {
    Stand stand;
    const std::vector<std::string> projects{"a", "b", "c"}, sizes{"small", "thin", "fat"};
    std::vector<Event> batch;
    std::map<std::uint64_t, std::string> project_of;
    const int count = *rc::gen::inRange(1, 14);
    for (int i = 0; i < count; ++i) {
      const auto project = *rc::gen::elementOf(projects);
      batch.push_back(stand.create(project, project + std::to_string(i), *rc::gen::elementOf(sizes)));
      project_of[stand.token] = project;
    }
    std::map<std::string, ProjectId> ids;
    for (const auto& [id, project] : stand.campus.model.projects) ids[project.name] = id;
    // The definition: the shares after each decision, by a model that is decided one by one.
    Kept kept;
    Model model = stand.campus.model;
    std::map<std::string, std::vector<std::uint64_t>> waiting;
    for (const auto& [token, project] : project_of) waiting[project].push_back(token);
    for (const TokenReply& reply : stand.campus.decide_all(batch).replies) {
      const std::string& project = project_of.at(reply.token);
      RC_ASSERT(waiting.at(project).front() == reply.token);
      Amounts fleet{};
      for (const Candidate& host : candidates(model, at(stand.campus.now))) {
        for (std::size_t d = 0; d < kAmounts; ++d) fleet[d] += amounts(host.total)[d];
      }
      const auto share = [&](const std::string& of) { return dominant_share(ModelIndex(model).usage_of(ids[of]).amount, fleet); };
      for (const auto& [other, tokens] : waiting) {
        const bool next = tokens.empty() || share(project) <= share(other);
        RC_ASSERT(next);
      }
      waiting.at(project).erase(waiting.at(project).begin());
      for (const Event& event : batch) {
        if (std::get<RequestEvent>(event).token != reply.token) continue;
        decide(model, std::span(&event, 1), at(stand.campus.now), stand.campus.ids, kept);
      }
    }
    for (const auto& [project, tokens] : waiting) RC_ASSERT(tokens.empty());
  }));
}
