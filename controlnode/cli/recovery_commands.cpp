// What an operator or user does when something is stuck, gone, or to be off.
#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "controlnode/cli/command_line.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"
#include "controlnode/cli/wait.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr Duration kLooksEvery = std::chrono::milliseconds(500);

Exit show_host(Session& session, const std::string& name) {
  const auto now = session.api.get("/hosts/" + path_segment(name));
  if (!now) return fail(session, now.failure());
  return print(session, show_row(kind("host"), *now, session.output));
}

void add_lost(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "lost", "Give up the PC of a host that does not come back",
                        "  dure host lost pc-02\n"
                        "Its nodes are gone at once for their clusters ('dure cluster repair' makes new workers), and its\n"
                        "key is not admitted any more. Then 'dure host replace' puts another PC, or the same one set up\n"
                        "anew, in its place, or 'dure host delete' forgets it.\n"
                        "For a PC that is off for a while this is too much: wait, or 'dure host cordon' it. One that reports is\n"
                        "given up only with --force.");
  auto name = std::make_shared<std::string>();
  auto force = std::make_shared<bool>(false);
  verb.add_option("name", *name, "Name or id")->required()->type_name("NAME");
  verb.add_flag("--force", *force, "Also a PC that reports now: it is hostile, or is to be set up anew");
  verb.add_flag_function("--yes", [](std::int64_t) {}, "Accepted for scripts; nothing is asked");
  add_output_options(verb, chosen);
  verb.callback([&chosen, name, force] {
    chosen.action = [name, force](Session& session) {
      const auto done = session.api.post("/hosts/" + path_segment(*name) + "/lost", json::object{{"force", *force}});
      if (!done) return fail(session, done.failure());
      return show_host(session, *name);
    };
  });
}

struct ReplaceArguments {
  std::string name, id, curve_key, address;
};

void add_replace_host(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "replace", "Put another PC, or the same one set up anew, in a host's place",
                        "  dure host replace pc-02 --id UUID --curve-key KEY\n"
                        "'dure-hostagent init' on the new PC prints the id and the key. Name, site, room, labels and capacity\n"
                        "stay. What was on the PC before is gone for its clusters, as after 'dure host lost'; and what of it\n"
                        "should still be there is removed.");
  auto given = std::make_shared<ReplaceArguments>();
  verb.add_option("name", given->name, "Name or id of the host")->required()->type_name("NAME");
  verb.add_option("--id", given->id, "The new agent's id")->required()->type_name("UUID");
  verb.add_option("--curve-key", given->curve_key, "The new agent's public key")->required()->type_name("Z85");
  verb.add_option("--address", given->address, "Its IPv4 address, if it has another one")->type_name("IP");
  add_output_options(verb, chosen);
  verb.callback([&chosen, given] {
    chosen.action = [given](Session& session) {
      json::object body{{"id", given->id}, {"curve_key", given->curve_key}};
      if (!given->address.empty()) body["address"] = given->address;
      const auto done = session.api.post("/hosts/" + path_segment(given->name) + "/replace", body);
      if (!done) return fail(session, done.failure());
      return show_host(session, given->id);
    };
  });
}

void add_cancel(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "cancel", "Give up an operation that is under way",
                        "  dure operation cancel 1b4e28ba-2fa1-4d2e-883f-0016d3cca427\n"
                        "A creation goes with its cluster, which is deleted; a scaling or repair with the nodes that it has not\n"
                        "brought up. A deletion cannot be cancelled.");
  auto id = std::make_shared<std::string>();
  verb.add_option("id", *id, "Id of the operation")->required()->type_name("ID");
  add_output_options(verb, chosen);
  verb.callback([&chosen, id] {
    chosen.action = [id](Session& session) {
      const auto path = "/operations/" + path_segment(*id);
      const auto done = session.api.post(path + "/cancel", json::object{});
      if (!done) return fail(session, done.failure());
      if (const auto next = member(*done, "operation"); !next.empty()) {
        say(session, "its cluster is being deleted: dure operation wait " + next);
      }
      const auto now = session.api.get(path);
      if (!now) return fail(session, now.failure());
      return print(session, show_row(kind("operation"), *now, session.output));
    };
  });
}

struct PowerArguments {
  std::string name, project, wait_timeout = "30m";
  bool no_wait = false;
};

Failure not_yet(Exit exit, const json::value& node) {
  const auto reason = member(node, "reason");
  return {exit, "'" + member(node, "name") + "' is " + member(node, "state") + (reason.empty() ? "" : ": " + reason), {}, {},
          "to see how it goes on: dure node show " + member(node, "name"), false, 0};
}

