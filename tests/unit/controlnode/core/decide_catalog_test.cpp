#include <doctest/doctest.h>

#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

AddHost host_request(std::uint32_t number) {
  AddHost request;
  request.name = "pc-" + std::to_string(number);
  request.site = "east";
  request.id = numbered<HostId>(0xa0, number);
  request.address = Ipv4{0x0a000000 + number};
  request.curve_key = std::string(39, 'k') + static_cast<char>('a' + number);
  request.capacity = {8, 8192, 100};
  request.reserve = {1, 1024, 10};
  return request;
}

CreateImage image_request() {
  CreateImage request;
  request.name = "debian-13";
  request.disk.size_bytes = 1000;
  return request;
}

CreateKeyPair key_request() {
  CreateKeyPair request;
  request.name = "me";
  request.public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl me";
  return request;
}

Errc code(const Reply& reply) { return refused(reply).error.code; }

}  // namespace

TEST_CASE("catalog: the same again is accepted without a change, other content is refused") {
  Campus campus;
  const auto twice = [&](Request request, Request other) {
    const Reply first = campus.ask(request);
    REQUIRE(accepted(first));
    CHECK_FALSE(campus.last.changes.empty());
    const Reply again = campus.ask(request);
    REQUIRE(accepted(again));
    CHECK(campus.last.changes.empty());
    CHECK(std::get<Accepted>(again).object == std::get<Accepted>(first).object);
    const Reply refused_one = campus.ask(other);
    REQUIRE_FALSE(accepted(refused_one));
    CHECK(code(refused_one) == Errc::already_exists);
    CHECK(campus.last.changes.empty());
  };
  twice(CreateSite{"east", 1500}, CreateSite{"east", 1400});
  auto other_host = host_request(1);
  other_host.capacity.vcpus = 9;
  twice(host_request(1), other_host);
  twice(CreateFlavor{"small", 1, 1024, 10}, CreateFlavor{"small", 2, 1024, 10});
  auto other_image = image_request();
  other_image.disk.size_bytes = 1001;
  twice(image_request(), other_image);
  auto other_key = key_request();
  other_key.public_key += "2";
  twice(key_request(), other_key);
}

TEST_CASE("catalog: a host's id, name, address and key are its alone") {
  Campus campus;
  campus.ask(CreateSite{"east", 1500});
  REQUIRE(accepted(campus.ask(host_request(1))));
  const auto clash = [&](auto change) {
    auto request = host_request(2);
    change(request, host_request(1));
    return code(campus.ask(request));
  };
  CHECK(clash([](auto& r, const auto& o) { r.id = o.id; }) == Errc::already_exists);
  CHECK(clash([](auto& r, const auto& o) { r.name = o.name; }) == Errc::already_exists);
  CHECK(clash([](auto& r, const auto& o) { r.address = o.address; }) == Errc::already_exists);
  CHECK(clash([](auto& r, const auto& o) { r.curve_key = o.curve_key; }) == Errc::already_exists);
  CHECK(accepted(campus.ask(host_request(2))));
}

