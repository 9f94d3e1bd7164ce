#include "controlnode/cli/output.h"

#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <boost/json.hpp>

#include "controlnode/cli/kinds.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

const json::value kClusters = json::parse(R"({"items":[
  {"id":"1b4e28ba-2fa1-4d2e-883f-0016d3cca427","name":"demo","project":"default","state":"ready","since":"2026-03-01T09:00:07.000Z",
   "reason":"","control_planes":1,"workers":2,"nodes":3,"nodes_ready":3,"flavor":"small",
   "image":"debian-13","key_pair":"me","sites":["east","west"],
   "created_at":"2026-03-01T09:00:00.000Z","operation":null,
   "network":{"vni":4097,"prefix":"10.128.0.0/24","gateway":"10.128.0.1","mtu":1450}},
  {"id":"2b4e28ba-2fa1-4d2e-883f-0016d3cca427","name":"두레","state":"creating","nodes":0,
   "nodes_ready":0,"control_planes":1,"workers":1,"flavor":"small","image":"debian-13","sites":[],
   "created_at":"2026-03-01T09:00:05.000Z"}]})");

OutputOptions options(Format format) {
  OutputOptions result;
  result.format = format;
  result.now = {1'772'355'610'000'000};  // 2026-03-01T09:00:10Z
  return result;
}

TEST_CASE("output: a table of clusters") {
  CHECK(*show_list(kind("cluster"), kClusters, options(Format::table)) ==
        "NAME  STATE     FOR  READY  CONTROL-PLANES  WORKERS  FLAVOR  IMAGE      SITES      AGE\n"
        "demo  ready     3s   3/3    1               2        small   debian-13  east,west  10s\n"
        "두레  creating  -    0/0    1               1        small   debian-13  -          5s\n");
}

TEST_CASE("output: names one on each line, for scripts") {
  CHECK(*show_list(kind("cluster"), kClusters, options(Format::name)) == "demo\n두레\n");
  CHECK(show_list(kind("cluster"), json::parse(R"({"items":[]})"), options(Format::name))->empty());
}

TEST_CASE("output: json is what the API said, nothing more or less") {
  const auto text = *show_list(kind("cluster"), kClusters, options(Format::json));
  CHECK(json::parse(text) == kClusters);
  CHECK(text.starts_with("{\n  \"items\": [\n    {\n      \"id\": "));
  CHECK(pretty_json(json::parse(R"({"a":[],"b":{},"c":[1,{"d":null}]})")) ==
        "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    {\n      \"d\": null\n    }\n  ]\n}\n");
}

TEST_CASE("output: yaml keeps text that looks like something else") {
  const auto value = json::parse(
      R"({"a":"true","b":"123","c":"no","d":"1e3","e":"text","f":null,"g":7,"h":true,"i":[],"j":{},
          "k":"a: b","l":"","m":"~","n":"line\nbreak","o":"y","p":"0x1f","q":["x",{"r":"on"}]})");
  const auto text = to_yaml(value);
  const auto node = YAML::Load(text);
  for (const auto& member : value.get_object()) {
    if (!member.value().is_string()) continue;
    const std::string key(member.key());
    CAPTURE(key);
    CHECK(node[key].as<std::string>() == std::string(member.value().get_string()));
    // "!" is how yaml-cpp marks a quoted scalar.
    if (key != "e") CHECK(node[key].Tag() == "!");
  }
  CHECK(node["f"].IsNull());
  CHECK(node["g"].as<int>() == 7);
  CHECK(node["h"].Tag() == "?");
  CHECK(node["i"].IsSequence());
  CHECK(node["j"].IsMap());
  CHECK(node["q"][1]["r"].as<std::string>() == "on");
  CHECK(text.find("e: text\n") != std::string::npos);
}

TEST_CASE("output: wide shows how far a site is from the others") {
  const auto sites = json::parse(R"({"items":[
      {"id":"x","name":"east","underlay_mtu":1500,"hosts":2,"round_trips":[
        {"site":"north","round_trip_us":null},{"site":"west","round_trip_us":3949},{"site":"moon","round_trip_us":2600000}]},
      {"id":"y","name":"west","underlay_mtu":1500,"hosts":1,"round_trips":[]}]})");
  auto wide = options(Format::wide);
  wide.columns = {"NAME", "ROUND-TRIPS"};
  CHECK(*show_list(kind("site"), sites, wide) ==
        "NAME  ROUND-TRIPS\n"
        "east  north -, west 3.9 ms, moon 2600.0 ms\n"
        "west  -\n");
}

TEST_CASE("output: wide shows more, and columns can be chosen") {
  const auto wide = *show_list(kind("cluster"), kClusters, options(Format::wide));
  CHECK(wide.find("10.128.0.0/24") != std::string::npos);
  CHECK(wide.find("4097") != std::string::npos);
  auto chosen = options(Format::table);
  chosen.columns = {"vni", "NAME"};
  CHECK(*show_list(kind("cluster"), kClusters, chosen) == "VNI   NAME\n4097  demo\n-     두레\n");
  chosen.no_headers = true;
  CHECK(*show_list(kind("cluster"), kClusters, chosen) == "4097  demo\n-     두레\n");
  chosen.columns = {"NAMES"};
  const auto wrong = show_list(kind("cluster"), kClusters, chosen);
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().code == Errc::invalid_argument);
  CHECK(wrong.error().message.find("NAME, STATE") != std::string::npos);
}

TEST_CASE("output: colors do not move the columns") {
  auto colored = options(Format::table);
  colored.color = true;
  auto text = *show_list(kind("cluster"), kClusters, colored);
  CHECK(text.find("\x1b[32mready\x1b[0m") != std::string::npos);
  for (const auto* code : {"\x1b[32m", "\x1b[33m", "\x1b[0m"}) {
    for (auto at = text.find(code); at != std::string::npos; at = text.find(code)) {
      text.erase(at, std::string_view(code).size());
    }
  }
  CHECK(text == *show_list(kind("cluster"), kClusters, options(Format::table)));
}

TEST_CASE("output: one thing whole") {
  const auto site = json::parse(R"({"id":"x","name":"east","failures":[{"code":"a"},{"code":"b"}],
      "capacity":{"vcpus":8},"seen_at":null,"cordoned":false})");
  CHECK(*show_whole(kind("site"), site, options(Format::table)) ==
        "id              x\n"
        "name            east\n"
        "failures[0]     code=a\n"
        "failures[1]     code=b\n"
        "capacity.vcpus  8\n"
        "seen_at         -\n"
        "cordoned        no\n");
  CHECK(*show_whole(kind("site"), site, options(Format::name)) == "east\n");
}

TEST_CASE("output: every kind shows a row of an empty object without a fault") {
  for (const auto& one : kinds()) {
    CAPTURE(one.noun);
    CHECK(show_row(one, json::object{}, options(Format::wide)).ok());
    CHECK(show_row(one, json::object{}, options(Format::table)).ok());
  }
}

}  // namespace
}  // namespace dure::cli
