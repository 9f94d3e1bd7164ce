#include "controlnode/app/settings.h"

#include <doctest/doctest.h>

namespace dure::control {
namespace {

constexpr const char* kLeast =
    "[database]\nurl='host=/x'\n[keys]\ndir='/k'\n[blobs]\nlisten='127.0.0.1:1'\ndir='/b'\n"
    "[agents]\nlisten='tcp://127.0.0.1:2'\n";

Result<Settings> settings(const std::string& more,
                          const std::map<std::string, std::string>& environment = {}) {
  const auto config = Config::parse(kLeast + more, "test", config_keys(), "DURE_CONTROL", environment);
  if (!config) return config.error();
  return settings_of(*config);
}

}  // namespace

TEST_CASE("settings: the defaults are those of the model") {
  const auto read = settings("");
  REQUIRE(read.ok());
  CHECK(*read == Settings{});
}

TEST_CASE("settings: values outside their range are refused with the key's name") {
  for (const auto& [text, key] : std::initializer_list<std::pair<const char*, const char*>>{
           {"[placement]\nvcpu_overcommit=0.5\n", "placement.vcpu_overcommit"},
           {"[placement]\netcd_round_trip_ms=-1\n", "placement.etcd_round_trip_ms"},
           {"[placement]\netcd_round_trip_ms=10001\n", "placement.etcd_round_trip_ms"},
           {"[guests]\nnameservers='10.0.0.1,nope'\n", "guests.nameservers"},
           {"[guests]\nnameservers='1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9'\n",
            "guests.nameservers"},
           {"[guests]\nuser='Student'\n", "guests.user"},
           {"[guests]\nuser=''\n", "guests.user"},
           {"[networks]\nprefix='10.0.0.0/30'\n", "networks.prefix"},
           {"[networks]\nfirst_vni=16777216\n", "networks.first_vni"},
           {"[nodes]\ndeadline_s=1\n", "nodes.deadline_s"},
           {"[hosts]\nsilent_after_s=1\n", "hosts.silent_after_s"},
           {"[clusters]\nmax_nodes=0\n", "clusters.max_nodes"},
           {"[nodes]\ntcg_factor=0.1\n", "nodes.tcg_factor"}}) {
    const auto read = settings(text);
    const std::string named = key;
    INFO(named);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.find(named) != std::string::npos);
  }
}

TEST_CASE("settings: an unknown key is an error, the environment overrides the file") {
  CHECK_FALSE(settings("[nodes]\ndeadlines_s=10\n").ok());
  const auto read = settings("[nodes]\ndeadline_s=100\n", {{"DURE_CONTROL_NODES_DEADLINE_S", "200"}});
  REQUIRE(read.ok());
  CHECK(read->node_deadline_s == 200);
}

}  // namespace dure::control
