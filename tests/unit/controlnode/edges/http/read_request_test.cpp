#include "controlnode/edges/http/read_request.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace dure::control {
namespace {

template <class T>
std::vector<std::string> pointers(const ReadResult<T>& read) {
  std::vector<std::string> result;
  if (const auto* faults = std::get_if<std::vector<Fault>>(&read)) {
    for (const auto& fault : *faults) result.push_back(fault.pointer);
  }
  std::sort(result.begin(), result.end());
  return result;
}

using Pointers = std::vector<std::string>;

TEST_CASE("create cluster: all members are read, and the optional ones have defaults") {
  const auto full = read_create_cluster(
      R"({"project":"lab","name":"demo","control_planes":3,"workers":2,"flavor":"small",
          "image":"debian-13","key_pair":"me","sites":["a","b"],"dry_run":true})");
  REQUIRE(std::holds_alternative<CreateCluster>(full));
  const auto& wanted = std::get<CreateCluster>(full);
  CHECK(wanted.project == "lab");
  CHECK(wanted.name == "demo");
  CHECK(wanted.control_planes == 3);
  CHECK(wanted.workers == 2);
  CHECK(wanted.flavor == "small");
  CHECK(wanted.image == "debian-13");
  CHECK(wanted.key_pair == "me");
  CHECK(wanted.sites == Pointers{"a", "b"});
  CHECK(wanted.dry_run);

  const auto brief = read_create_cluster(
      R"({"name":"demo","workers":0,"flavor":"s","image":"i","key_pair":"k","sites":null})");
  REQUIRE(std::holds_alternative<CreateCluster>(brief));
  CHECK(std::get<CreateCluster>(brief).project == "default");
  CHECK(std::get<CreateCluster>(brief).control_planes == 1);
  CHECK_FALSE(std::get<CreateCluster>(brief).dry_run);
}

TEST_CASE("create cluster: the pod network is native or none") {
  const auto with = [](const std::string& cni) {
    return read_create_cluster(
        R"({"name":"d","workers":1,"flavor":"s","image":"i","key_pair":"k","cni":)" + cni + "}");
  };
  CHECK(std::get<CreateCluster>(with("null")).cni == Cni::native);
  CHECK(std::get<CreateCluster>(with("\"native\"")).cni == Cni::native);
  CHECK(std::get<CreateCluster>(with("\"none\"")).cni == Cni::none);
  for (const std::string wrong : {R"("flannel")", R"("None")", R"("")", "1"}) {
    CAPTURE(wrong);
    CHECK(pointers(with(wrong)) == Pointers{"/cni"});
  }
}

TEST_CASE("create image: its Kubernetes is a released version from v1.32 on, or not there") {
  const auto with = [](const std::string& version) {
    return read_create_image(R"({"name":"i","disk":{"sha256":")" + std::string(64, 'a') +
                             R"(","size_bytes":7},"kubernetes":)" + version + "}");
  };
  CHECK(std::get<CreateImage>(with(R"("v1.32.13")")).kubernetes == "v1.32.13");
  CHECK(std::get<CreateImage>(with("null")).kubernetes.empty());
  for (const std::string wrong : {R"("1.32.13")", R"("v1.31.0")", R"("v1.33.0-rc.1")", R"("v1.32.1\"x")", "1.32"}) {
    CAPTURE(wrong);
    CHECK(pointers(with(wrong)) == Pointers{"/kubernetes"});
  }
}

TEST_CASE("create image and flavor: the name may have dots, and a cluster may name it") {
  const std::string name = "debian-13-kubernetes-1.32.13-with-some-more-text";
  const auto image = read_create_image(R"({"name":")" + name + R"(","disk":{"sha256":")" + std::string(64, 'a') +
                                       R"(","size_bytes":7}})");
  CHECK(std::get<CreateImage>(image).name == name);
  const auto cluster = read_create_cluster(R"({"name":"d","workers":1,"flavor":"s.2","image":")" + name +
                                           R"(","key_pair":"k"})");
  CHECK(std::get<CreateCluster>(cluster).image == name);
  CHECK(pointers(read_create_flavor(R"({"name":"-s","vcpus":1,"memory_mib":512,"disk_gib":4})")) == Pointers{"/name"});
  CHECK(pointers(read_create_flavor(R"({"name":"S","vcpus":1,"memory_mib":512,"disk_gib":4})")) == Pointers{"/name"});
}

