#include <boost/json.hpp>
#include <cstdint>
#include <memory>

#include "controlnode/cli/command_line.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

void add_capacity(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "capacity", "Show how many nodes of each flavor fit now, by site",
                        "  dure plan capacity\n  dure plan capacity -o json");
  add_output_options(verb, chosen);
  verb.callback([&chosen] {
    chosen.action = [](Session& session) {
      const auto found = session.api.get("/plan/capacity");
      if (!found) return fail(session, found.failure());
      return print(session, show_list(capacity_kind(), *found, session.output));
    };
  });
}

void add_rebalance(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "rebalance", "Show which nodes could move so that more of a flavor fit; nothing is moved",
                        "  dure plan rebalance --flavor large\n  dure plan rebalance --flavor large --moves 3");
  auto flavor = std::make_shared<std::string>();
  auto moves = std::make_shared<std::uint32_t>(10);
  verb.add_option("--flavor", *flavor, "What more of should fit")->required()->type_name("NAME");
  verb.add_option("--moves", *moves, "At most so many moves")->check(CLI::Range(1, 100))->capture_default_str()
      ->type_name("N");
  add_output_options(verb, chosen);
  verb.callback([&chosen, flavor, moves] {
    chosen.action = [flavor, moves](Session& session) {
      const auto found = session.api.get("/plan/rebalance?flavor=" + path_segment(*flavor) +
                                         "&moves=" + std::to_string(*moves));
      if (!found) return fail(session, found.failure());
      const auto& plan = found->get_object();
      say(session, plain(plan.at("fits_before")) + " of '" + *flavor + "' fit now, " + plain(plan.at("fits_after")) +
                       " after these moves");
      return print(session, show_list(move_kind(), *found, session.output));
    };
  });
}

}  // namespace

void add_plan_commands(CLI::App& root, Chosen& chosen) {
  auto& noun = *root.add_subcommand("plan", "See what would fit, and what would make more fit");
  noun.require_subcommand(1);
  add_capacity(noun, chosen);
  add_rebalance(noun, chosen);
}

}  // namespace dure::cli
