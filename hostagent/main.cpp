#include <memory>
#include <string>

#include "common/files.h"
#include "common/log.h"
#include "common/program.h"
#include "common/system.h"
#include "hostagent/app/agent_loop.h"
#include "hostagent/app/agent_queue.h"
#include "hostagent/app/key_files.h"
#include "hostagent/app/settings.h"
#include "hostagent/edges/disk/xorriso_seed_store.h"
#include "hostagent/edges/echo/icmp_round_trips.h"
#include "hostagent/edges/fetch/http_blob_store.h"
#include "hostagent/edges/guest/unix_guest_channels.h"
#include "hostagent/edges/journal/sqlite_journal.h"
#include "hostagent/edges/libvirt/libvirt_hypervisor.h"
#include "hostagent/edges/netlink/netlink_dataplane.h"
#include "hostagent/edges/nftables/nftables_firewall.h"
#include "hostagent/edges/system/system_machine.h"
#include "hostagent/edges/tunnel/posix_tunnels.h"
#include "hostagent/edges/zmq/curve_keys.h"
#include "hostagent/edges/zmq/zmq_control_link.h"

namespace dure::host {
namespace {

Result<void> init(const std::string& directory) {
  const auto curve = generate_curve_keys();
  if (!curve) return curve.error();
  SystemRandom random;
  return init_key_files(directory, {curve->public_key, curve->secret_key}, random);
}

MachineCaps machine_caps(const Config& config) {
  MachineCaps caps;  // 0 in the configuration: as the PC has
  if (const auto n = config.integer("capacity.vcpus"); n > 0) caps.vcpus = static_cast<unsigned>(n);
  if (const auto n = config.integer("capacity.memory_mib"); n > 0) caps.memory_mib = n;
  if (const auto n = config.integer("capacity.disk_gib"); n > 0) caps.disk_gib = n;
  return caps;
}

LibvirtOptions libvirt_options(const Config& config) {
  LibvirtOptions options{config.text("libvirt.uri"), config.text("host.state_dir"), {}};
  if (config.text("libvirt.virtualisation") != "auto") {
    options.force_type = config.text("libvirt.virtualisation");
  }
  return options;
}

Result<void> run(const Config& config) {
  if (auto level = log::use_level(config.text("log.level")); !level) return level;
  const auto keys = load_key_files(config.text("host.keys_dir"));
  if (!keys) return keys.error();
  const auto bundle = load_bundle(config.text("control.bundle"));
  if (!bundle) return bundle.error();
  const auto& state_dir = config.text("host.state_dir");
  const auto channels_dir = state_dir + "/channels";
  if (auto made = make_directories(channels_dir, 0700); !made) return made;
  auto signals = SignalWaiter::open();
  if (!signals) return signals.error();
  EvenClock clock;  // it dates nothing, and must go on reporting when its PC's clock is set back by hours
  SystemRandom random;
  AgentQueue queue(4096);
  SystemMachine machine(state_dir, machine_caps(config));
  const auto boot = machine.boot_id();
  if (!boot) return boot.error();
  const auto capacity = machine.capacity();
  if (!capacity) return capacity.error();
  auto journal = SqliteJournal::open(state_dir + "/journal.db");
  if (!journal) return journal.error();
  auto hypervisor = LibvirtHypervisor::open(libvirt_options(config), queue);
  if (!hypervisor) return hypervisor.error();
  auto seeds = XorrisoSeedStore::open({state_dir});
  if (!seeds) return seeds.error();
  HttpBlobStoreOptions blob_options;
  blob_options.state_dir = state_dir;
  blob_options.base_url = config.text("control.blobs");
  auto blobs = HttpBlobStore::open(blob_options);
  if (!blobs) return blobs.error();
  auto guests = UnixGuestChannels::open(queue);
  if (!guests) return guests.error();
  NetlinkDataplane dataplane;
  const auto forbidden = forbidden_to_guests(config);
  if (!forbidden) return forbidden.error();
  FirewallOptions firewall_options;
  firewall_options.uplink = config.text("network.uplink");
  firewall_options.control_cidrs = *forbidden;
  NftablesFirewall firewall(firewall_options);
  TunnelSwitch incoming(queue);
  auto control = ZmqControlLink::create(
      {config.text("control.endpoint"), keys->curve.secret_key, bundle->curve_key}, incoming);
  if (!control) return control.error();
  auto tunnels = PosixTunnels::start(**control, incoming);
  if (!tunnels) return tunnels.error();

  auto round_trips = IcmpRoundTrips::start(queue, random, config.text("network.underlay_address"));
  if (!round_trips) return round_trips.error();
  ThreadTaskRunner tasks(12, 4096);
  AgentLoop loop({clock, tasks, queue, **control, **journal, **hypervisor, dataplane, firewall,
                  **blobs, **seeds, **guests, bundle->signing, tunnels->get(), round_trips->get()},
                 {bundle->system, keys->host, SessionId{uuid_from_random(random.bytes16())}, *boot,
                  DURE_VERSION, *capacity, channels_dir});
  StopOnSignal stopper(*signals, [&] { queue.events().close(); });
  const auto ended = run_until_closed(loop, queue, clock);
  tasks.stop();
  return ended;
}

}  // namespace
}  // namespace dure::host

int main(int argc, char** argv) {
  using namespace dure::host;
  return dure::run_program(
      {"dure-hostagent", "The agent of Dure on a host: creates and connects what signed orders name.",
       "DURE_AGENT", config_keys(), &init, &run},
      argc, argv);
}
