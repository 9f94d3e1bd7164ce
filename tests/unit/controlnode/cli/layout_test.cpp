#include "controlnode/cli/layout.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

namespace dure::cli {
namespace {

TEST_CASE("layout: East-Asian characters take two columns, combining ones none") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("두레") == 4);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("") == 0);
  CHECK(pad("두", 4) == "두  ");
  CHECK(columns_of_text({{"A", "B"}, {"두레", "x"}, {"abcdef", "y"}}) ==
        "A       B\n두레    x\nabcdef  y\n");
}

TEST_CASE("layout: a line ends without spaces, also after empty cells") {
  CHECK(columns_of_text({{"A", "BB", "C"}, {"1", "", ""}, {"", "2", ""}}) == "A  BB  C\n1\n   2\n");
}

TEST_CASE("layout: cutting counts columns and says that something is missing") {
  CHECK(fit("abcdef", 6) == "abcdef");
  CHECK(fit("abcdef", 4) == "abc…");
  CHECK(fit("두레두레", 4) == "두…");
  CHECK(fit("abc", 0).empty());
}

TEST_CASE("layout: what could drive a terminal is replaced") {
  CHECK(printable("a\x1b[31mb") == "a�[31mb");
  CHECK(printable("a\nb\tc") == "a b c");
  CHECK(printable("a\u202eb") == "a�b");
  CHECK(printable("a\xff" "b") == "a�b");
  CHECK(printable("두레 é 🌾") == "두레 é 🌾");
}

TEST_CASE("layout: bytes and times for people") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1536) == "1.5 KiB");
  CHECK(human_bytes(5ULL << 40) == "5.0 TiB");
  using std::chrono::seconds;
  CHECK(human_duration(seconds(7)) == "7s");
  CHECK(human_duration(seconds(192)) == "3m12s");
  CHECK(human_duration(seconds(18240)) == "5h04m");
  CHECK(human_duration(seconds(12 * 86400 + 5)) == "12d");
  CHECK(human_duration(seconds(-3)) == "0s");
  CHECK(cli::seconds(std::chrono::milliseconds(12'340)) == "12.3s");
}

TEST_CASE("layout: durations have a unit, are positive and bounded") {
  using std::chrono::seconds;
  CHECK(parse_duration("90") == seconds(90));
  CHECK(parse_duration("90s") == seconds(90));
  CHECK(parse_duration("30m") == seconds(1800));
  CHECK(parse_duration("2h") == seconds(7200));
  CHECK(parse_duration("7d") == seconds(604800));
  CHECK_FALSE(parse_duration("8d").has_value());
  CHECK(parse_duration("8d", seconds(30 * 86400)) == seconds(691200));
  for (const auto* wrong : {"", "m", "0", "-5s", "1.5h", "3x", "9999h", "99999999999999999999", "1 m"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_duration(wrong).has_value());
  }
}

TEST_CASE("layout: a name cannot leave its segment of the path") {
  CHECK(path_segment("demo-1") == "demo-1");
  CHECK(path_segment("../x?y#z") == "..%2Fx%3Fy%23z");
  CHECK(path_segment("두") == "%EB%91%90");
}

TEST_CASE("layout: JSON values as people read them") {
  namespace json = boost::json;
  CHECK(plain(json::parse(R"("text")")) == "text");
  CHECK(plain(json::parse("null")).empty());
  CHECK(plain(json::parse("true")) == "yes");
  CHECK(plain(json::parse("[1,\"a\",null]")) == "1,a,");
  CHECK(plain(json::parse(R"({"a":1,"b":"c"})")) == "a=1,b=c");
}

}  // namespace
}  // namespace dure::cli
