#include <memory>
#include <string>

#include "common/log.h"
#include "common/program.h"
#include "common/system.h"
#include "hostagent/app/agent_loop.h"
#include "hostagent/app/agent_queue.h"
#include "hostagent/app/key_files.h"
#include "hostagent/app/settings.h"
#include "hostagent/app/state_dir.h"
#include "hostagent/edge_options.h"
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

Result<std::string> init(const std::string& directory) {
  const auto curve = generate_curve_keys();
  if (!curve) return curve.error();
  SystemRandom random;
  const auto made = init_key_files(directory, {curve->public_key, curve->secret_key}, random);
  if (!made) return made.error();
  const auto keys = load_key_files(directory);
  return keys ? Result<std::string>(introduction(*keys)) : keys.error();
}

Result<void> run(const Config& config) {
  if (auto level = log::use_level(config.text("log.level")); !level) return level;
  const auto keys = load_key_files(config.text("host.keys_dir"));
  if (!keys) return keys.error();
  const auto bundle = load_bundle(config.text("control.bundle"));
  if (!bundle) return bundle.error();
  const auto& state_dir = config.text("host.state_dir");
  const auto channels_dir = prepare_state_dir(state_dir);
  if (!channels_dir) return channels_dir.error();
  auto signals = SignalWaiter::open();
  if (!signals) return signals.error();
  SystemSteadyClock steady;
  SystemClock clock;
  SystemRandom random;
  AgentQueue queue(4096);
  SystemMachine machine(state_dir, machine_caps(config), machine_needs(config));
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
  auto blobs = HttpBlobStore::open(blob_options(config));
  if (!blobs) return blobs.error();
  auto guests = UnixGuestChannels::open(queue);
  if (!guests) return guests.error();
  NetlinkDataplane dataplane;
  auto filter = firewall_options(config);
  if (!filter) return filter.error();
  NftablesFirewall firewall(std::move(*filter));
  TunnelSwitch incoming(queue);
  auto control = ZmqControlLink::create(
      {config.text("control.endpoint"), keys->curve.secret_key, bundle->curve_key}, incoming);
  if (!control) return control.error();
  auto tunnels = PosixTunnels::start(**control, incoming);
  if (!tunnels) return tunnels.error();

  auto round_trips = IcmpRoundTrips::start(queue, random, config.text("network.underlay_address"));
  if (!round_trips) return round_trips.error();
  ThreadTaskRunner looks(1, 4), glances(1, 4), fetches(2, 256), networks(2, 1024), vms(8, 1024);
  AgentTiming timing;
  timing.keep_images = std::chrono::hours(config.integer("images.keep_hours"));
  AgentLoop loop({steady, clock, {looks, glances, fetches, networks, vms}, queue, **control, **journal, **hypervisor, dataplane,
                  firewall, **blobs, **seeds, **guests, machine, bundle->signing, tunnels->get(), round_trips->get()},
                 {bundle->system, keys->host, SessionId{uuid_from_random(random.bytes16())}, *boot,
                  DURE_VERSION, *capacity, *channels_dir},
                 timing);
  StopOnSignal stopper(*signals, [&] { queue.events().close(); });
  const auto ended = run_until_closed(loop, queue, steady);
  for (auto* lane : {&looks, &glances, &fetches, &networks, &vms}) lane->stop();
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
