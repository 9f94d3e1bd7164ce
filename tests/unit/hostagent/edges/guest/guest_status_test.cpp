#include "hostagent/edges/guest/guest_status.h"

#include <doctest/doctest.h>

#include <string>

#include "common/files.h"

using namespace dure;
using namespace dure::host;

namespace {

const std::string kBoot = R"("boot_id":"5eed0000-0000-4000-8000-000000000001")";

std::string with_stages(const std::string& stages) { return R"({"v":1,)" + kBoot + R"(,"stages":)" + stages + "}"; }
std::string with(const std::string& more) { return R"({"v":1,)" + kBoot + R"(,"stages":[],)" + more + "}"; }
std::string with_error(const std::string& error) {
  return R"({"v":1,)" + kBoot + R"(,"stages":[],"error":)" + error + "}";
}

}  // namespace

TEST_CASE("guest status: the line that the node image writes") {
  const auto status = parse_guest_status(
      R"({"v":1,"boot_id":"5eed0000-0000-4000-8000-000000000001","stages":[{"name":"booted","at_ms":1234},)"
      R"({"name":"ready","at_ms":18446744073709551615}],"error":"cloud-init: no"})");
  REQUIRE(status.has_value());
  CHECK(status->stages ==
        std::vector<GuestStage>{{"booted", 1234}, {"ready", 18446744073709551615ULL}});
  CHECK(status->error == "cloud-init: no");
  CHECK(parse_guest_status(with_stages("[]")).has_value());
}

TEST_CASE("guest status: whatever is not exactly that is refused") {
  const std::string bad[] = {
      "",
      "null",
      "[]",
      "{",
      "{}",
      "{} {}",
      R"({"v":1})",
      R"({"v":2,)" + kBoot + R"(,"stages":[]})",
      R"({"v":"1",)" + kBoot + R"(,"stages":[]})",
      R"({"v":1,"stages":[]})",
      R"({"v":1,"boot_id":"5EED0000-0000-4000-8000-000000000001","stages":[]})",
      R"({"v":1,"boot_id":7,"stages":[]})",
      R"({"v":1,)" + kBoot + R"(,"stages":[],"more":1})",
      R"({"v":1,)" + kBoot + "}",
      with_stages("{}"),
      with_stages("[1]"),
      with_stages("[[]]"),
      with_stages(R"([{"name":"booted"}])"),
      with_stages(R"([{"name":"booted","at_ms":-1}])"),
      with_stages(R"([{"name":"booted","at_ms":1.5}])"),
      with_stages(R"([{"name":"booted","at_ms":"1"}])"),
      with_stages(R"([{"name":"booted","at_ms":18446744073709551616}])"),
      with_stages(R"([{"name":"booted","at_ms":1,"x":1}])"),
      with_stages(R"([{"name":"","at_ms":1}])"),
      with_stages(R"([{"name":"Booted","at_ms":1}])"),
      with_stages(R"([{"name":"a/b","at_ms":1}])"),
      with_stages(R"([{"name":")" + std::string(33, 'a') + R"(","at_ms":1}])"),
      with_stages(R"([{"name":"a","at_ms":1},{"name":"a","at_ms":2}])"),
      with_stages(R"([{"name":"-a","at_ms":1}])"),
      with_stages(R"([{"name":"a-","at_ms":1}])"),
      with(R"("have":"")"),
      with(R"("have":null)"),
      with(R"("have":"0123456789ABCDEF")"),
      with(R"("have":"0123456789abcde")"),
      with(R"("have":"0123456789abcdef0")"),
      with(R"("departed":"demo-w3")"),
      with(R"("departed":[7])"),
      with_error("7"),
      with_error("null"),
      with_stages("[[[[[[[[]]]]]]]]"),
      std::string(kMaxGuestLineBytes + 1, ' '),
  };
  for (const std::string& line : bad) {
    INFO(line.substr(0, 100));
    CHECK_FALSE(parse_guest_status(line).has_value());
  }
}

TEST_CASE("guest status: a member of a cluster says what it has and who has left") {
  const auto status = parse_guest_status(with(R"("have":"0123456789abcdef","departed":["demo-w3","4"])"));
  REQUIRE(status.has_value());
  CHECK(status->have == "0123456789abcdef");
  CHECK(status->departed == std::vector<std::string>{"demo-w3", "4"});
  CHECK(parse_guest_status(with(R"("departed":[])"))->departed.empty());
}

TEST_CASE("guest status: a name that no node has is left out, and the guest is heard all the same") {
  const auto status = parse_guest_status(with(R"("departed":["","-w3","Demo","a","b","a",")" + std::string(64, 'a') +
                                              R"("],"not_ready":["api.demo.dure.internal","demo-w1"])"));
  REQUIRE(status.has_value());
  CHECK(status->departed == std::vector<std::string>{"a", "b"});
  CHECK(status->not_ready == std::vector<std::string>{"demo-w1"});
}

// What the node's own program writes (tests/unit/packaging/node_image/reports_test.py compares with the same file).
TEST_CASE("guest status: all that a control-plane member says") {
  const auto line = read_file(std::string(DURE_GOLDEN_DIRECTORY) + "/guest/status.json", 4096);
  REQUIRE(line.ok());
  const auto status = parse_guest_status(*line);
  REQUIRE(status.has_value());
  CHECK(status->boot == Uuid::parse("0ea7aae8-7271-4027-93bf-d95c6db4dfeb"));
  CHECK(status->stages == std::vector<GuestStage>{{"booted", 56680}, {"init", 181140}, {"ready", 219060}});
  CHECK(status->have == "fdc6db4f0ef5cbd4");
  CHECK(status->access == 250348346448124);
  CHECK(status->judges);
  CHECK(status->not_ready == std::vector<std::string>{"demo-w1"});
  CHECK(status->departed == std::vector<std::string>{"demo-w2"});
  CHECK(status->error == "its kubelet does not answer");
}

TEST_CASE("guest status: sixty-four departed nodes are the most") {
  std::string names;
  for (int n = 0; n < 64; ++n) names += (n ? ",\"w" : "\"w") + std::to_string(n) + "\"";
  CHECK(parse_guest_status(with("\"departed\":[" + names + "]"))->departed.size() == 64);
  CHECK_FALSE(parse_guest_status(with("\"departed\":[" + names + ",\"more\"]")).has_value());
}

TEST_CASE("guest status: sixteen stages are the most") {
  std::string stages;
  for (int n = 0; n < 16; ++n)
    stages += (n ? "," : "") + std::string(R"({"name":"s)") + std::to_string(n) + R"(","at_ms":1})";
  CHECK(parse_guest_status(with_stages("[" + stages + "]"))->stages.size() == 16);
  stages += R"(,{"name":"one-more","at_ms":1})";
  CHECK_FALSE(parse_guest_status(with_stages("[" + stages + "]")).has_value());
}

TEST_CASE("guest status: an error text is made printable and is cut") {
  const auto status = parse_guest_status(with_error(R"("a\nb\u0000c\u001b[31m\u00e9")"));
  REQUIRE(status.has_value());
  CHECK(status->error == "a?b?c?[31m??");
  CHECK(parse_guest_status(with_error("\"" + std::string(300, 'e') + "\""))->error == std::string(256, 'e'));
}
