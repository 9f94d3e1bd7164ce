#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>

#include "controlnode/cli/cluster_table.h"
#include "controlnode/cli/command_line.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

void add_rows(json::array& into, const std::string& from, const json::array& rows, const json::array* before) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (before != nullptr && i < before->size() && before->at(i) == rows[i]) continue;
    json::object row = rows[i].as_object();
    row["from"] = from;
    into.push_back(std::move(row));
  }
}

// What fits now, and then only what has changed.
json::object capacity_rows(const json::object& curve) {
  json::array items;
  const json::array* before = &curve.at("items").as_array();
  add_rows(items, "now", *before, nullptr);
  for (const auto& instant : curve.at("later").as_array()) {
    const auto& rows = instant.at("items").as_array();
    add_rows(items, plain(instant.at("at")), rows, before);
    before = &rows;
  }
  return {{"items", std::move(items)}};
}

void add_capacity(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "capacity", "Show how many nodes of each flavor fit by site, now and over the coming day",
                        "  dure plan capacity\n"
                        "  dure plan capacity --for 4h      (only nodes that can stay for four hours)\n"
                        "  dure plan capacity --hours 0     (only now)\n"
                        "After 'now' there is a row whenever hosts are taken by their owners or come free.");
  auto hours = std::make_shared<std::uint32_t>(24);
  auto stay = std::make_shared<std::string>();
  verb.add_option("--hours", *hours, "How far to look ahead")->check(CLI::Range(0, 168))->capture_default_str()
      ->type_name("N");
  verb.add_option("--for", *stay, "Only nodes that can stay so long")
      ->check(CLI::Validator(
          [](const std::string& text) {
            return parse_duration(text, std::chrono::hours(30 * 24)) ? std::string()
                                                                     : "something such as 90m, 4h or 3d is wanted";
          },
          "", "duration"))
      ->type_name("DURATION");
  add_output_options(verb, chosen);
  verb.callback([&chosen, hours, stay] {
    chosen.action = [hours, stay](Session& session) {
      std::string path = "/plan/capacity?hours=" + std::to_string(*hours);
      if (const auto length = parse_duration(*stay, std::chrono::hours(30 * 24))) {
        path += "&stay_s=" + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*length).count());
      }
      const auto found = session.api.get(path);
      if (!found) return fail(session, found.failure());
      const bool people = session.output.format == Format::table || session.output.format == Format::wide;
      return print(session, show_list(capacity_kind(), people ? capacity_rows(found->get_object()) : *found, session.output));
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

// "site=east,room=301,vcpus=8,memory=16384,disk=200,count=3"; nullopt: what it says is not that.
std::optional<json::object> added_host(const std::string& text) {
  json::object host;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    const auto part = text.substr(at, end - at);
    at = end + 1;
    const auto equals = part.find('=');
    if (equals == std::string::npos || equals + 1 == part.size()) return std::nullopt;
    std::string key = part.substr(0, equals);
    const std::string value = part.substr(equals + 1);
    if (key == "memory") key = "memory_mib";
    if (key == "disk") key = "disk_gib";
    if (host.contains(key)) return std::nullopt;
    if (key == "site" || key == "room" || key == "class") {
      host[key] = value;
    } else if (key == "vcpus" || key == "memory_mib" || key == "disk_gib" || key == "count") {
      std::int64_t number = 0;
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
      if (parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size()) return std::nullopt;
      host[key] = number;
    } else {
      return std::nullopt;
    }
  }
  for (const char* needed : {"site", "vcpus", "memory_mib", "disk_gib"}) {
    if (!host.contains(needed)) return std::nullopt;
  }
  return host;
}

struct WhatIfArguments {
  std::uint32_t workers = 0, control_planes = 1;
  std::string flavor, image;
  std::vector<std::string> sites, add, remove, uncordon;
};

json::array texts(const std::vector<std::string>& values) {
  json::array list;
  for (const std::string& value : values) list.emplace_back(value);
  return list;
}

Exit ask_what_if(Session& session, const WhatIfArguments& given) {
  json::object body{{"workers", given.workers}, {"control_planes", given.control_planes},
                    {"flavor", given.flavor},   {"image", given.image}};
  json::array add;
  for (const std::string& text : given.add) add.push_back(*added_host(text));
  if (!given.sites.empty()) body["sites"] = texts(given.sites);
  if (!add.empty()) body["add"] = std::move(add);
  if (!given.remove.empty()) body["remove"] = texts(given.remove);
  if (!given.uncordon.empty()) body["uncordon"] = texts(given.uncordon);
  const auto found = session.api.post("/plan/what-if", body);
  if (!found) return fail(session, found.failure());
  const auto format = session.output.format;
  if (format == Format::json || format == Format::yaml) {
    return print(session, show_row(choice_kind(), *found, session.output));
  }
  say(session, "it would fit; nothing was changed");
  return print(session, plan_text(*found, format == Format::name));
}

void add_what_if(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "what-if", "Show whether a cluster would fit on a changed fleet; nothing is changed",
                        "  dure plan what-if --workers 20 --flavor small --image debian-13 \\\n"
                        "    --add-host site=east,room=301,vcpus=8,memory=16384,disk=200,count=3\n"
                        "  dure plan what-if --workers 4 --flavor small --image debian-13 --remove-host pc-07");
  auto given = std::make_shared<WhatIfArguments>();
  verb.add_option("--workers", given->workers, "Worker nodes")->required()->check(CLI::Range(0, 1000))->type_name("N");
  verb.add_option("--control-planes", given->control_planes, "Control-plane nodes: 1 or 3")
      ->check(CLI::IsMember({1, 3}))->capture_default_str()->type_name("N");
  verb.add_option("--flavor", given->flavor, "Size of every node")->required()->type_name("NAME");
  verb.add_option("--image", given->image, "Image of every node")->required()->type_name("NAME");
  verb.add_option("--site,--sites", given->sites, "Only these sites")->delimiter(',')->type_name("NAME");
  verb.add_option("--add-host", given->add, "As if there were such hosts too: site, vcpus, memory (MiB), disk (GiB); room, class, count")
      ->check(CLI::Validator(
          [](const std::string& text) {
            return added_host(text) ? std::string()
                                    : "something such as site=east,room=301,vcpus=8,memory=16384,disk=200,count=3 is wanted";
          },
          "", "host"))
      ->type_name("KEY=VALUE,...");
  verb.add_option("--remove-host", given->remove, "As if this host were gone")->type_name("NAME");
  verb.add_option("--uncordon", given->uncordon, "As if this host were not cordoned")->type_name("NAME");
  add_output_options(verb, chosen);
  verb.callback([&chosen, given] {
    chosen.action = [given](Session& session) { return ask_what_if(session, *given); };
  });
}

}  // namespace

void add_plan_commands(CLI::App& root, Chosen& chosen) {
  auto& noun = *root.add_subcommand("plan", "See what would fit, and what would make more fit");
  noun.require_subcommand(1);
  add_capacity(noun, chosen);
  add_rebalance(noun, chosen);
  add_what_if(noun, chosen);
}

}  // namespace dure::cli
