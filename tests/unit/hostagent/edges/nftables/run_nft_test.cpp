#include "hostagent/edges/nftables/run_nft.h"

#include <doctest/doctest.h>

#include <chrono>

using namespace dure;
using namespace dure::host;

// Any program shows how one is run.
TEST_CASE("a program gets its arguments as they are, its input whole, and no environment") {
  const auto echoed = run_nft("/bin/echo", {"a b", "$HOME", "*"}, {}, 5000);
  REQUIRE(echoed.ok());
  CHECK(*echoed == "a b $HOME *\n");
  const std::string large(std::size_t{3} << 20, 'x');
  const auto copied = run_nft("/bin/cat", {}, large, 5000);
  REQUIRE(copied.ok());
  CHECK(*copied == large);
  const auto environment = run_nft("/usr/bin/env", {}, {}, 5000);
  REQUIRE(environment.ok());
  CHECK(environment.value().empty());
}

TEST_CASE("a failure carries the program's own words") {
  const auto failed = run_nft("/bin/cat", {"/nonexistent"}, {}, 5000);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code == Errc::internal);
  CHECK(failed.error().message.find("/nonexistent") != std::string::npos);
}

TEST_CASE("a missing program is unavailable, and so is one that does not end") {
  CHECK(run_nft("/nonexistent/nft", {}, {}, 5000).error().code == Errc::unavailable);
  const auto start = std::chrono::steady_clock::now();
  CHECK(run_nft("/bin/sleep", {"60"}, {}, 100).error().code == Errc::unavailable);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
}
