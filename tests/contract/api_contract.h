#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlnode/ports/api.h"

// What every Api keeps to, the deciding loop's and the fake's alike. The binary that includes this
// gives make_api_world().
namespace dure::control::contract {

class ApiWorld {
 public:
  virtual ~ApiWorld() = default;
  virtual Api& api() = 0;
  // Lets what was asked be answered.
  virtual void settle() = 0;
  // There is no database, and there is again.
  virtual void set_away(bool away) = 0;
};

// Empty: no site, no host.
std::unique_ptr<ApiWorld> make_api_world();

inline Result<Reply> ask(ApiWorld& world, Request request) {
  std::vector<Result<Reply>> answers;
  world.api().submit(std::move(request),
                     [&answers](Result<Reply> reply) { answers.push_back(std::move(reply)); });
  world.settle();
  REQUIRE(answers.size() == 1);  // once, neither never nor twice
  return answers.front();
}

// The names of all sites; nullopt: no answer but `unavailable`.
inline std::optional<std::vector<std::string>> sites(ApiWorld& world) {
  std::optional<std::vector<std::string>> names;
  int answers = 0;
  world.api().query([&](const Result<ModelView>& model) {
    ++answers;
    if (!model) {
      CHECK(model.error().code == Errc::unavailable);
      return;
    }
    names.emplace();
    for (const auto& [id, site] : (*model)->sites) names->push_back(site.name);
  });
  world.settle();
  REQUIRE(answers == 1);
  return names;
}

inline Result<std::vector<EventRow>> history(ApiWorld& world, std::uint64_t after,
                                             std::size_t limit) {
  std::vector<Result<std::vector<EventRow>>> answers;
  world.api().events(after, limit, [&answers](Result<std::vector<EventRow>> rows) {
    answers.push_back(std::move(rows));
  });
  world.settle();
  REQUIRE(answers.size() == 1);
  return answers.front();
}

TEST_CASE("api: what was accepted is there for the next query") {
  const auto world = make_api_world();
  CHECK(sites(*world)->empty());
  const auto reply = ask(*world, CreateSite{"east", 1500});
  REQUIRE(reply.ok());
  const auto& accepted = std::get<Accepted>(*reply);
  CHECK(accepted.name == "east");
  CHECK_FALSE(accepted.object.is_nil());
  CHECK(sites(*world) == std::vector<std::string>{"east"});
}

TEST_CASE("api: a refusal is an answer with its reason and changes nothing") {
  const auto world = make_api_world();
  REQUIRE(ask(*world, CreateSite{"east", 1500}).ok());
  const auto before = history(*world, 0, 100);
  REQUIRE(before.ok());
  const auto again = ask(*world, CreateSite{"east", 9000});
  REQUIRE(again.ok());
  CHECK(std::get<Refused>(*again).error.code == Errc::already_exists);
  const auto after = history(*world, 0, 100);
  REQUIRE(after.ok());
  CHECK(*after == *before);
  CHECK(sites(*world)->size() == 1);
}

TEST_CASE("api: a credential for a cluster that is not there is refused, and so is the end of one") {
  const auto world = make_api_world();
  for (const Request& request : {Request{GiveAccess{"none", 3600}}, Request{RevokeAccess{"none", "dure:1"}}}) {
    const auto reply = ask(*world, request);
    REQUIRE(reply.ok());
    CHECK(std::get<Refused>(*reply).error.code == Errc::not_found);
  }
}

TEST_CASE("api: history is numbered without gaps, oldest first, and read in parts") {
  const auto world = make_api_world();
  for (const auto* name : {"a", "b", "c", "d"}) REQUIRE(ask(*world, CreateSite{name, 1500}).ok());
  const auto all = history(*world, 0, 100);
  REQUIRE(all.ok());
  REQUIRE(all->size() >= 4);
  for (std::size_t i = 0; i < all->size(); ++i) CHECK((*all)[i].number == i + 1);
  const auto part = history(*world, 1, 2);
  REQUIRE(part.ok());
  REQUIRE(part->size() == 2);
  CHECK((*part)[0] == (*all)[1]);
  CHECK((*part)[1] == (*all)[2]);
  const auto none = history(*world, all->back().number, 100);
  REQUIRE(none.ok());
  CHECK(none->empty());
}

TEST_CASE("api: without a database every call is answered, and with unavailable") {
  const auto world = make_api_world();
  REQUIRE(ask(*world, CreateSite{"east", 1500}).ok());
  world->set_away(true);
  const auto reply = ask(*world, CreateSite{"west", 1500});
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == Errc::unavailable);
  CHECK_FALSE(sites(*world).has_value());
  const auto rows = history(*world, 0, 10);
  REQUIRE_FALSE(rows.ok());
  CHECK(rows.error().code == Errc::unavailable);
  world->set_away(false);
  CHECK(sites(*world) == std::vector<std::string>{"east"});
}

