#include <boost/json.hpp>
#include <cstdint>
#include <memory>

#include "common/uuid.h"
#include "controlnode/cli/cluster_table.h"
#include "controlnode/cli/command_line.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"
#include "controlnode/cli/placement_options.h"
#include "controlnode/cli/wait.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

// What all that change a cluster have in common.
struct Waiting {
  std::string name;
  bool no_wait = false;
  std::string wait_timeout = "30m";
  std::string idempotency_key;
};

struct CreateArguments : Waiting {
  std::uint32_t workers = 0, control_planes = 1;
  std::string flavor, image, key_pair, project, cni;
  std::vector<std::string> sites;
  PlacementOptions placement;
  bool dry_run = false;
};

std::string check_key(const std::string& text) {
  bool good = !text.empty() && text.size() <= 128;
  for (const char c : text) good = good && c > 0x20 && c < 0x7f;
  return good ? std::string() : "1 to 128 printable ASCII characters without spaces are wanted";
}

void add_waiting(CLI::App& verb, Waiting& given) {
  verb.add_flag("--no-wait", given.no_wait, "Print the operation's id and return at once");
  verb.add_option("--wait-timeout", given.wait_timeout, "Wait at most this long; the work goes on")
      ->check(CLI::Validator(&duration_fault, "", "duration"))
      ->capture_default_str()
      ->type_name("TIME");
  verb.add_option("--idempotency-key", given.idempotency_key,
                  "Repeating a request with the same key does not do it twice")
      ->check(CLI::Validator(&check_key, "", "key"))
      ->type_name("KEY");
}

// Sends the change; the answer is what was accepted.
Outcome<json::value> send(Session& session, const Waiting& given, const std::string& method,
                          const std::string& path, const json::object& body) {
  session.patience.listen();
  auto key = given.idempotency_key;
  if (key.empty()) key = uuid_from_random(session.random.bytes16()).str();
  return session.api.change(method, path, body, key);
}

Exit show_plan(Session& session, const json::value& accepted) {
  const auto format = session.output.format;
  if (format == Format::json) return print(session, pretty_json(accepted));
  if (format == Format::yaml) return print(session, to_yaml(accepted));
  return print(session, plan_text(accepted, format == Format::name));
}

// After a change was accepted: the id at once, or the end of the wait.
Outcome<bool> follow(Session& session, const Waiting& given, const json::value& accepted) {
  const auto id = member(accepted, "operation");
  if (id.empty()) return true;  // nothing to do, so nothing to wait for
  const auto done =
      wait_for_operation(session.api, session.patience, session.terminal, id,
                         parse_duration(given.wait_timeout).value_or(std::chrono::minutes(30)));
  if (!done) return done.failure();
  return true;
}

Exit show_accepted(Session& session, const json::value& accepted) {
  if (session.output.format == Format::json) return print(session, pretty_json(accepted));
  if (session.output.format == Format::yaml) return print(session, to_yaml(accepted));
  return print(session, member(accepted, "operation") + "\n");
}

Exit change_and_show(Session& session, const Waiting& given, const std::string& path,
                     const json::object& body, bool dry_run) {
  const auto accepted = send(session, given, "POST", path, body);
  if (!accepted) return fail(session, accepted.failure());
  if (dry_run) return show_plan(session, *accepted);
  if (given.no_wait) return show_accepted(session, *accepted);
  if (const auto done = follow(session, given, *accepted); !done) {
    return fail(session, done.failure());
  }
  return show_cluster(session, given.name);
}

void add_create(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(
      noun, "create", "Create a cluster and wait until its nodes are ready",
      "  dure cluster create demo --workers 2 --flavor small --image debian-13 --keypair me\n"
      "  dure cluster create demo --workers 2 --flavor small --image debian-13 --keypair me \\\n"
      "    --sites engineering,library --dry-run\n"
      "  dure cluster create demo ... --room 301 --until 2026-03-01T18:00:00+09:00\n"
      "  op=$(dure cluster create demo ... --no-wait); dure operation wait \"$op\"\n"
      "With an image that carries Kubernetes, 'dure cluster kubeconfig demo' is what comes next.\n"
      "Ctrl-C detaches; it never cancels.");
  auto given = std::make_shared<CreateArguments>();
  verb.add_option("name", given->name, "Name of the cluster")->required()->type_name("NAME");
  verb.add_option("--workers", given->workers, "How many workers")->required()->type_name("N");
  verb.add_option("--control-planes", given->control_planes, "1 or 3")
      ->capture_default_str()
      ->type_name("N");
  verb.add_option("--flavor", given->flavor, "VM size")->required()->type_name("NAME");
  verb.add_option("--image", given->image, "Node image")->required()->type_name("NAME");
  verb.add_option("--keypair", given->key_pair, "Who may log in")->required()->type_name("NAME");
  verb.add_option("--sites", given->sites, "Spread over these sites only, with commas")
      ->delimiter(',')
      ->type_name("A,B");
  verb.add_option("--cni", given->cni, "Pod network: native (routed, the default) or none (your own)")
      ->check(CLI::IsMember({"native", "none"}))
      ->type_name("CNI");
  verb.add_option("--project", given->project, "Project it belongs to")->type_name("NAME");
  verb.add_flag("--dry-run", given->dry_run, "Show where the nodes would go; change nothing");
  add_placement_options(verb, given->placement);
  add_waiting(verb, *given);
  add_output_options(verb, chosen);
  verb.callback([&chosen, given] {
    chosen.action = [given](Session& session) {
      json::object body{{"name", given->name},         {"workers", given->workers},
                        {"control_planes", given->control_planes}, {"flavor", given->flavor},
                        {"image", given->image},       {"key_pair", given->key_pair}};
      if (!given->project.empty()) body["project"] = given->project;
      if (!given->cni.empty()) body["cni"] = given->cni;
      if (given->dry_run) body["dry_run"] = true;
      if (!given->sites.empty()) {
        body["sites"] = json::array(given->sites.begin(), given->sites.end());
      }
      const auto put = put_placement(given->placement, session.output.now, body);
      if (!put) return fail(session, {Exit::usage, put.error().message, {}, {}, {}, false, 0});
      return change_and_show(session, *given, "/clusters", body, given->dry_run);
    };
  });
}

