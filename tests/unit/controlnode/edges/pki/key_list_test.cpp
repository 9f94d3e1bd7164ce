#include "controlnode/edges/pki/key_list.h"

#include <doctest/doctest.h>

using namespace dure;
using namespace dure::control;

namespace {

ClusterKeys sample_keys() {
  return {{"ca", "ca key"},
          {"front", "front key"},
          {"etcd", "etcd key"},
          "account",
          std::string("a\0b", 3)};
}

}  // namespace

TEST_CASE("a list of keys is read as it was written") {
  const auto read = read_key_list(write_key_list(sample_keys()).text);
  REQUIRE(read);
  CHECK(read->ca.certificate == "ca");
  CHECK(read->ca.private_key == "ca key");
  CHECK(read->front_proxy_ca.certificate == "front");
  CHECK(read->front_proxy_ca.private_key == "front key");
  CHECK(read->etcd_ca.certificate == "etcd");
  CHECK(read->etcd_ca.private_key == "etcd key");
  CHECK(read->service_account_public_key == "account");
  CHECK(read->service_account_private_key == std::string("a\0b", 3));
}

TEST_CASE("a list of keys that is cut anywhere, or too long, is no list") {
  const auto list = write_key_list(sample_keys());
  for (std::size_t size = 0; size < list.text.size(); ++size) {
    CHECK_FALSE(read_key_list(std::string_view(list.text).substr(0, size)));
  }
  CHECK_FALSE(read_key_list(list.text + std::string(1, '\0')));
}

TEST_CASE("a length beyond the end is refused") {
  for (std::size_t at = 0; at < 4; ++at) {
    auto list = write_key_list(sample_keys());
    list.text[at] = '\xff';
    CHECK_FALSE(read_key_list(list.text));
  }
}
