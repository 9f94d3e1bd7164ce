#include <memory>
#include <mutex>

#include "common/ip.h"
#include "controlnode/cli/command_line.h"
#include "controlnode/cli/layout.h"
#include "controlnode/cli/tunnel_proxy.h"

namespace dure::cli {
namespace {

constexpr std::uint16_t kPort = 16443;

struct ProxyArguments {
  std::string name, address = "127.0.0.1";
  std::uint16_t port = kPort;
};

std::string check_address(const std::string& text) {
  return Ipv4::parse(text) ? std::string() : "an IPv4 address is wanted, not '" + text + "'";
}

void say_how(Session& session, const ProxyArguments& given, std::uint16_t port) {
  const auto address = given.address + ":" + std::to_string(port);
  say(session, "the API server of cluster '" + given.name + "' is at https://" + address);
  auto fetch = "  dure cluster kubeconfig " + given.name;
  if (port != kPort || given.address != "127.0.0.1") fetch += " --server https://" + address;
  say(session, "in another terminal:");
  say(session, fetch);
  say(session, "  kubectl get nodes");
  say(session, "Ctrl-C ends the proxy and all its connections.");
  if (!given.address.starts_with("127.")) {
    say(session, "warning: whoever reaches " + address + " reaches the API server; it still asks each for a credential");
  }
}

Exit serve(Session& session, const ProxyArguments& given, const Endpoint& endpoint) {
  const auto path = "/clusters/" + path_segment(given.name);
  // A name that is wrong is told now, not at the first connection.
  if (const auto cluster = session.api.get(path); !cluster) return fail(session, cluster.failure());
  session.patience.listen();
  std::mutex saying;
  auto proxy = TunnelProxy::start(
      given.address, given.port,
      [&](int stop) { return open_tunnel(endpoint, path + "/tunnel", stop); },
      [&](const Failure& failure) {
        const std::lock_guard lock(saying);
        session.terminal.err << "a connection was closed: " << describe(failure) << std::flush;
      });
  if (!proxy) {
    Failure failure;
    failure.message = proxy.error().message;
    failure.hint = "another port: --port N; 0 takes a free one";
    return fail(session, failure);
  }
  {
    const std::lock_guard lock(saying);
    say_how(session, given, (*proxy)->port());
  }
  while (!session.patience.pause(std::chrono::hours(1))) {
  }
  return Exit::ok;
}

}  // namespace

void add_proxy_command(CLI::App& root, Chosen& chosen) {
  auto& verb = verb_app(noun_app(root, "cluster"), "proxy",
                        "Make a cluster's API server reachable from this machine",
                        "  dure cluster proxy demo\n"
                        "  dure cluster proxy demo --port 16444\n"
                        "Connections go through the control node and the host's agent; no lab PC listens.");
  auto given = std::make_shared<ProxyArguments>();
  verb.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  verb.add_option("--port", given->port, "Port to listen on; 0 takes a free one")
      ->capture_default_str()
      ->type_name("N");
  verb.add_option("--address", given->address, "Address to listen on")
      ->check(CLI::Validator(&check_address, "", "address"))
      ->capture_default_str()
      ->type_name("IP");
  verb.callback([&chosen, given] {
    chosen.action = [&chosen, given](Session& session) {
      const auto endpoint = resolve_endpoint(chosen.connection, session.environment);
      if (endpoint) return serve(session, *given, *endpoint);
      Failure failure;
      failure.message = endpoint.error().message;
      return fail(session, failure);
    };
  });
}

}  // namespace dure::cli
