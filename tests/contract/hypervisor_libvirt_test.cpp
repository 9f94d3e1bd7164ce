// The contract on a real libvirtd with real QEMU processes, and what only a real one can show.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>

#include "common/files.h"
#include "common/run_process.h"
#include "hostagent/edges/libvirt/domain_xml.h"
#include "hostagent/edges/libvirt/kvm_probe.h"
#include "hostagent/edges/libvirt/libvirt_hypervisor.h"
#include "tests/contract/hypervisor_contract.h"

using namespace dure;
using namespace dure::host;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kVni = 4242;
constexpr const char* kBridge = "dvb4242";

std::string uri() {
  const char* text = std::getenv("DURE_TEST_LIBVIRT_URI");
  return text ? text : "";
}

std::string must_run(const std::vector<std::string>& argv) {
  const auto outcome = run_process(argv, 60s);
  REQUIRE_MESSAGE(outcome.ok(), argv[0]);
  REQUIRE_MESSAGE(outcome->exit_code == 0, (argv[0] + ": " + outcome->output));
  return outcome->output;
}

std::string virsh(std::vector<std::string> words) {
  words.insert(words.begin(), {"virsh", "-q", "-c", uri()});
  return must_run(words);
}

template <class Condition>
bool wait_for(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    ::usleep(20'000);
  }
  return false;
}

class CountingListener : public HypervisorListener {
 public:
  void on_hypervisor_change() override { ++count; }
  std::atomic<int> count = 0;
};

// A directory with a base disk and a seed, and a hypervisor on it. Takes everything away again.
class Host {
 public:
  Host() {
    std::string name = (std::filesystem::temp_directory_path() / "dure-hypervisor-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory_ = name;
    REQUIRE(::chmod(name.c_str(), 0755) == 0);
    vm.id = *NodeId::parse("5eed0000-0000-4000-8000-000000000001");
    vm.generation = 1;
    vm.cluster.uuid.bytes.fill(7);
    vm.name = "demo-w1";
    vm.vcpus = 1;
    vm.memory_mib = 32;
    vm.disk_gib = 1;
    vm.mac = *Mac::parse("52:54:00:42:42:01");
    network.id.uuid.bytes.fill(9);
    network.vni = kVni;
    network.mtu = 1450;
    paths.base_disk = directory_ + "/base.qcow2";
    paths.seed = directory_ + "/seed.iso";
    paths.channel = directory_ + "/channel.sock";
    must_run({"qemu-img", "create", "-q", "-f", "qcow2", paths.base_disk, "16M"});
    REQUIRE(write_file_durably(paths.seed, std::string(4096, '\0'), 0600).ok());
    reopen();
  }
  ~Host() {
    hypervisor.reset();
    const auto ignore = [](const std::vector<std::string>& argv) {
      [[maybe_unused]] const auto outcome = run_process(argv, 60s);
    };
    for (const char* word : {"destroy", "undefine"}) ignore({"virsh", "-c", uri(), word, vm.id.str()});
    for (const char* word : {"pool-destroy", "pool-undefine"}) ignore({"virsh", "-c", uri(), word, "dure"});
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void reopen() {
    hypervisor.reset();
    // Tried once for all cases: where /dev/kvm opens and no guest runs on it, that takes ten seconds.
    static const std::string kind = kvm_guest_runs(directory_).value() ? "kvm" : "qemu";
    auto opened = LibvirtHypervisor::open({uri(), directory_, kind}, listener);
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().message));
    hypervisor = std::move(*opened);
  }
  Result<void> start() {
    auto started = hypervisor->start(vm, contract::order_number(1), network, paths);
    if (!started) MESSAGE(started.error().message);
    return started;
  }
  std::string overlay() const { return directory_ + "/volumes/vm-" + vm.id.str() + ".g1.qcow2"; }
  const std::string& directory() const { return directory_; }

  CountingListener listener;
  std::unique_ptr<LibvirtHypervisor> hypervisor;
  VmSpec vm;
  NetworkSpec network;
  VmPaths paths;

 private:
  std::string directory_;
};

// A libvirtd in place of one that was killed.
class Libvirtd {
 public:
  void start() {
    std::string program = "/usr/sbin/libvirtd";
    std::array<char*, 2> argv{program.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
    const int failed = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    REQUIRE(failed == 0);
  }
  Libvirtd() = default;
  Libvirtd(const Libvirtd&) = delete;
  Libvirtd& operator=(const Libvirtd&) = delete;
  ~Libvirtd() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = 0;
};

bool is_settled(const NodeId& id) {
  const auto status = read_file("/run/libvirt/qemu/dure-" + id.str() + ".xml", 1 << 20);
  return status && status->find("<domstatus state='running'") != std::string::npos &&
         status->find("<job ") == std::string::npos;
}

void define_foreign(const Host& host, const NodeId& id) {
  const std::string file = host.directory() + "/foreign.xml";
  REQUIRE(write_file_durably(file,
                             "<domain type='qemu'><name>somebodys</name><uuid>" + id.str() +
                                 "</uuid><memory unit='MiB'>32</memory><os><type>hvm</type></os>"
                                 "</domain>",
                             0600)
              .ok());
  virsh({"define", file});
}

}  // namespace