// One that is to be off is told so again; starting what is to run does nothing.
Failure has_failed(const json::value& node, const std::string& wanted) {
  auto failure = not_yet(Exit::failure, node);
  failure.hint = wanted == "stopped" ? "to try again: dure node stop " + member(node, "name")
                                     : "to try again: dure cluster repair " + member(node, "cluster");
  return failure;
}

// Until the node is in that state. It may well fail on its way; then it says why.
Exit wait_for_state(Session& session, const PowerArguments& given, const std::string& id, const std::string& wanted) {
  session.patience.listen();
  const auto most = parse_duration(given.wait_timeout).value_or(std::chrono::minutes(30));
  const auto begun = session.patience.now();
  json::value node = json::object{{"name", given.name}, {"state", "on its way"}};
  for (;;) {
    const auto answer = session.api.get("/nodes/" + path_segment(id));
    if (answer) node = *answer;
    if (!answer && !answer.failure().transient) return fail(session, answer.failure());
    const auto state = member(node, "state");
    if (state == wanted) return print(session, show_row(kind("node"), node, session.output));
    if (state == "failed") return fail(session, has_failed(node, wanted));
    const auto elapsed = session.patience.now() - begun;
    if (elapsed >= most) return fail(session, not_yet(Exit::timed_out, node));
    if (session.patience.pause(std::min(kLooksEvery, most - elapsed))) return fail(session, not_yet(Exit::interrupted, node));
  }
}

// Names of clusters, and with them those of nodes, are unique within a project only.
Outcome<json::value> find_node(Session& session, const PowerArguments& given) {
  if (given.project.empty()) return session.api.get("/nodes/" + path_segment(given.name));
  const auto answer = session.api.get("/nodes");
  if (!answer) return answer.failure();
  const auto* object = answer->if_object();
  const auto* items = object == nullptr ? nullptr : object->if_contains("items");
  if (items != nullptr && items->is_array()) {
    for (const auto& item : items->get_array()) {
      if (member(item, "name") == given.name && member(item, "project") == given.project) return item;
    }
  }
  return Failure{Exit::not_found, "project '" + given.project + "' has no node '" + given.name + "'", {}, {}, {}, false, 0};
}

Exit power(Session& session, const PowerArguments& given, const std::string& action) {
  const auto node = find_node(session, given);
  if (!node) return fail(session, node.failure());
  const auto name = member(*node, "name"), id = member(*node, "id");
  const auto done = session.api.post("/clusters/" + path_segment(member(*node, "cluster_id")) + "/nodes/" + path_segment(name) + "/" + action,
                                     json::object{});
  if (!done) return fail(session, done.failure());
  if (!given.no_wait) return wait_for_state(session, given, id, action == "stop" ? "stopped" : "ready");
  const auto now = session.api.get("/nodes/" + path_segment(id));
  if (!now) return fail(session, now.failure());
  return print(session, show_row(kind("node"), *now, session.output));
}

void add_power(CLI::App& noun, Chosen& chosen, const std::string& action, const std::string& meaning) {
  auto& verb = verb_app(noun, action, meaning, "  dure node " + action + " demo-w1");
  auto given = std::make_shared<PowerArguments>();
  verb.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  verb.add_option("--project", given->project, "Of this project's cluster, where several have a node of that name")
      ->type_name("NAME");
  verb.add_flag("--no-wait", given->no_wait, "Return at once");
  verb.add_option("--wait-timeout", given->wait_timeout, "Wait at most this long; the work goes on")
      ->check(CLI::Validator(&duration_fault, "", "duration"))
      ->capture_default_str()
      ->type_name("TIME");
  add_output_options(verb, chosen);
  verb.callback([&chosen, given, action] {
    chosen.action = [given, action](Session& session) { return power(session, *given, action); };
  });
}

}  // namespace

void add_recovery_commands(CLI::App& root, Chosen& chosen) {
  auto& host = noun_app(root, "host");
  add_lost(host, chosen);
  add_replace_host(host, chosen);
  add_cancel(noun_app(root, "operation"), chosen);
  auto& node = noun_app(root, "node");
  add_power(node, chosen, "stop", "Switch a node off; its disk stays");
  add_power(node, chosen, "start", "Switch a node on that is off");
  add_power(node, chosen, "reboot", "Switch a node off and on");
}

}  // namespace dure::cli