TEST_CASE("create cluster: two control-plane members have no majority") {
  CHECK(pointers(read_create_cluster(
            R"({"name":"d","workers":1,"control_planes":2,"flavor":"s","image":"i","key_pair":"k"})")) ==
        Pointers{"/control_planes"});
}

TEST_CASE("create cluster: names are lower-case and bounded") {
  for (const std::string& name :
       {std::string("Demo"), std::string("1demo"), std::string("demo-"), std::string("-demo"),
        std::string("de_mo"), std::string("de mo"), std::string("두레"), std::string(41, 'a'),
        std::string("a.b"), std::string("a/b")}) {
    CAPTURE(name);
    CHECK(pointers(read_create_site(R"({"name":")" + name + "\"}")) == Pointers{"/name"});
  }
  CHECK(pointers(read_create_site(R"({"name":"a\u0000b"})")).front() == "/name");
  CHECK(std::holds_alternative<CreateSite>(read_create_site(R"({"name":"lab-2"})")));
}

TEST_CASE("numbers: text, fractions, negative and huge ones are faults") {
  for (const std::string number : {"\"3\"", "2.5", "-1", "1001", "99999999999999999999", "1e400",
                                   "true", "[]", "{}"}) {
    CAPTURE(number);
    CHECK(pointers(read_scale_cluster("demo", R"({"workers":)" + number + "}")).size() == 1);
  }
  CHECK(pointers(read_scale_cluster("demo", "{}")) == Pointers{"/workers"});
}

TEST_CASE("sites: something that is no list of names is a fault") {
  for (const std::string sites : {R"("a")", "[1]", R"([["a"]])", "{}"}) {
    CAPTURE(sites);
    CHECK(pointers(read_create_cluster(
              R"({"name":"d","workers":1,"flavor":"s","image":"i","key_pair":"k","sites":)" + sites +
              "}")) == Pointers{"/sites"});
  }
}

TEST_CASE("add host: every fault is found at its place, in nested objects too") {
  const auto read = read_add_host(
      R"({"name":"pc-1","site":"east","id":"nonsense","address":"10.1.0.256","curve_key":"k",
          "class":"immortal","capacity":{"vcpus":0,"memory_mib":1024,"disk":5},"extra":1})");
  CHECK(pointers(read) == Pointers{"/address", "/capacity/disk", "/capacity/disk_gib",
                                   "/capacity/vcpus", "/class", "/extra", "/id"});
}

TEST_CASE("add host: the reserve may be left out, the capacity may not") {
  const std::string start =
      R"({"name":"pc-1","site":"east","id":"1b4e28ba-2fa1-4d2e-883f-0016d3cca427",
          "address":"10.1.0.11","curve_key":"k")";
  const auto read =
      read_add_host(start + R"(,"capacity":{"vcpus":8,"memory_mib":1024,"disk_gib":5}})");
  REQUIRE(std::holds_alternative<AddHost>(read));
  CHECK(std::get<AddHost>(read).reserve == Resources{});
  CHECK(std::get<AddHost>(read).host_class == HostClass::scavenged);
  CHECK(pointers(read_add_host(start + "}")) == Pointers{"/capacity"});
}

TEST_CASE("create image: a digest is 64 lower-case digits and the disk is wanted") {
  const auto image = [](const std::string& digest) {
    return read_create_image(R"({"name":"i","disk":{"sha256":")" + digest + R"(","size_bytes":7}})");
  };
  CHECK(std::holds_alternative<CreateImage>(image(std::string(64, 'a'))));
  CHECK(pointers(image(std::string(64, 'A'))) == Pointers{"/disk/sha256"});
  CHECK(pointers(image(std::string(63, 'a'))) == Pointers{"/disk/sha256"});
  CHECK(pointers(read_create_image(R"({"name":"i"})")) == Pointers{"/disk"});
  CHECK(pointers(read_create_image(R"({"name":"i","disk":{"size_bytes":0}})")) ==
        Pointers{"/disk/sha256", "/disk/size_bytes"});
}

TEST_CASE("create key pair: a key is one line") {
  CHECK(pointers(read_create_key_pair(R"({"name":"me","public_key":"ssh-ed25519 AAAA\nssh-rsa B"})")) ==
        Pointers{"/public_key"});
  CHECK(pointers(read_create_key_pair(R"({"name":"me"})")) == Pointers{"/public_key"});
}

}  // namespace
}  // namespace dure::control
