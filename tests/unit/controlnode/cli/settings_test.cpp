#include "controlnode/cli/settings.h"

#include <doctest/doctest.h>

#include "common/files.h"
#include "tests/support/temp_dir.h"

namespace dure::cli {
namespace {

struct Home {
  TempDir directory;
  Environment environment{{"HOME", directory.path()}};

  std::string write(const std::string& name, const std::string& text) {
    const auto path = directory.path() + "/" + name;
    REQUIRE(make_directories(path.substr(0, path.rfind('/')), 0700).ok());
    REQUIRE(write_file_durably(path, text, 0600).ok());
    return path;
  }
  void config(const std::string& text) { write(".config/dure/config.toml", text); }
};

TEST_CASE("settings: without anything it is this machine and no token") {
  const Home home;
  const auto endpoint = resolve_endpoint({}, home.environment);
  REQUIRE(endpoint.ok());
  CHECK(endpoint->address == "http://127.0.0.1:8480");
  CHECK(endpoint->token.empty());
}

TEST_CASE("settings: options before environment before context before default") {
  Home home;
  const auto one = home.write("one", "token-1\n");
  const auto two = home.write("two", "token-2\n");
  const auto three = home.write("three", "token-3");
  home.config("current = \"lab\"\n[contexts.lab]\naddress = \"http://lab:1\"\ntoken_file = \"" + three +
              "\"\n[contexts.other]\naddress = \"http://other:2\"\n");
  auto endpoint = resolve_endpoint({}, home.environment);
  REQUIRE(endpoint.ok());
  CHECK(endpoint->address == "http://lab:1");
  CHECK(endpoint->token == "token-3");

  home.environment["DURE_ADDR"] = "env:3";
  home.environment["DURE_TOKEN_FILE"] = two;
  endpoint = resolve_endpoint({}, home.environment);
  REQUIRE(endpoint.ok());
  CHECK(endpoint->address == "http://env:3");
  CHECK(endpoint->token == "token-2");

  endpoint = resolve_endpoint({"", "", "other"}, home.environment);
  REQUIRE(endpoint.ok());
  CHECK(endpoint->address == "http://other:2");

  endpoint = resolve_endpoint({"http://flag:4", one, "other"}, home.environment);
  REQUIRE(endpoint.ok());
  CHECK(endpoint->address == "http://flag:4");
  CHECK(endpoint->token == "token-1");
}

TEST_CASE("settings: a configuration that is not understood is an error that says where") {
  Home home;
  const auto message = [&](const std::string& text, const std::string& context = {}) {
    home.config(text);
    const auto endpoint = resolve_endpoint({"", "", context}, home.environment);
    REQUIRE_FALSE(endpoint.ok());
    return endpoint.error().message;
  };
  CHECK(message("current = ").find("line 1") != std::string::npos);
  CHECK(message("curent = \"x\"\n").find("curent") != std::string::npos);
  CHECK(message("current = \"x\"\n").find("no context 'x'") != std::string::npos);
  CHECK(message("[contexts.a]\naddres = \"x\"\n", "a").find("contexts.a.addres") != std::string::npos);
  CHECK(message("[contexts.a]\naddress = 7\n", "a").find("contexts.a.address") != std::string::npos);
  const Home empty;
  CHECK_FALSE(resolve_endpoint({"", "", "a"}, empty.environment).ok());
}

TEST_CASE("settings: a token is one line of printable characters, from a file that can be read") {
  Home home;
  CHECK(*read_token(home.write("good", "abc-123\r\n")) == "abc-123");
  for (const std::string& bad : {std::string(), std::string("\n"), std::string("a b\n"),
                                std::string("a\nX-Header: b\n"), std::string("a\0b", 3),
                                std::string(5000, 'a')}) {
    const auto token = read_token(home.write("bad", bad));
    REQUIRE_FALSE(token.ok());
    CHECK(token.error().code == Errc::unauthenticated);
  }
  CHECK_FALSE(read_token(home.directory.path() + "/none").ok());
}

}  // namespace
}  // namespace dure::cli
