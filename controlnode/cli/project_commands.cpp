#include <boost/json.hpp>
#include <charconv>
#include <memory>
#include <optional>
#include <string>

#include "controlnode/cli/command_line.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

// A part of a quota as people write it; `units` are 1024 times the one before.
struct Part {
  std::string_view name, member;
  std::vector<std::string_view> units;
};

const std::vector<Part>& parts() {
  static const std::vector<Part> all{{"vcpus", "vcpus", {}},
                                     {"memory", "memory_mib", {"MiB", "GiB", "TiB"}},
                                     {"disk", "disk_gib", {"GiB", "TiB"}},
                                     {"nodes", "nodes", {}},
                                     {"clusters", "clusters", {}}};
  return all;
}

std::optional<std::int64_t> amount_of(const Part& part, std::string_view text) {
  std::int64_t scale = 1;
  bool unit_given = part.units.empty();
  std::int64_t factor = 1;
  for (const auto unit : part.units) {
    if (text.ends_with(unit)) {
      text.remove_suffix(unit.size());
      scale = factor;
      unit_given = true;
      break;
    }
    factor *= 1024;
  }
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  const bool good = unit_given && parsed.ec == std::errc{} && parsed.ptr == end && value >= 0 && value <= kMost / scale;
  return good ? std::optional(value * scale) : std::nullopt;
}

// "vcpus=32,memory=64GiB,nodes=none" as the API wants it.
Result<json::object> quota_of(const std::vector<std::string>& words) {
  json::object quota;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const Part* found = nullptr;
    for (const Part& part : parts()) found = part.name == name ? &part : found;
    if (found == nullptr || equals == std::string::npos) {
      return Error{Errc::invalid_argument, "'" + word + "' is no part of a quota: vcpus=N, memory=NGiB, disk=NGiB, "
                                                        "nodes=N or clusters=N; 'none' for no limit"};
    }
    const auto text = word.substr(equals + 1);
    const auto amount = amount_of(*found, text);
    if (!amount && text != "none") {
      std::string units;
      for (const auto unit : found->units) units += (units.empty() ? " with " : " or ") + std::string(unit);
      return Error{Errc::invalid_argument, "'" + word + "': a whole number" + units + " is wanted, or 'none'"};
    }
    quota[found->member] = amount ? json::value(*amount) : json::value(nullptr);
  }
  return quota;
}

struct ProjectArguments {
  std::string name;
  std::vector<std::string> quota;
  bool no_quota = false;
};

Exit refuse(Session& session, const std::string& why) {
  return fail(session, {Exit::usage, why, {}, {}, {}, false, 0});
}

Exit show(Session& session, const std::string& name) {
  const auto now = session.api.get("/projects/" + path_segment(name));
  if (!now) return fail(session, now.failure());
  return print(session, show_row(kind("project"), *now, session.output));
}

void add_create_project(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "create", "Add a project: whose clusters are counted together",
                        "  dure project create robotics --quota vcpus=32,memory=64GiB,nodes=20,clusters=5");
  auto given = std::make_shared<ProjectArguments>();
  verb.add_option("name", given->name, "Name of the project")->required()->type_name("NAME");
  verb.add_option("--quota", given->quota, "The most that it may hold; what is not named has no limit")
      ->delimiter(',')->type_name("PART=N,...");
  add_output_options(verb, chosen);
  verb.callback([&chosen, given] {
    chosen.action = [given](Session& session) {
      const auto quota = quota_of(given->quota);
      if (!quota) return refuse(session, quota.error().message);
      const auto made = session.api.post("/projects", json::object{{"name", given->name}, {"quota", *quota}});
      if (!made) return fail(session, made.failure());
      return show(session, given->name);
    };
  });
}

void add_set(CLI::App& noun, Chosen& chosen) {
  auto& verb = verb_app(noun, "set", "Change what a project may hold",
                        "  dure project set robotics --quota memory=128GiB,clusters=none\n"
                        "  dure project set robotics --no-quota\n"
                        "What it holds already stays, even above a lower limit.");
  auto given = std::make_shared<ProjectArguments>();
  verb.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  auto* option = verb.add_option("--quota", given->quota, "What is not named stays as it is; none: no limit")
                     ->delimiter(',')->type_name("PART=N,...");
  verb.add_flag("--no-quota", given->no_quota, "No limit at all")->excludes(option);
  add_output_options(verb, chosen);
  verb.callback([&chosen, given] {
    chosen.action = [given](Session& session) {
      if (given->quota.empty() && !given->no_quota) return refuse(session, "--quota or --no-quota is wanted");
      const auto quota = quota_of(given->quota);
      if (!quota) return refuse(session, quota.error().message);
      json::object body;
      body["quota"] = given->no_quota ? json::value(nullptr) : json::value(*quota);
      const auto done = session.api.patch("/projects/" + path_segment(given->name), body);
      if (!done) return fail(session, done.failure());
      return show(session, given->name);
    };
  });
}

}  // namespace

void add_project_commands(CLI::App& root, Chosen& chosen) {
  auto& noun = noun_app(root, "project");
  add_create_project(noun, chosen);
  add_set(noun, chosen);
}

}  // namespace dure::cli