// No host: every creation is refused, and recorded.
inline void ask_for_clusters(ApiWorld& world, const std::vector<std::string>& names) {
  CreateImage image;
  image.name = "debian-13";
  image.disk = {Digest{}, 1000};
  CreateKeyPair key_pair;
  key_pair.name = "me";
  key_pair.public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl me";
  for (const Request& request : {Request{CreateFlavor{"small", 1, 1024, 10}}, Request{image}, Request{key_pair}}) {
    const auto reply = ask(world, request);
    REQUIRE(reply.ok());
    REQUIRE(std::holds_alternative<Accepted>(*reply));
  }
  for (const std::string& name : names) {
    CreateCluster create;
    create.name = name;
    create.flavor = "small";
    create.image = "debian-13";
    create.key_pair = "me";
    const auto reply = ask(world, create);
    REQUIRE(reply.ok());
    REQUIRE(std::get<Refused>(*reply).error.code == Errc::no_capacity);
  }
}

inline Result<std::vector<PlacementRecord>> records(ApiWorld& world, PlacementQuery query) {
  std::vector<Result<std::vector<PlacementRecord>>> answers;
  world.api().placements(std::move(query), [&answers](auto rows) { answers.push_back(std::move(rows)); });
  world.settle();
  REQUIRE(answers.size() == 1);
  return answers.front();
}

inline Result<RecordedPlacement> record(ApiWorld& world, std::uint64_t number) {
  std::vector<Result<RecordedPlacement>> answers;
  world.api().placement(number, [&answers](auto row) { answers.push_back(std::move(row)); });
  world.settle();
  REQUIRE(answers.size() == 1);
  return answers.front();
}

TEST_CASE("api: decisions about hosts are read newest first, in parts, by name, and one with its fleet") {
  const auto world = make_api_world();
  CHECK(records(*world, {{}, {}, 0, 10})->empty());
  ask_for_clusters(*world, {"a", "b", "a"});
  const auto all = records(*world, {{}, {}, 0, 10});
  REQUIRE(all.ok());
  REQUIRE(all->size() == 3);
  CHECK(all->at(0).number == 3);
  CHECK(all->at(2).cluster_name == "a");
  CHECK(all->at(0).refused());
  CHECK(records(*world, {{}, {}, 3, 1})->at(0).number == 2);
  CHECK(records(*world, {{}, "b", 0, 10})->size() == 1);
  CHECK(records(*world, {all->at(0).cluster, {}, 0, 10})->size() == 1);
  const auto one = record(*world, 2);
  REQUIRE(one.ok());
  CHECK(one->record.cluster_name == "b");
  CHECK(one->fleet.empty());
  CHECK(replay(one->record, one->fleet).identical());
  const auto none = record(*world, 4);
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().code == Errc::not_found);
}

TEST_CASE("api: without a database decisions about hosts are unavailable") {
  const auto world = make_api_world();
  world->set_away(true);
  CHECK(records(*world, {{}, {}, 0, 10}).error().code == Errc::unavailable);
  CHECK(record(*world, 1).error().code == Errc::unavailable);
}

TEST_CASE("api: calls made before any answer are each answered once, in their order") {
  const auto world = make_api_world();
  std::vector<std::string> order;
  std::uint16_t mtu = 1500;
  for (const std::string name : {"a", "b", "a"}) {
    world->api().submit(CreateSite{name, mtu++}, [&order, name](const Result<Reply>& reply) {
      REQUIRE(reply.ok());
      order.push_back(std::holds_alternative<Accepted>(*reply) ? name : name + " refused");
    });
  }
  world->settle();
  CHECK(order == std::vector<std::string>{"a", "b", "a refused"});
}

}  // namespace dure::control::contract
