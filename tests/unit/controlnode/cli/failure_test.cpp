#include "controlnode/cli/failure.h"

#include <doctest/doctest.h>

namespace dure::cli {
namespace {

TEST_CASE("failure: every kind of refusal has its exit code") {
  const auto exit = [](unsigned status, const std::string& code) {
    return static_cast<int>(failure_of(status, R"({"code":")" + code + R"(","detail":"d"})").exit);
  };
  CHECK(exit(400, "invalid-argument") == 2);
  CHECK(exit(401, "unauthenticated") == 4);
  CHECK(exit(403, "forbidden") == 4);
  CHECK(exit(404, "not-found") == 3);
  CHECK(exit(405, "method-not-allowed") == 1);
  CHECK(exit(409, "conflict") == 5);
  CHECK(exit(409, "already-exists") == 5);
  CHECK(exit(409, "no-capacity") == 6);
  CHECK(exit(412, "etag") == 5);
  CHECK(exit(422, "conflict") == 5);
  CHECK(exit(500, "internal") == 1);
  CHECK(exit(503, "unavailable") == 1);
  CHECK(failure_of(503, "").transient);
  CHECK_FALSE(failure_of(500, "").transient);
}

TEST_CASE("failure: what is no problem document is told by its status") {
  for (const auto* body : {"", "<html>502</html>", "[]", "7"}) {
    CHECK(describe(failure_of(502, body)) == "error: the control node answered with status 502\n");
  }
}

TEST_CASE("failure: faults are listed with their places, a single one is in the message already") {
  const auto two = failure_of(400, R"({"code":"invalid-argument","detail":"2 faults in the request",
      "errors":[{"pointer":"/name","detail":"is missing"},{"pointer":"/workers","detail":"is bad"}]})");
  CHECK(describe(two) ==
        "error: 2 faults in the request\n"
        "  /name: is missing\n"
        "  /workers: is bad\n");
  const auto one = failure_of(400, R"({"code":"invalid-argument","detail":"/name: is missing",
      "errors":[{"pointer":"/name","detail":"is missing"}]})");
  CHECK(describe(one) == "error: /name: is missing\n");
}

TEST_CASE("failure: reasons per host are a table") {
  const auto failure = failure_of(409, R"({"code":"no-capacity","detail":"demo-w2 does not fit",
      "reasons":[{"host":"pc-1","dimension":"memory","wanted":2048,"free":512,"total":8192,"detail":""},
                 {"host":"pc-10","dimension":"unusable","wanted":0,"free":0,"total":0,"detail":"is cordoned"}]})");
  CHECK(failure.exit == Exit::no_capacity);
  CHECK(describe(failure) ==
        "error: demo-w2 does not fit\n"
        "\n"
        "HOST   DIMENSION  WANTED  FREE  TOTAL  DETAIL\n"
        "pc-1   memory     2048    512   8192\n"
        "pc-10  unusable   -       -     -      is cordoned\n");
}

TEST_CASE("failure: what would make it fit is a list under the table") {
  const auto failure = failure_of(422, R"({"code":"no-capacity","detail":"demo-w2 does not fit",
      "remedies":[{"code":"fewer-workers","detail":"with 1 worker instead of 2"},{"code":"uncordon","detail":"if pc-1 is uncordoned"},
                  7,{"code":"x"}]})");
  const std::string text = describe(failure);
  CHECK(text == "error: demo-w2 does not fit\n\nIt would fit\n  with 1 worker instead of 2\n  if pc-1 is uncordoned\n");
}

TEST_CASE("failure: a hostile message cannot drive the terminal") {
  const auto text = describe(failure_of(404, R"({"code":"not-found","detail":"no \u001b[2J\u202e x"})"));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\u202e") == std::string::npos);
}

}  // namespace
}  // namespace dure::cli
