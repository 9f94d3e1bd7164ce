#include "controlnode/cli/suggest.h"

#include <doctest/doctest.h>

namespace dure::cli {
namespace {

TEST_CASE("suggest: near words are found, far ones are not guessed") {
  const std::vector<std::string> nouns{"site", "host", "cluster", "flavor", "node"};
  CHECK(nearest("clutser", nouns) == "cluster");
  CHECK(nearest("hsot", nouns) == "host");
  CHECK(nearest("nodes", nouns) == "node");
  CHECK(nearest("elephant", nouns).empty());
  CHECK(nearest("--flavr", {"--flavor", "--help"}) == "--flavor");
  CHECK(nearest("", nouns).empty());
  CHECK(nearest(std::string(100'000, 'x'), nouns).empty());
}

}  // namespace
}  // namespace dure::cli