TEST_CASE("catalog: a host with a wrong field is refused") {
  Campus campus;
  campus.ask(CreateSite{"east", 1500});
  const auto fault = [&](auto change) {
    auto request = host_request(1);
    change(request);
    return code(campus.ask(request));
  };
  CHECK(fault([](auto& r) { r.name = "PC"; }) == Errc::invalid_argument);
  CHECK(fault([](auto& r) { r.site = "west"; }) == Errc::not_found);
  CHECK(fault([](auto& r) { r.id = {}; }) == Errc::invalid_argument);
  CHECK(fault([](auto& r) { r.address = {}; }) == Errc::invalid_argument);
  CHECK(fault([](auto& r) { r.curve_key.pop_back(); }) == Errc::invalid_argument);
  CHECK(fault([](auto& r) { r.reserve.vcpus = -1; }) == Errc::invalid_argument);
  CHECK(fault([](auto& r) { r.reserve.memory_mib = 8192; }) == Errc::invalid_argument);
  CHECK(fault([](auto& r) { r.capacity.disk_gib = 0; }) == Errc::invalid_argument);
  CHECK(fault([](auto& r) { r.capacity.vcpus = 1'000'000'001; }) == Errc::invalid_argument);
}

TEST_CASE("catalog: a host's room and labels change one by one, and what is not named stays") {
  Campus campus;
  campus.ask(CreateSite{"east", 1500});
  auto request = host_request(1);
  request.room = "301";
  request.labels = {{"gpu", "none"}, {"owner", "physics"}};
  REQUIRE(accepted(campus.ask(request)));
  const auto host = [&]() -> const Host& { return campus.model.hosts.at(request.id); };
  CHECK(accepted(campus.ask(UpdateHost{request.name, {}, {{"gpu", std::nullopt}, {"row", "2"}}})));
  CHECK(host().room == "301");
  CHECK(host().labels == std::map<std::string, std::string>{{"owner", "physics"}, {"row", "2"}});
  CHECK(accepted(campus.ask(UpdateHost{request.id.str(), "", {}})));
  CHECK(host().room.empty());
  CHECK(host().labels.size() == 2);
  CHECK(code(campus.ask(UpdateHost{"none", "1", {}})) == Errc::not_found);
  CHECK(code(campus.ask(UpdateHost{request.name, "a b", {}})) == Errc::invalid_argument);
  CHECK(code(campus.ask(UpdateHost{request.name, {}, {{"Row", "1"}}})) == Errc::invalid_argument);
  CHECK(code(campus.ask(UpdateHost{request.name, {}, {{"row", "1 2"}}})) == Errc::invalid_argument);
  UpdateHost many{request.name, {}, {}};
  for (int i = 0; i < 15; ++i) many.labels["k" + std::to_string(i)] = "v";
  CHECK(code(campus.ask(many)) == Errc::invalid_argument);
  CHECK(host().labels.size() == 2);
}

TEST_CASE("catalog: a host has an overcommit of its own until that is taken away, and what runs there stays") {
  Campus campus;
  campus.ask(CreateSite{"east", 1500});
  auto request = host_request(1);
  request.vcpu_overcommit_percent = 250;
  REQUIRE(accepted(campus.ask(request)));
  const auto own = [&] { return campus.model.hosts.at(request.id).vcpu_overcommit_percent; };
  CHECK(own() == 250);
  request.vcpu_overcommit_percent.reset();  // added again by a script that does not know of it
  CHECK(accepted(campus.ask(request)));
  CHECK(own() == 250);
  UpdateHost change{request.name, {}, {}};
  CHECK(accepted(campus.ask(change)));
  CHECK(own() == 250);
  for (const std::int64_t wrong : {-1, 0, 99, 6401}) {
    CAPTURE(wrong);
    change.vcpu_overcommit_percent = wrong;
    CHECK(code(campus.ask(change)) == Errc::invalid_argument);
    request.vcpu_overcommit_percent = wrong;
    CHECK(code(campus.ask(request)) == Errc::invalid_argument);
  }
  CHECK(own() == 250);
  for (const std::int64_t right : {100, 6400}) {
    change.vcpu_overcommit_percent = right;
    CHECK(accepted(campus.ask(change)));
    CHECK(own() == right);
  }
  change.vcpu_overcommit_percent = std::optional<std::int64_t>();
  CHECK(accepted(campus.ask(change)));
  CHECK_FALSE(own().has_value());
}

TEST_CASE("catalog: sites, flavors, images and keys with a wrong field are refused") {
  Campus campus;
  CHECK(code(campus.ask(CreateSite{"East", 1500})) == Errc::invalid_argument);
  CHECK(code(campus.ask(CreateSite{"east", 1000})) == Errc::invalid_argument);
  CHECK(code(campus.ask(CreateFlavor{"small", 0, 1, 1})) == Errc::invalid_argument);
  CHECK(code(campus.ask(CreateFlavor{"small", 1, 1, 0xffffffff})) == Errc::invalid_argument);
  auto image = image_request();
  image.disk.size_bytes = 0;
  CHECK(code(campus.ask(image)) == Errc::invalid_argument);
  image = image_request();
  image.cmdline = "console=ttyS0";
  CHECK(code(campus.ask(image)) == Errc::invalid_argument);
  image.kernel.size_bytes = 10;
  image.cmdline = "a\nb";
  CHECK(code(campus.ask(image)) == Errc::invalid_argument);
  auto key = key_request();
  key.public_key += "\nssh-rsa AAAA";
  CHECK(code(campus.ask(key)) == Errc::invalid_argument);
  key = key_request();
  key.project = "other";
  CHECK(code(campus.ask(key)) == Errc::not_found);
  CHECK(campus.model.last_event == 0);
}

TEST_CASE("catalog: nothing is deleted while something uses it, and the user is named") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east");
  campus.catalog();
  campus.create("demo", 1, 0);
  const auto refusal = [&](const char* kind, const char* name) {
    const Reply reply = campus.ask(DeleteObject{kind, name});
    REQUIRE_FALSE(accepted(reply));
    CHECK(code(reply) == Errc::conflict);
    return refused(reply).error.message;
  };
  CHECK(refusal("site", "east") == "site 'east' is used by host 'pc-1'");
  CHECK(refusal("host", "pc-1") == "host 'pc-1' is used by node 'demo-cp1'");
  CHECK(refusal("flavor", "small") == "flavor 'small' is used by cluster 'demo'");
  CHECK(refusal("image", "debian-13") == "image 'debian-13' is used by cluster 'demo'");
  CHECK(refusal("keypair", "me") == "keypair 'me' is used by cluster 'demo'");
  CHECK(refusal("project", "default") == "project 'default' is used by cluster 'demo'");
  campus.remove("demo");
  campus.report(host);
  CHECK(refusal("project", "default") == "project 'default' is used by key pair 'me'");
  for (const auto& [kind, name] : {std::pair{"host", "pc-1"}, std::pair{"site", "east"},
                                   std::pair{"flavor", "small"}, std::pair{"image", "debian-13"},
                                   std::pair{"keypair", "me"}, std::pair{"project", "default"}}) {
    CHECK(accepted(campus.ask(DeleteObject{kind, name})));
  }
  CHECK(campus.model.projects.empty());
  CHECK(campus.model.hosts.empty());
  CHECK(campus.model.observations.empty());
  CHECK(code(campus.ask(DeleteObject{"host", "pc-1"})) == Errc::not_found);
  CHECK(code(campus.ask(DeleteObject{"cluster", "demo"})) == Errc::invalid_argument);
}

TEST_CASE("catalog: of two key pairs of one name, in two projects, one is deleted by its id") {
  Campus campus;
  campus.catalog();
  REQUIRE(accepted(campus.ask(CreateProject{"robotics", {}})));
  KeyPair other = campus.model.key_pairs.begin()->second;
  other.id = numbered<KeyPairId>(0x4e, 99);
  for (const auto& [id, project] : campus.model.projects) {
    if (project.name == "robotics") other.project = id;
  }
  campus.model.key_pairs[other.id] = other;
  const Reply reply = campus.ask(DeleteObject{"keypair", "me"});
  REQUIRE_FALSE(accepted(reply));
  CHECK(refused(reply).error.message == "keypair 'me' exists in several projects: give its id");
  CHECK(accepted(campus.ask(DeleteObject{"keypair", other.id.str()})));
  CHECK(accepted(campus.ask(DeleteObject{"keypair", "me"})));
}

TEST_CASE("catalog: a cordoned host keeps its nodes and gets no new ones") {
  Campus campus;
  campus.site("east");
  campus.host("pc-1", "east");
  campus.catalog();
  campus.create("demo", 1, 0);
  REQUIRE(accepted(campus.ask(CordonHost{"pc-1", true})));
  CHECK(campus.last.ordered.empty());
  const Reply reply = campus.scale("demo", 1);
  REQUIRE_FALSE(accepted(reply));
  CHECK(refused(reply).error.message.find("is cordoned") != std::string::npos);
  CHECK(campus.model.nodes.size() == 1);
  REQUIRE(accepted(campus.ask(CordonHost{"pc-1", false})));
  CHECK(accepted(campus.scale("demo", 1)));
  CHECK(code(campus.ask(CordonHost{"pc-9", true})) == Errc::not_found);
}
