#include "controlnode/edges/http/collections.h"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <thread>

#include "tests/unit/controlnode/edges/http/api_answers.h"
#include "tests/unit/controlnode/edges/http/api_stand.h"

namespace dure::control {
namespace {

namespace json = boost::json;
using test::ApiStand;
using test::check_problem;
using test::kSite;
using test::text;

TEST_CASE("api: a site is made, listed, shown and deleted") {
  ApiStand stand;
  const auto made = stand.ask("POST", "/api/v1/sites", kSite);
  CHECK(made.status == 200);
  CHECK(text(made, "name") == "east");
  const auto id = text(made, "id");
  CHECK(id.size() == 36);
  CHECK(ApiStand::json(stand.ask("GET", "/api/v1/sites")).at("items").as_array().size() == 1);
  CHECK(text(stand.ask("GET", "/api/v1/sites/east"), "id") == id);
  CHECK(text(stand.ask("GET", "/api/v1/sites/" + id), "name") == "east");
  // The same again is no harm; another one of that name is.
  CHECK(text(stand.ask("POST", "/api/v1/sites", kSite), "id") == id);
  check_problem(stand.ask("POST", "/api/v1/sites", R"({"name":"east","underlay_mtu":9000})"), 409,
                "already-exists");
  CHECK(stand.ask("DELETE", "/api/v1/sites/east").status == 200);
  check_problem(stand.ask("DELETE", "/api/v1/sites/east"), 404, "not-found");
}

TEST_CASE("api: a site shows how far the others are, in the order of their names") {
  ApiStand stand;
  stand.api.act([&](test::Campus& campus) {
    const auto south = campus.site("south");
    for (const auto* name : {"north", "east"}) campus.site(name);
    auto report = campus.idle_report(campus.host("e1", "east"));
    report.round_trips = {{south, 1, 5, 5, 3000, 3950}};
    campus.tell(report);
  });
  const auto trips = [&](const std::string& site) {
    return boost::json::serialize(ApiStand::json(stand.ask("GET", "/api/v1/sites/" + site)).at("round_trips"));
  };
  CHECK(trips("east") == R"([{"site":"north","round_trip_us":null},{"site":"south","round_trip_us":3950}])");
  CHECK(trips("south") == R"([{"site":"east","round_trip_us":3950},{"site":"north","round_trip_us":null}])");
}

TEST_CASE("api: lists are in the order of names") {
  ApiStand stand;
  for (const std::string name : {"north", "east", "south"}) {
    REQUIRE(stand.ask("POST", "/api/v1/sites", R"({"name":")" + name + "\"}").status == 200);
  }
  std::vector<std::string> names;
  const auto listed = ApiStand::json(stand.ask("GET", "/api/v1/sites"));
  for (const auto& item : listed.at("items").as_array()) {
    names.emplace_back(item.at("name").as_string());
  }
  CHECK(names == std::vector<std::string>{"east", "north", "south"});
}

TEST_CASE("api: a host is added, shown with what is claimed of it, and cordoned") {
  ApiStand stand;
  REQUIRE(stand.ask("POST", "/api/v1/sites", kSite).status == 200);
  const std::string body =
      R"({"name":"pc-01","site":"east","id":"1b4e28ba-2fa1-4d2e-883f-0016d3cca427",)"
      R"("address":"10.1.0.11","curve_key":"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7","class":"anchor",)"
      R"("capacity":{"vcpus":8,"memory_mib":16384,"disk_gib":200},)"
      R"("reserve":{"vcpus":2,"memory_mib":4096,"disk_gib":20}})";
  const auto made = stand.ask("POST", "/api/v1/hosts", body);
  REQUIRE(made.status == 200);
  CHECK(text(made, "id") == "1b4e28ba-2fa1-4d2e-883f-0016d3cca427");
  auto shown = ApiStand::json(stand.ask("GET", "/api/v1/hosts/pc-01"));
  CHECK(shown.at("state") == "new");
  CHECK(shown.at("class") == "anchor");
  CHECK(shown.at("reserve").at("memory_mib") == json::value(4096));
  CHECK(json::serialize(shown.at("allocatable")) == R"({"vcpus":30,"memory_mib":12288,"disk_gib":180})");
  CHECK(shown.at("vcpu_overcommit_percent").is_null());
  CHECK(stand.ask("PATCH", "/api/v1/hosts/pc-01", R"({"vcpu_overcommit_percent":125})").status == 200);
  shown = ApiStand::json(stand.ask("GET", "/api/v1/hosts/pc-01"));
  CHECK(shown.at("allocatable").at("vcpus") == json::value(8));
  CHECK(shown.at("vcpu_overcommit_percent") == json::value(125));
  CHECK(stand.ask("POST", "/api/v1/hosts/pc-01/cordon").status == 200);
  CHECK(ApiStand::json(stand.ask("GET", "/api/v1/hosts/pc-01")).at("cordoned") == json::value(true));
  CHECK(stand.ask("POST", "/api/v1/hosts/pc-01/uncordon").status == 200);
  const std::string one = "/api/v1/hosts/pc-01";
  CHECK(stand.ask("PATCH", one, R"({"room":"301","labels":{"gpu":"none","owner":"physics"}})").status == 200);
  CHECK(stand.ask("PATCH", one, R"({"labels":{"gpu":null}})").status == 200);
  const auto placed = ApiStand::json(stand.ask("GET", one));
  CHECK(placed.at("room") == json::value("301"));
  CHECK(json::serialize(placed.at("labels")) == R"({"owner":"physics"})");
  check_problem(stand.ask("PATCH", one, R"({"labels":{"Gpu":"x"}})"), 400, "invalid-argument");
  check_problem(stand.ask("PATCH", one, R"({"labels":["gpu"]})"), 400, "invalid-argument");
  check_problem(stand.ask("PATCH", one, R"({"site":"west"})"), 400, "invalid-argument");
  check_problem(stand.ask("PATCH", "/api/v1/hosts/none", R"({"room":"1"})"), 404, "not-found");
  CHECK(stand.ask("PUT", one, "{}").headers.at("allow") == "GET, HEAD, POST, PATCH, DELETE");
  CHECK(ApiStand::json(stand.ask("GET", "/api/v1/hosts/pc-01")).at("cordoned") == json::value(false));
  check_problem(stand.ask("POST", "/api/v1/hosts/none/cordon"), 404, "not-found");
}

TEST_CASE("api: a project has a quota and shows what it holds beside it") {
  ApiStand stand;
  const std::string one = "/api/v1/projects/lab";
  CHECK(stand.ask("POST", "/api/v1/projects", R"({"name":"lab","quota":{"vcpus":8,"nodes":4}})").status == 200);
  auto shown = ApiStand::json(stand.ask("GET", one));
  CHECK(json::serialize(shown.at("quota")) ==
        R"({"vcpus":8,"memory_mib":null,"disk_gib":null,"nodes":4,"clusters":null})");
  CHECK(shown.at("usage").at("nodes") == json::value(0));
  CHECK(stand.ask("PATCH", one, R"({"quota":{"vcpus":null,"memory_mib":1024}})").status == 200);
  shown = ApiStand::json(stand.ask("GET", one));
  CHECK(json::serialize(shown.at("quota")) ==
        R"({"vcpus":null,"memory_mib":1024,"disk_gib":null,"nodes":4,"clusters":null})");
  CHECK(stand.ask("PATCH", one, R"({"quota":null})").status == 200);
  CHECK(ApiStand::json(stand.ask("GET", one)).at("quota").at("nodes").is_null());
  for (const std::string body : {R"({"quota":{"gpus":1}})", R"({"quota":{"nodes":-1}})", R"({"quota":{"nodes":1.5}})",
                                 R"({"quota":{"nodes":"4"}})", R"({"quota":[1]})", R"({"name":"x"})"}) {
    CAPTURE(body);
    check_problem(stand.ask("PATCH", one, body), 400, "invalid-argument");
  }
  check_problem(stand.ask("PATCH", "/api/v1/projects/none", R"({"quota":null})"), 404, "not-found");
  check_problem(stand.ask("POST", "/api/v1/projects", R"({"name":"lab","quota":{"nodes":1}})"), 409, "already-exists");
  CHECK(stand.ask("DELETE", one).status == 200);
  check_problem(stand.ask("GET", one), 404, "not-found");
}

TEST_CASE("api: an image can only name what has been uploaded, in its full size") {
  ApiStand stand;
  const auto kept = stand.ask("POST", "/api/v1/blobs", "a small disk");
  REQUIRE(kept.status == 201);
  const auto digest = text(kept, "sha256");
  const auto image = [&](const std::string& sha256, int size) {
    return stand.ask("POST", "/api/v1/images",
                     json::serialize(json::object{
                         {"name", "debian-13"},
                         {"disk", json::object{{"sha256", sha256}, {"size_bytes", size}}},
                         {"min_disk_gib", 2}}));
  };
  check_problem(image(std::string(64, 'a'), 12), 404, "not-found");
  check_problem(image(digest, 13), 404, "not-found");
  CHECK(image(digest, 12).status == 200);
  CHECK(ApiStand::json(stand.ask("GET", "/api/v1/images/debian-13")).at("kernel").is_null());
}

TEST_CASE("api: the blobs of an image that is deleted go with it, what another image has stays") {
  ApiStand stand;
  const auto upload = [&](const std::string& bytes) { return text(stand.ask("POST", "/api/v1/blobs", bytes), "sha256"); };
  const auto image = [&](const std::string& name, const std::string& disk, int size, const std::string& kernel) {
    REQUIRE(stand.ask("POST", "/api/v1/images",
                      json::serialize(json::object{{"name", name},
                                                   {"disk", json::object{{"sha256", disk}, {"size_bytes", size}}},
                                                   {"kernel", json::object{{"sha256", kernel}, {"size_bytes", 6}}}}))
                .status == 200);
  };
  const auto there = [&](const std::string& sha256) { return stand.ask("GET", "/api/v1/blobs/" + sha256).status == 200; };
  const auto one = upload("disk one"), two = upload("disk two"), kernel = upload("kernel"), nobodys = upload("nobody's");
  image("one", one, 8, kernel);
  image("two", two, 8, kernel);
  REQUIRE(stand.ask("DELETE", "/api/v1/images/one").status == 200);
  for (int i = 0; i < 500 && (there(one) || there(nobodys)); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK_FALSE(there(one));
  CHECK_FALSE(there(nobodys));
  CHECK(there(two));
  CHECK(there(kernel));
}

TEST_CASE("api: a name that several projects have is refused, and each is found by its id") {
  ApiStand stand;
  stand.api.act([](test::Campus& campus) {
    campus.site("east");
    for (const auto* name : {"pc-1", "pc-2", "pc-3", "pc-4"}) campus.host(name, "east");
    campus.catalog();
    campus.create("lab", 1, 1);
    campus.ask(CreateProject{"physics", {}});
    CreateKeyPair pair;
    pair.name = "me";
    pair.public_key = campus.model.key_pairs.begin()->second.public_key;
    pair.project = "physics";
    campus.ask(pair);
    auto request = campus.create_request("lab", 1, 1);
    request.project = "physics";
    campus.ask(request);
    campus.report_all();
  });
  for (const std::string one : {"clusters/lab", "nodes/lab-w1", "keypairs/me"}) {
    CAPTURE(one);
    const auto refused = stand.ask("GET", "/api/v1/" + one);
    check_problem(refused, 409, "conflict");
    CHECK(text(refused, "detail").find("exists in several projects: give its id") != std::string::npos);
  }
  const auto nodes = ApiStand::json(stand.ask("GET", "/api/v1/nodes?cluster=lab")).at("items").as_array();
  REQUIRE(nodes.size() == 4);
  std::set<std::string> projects;
  for (const auto& listed : nodes) {
    if (listed.at("name") != "lab-w1") continue;
    const auto field = [&](const char* name) { return std::string(listed.at(name).as_string()); };
    const auto shown = stand.ask("GET", "/api/v1/nodes/" + field("id"));
    projects.insert(text(shown, "project"));
    CHECK(text(shown, "cluster_id") == field("cluster_id"));
    CHECK(ApiStand::json(stand.ask("GET", "/api/v1/nodes?cluster=" + field("cluster_id"))).at("items").as_array().size() == 2);
    CHECK(ApiStand::json(stand.ask("GET", "/api/v1/operations?cluster=" + field("cluster_id"))).at("items").as_array().size() == 1);
    CHECK(stand.ask("POST", "/api/v1/clusters/" + field("cluster_id") + "/nodes/lab-w1/stop").status == 200);
    CHECK(text(stand.ask("GET", "/api/v1/nodes/" + field("id")), "power") == "off");
  }
  CHECK(projects == std::set<std::string>{"default", "physics"});
}

TEST_CASE("api: a cluster, a host and a project count what is theirs, listed as well as alone") {
  ApiStand stand;
  stand.api.act([](test::Campus& campus) {
    campus.site("east");
    campus.host("pc-1", "east");
    campus.catalog();
    campus.create("one", 1, 0);
    campus.host("pc-2", "east");
    campus.create("two", 1, 2);
  });
  const auto get = [&](const std::string& path) { return ApiStand::json(stand.ask("GET", "/api/v1/" + path)); };
  const auto listed = [&](const std::string& path) {
    std::vector<json::object> items;
    const auto answer = get(path);
    for (const auto& item : answer.at("items").as_array()) items.push_back(item.as_object());
    return items;
  };
  const auto clusters = listed("clusters");
  REQUIRE(clusters.size() == 2);
  CHECK(clusters[0].at("nodes") == json::value(1));
  CHECK(clusters[1].at("nodes") == json::value(3));
  CHECK(clusters[1].at("nodes_ready") == json::value(0));
  for (const std::string kind : {"clusters", "hosts", "projects", "nodes", "operations"}) {
    CAPTURE(kind);
    for (const auto& item : listed(kind)) {
      CHECK(get(kind + "/" + std::string(item.at("id").as_string())) == item);
      const auto* name = item.if_contains("name");
      if (name != nullptr) CHECK(get(kind + "/" + std::string(name->as_string())) == item);
    }
  }
  std::int64_t nodes = 0, vcpus = 0;
  for (const auto& host : listed("hosts")) {
    nodes += host.at("nodes").to_number<std::int64_t>();
    vcpus += host.at("claimed").at("vcpus").to_number<std::int64_t>();
  }
  CHECK(nodes == 4);
  CHECK(vcpus == 4);
  CHECK(get("projects/default").at("usage").at("nodes") == json::value(4));
  CHECK(listed("nodes?cluster=two").size() == 3);
  CHECK(listed("operations?cluster=one").size() == 1);
  for (const char* nothing : {"nodes?cluster=none", "nodes?cluster=", "flavors?cluster=one"}) CHECK(listed(nothing).empty());
  check_problem(stand.ask("GET", "/api/v1/operations/none"), 404, "not-found");
}

TEST_CASE("api: hostile bytes in a name come back as well-formed JSON") {
  ApiStand stand;
  const auto answer = stand.ask("GET", "/api/v1/sites/%22%3Cscript%3E%EB%91%90" +
                                           std::string(200, 'x'));
  check_problem(answer, 404, "not-found");
  const auto cut = stand.ask("GET", "/api/v1/sites/" + std::string(79, 'x') + "%EB%91%90%EB%91%90");
  check_problem(cut, 404, "not-found");
}

}  // namespace
}  // namespace dure::control
