#include "common/config.h"

#include <doctest/doctest.h>

namespace {

using dure::Config;
using dure::ConfigKey;
using Kind = dure::ConfigKey::Kind;

const std::vector<ConfigKey> kKeys = {
    {"api.listen", Kind::text, "127.0.0.1:8080", "where the API listens"},
    {"api.threads", Kind::integer, "4", "threads of the API"},
    {"placement.overcommit", Kind::real, "4.0", "virtual CPUs per core"},
    {"placement.spread", Kind::boolean, "false", "spread over sites"},
    {"database.url", Kind::text, std::nullopt, "where the state is"},
};

dure::Result<Config> parse(std::string_view toml,
                           const std::map<std::string, std::string>& environment = {}) {
  return Config::parse(toml, "dure.toml", kKeys, "DURE_CONTROL", environment);
}

std::string fault_of(std::string_view toml,
                     const std::map<std::string, std::string>& environment = {}) {
  const auto config = parse(toml, environment);
  REQUIRE(!config.ok());
  CHECK(config.error().code == dure::Errc::invalid_argument);
  return config.error().message;
}

}  // namespace

TEST_CASE("config: the file's values are kept and the others are the defaults") {
  const auto config = parse("[database]\nurl = 'postgres:///dure'\n[api]\nthreads = 9\n");
  REQUIRE(config.ok());
  CHECK(config->text("database.url") == "postgres:///dure");
  CHECK(config->integer("api.threads") == 9);
  CHECK(config->text("api.listen") == "127.0.0.1:8080");
  CHECK(config->real("placement.overcommit") == doctest::Approx(4.0));
  CHECK(!config->boolean("placement.spread"));
}

TEST_CASE("config: the environment wins over the file") {
  const auto config = parse("database.url = 'a'\nplacement.spread = false\n",
                            {{"DURE_CONTROL_DATABASE_URL", "b"},
                             {"DURE_CONTROL_PLACEMENT_SPREAD", "true"},
                             {"DURE_CONTROL_PLACEMENT_OVERCOMMIT", "1.5"},
                             {"DURE_CONTROL_API_THREADS", "-2"},
                             {"UNRELATED", "c"}});
  REQUIRE(config.ok());
  CHECK(config->text("database.url") == "b");
  CHECK(config->boolean("placement.spread"));
  CHECK(config->real("placement.overcommit") == doctest::Approx(1.5));
  CHECK(config->integer("api.threads") == -2);
}

TEST_CASE("config: a whole number is a number") {
  const auto config = parse("database.url = 'a'\nplacement.overcommit = 2\n");
  REQUIRE(config.ok());
  CHECK(config->real("placement.overcommit") == doctest::Approx(2.0));
}

TEST_CASE("config: an unknown key names file, line and key") {
  CHECK(fault_of("[database]\nurl = 'a'\n\n[api]\nlisten_on = 'x'\n") ==
        "dure.toml:5: unknown key api.listen_on");
}

TEST_CASE("config: an unknown section is refused as a whole") {
  CHECK(fault_of("database.url = 'a'\n[web]\nport = 1\n") == "dure.toml:2: unknown section web");
}

TEST_CASE("config: a wrong type names file, line, key and what is expected") {
  CHECK(fault_of("database.url = 'a'\n[api]\nthreads = '4'\n") ==
        "dure.toml:3: api.threads must be an integer");
  CHECK(fault_of("[database]\nurl = 7\n") == "dure.toml:2: database.url must be a text");
  CHECK(fault_of("database.url = 'a'\nplacement.spread = 1\n") ==
        "dure.toml:2: placement.spread must be true or false");
  CHECK(fault_of("database.url = 'a'\nplacement.overcommit = nan\n") ==
        "dure.toml:2: placement.overcommit must be a number");
  CHECK(fault_of("database.url = 'a'\nplacement.overcommit = 1e999\n").starts_with("dure.toml:2: "));
  CHECK(fault_of("database = 'a'\n") == "dure.toml:1: unknown key database");
  CHECK(fault_of("[database]\nurl = ['a']\n") == "dure.toml:2: database.url must be a text");
}

TEST_CASE("config: a wrong value in the environment names the variable") {
  CHECK(fault_of("database.url = 'a'\n", {{"DURE_CONTROL_API_THREADS", "4x"}}) ==
        "environment: DURE_CONTROL_API_THREADS (api.threads) must be an integer");
}

TEST_CASE("config: a missing required key is named with its variable") {
  CHECK(fault_of("") == "dure.toml: database.url is missing (or set DURE_CONTROL_DATABASE_URL)");
}

TEST_CASE("config: all faults are told at once") {
  const auto fault = fault_of("a = 1\n[api]\nthreads = 'x'\n");
  CHECK(fault.find("unknown key a") != std::string::npos);
  CHECK(fault.find("api.threads must be an integer") != std::string::npos);
}

TEST_CASE("config: what is not TOML names the line") {
  CHECK(fault_of("database.url = 'a'\n= 3\n").starts_with("dure.toml:2: "));
  CHECK(fault_of("[api]\nlisten = 'a'\nlisten = 'b'\n").starts_with("dure.toml:3: "));
}
