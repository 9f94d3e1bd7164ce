#include <memory>
#include <string>

#include "common/event_queue.h"
#include "common/log.h"
#include "common/program.h"
#include "common/system.h"
#include "controlnode/app/control_loop.h"
#include "controlnode/app/inbox_api.h"
#include "controlnode/app/key_files.h"
#include "controlnode/app/settings.h"
#include "controlnode/app/tunnels.h"
#include "controlnode/edges/http/api_routes.h"
#include "controlnode/edges/http/blob_routes.h"
#include "controlnode/edges/http/http_server.h"
#include "controlnode/edges/http/tunnel_route.h"
#include "controlnode/edges/kubeadm/json_bootstrap_documents.h"
#include "controlnode/edges/pki/openssl_cluster_identities.h"
#include "controlnode/edges/postgres/postgres_store.h"
#include "controlnode/edges/zmq/curve_keys.h"
#include "controlnode/edges/zmq/zmq_agent_link.h"

namespace dure::control {
namespace {

class QueueInbox : public ControlInbox {
 public:
  explicit QueueInbox(EventQueue<ControlEvent>& queue) : queue_(queue) {}
  bool post(ControlEvent event) override { return queue_.push(std::move(event)); }

 private:
  EventQueue<ControlEvent>& queue_;
};

Result<std::string> init(const std::string& directory) {
  const auto curve = generate_curve_keys();
  if (!curve) return curve.error();
  SystemRandom random;
  const auto made = init_key_files(directory, {curve->public_key, curve->secret_key}, random);
  return made ? Result<std::string>(std::string()) : made.error();
}

// Until the queue is closed by a signal, or another control node leads.
Result<void> loop_until_closed(ControlLoop& loop, Tunnels& tunnels, ApiRoutes& api, EventQueue<ControlEvent>& queue,
                               SteadyClock& clock) {
  while (!queue.closed()) {
    const auto wake = std::min(loop.next_wake(), tunnels.next_wake());
    const auto left = std::max(wake - clock.now(), Duration::zero());
    auto batch = queue.pop_all(std::chrono::steady_clock::now() + left);
    batch.emplace_back(TimePassed{});
    if (auto handled = loop.handle(std::move(batch), [&] { return !queue.empty(); }); !handled) return handled;
    tunnels.tick();
    api.tick(clock.now());
  }
  return loop.settle();
}

Result<void> run(const Config& config) {
  if (auto level = log::use_level(config.text("log.level")); !level) return level;
  const auto settings = settings_of(config);
  if (!settings) return settings.error();
  const auto keys = load_key_files(config.text("keys.dir"));
  if (!keys) return keys.error();
  auto signals = SignalWaiter::open();
  if (!signals) return signals.error();

  SystemClock clock;
  SystemSteadyClock steady;
  SystemRandom random;
  EventQueue<ControlEvent> queue(16384);
  QueueInbox inbox(queue);
  InboxApi api(inbox);
  BlobShelf shelf(config.text("blobs.dir"));
  if (auto opened = shelf.open(); !opened) return opened;
  auto store = PostgresStore::open(config.text("database.url"));
  if (!store) return store.error();
  TunnelSwitch incoming(api);
  auto agents = ZmqAgentLink::create({config.text("agents.listen"), keys->curve.secret_key}, incoming);
  if (!agents) return agents.error();
  auto identities = OpensslClusterIdentities::create(keys->secrets_key);
  if (!identities) return identities.error();
  JsonBootstrapDocuments documents;
  ControlLoop loop({clock, steady, random, **store, **agents, keys->signing, **identities, documents},
                   keys->system, *settings,
                   uuid_from_random(random.bytes16()).str());
  if (auto started = loop.start(); !started) return started;
  Tunnels tunnels(api, **agents, incoming, steady, random);

  ThreadTaskRunner tasks(1, 64), chores(1, 2);
  const auto& listen = config.text("api.listen");
  const auto port = listen.substr(listen.rfind(':'));
  ApiRoutes api_routes({keys->api_token, {listen, "localhost" + port, "127.0.0.1" + port}}, api,
                       shelf, tasks, chores);
  TunnelRoute tunnel_route(api_routes, tunnels);
  auto api_server = HttpServer::start(listen, tunnel_route);
  if (!api_server) return api_server.error();
  BlobRoutes blob_routes(shelf);
  auto blob_server = HttpServer::start(config.text("blobs.listen"), blob_routes);
  if (!blob_server) return blob_server.error();

  StopOnSignal stopper(*signals, [&] { queue.close(); });
  auto ended = loop_until_closed(loop, tunnels, api_routes, queue, steady);
  tasks.stop();
  chores.stop();
  return ended;
}

}  // namespace
}  // namespace dure::control

int main(int argc, char** argv) {
  using namespace dure::control;
  return dure::run_program(
      {"dure-controlnode", "The control node of Dure: decides, keeps the truth, orders the hosts.",
       "DURE_CONTROL", config_keys(), &init, &run},
      argc, argv);
}
