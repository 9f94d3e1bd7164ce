#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "common/files.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

namespace json = boost::json;
using test::contains;

const std::string kDisk(64, 'a'), kKernel(64, 'b');

// A manifest beside its blobs: a disk of 5 bytes that is 2.5 GiB to its guest, a kernel of 3.
struct Import {
  TempDir directory;
  test::CliStand stand;
  std::string manifest = directory.path() + "/node-image.json";
  json::object content{
      {"disk", json::object{{"sha256", kDisk}, {"size_bytes", 5}, {"virtual_size_bytes", 2684354560}}},
      {"kernel", json::object{{"sha256", kKernel}, {"size_bytes", 3}}},
      {"initrd", nullptr},
      {"kubernetes", "v1.32.13"},
      {"cmdline", "console=ttyS0"}};

  Import() {
    put("blobs/" + kDisk, "bytes");
    put("blobs/" + kKernel, "elf");
    stand.http.on("UPLOAD /api/v1/blobs?sha256=" + kDisk, 201, "{}");
    stand.http.on("UPLOAD /api/v1/blobs?sha256=" + kKernel, 201, "{}");
    stand.http.on("POST /api/v1/images", 200, R"({"id":"i","name":"debian"})");
    stand.http.on("GET /api/v1/images/debian", 200, R"({"id":"i","name":"debian"})");
  }
  void put(const std::string& name, const std::string& bytes) {
    REQUIRE(make_directories(directory.path() + "/blobs", 0700).ok());
    REQUIRE(write_file_durably(directory.path() + "/" + name, bytes, 0600).ok());
  }
  int run() {
    put("node-image.json", json::serialize(content));
    return stand.run({"image", "import", "debian", "--manifest", manifest, "-o", "name"});
  }
};

TEST_CASE("image import: the blobs are sent, then the image is made of them") {
  Import import;
  CHECK(import.run() == 0);
  CHECK(import.stand.out.str() == "debian\n");
  CHECK(import.stand.http.uploads ==
        std::vector<std::string>{import.directory.path() + "/blobs/" + kDisk,
                                 import.directory.path() + "/blobs/" + kKernel});
  json::value posted;
  for (const auto& call : import.stand.http.calls) {
    if (call.method == "POST") posted = json::parse(call.body);
  }
  CHECK(posted == json::value{{"name", "debian"},
                              {"disk", {{"sha256", kDisk}, {"size_bytes", 5}}},
                              {"min_disk_gib", 3},
                              {"kernel", {{"sha256", kKernel}, {"size_bytes", 3}}},
                              {"kubernetes", "v1.32.13"},
                              {"cmdline", "console=ttyS0"}});
}

TEST_CASE("image import: what is there already is not sent again") {
  Import import;
  import.stand.http.on("GET /api/v1/blobs/" + kDisk, 200, "{}");
  CHECK(import.run() == 0);
  CHECK(import.stand.http.uploads.size() == 1);
  CHECK(contains(import.stand.err.str(), "disk  is there already"));
}

TEST_CASE("image import: a manifest or blob that is not right is exit 2 and makes no image") {
  const auto fails = [](const std::function<void(Import&)>& damage, const std::string& why) {
    Import import;
    damage(import);
    CHECK(import.run() == 2);
    CHECK(contains(import.stand.err.str(), why));
    for (const auto& call : import.stand.http.calls) CHECK(call.method == "GET");
  };
  fails([](Import& it) { it.content.erase("disk"); }, "has no disk");
  fails([](Import& it) { it.content["disk"] = json::object{{"size_bytes", 5}}; }, "sha256");
  fails([](Import& it) { it.content["disk"].as_object()["sha256"] = "../../etc/passwd"; }, "sha256");
  fails([](Import& it) { it.content["disk"].as_object()["size_bytes"] = 6; }, "has 5 bytes");
  fails([](Import& it) { it.content["kernel"] = json::object{{"sha256", std::string(64, 'c')}, {"size_bytes", 1}}; },
        "is missing");
  fails([](Import& it) { it.manifest = it.directory.path() + "/none.json"; }, "none.json");
}

TEST_CASE("image import: an upload that is refused ends it") {
  Import import;
  test::CliStand& stand = import.stand;
  stand.http.on("GET /api/v1/blobs/" + kDisk, 401, R"({"code":"unauthenticated","detail":"token"})");
  CHECK(import.run() == 4);
  CHECK(stand.http.uploads.empty());
}

}  // namespace
}  // namespace dure::cli
