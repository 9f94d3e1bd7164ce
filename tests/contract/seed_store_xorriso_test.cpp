// The contract with the real tool, and what is in the images it makes.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "common/files.h"
#include "common/run_process.h"
#include "hostagent/edges/disk/seed_documents.h"
#include "hostagent/edges/disk/xorriso_seed_store.h"
#include "tests/contract/storage_contract.h"

using namespace dure;
using namespace dure::host;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

class StateDirectory {
 public:
  StateDirectory() {
    std::string name = (fs::temp_directory_path() / "dure-seeds-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~StateDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  StateDirectory(const StateDirectory&) = delete;
  StateDirectory& operator=(const StateDirectory&) = delete;
  const std::string& path() const { return path_; }

  std::unique_ptr<XorrisoSeedStore> open() const {
    auto opened = XorrisoSeedStore::open({path_});
    REQUIRE(opened.ok());
    return std::move(*opened);
  }
  std::size_t count_seed_files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path_ + "/seeds"), fs::directory_iterator()));
  }

 private:
  std::string path_;
};

std::string bytes_of(const std::string& path) {
  auto bytes = read_file(path, 16 << 20);
  REQUIRE(bytes.ok());
  return *bytes;
}

std::string extracted(const StateDirectory& state, const std::string& iso, const std::string& name) {
  const std::string to = state.path() + "/extracted";
  fs::remove(to);
  const auto outcome = run_process(
      {"xorriso", "-no_rc", "-osirrox", "on", "-indev", iso, "-extract", "/" + name, to}, 60s);
  REQUIRE(outcome.ok());
  REQUIRE(outcome->exit_code == 0);
  std::string text = bytes_of(to);
  // The rest of its slot is line ends.
  text.erase(text.find_last_not_of('\n') + 2);
  return text;
}

}  // namespace

TEST_CASE("xorriso's seed store keeps the contract") {
  const StateDirectory state;
  contract::seed_store_contract(*state.open());
  CHECK(state.count_seed_files() == 0);
}

TEST_CASE("the image is labelled CIDATA, private, and holds the three documents") {
  const StateDirectory state;
  const VmSpec vm = contract::seed_vm(1);
  const std::string iso = contract::must_make(*state.open(), vm);
  struct stat facts {};
  REQUIRE(::stat(iso.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 07777) == 0600);
  CHECK(bytes_of(iso).substr(32808, 6) == "CIDATA");
  const auto documents = seed_documents(vm, contract::seed_network());
  REQUIRE(documents.ok());
  CHECK(extracted(state, iso, "user-data") == documents->user_data);
  CHECK(extracted(state, iso, "meta-data") == documents->meta_data);
  CHECK(extracted(state, iso, "network-config") == documents->network_config);
  INFO("a member of a large cluster has a long /etc/hosts; one that fits nowhere is refused");
  VmSpec large = contract::seed_vm(2);
  large.guest.hosts.resize(2000, large.guest.hosts.front());
  CHECK(extracted(state, contract::must_make(*state.open(), large), "user-data") ==
        seed_documents(large, contract::seed_network())->user_data);
  large.generation = 2;
  large.guest.hosts.resize(20'000, large.guest.hosts.front());
  CHECK(state.open()->make(large, contract::seed_network()).error().code == Errc::invalid_argument);
  INFO("no work directory and no temporary file is left");
  CHECK(state.count_seed_files() == 2);
}

TEST_CASE("the same VM gives the same bytes on another host") {
  const StateDirectory here, there;
  const VmSpec vm = contract::seed_vm(1);
  CHECK(bytes_of(contract::must_make(*here.open(), vm)) ==
        bytes_of(contract::must_make(*there.open(), vm)));
}

TEST_CASE("what an interrupted run left is cleared, and is no seed") {
  const StateDirectory state;
  const VmSpec vm = contract::seed_vm(1);
  const std::string seeds = state.path() + "/seeds";
  const std::string name = "vm-" + vm.id.str() + ".g1.iso";
  fs::create_directories(seeds + "/" + name + ".d.tmp/deep");
  std::ofstream(seeds + "/" + name + ".tmp") << "half";
  std::ofstream(seeds + "/notes.txt") << "somebody's";
  auto store = state.open();
  CHECK(contract::seeds_of(*store, vm.id).empty());
  CHECK(state.count_seed_files() == 1);
  const std::string iso = contract::must_make(*store, vm);
  CHECK(fs::file_size(iso) > 32'768);
}

TEST_CASE("a directory that cannot be written is an error, not a seed") {
  const StateDirectory state;
  auto store = state.open();
  fs::remove_all(state.path() + "/seeds");
  CHECK_FALSE(store->make(contract::seed_vm(1), contract::seed_network()).ok());
  CHECK_FALSE(fs::exists(state.path() + "/seeds"));
}

int main(int argc, char** argv) {
  if (!run_process({"xorriso", "-version"}, 30s).ok()) {
    std::cout << "skipped: xorriso is not installed\n";
    return 77;
  }
  doctest::Context context(argc, argv);
  return context.run();
}
