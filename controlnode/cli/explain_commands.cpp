#include <boost/json.hpp>
#include <cstdint>
#include <memory>

#include "controlnode/cli/command_line.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

json::array list(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : json::array{};
}

std::string decision_line(const json::value& record) {
  return "decision " + member(record, "number") + ": " + member(record, "kind") + " " + member(record, "cluster") +
         ", " + member(record, "nodes") + (member(record, "nodes") == "1" ? " node" : " nodes") + ", " +
         member(record, "outcome") + " at " + member(record, "at");
}

std::uint64_t count_of(const json::value& record, std::string_view verdict) {
  const auto* object = record.if_object();
  const auto* counts = object == nullptr ? nullptr : object->if_contains("verdicts");
  if (counts == nullptr || !counts->is_object()) return 0;
  const auto* found = counts->get_object().if_contains(verdict);
  json::error_code error;
  const auto count = found == nullptr ? 0 : found->to_number<std::uint64_t>(error);
  return error ? 0 : count;
}

// Table and wide: the decision, then each node with its host, then what each host had to say.
Exit print_explained(Session& session, const json::value& record) {
  const json::value nodes = json::object{{"items", list(record, "plan")}};
  if (session.output.format == Format::json || session.output.format == Format::yaml) {
    return print(session, show_row(decision_kind(), record, session.output));
  }
  if (session.output.format == Format::name) return print(session, show_list(choice_kind(), nodes, session.output));
  std::string text = decision_line(record) + "\n";
  if (!member(record, "summary").empty()) text += member(record, "summary") + "\n";
  if (!list(record, "plan").empty()) {
    auto shown = show_list(choice_kind(), nodes, session.output);
    if (!shown) return print(session, shown);
    text += "\n" + *shown;
  }
  const auto hosts = list(record, "hosts");
  OutputOptions of_hosts = session.output;
  of_hosts.columns.clear();
  auto shown = show_list(verdict_kind(), json::object{{"items", hosts}}, of_hosts);
  if (!shown) return print(session, shown);
  text += "\n" + *shown;
  const auto all = count_of(record, "chosen") + count_of(record, "fits") + count_of(record, "lacks");
  if (all > hosts.size()) text += "and " + std::to_string(all - hosts.size()) + " more; --hosts shows more of them\n";
  const auto remedies = list(record, "remedies");
  if (!remedies.empty()) text += "\nIt would fit\n";
  for (const auto& remedy : remedies) text += "  " + printable(member(remedy, "detail")) + "\n";
  return print(session, text);
}

Exit explain(Session& session, const std::string& cluster, std::uint64_t number, std::uint32_t hosts) {
  const std::string limits = "hosts=" + std::to_string(hosts);
  if (number > 0) {
    const auto found = session.api.get("/placements/" + std::to_string(number) + "?" + limits);
    if (!found) return fail(session, found.failure());
    if (member(*found, "cluster") != cluster && member(*found, "cluster_id") != cluster) {
      Failure other;
      other.exit = Exit::not_found;
      other.message = "decision " + std::to_string(number) + " is about cluster '" + member(*found, "cluster") + "'";
      return fail(session, other);
    }
    return print_explained(session, *found);
  }
  const auto found = session.api.get("/clusters/" + path_segment(cluster) + "/placements?limit=1&" + limits);
  if (!found) return fail(session, found.failure());
  const auto items = list(*found, "items");
  if (items.empty()) {
    Failure gone;
    gone.exit = Exit::not_found;
    gone.message = "no decision about cluster '" + cluster + "' is kept any more";
    return fail(session, gone);
  }
  return print_explained(session, items.front());
}

void add_explain(CLI::App& root, Chosen& chosen) {
  auto& verb = verb_app(noun_app(root, "cluster"), "explain",
                        "Say why a cluster's nodes are where they are, or why it did not fit",
                        "  dure cluster explain demo\n"
                        "  dure cluster explain demo --decision 12 -o json\n\n"
                        "Without --decision it is the newest: its creation, scaling, replacing or repair. A cluster\n"
                        "that was refused is known by the name that it was to have.");
  auto name = std::make_shared<std::string>();
  auto number = std::make_shared<std::uint64_t>(0);
  auto hosts = std::make_shared<std::uint32_t>(20);
  verb.add_option("name", *name, "Name or id")->required()->type_name("NAME");
  verb.add_option("--decision", *number, "This one; see 'dure plan decisions'")->type_name("NUMBER");
  verb.add_option("--hosts", *hosts, "Show at most so many hosts: chosen ones first, then those that fit")
      ->check(CLI::Range(1, 5000))
      ->capture_default_str()
      ->type_name("N");
  add_output_options(verb, chosen);
  verb.callback([&chosen, name, number, hosts] {
    chosen.action = [name, number, hosts](Session& session) { return explain(session, *name, *number, *hosts); };
  });
}

void add_replay(CLI::App& plan, Chosen& chosen) {
  auto& verb = verb_app(plan, "replay", "Make a recorded decision again and say whether it comes out the same",
                        "  dure plan replay 12\n\nThe exit code is 1 when it does not.");
  auto number = std::make_shared<std::uint64_t>(0);
  verb.add_option("number", *number, "Number of the decision; see 'dure plan decisions'")->required()->type_name("NUMBER");
  add_output_options(verb, chosen);
  verb.callback([&chosen, number] {
    chosen.action = [number](Session& session) {
      const auto found = session.api.get("/placements/" + std::to_string(*number) + "?hosts=1");
      if (!found) return fail(session, found.failure());
      const auto* object = found->if_object();
      const auto* replay = object == nullptr ? nullptr : object->if_contains("replay");
      const json::value outcome = replay == nullptr ? json::value(json::object{}) : *replay;
      const bool identical = member(outcome, "identical") == "yes";
      Exit printed = Exit::ok;
      if (session.output.format == Format::json || session.output.format == Format::yaml) {
        printed = print(session, show_row(decision_kind(), outcome, session.output));
      } else {
        const std::string verdict = identical ? "identical: the same question of the same fleet has the same answer"
                                              : "different: " + plain(list(outcome, "differences"));
        printed = print(session, decision_line(*found) + "\n" + verdict + "\n");
      }
      if (printed != Exit::ok) return printed;
      return identical ? Exit::ok : Exit::failure;
    };
  });
}

void add_decisions(CLI::App& plan, Chosen& chosen) {
  auto& verb = verb_app(plan, "decisions", "List what was decided about hosts, refusals too, newest first",
                        "  dure plan decisions\n  dure plan decisions --limit 200 --before 1200 -o json");
  auto limit = std::make_shared<std::uint32_t>(50);
  auto before = std::make_shared<std::uint64_t>(0);
  verb.add_option("--limit", *limit, "At most this many")->check(CLI::Range(1, 1000))->capture_default_str()
      ->type_name("N");
  verb.add_option("--before", *before, "Those before this number, instead of the newest")->type_name("NUMBER");
  add_output_options(verb, chosen);
  verb.callback([&chosen, limit, before] {
    chosen.action = [limit, before](Session& session) {
      std::string path = "/placements?limit=" + std::to_string(*limit);
      if (*before > 0) path += "&before=" + std::to_string(*before);
      const auto found = session.api.get(path);
      if (!found) return fail(session, found.failure());
      return print(session, show_list(decision_kind(), *found, session.output));
    };
  });
}

}  // namespace

void add_explain_commands(CLI::App& root, Chosen& chosen) {
  add_explain(root, chosen);
  auto& plan = noun_app(root, "plan");
  add_replay(plan, chosen);
  add_decisions(plan, chosen);
}

}  // namespace dure::cli
