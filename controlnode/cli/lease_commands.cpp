#include <boost/json.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controlnode/cli/command_line.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"
#include "controlnode/cli/placement_options.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

Exit usage(Session& session, const std::string& message) {
  return fail(session, {Exit::usage, message, {}, {}, {}, false, 0});
}

Exit extend(Session& session, const std::string& name, const LeaseEnd& end) {
  const auto path = "/clusters/" + path_segment(name);
  json::object body{{"until", nullptr}};
  if (end.given()) body["until"] = end.at(session.output.now);
  if (const auto done = session.api.patch(path, body); !done) return fail(session, done.failure());
  const auto now = session.api.get(path);
  if (!now) return fail(session, now.failure());
  const auto* until = now->is_object() ? now->get_object().if_contains("until") : nullptr;
  const bool ends = until != nullptr && until->is_string();
  say(session, "cluster '" + name + "' " + (ends ? "ends at " + plain(*until) : std::string("has no end")));
  return print(session, show_row(kind("cluster"), *now, session.output));
}

void add_extend(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "extend", "Change when a cluster ends by itself: it is switched off then, and deleted later",
                        "  dure cluster extend demo --for 3d              (from now on)\n"
                        "  dure cluster extend demo --until 2026-03-01T18:00:00+09:00\n"
                        "  dure cluster extend demo --no-end\n"
                        "Within the time between, this switches it on again.\n"
                        "Refused when the owner of a node's host needs it in the longer time.");
  auto name = std::make_shared<std::string>();
  auto end = std::make_shared<LeaseEnd>();
  auto no_end = std::make_shared<bool>(false);
  verb.add_option("name", *name, "Name or id")->required()->type_name("NAME");
  add_lease_end(verb, *end);
  verb.add_flag("--no-end", *no_end, "It stays until it is deleted by hand")->group("Placement");
  add_output_options(verb, chosen);
  verb.callback([&chosen, name, end, no_end] {
    chosen.action = [name, end, no_end](Session& session) {
      if (end->given() == *no_end) return usage(session, "one of --until, --for and --no-end is wanted");
      return extend(session, *name, *end);
    };
  });
}

// "FROM/UNTIL", both RFC 3339.
Result<json::array> windows_of(const std::vector<std::string>& words) {
  json::array windows;
  for (const std::string& word : words) {
    const auto slash = word.find('/');
    const auto from = word.substr(0, slash);
    const auto until = slash == std::string::npos ? std::string() : word.substr(slash + 1);
    const auto begin = parse_rfc3339(from), end = parse_rfc3339(until);
    if (!begin || !end) {
      return Error{Errc::invalid_argument,
                   "'" + word + "' is no FROM/UNTIL such as 2026-03-01T09:00:00+09:00/2026-03-01T18:00:00+09:00"};
    }
    if (*end <= *begin) return Error{Errc::invalid_argument, "'" + word + "' ends before it begins"};
    windows.push_back(json::object{{"from", from}, {"until", until}});
  }
  return windows;
}

Exit show_busy(Session& session, const std::string& host) {
  const auto now = session.api.get("/hosts/" + path_segment(host));
  if (!now) return fail(session, now.failure());
  const auto* windows = now->is_object() ? now->get_object().if_contains("busy") : nullptr;
  const bool list = windows != nullptr && windows->is_array();
  const json::value items = list ? *windows : json::value(json::array{});
  return print(session, show_list(busy_kind(), json::object{{"items", items}}, session.output));
}

void add_busy(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "busy", "Show, add or clear the times in which a host is its owner's alone",
                        "  dure host busy pc-01\n"
                        "  dure host busy pc-01 --add 2026-03-02T09:00:00+09:00/2026-03-02T18:00:00+09:00\n"
                        "  dure host busy pc-01 --clear\n"
                        "No node is placed on it whose cluster would still be there then.\n"
                        "Nodes that are there already stay; 'dure event list' names their clusters.");
  auto name = std::make_shared<std::string>();
  auto add = std::make_shared<std::vector<std::string>>();
  auto clear = std::make_shared<bool>(false);
  verb.add_option("name", *name, "Name or id")->required()->type_name("NAME");
  verb.add_option("--add", *add, "One more time; may be given again")->allow_extra_args(false)->type_name("FROM/UNTIL");
  verb.add_flag("--clear", *clear, "Forget all; with --add: all others");
  add_output_options(verb, chosen);
  verb.callback([&chosen, name, add, clear] {
    chosen.action = [name, add, clear](Session& session) {
      const auto windows = windows_of(*add);
      if (!windows) return usage(session, windows.error().message);
      json::object body;
      if (*clear || !windows->empty()) body[*clear ? "busy" : "more_busy"] = *windows;
      if (!body.empty()) {
        const auto done = session.api.patch("/hosts/" + path_segment(*name), body);
        if (!done) return fail(session, done.failure());
      }
      return show_busy(session, *name);
    };
  });
}

}  // namespace

void add_lease_commands(CLI::App& root, Chosen& chosen) {
  add_extend(noun_app(root, "cluster"), chosen);
  add_busy(noun_app(root, "host"), chosen);
}

}  // namespace dure::cli