TEST_CASE("libvirt keeps the contract") {
  Host host;
  contract::HypervisorWorld world{
      *host.hypervisor,
      host.vm,
      host.network,
      host.paths,
      [](const NodeId& id) { virsh({"destroy", id.str()}); },
      [](const NodeId& id) { virsh({"suspend", id.str()}); },
      [&](const NodeId& id) { define_foreign(host, id); },
      [](const NodeId& id) { virsh({"undefine", id.str()}); }};
  contract::hypervisor_contract(world);
}

TEST_CASE("a running VM is what its order says: tap, MAC, MTU, formats, channel, no autostart") {
  Host host;
  host.vm.name = "<&'\"> \x01 \xc3\xa9";
  REQUIRE(host.start().ok());
  const std::string xml = virsh({"dumpxml", host.vm.id.str()});
  CHECK(xml.find("<target dev='dvt525400424201'/>") != std::string::npos);
  CHECK(xml.find("52:54:00:42:42:01") != std::string::npos);
  CHECK(xml.find("<format type='qcow2'/>") != std::string::npos);
  CHECK(must_run({"ip", "-o", "link", "show", "dvt525400424201"}).find("mtu 1450") != std::string::npos);
  CHECK(must_run({"ip", "-o", "link", "show", "dvt525400424201"}).find(kBridge) != std::string::npos);
  const std::string info = must_run({"qemu-img", "info", "-U", "--output=json", host.overlay()});
  CHECK(info.find("\"backing-filename-format\": \"qcow2\"") != std::string::npos);
  CHECK(info.find("\"virtual-size\": 1073741824") != std::string::npos);
  struct stat socket {};
  CHECK(::lstat(host.paths.channel.c_str(), &socket) == 0);
  CHECK(S_ISSOCK(socket.st_mode));
  CHECK(virsh({"dominfo", host.vm.id.str()}).find("Autostart:      disable") != std::string::npos);
  REQUIRE(host.hypervisor->remove(host.vm.id, 1).ok());
  CHECK(::lstat(host.paths.channel.c_str(), &socket) != 0);
  CHECK_FALSE(run_process({"ip", "link", "show", "dvt525400424201"}, 10s)->exit_code == 0);
}

TEST_CASE("an overlay that an interrupted call left is made again; a complete one is kept") {
  Host host;
  SUBCASE("not a qcow2 at all") {
    std::ofstream(host.overlay()) << "QFI";
    REQUIRE(host.start().ok());
  }
  SUBCASE("a qcow2 without its base, known to libvirtd") {
    must_run({"qemu-img", "create", "-q", "-f", "qcow2", host.overlay(), "1G"});
    REQUIRE(host.start().ok());
  }
  SUBCASE("of the wrong size") {
    must_run({"qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", host.paths.base_disk,
              host.overlay(), "2G"});
    REQUIRE(host.start().ok());
  }
  SUBCASE("complete, with data of its VM, whose definition was lost") {
    must_run({"qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", host.paths.base_disk,
              host.overlay(), "1G"});
    must_run({"qemu-io", "-f", "qcow2", "-c", "write -P 0x5a 0 64k", host.overlay()});
    REQUIRE(host.start().ok());
    virsh({"destroy", host.vm.id.str()});
    const std::string read =
        must_run({"qemu-io", "-r", "-f", "qcow2", "-c", "read -P 0x5a 0 64k", host.overlay()});
    CHECK(read.find("Pattern verification failed") == std::string::npos);
    return;
  }
  const std::string info = must_run({"qemu-img", "info", "-U", "--output=json", host.overlay()});
  CHECK(info.find(host.paths.base_disk) != std::string::npos);
  CHECK(info.find("\"virtual-size\": 1073741824") != std::string::npos);
}

TEST_CASE("a missing base is an error and leaves neither domain nor overlay") {
  Host host;
  host.paths.base_disk = host.directory() + "/nothing.qcow2";
  const auto started = host.hypervisor->start(host.vm, contract::order_number(1), host.network, host.paths);
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().code == Errc::internal);
  CHECK_FALSE(contract::find_vm(*host.hypervisor, host.vm.id).has_value());
  CHECK(contract::overlays_of(*host.hypervisor, host.vm.id).empty());
}

TEST_CASE("a domain that stops behind our back is told by an event") {
  Host host;
  REQUIRE(host.start().ok());
  REQUIRE(wait_for([&] { return host.listener.count > 0; }));
  const int before = host.listener.count;
  virsh({"destroy", host.vm.id.str()});
  CHECK(wait_for([&] { return host.listener.count > before; }));
}