void add_scale(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "scale", "Change the number of workers",
                        "  dure cluster scale demo --workers 3");
  auto given = std::make_shared<CreateArguments>();
  verb.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  verb.add_option("--workers", given->workers, "How many workers")->required()->type_name("N");
  verb.add_flag("--dry-run", given->dry_run, "Show where new nodes would go; change nothing");
  add_waiting(verb, *given);
  add_output_options(verb, chosen);
  verb.callback([&chosen, given] {
    chosen.action = [given](Session& session) {
      json::object body{{"workers", given->workers}};
      if (given->dry_run) body["dry_run"] = true;
      return change_and_show(session, *given, "/clusters/" + path_segment(given->name) + "/scale",
                             body, given->dry_run);
    };
  });
}

void add_replace(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "replace", "Replace a worker that is lost or broken by a new one, under a new name",
                        "  dure cluster replace demo demo-w1");
  auto given = std::make_shared<CreateArguments>();
  auto node = std::make_shared<std::string>();
  verb.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  verb.add_option("node", *node, "Name of the worker")->required()->type_name("NODE");
  verb.add_flag("--dry-run", given->dry_run, "Show where the new node would go; change nothing");
  add_waiting(verb, *given);
  add_output_options(verb, chosen);
  verb.callback([&chosen, given, node] {
    chosen.action = [given, node](Session& session) {
      json::object body{{"node", *node}};
      if (given->dry_run) body["dry_run"] = true;
      return change_and_show(session, *given, "/clusters/" + path_segment(given->name) + "/replace",
                             body, given->dry_run);
    };
  });
}

void add_repair(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "repair", "Try again what has failed, make what is missing, replace the workers whose host is gone",
                        "  dure cluster repair demo --dry-run\n  dure cluster repair demo\n  dure cluster repair demo --lost\n"
                        "A host that is silent is gone after minutes, or at once with --lost. Whose node runs and is stuck has it\n"
                        "switched off and on; one that has never been ready is made anew.");
  auto given = std::make_shared<CreateArguments>();
  verb.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  auto lost = std::make_shared<bool>(false);
  verb.add_flag("--lost", *lost, "Hosts that are silent do not come back: replace their workers now");
  verb.add_flag("--dry-run", given->dry_run, "Show where the nodes would be; change nothing");
  add_waiting(verb, *given);
  add_output_options(verb, chosen);
  verb.callback([&chosen, given, lost] {
    chosen.action = [given, lost](Session& session) {
      json::object body;
      if (*lost) body["lost"] = true;
      if (given->dry_run) body["dry_run"] = true;
      return change_and_show(session, *given, "/clusters/" + path_segment(given->name) + "/repair", body,
                             given->dry_run);
    };
  });
}

void add_delete(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "delete", "Delete a cluster with all its nodes and their disks",
                        "  dure cluster delete demo");
  auto given = std::make_shared<Waiting>();
  verb.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  // The function form: of add_flag's other forms g++ and clang choose different ones.
  verb.add_flag_function("--yes", [](std::int64_t) {}, "Accepted for scripts; nothing is asked");
  add_waiting(verb, *given);
  add_output_options(verb, chosen);
  verb.callback([&chosen, given] {
    chosen.action = [given](Session& session) {
      const auto accepted =
          send(session, *given, "DELETE", "/clusters/" + path_segment(given->name), {});
      if (!accepted) return fail(session, accepted.failure());
      if (given->no_wait) return show_accepted(session, *accepted);
      if (const auto done = follow(session, *given, *accepted); !done) {
        return fail(session, done.failure());
      }
      say(session, "cluster '" + given->name + "' deleted");
      return Exit::ok;
    };
  });
}

void add_show(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "show", "Show a cluster with its nodes and how far each has come");
  auto name = std::make_shared<std::string>();
  verb.add_option("name", *name, "Name or id")->required()->type_name("NAME");
  add_output_options(verb, chosen);
  verb.callback([&chosen, name] {
    chosen.action = [name](Session& session) { return show_cluster(session, *name); };
  });
}

}  // namespace

void add_cluster_commands(CLI::App& root, Chosen& chosen) {
  auto& noun = noun_app(root, "cluster");
  add_create(noun, chosen);
  add_scale(noun, chosen);
  add_replace(noun, chosen);
  add_repair(noun, chosen);
  add_delete(noun, chosen);
  add_show(noun, chosen);
}

}  // namespace dure::cli
