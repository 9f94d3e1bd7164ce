#include "common/run_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>

using namespace dure;
using namespace std::chrono_literals;

TEST_CASE("a tool's exit code and both of its outputs come back") {
  const auto outcome = run_process({"sh", "-c", "echo out; echo err >&2; exit 7"}, 10s);
  REQUIRE(outcome.ok());
  CHECK(outcome->exit_code == 7);
  CHECK(outcome->output == "out\nerr\n");
  CHECK(run_process({"sh", "-c", "kill -9 $$"}, 10s)->exit_code == 137);
}

TEST_CASE("arguments are passed as they are") {
  const auto outcome = run_process({"printf", "%s|", "a b", "$(id)", "", "'\""}, 10s);
  REQUIRE(outcome.ok());
  CHECK(outcome->output == "a b|$(id)||'\"|");
}

TEST_CASE("a tool inherits nothing but what it is given") {
  ::setenv("DURE_TEST_SECRET", "secret", 1);
  const auto environment = run_process({"env"}, 10s, {"ONE=1"});
  REQUIRE(environment.ok());
  CHECK(environment->output.find("secret") == std::string::npos);
  CHECK(environment->output.find("ONE=1\n") != std::string::npos);
  CHECK(environment->output.find("LC_ALL=C\n") != std::string::npos);
  const int leak = ::open("/dev/null", O_RDONLY);
  REQUIRE(leak > 2);
  CHECK(run_process({"sh", "-c", "ls /proc/self/fd | wc -l; cat"}, 10s)->output == "4\n");
  ::close(leak);
}

TEST_CASE("a tool that does not end is killed with all it started") {
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = run_process({"sh", "-c", "sleep 600 & sleep 600"}, 200ms);
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == Errc::unavailable);
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
}

TEST_CASE("endless output is read to the end and kept up to 64 KiB") {
  const auto outcome = run_process({"head", "-c", "1000000", "/dev/zero"}, 10s);
  REQUIRE(outcome.ok());
  CHECK(outcome->exit_code == 0);
  CHECK(outcome->output.size() == 65536);
}

TEST_CASE("a tool that is not there is told as such") {
  CHECK(run_process({"no-such-tool"}, 1s).error().code == Errc::not_found);
  CHECK(run_process({"./relative"}, 1s).error().code == Errc::not_found);
  CHECK(run_process({}, 1s).error().code == Errc::invalid_argument);
}