TEST_CASE("a QEMU that is killed is a crash, and the VM starts again") {
  Host host;
  REQUIRE(host.start().ok());
  std::ifstream pid_file("/run/libvirt/qemu/" + domain_name(host.vm.id) + ".pid");
  pid_t pid = 0;
  REQUIRE(static_cast<bool>(pid_file >> pid));
  const int before = host.listener.count;
  REQUIRE(::kill(pid, SIGKILL) == 0);
  CHECK(wait_for([&] { return host.listener.count > before; }));
  CHECK(wait_for([&] {
    return contract::find_vm(*host.hypervisor, host.vm.id)->state == VmState::crashed;
  }));
  REQUIRE(host.start().ok());
  CHECK(contract::find_vm(*host.hypervisor, host.vm.id)->state == VmState::running);
}

TEST_CASE("without a libvirtd every call says unavailable, and opening still succeeds") {
  CountingListener listener;
  const Host host;
  const std::string nowhere = "qemu:///system?socket=" + host.directory() + "/no-such-socket";
  auto opened = LibvirtHypervisor::open({nowhere, host.directory(), std::nullopt}, listener);
  REQUIRE(opened.ok());
  CHECK((*opened)->list().error().code == Errc::unavailable);
  CHECK((*opened)->remove(host.vm.id, 1).error().code == Errc::unavailable);
  const auto started = (*opened)->start(host.vm, contract::order_number(1), host.network, host.paths);
  CHECK(started.error().code == Errc::unavailable);
}

TEST_CASE("the probe's guest runs on processors with and without BMI2, and not on one without SSE3") {
  const Host host;
  for (const auto& expected : {std::pair{"max", true}, std::pair{"Nehalem", true}, std::pair{"486", false}}) {
    CAPTURE(expected.first);
    const auto probed = guest_runs(host.directory(), "tcg", expected.first);
    REQUIRE(probed.ok());
    CHECK(*probed == expected.second);
  }
}

TEST_CASE("the probe and a forced type agree on how guests run") {
  Host host;
  const bool forced = host.hypervisor->hardware_virtualisation();
  host.hypervisor.reset();
  auto found = LibvirtHypervisor::open({uri(), host.directory(), std::nullopt}, host.listener);
  REQUIRE(found.ok());
  CHECK((*found)->hardware_virtualisation() == forced);
  found = Error{};
  auto refused = LibvirtHypervisor::open({uri(), host.directory(), "vmware"}, host.listener);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::invalid_argument);
}

// Last: it ends the libvirtd it was given.
TEST_CASE("after libvirtd was killed and came back, VMs still run and events still come") {
  std::ifstream pid_file("/run/libvirtd.pid");
  pid_t libvirtd = 0;
  if (std::getenv("DURE_TEST_PRIVATE_NETNS") == nullptr || !(pid_file >> libvirtd)) {
    std::cout << "skipped: the kill of libvirtd, which is not this test's own\n";
    return;
  }
  Libvirtd again;  // ends after the host has cleaned up with it
  Host host;
  REQUIRE(host.start().ok());
  REQUIRE(wait_for([&] { return host.listener.count > 0; }));
  // What libvirtd finds half started when it comes back, it ends; its status file says when it is done.
  REQUIRE(wait_for([&] { return is_settled(host.vm.id); }));
  const int before = host.listener.count;
  REQUIRE(::kill(libvirtd, SIGKILL) == 0);
  INFO("the lost connection is told, and then nobody answers");
  CHECK(wait_for([&] { return host.listener.count > before; }));
  again.start();

  CHECK(wait_for([&] { return host.hypervisor->list().ok(); }));
  const auto seen = contract::find_vm(*host.hypervisor, host.vm.id);
  REQUIRE(seen.has_value());
  CHECK(seen->state == VmState::running);
  // It takes the VM in hand again behind what it already answers. This waits for that; destroy would not, and say that
  // the VM that it has just ended was not running.
  virsh({"dommemstat", host.vm.id.str()});
  const int after = host.listener.count;
  virsh({"destroy", host.vm.id.str()});
  CHECK(wait_for([&] { return host.listener.count > after; }));
  CHECK(host.hypervisor->remove(host.vm.id, 1).ok());
}

int main(int argc, char** argv) {
  if (uri().empty()) {
    std::cout << "skipped: no private libvirtd (DURE_TEST_LIBVIRT_URI)\n";
    return 77;
  }
  if (std::getenv("DURE_TEST_PRIVATE_NETNS") != nullptr) {
    [[maybe_unused]] const auto made =
        run_process({"ip", "link", "add", kBridge, "type", "bridge"}, 10s);
    [[maybe_unused]] const auto up = run_process({"ip", "link", "set", kBridge, "up"}, 10s);
  }
  const auto there = run_process({"ip", "link", "show", kBridge}, 10s);
  if (!there.ok() || there->exit_code != 0) {
    std::cout << "skipped: no network namespace of its own with a bridge " << kBridge << "\n";
    return 77;
  }
  doctest::Context context(argc, argv);
  context.setOption("order-by", "file");
  return context.run();
}
