#include "controlnode/cli/placement_options.h"

#include <boost/json.hpp>
#include <chrono>
#include <utility>

#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr const char* kGroup = "Placement";
constexpr auto kLongestLease = std::chrono::hours(10 * 366 * 24);

std::string check_time(const std::string& text) {
  return parse_rfc3339(text) ? std::string()
                             : "a time such as 2026-03-01T18:00:00+09:00 is wanted, not '" + text + "'";
}

std::string check_length(const std::string& text) {
  return parse_duration(text, kLongestLease) ? std::string()
                                             : "a time such as 90m, 12h or 3d is wanted, not '" + text + "'";
}

void add_hosts(CLI::App& verb, const std::string& prefix, const std::string& class_option, const std::string& whose,
               PlacementOptions::Hosts& given) {
  verb.add_option("--" + prefix + "room", given.rooms, whose + " only on hosts of these rooms, with commas")
      ->delimiter(',')
      ->type_name("A,B")
      ->group(kGroup);
  verb.add_option("--" + prefix + "label", given.labels, whose + " only on hosts with this label; may be given again")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE")
      ->group(kGroup);
  verb.add_option("--" + class_option, given.classes, whose + " only on hosts that stay on (anchor), or that may go")
      ->delimiter(',')
      ->check(CLI::IsMember({"anchor", "scavenged"}))
      ->type_name("CLASS")
      ->group(kGroup);
}

Result<void> put_hosts(const PlacementOptions::Hosts& given, const char* name, json::object& body) {
  json::object rules;
  const auto labels = labels_of(given.labels, false);
  if (!labels) return labels.error();
  if (!given.rooms.empty()) rules["rooms"] = json::array(given.rooms.begin(), given.rooms.end());
  if (!labels->empty()) rules["labels"] = *labels;
  if (!given.classes.empty()) rules["classes"] = json::array(given.classes.begin(), given.classes.end());
  if (!rules.empty()) body[name] = std::move(rules);
  return {};
}

}  // namespace

std::string LeaseEnd::at(TimePoint now) const {
  if (!until.empty()) return until;
  return to_rfc3339(now + parse_duration(length, kLongestLease).value_or(Duration{}));
}

void add_lease_end(CLI::App& verb, LeaseEnd& given) {
  auto* until = verb.add_option("--until", given.until, "Its lease ends at this time (RFC 3339): it is switched off, and an hour later (leases.grace_s) deleted");
  until->check(CLI::Validator(&check_time, "", "time"))->type_name("TIME")->group(kGroup);
  verb.add_option("--for", given.length, "Its lease ends after this time (90m, 12h, 3d): switched off, and an hour later (leases.grace_s) deleted")
      ->check(CLI::Validator(&check_length, "", "length"))
      ->excludes(until)
      ->type_name("LENGTH")
      ->group(kGroup);
}

void add_placement_options(CLI::App& verb, PlacementOptions& given) {
  verb.add_option("--strategy", given.strategy,
                  "spread (the default: over sites and hosts) or pack (on few hosts, so that big requests still fit)")
      ->check(CLI::IsMember({"spread", "pack"}))
      ->type_name("WORD")
      ->group(kGroup);
  verb.add_flag("--apart", given.apart, "No two nodes of the cluster on one host")->group(kGroup);
  verb.add_option("--survive", given.survive, "The control plane survives the loss of any one host, room or site")
      ->check(CLI::IsMember({"host", "room", "site"}))
      ->type_name("WHAT")
      ->group(kGroup);
  add_lease_end(verb, given.end);
  add_hosts(verb, "", "host-class", "Workers", given.workers);
  add_hosts(verb, "control-plane-", "control-plane-class", "Control planes", given.control_planes);
}

Result<void> put_placement(const PlacementOptions& given, TimePoint now, json::object& body) {
  if (!given.strategy.empty()) body["strategy"] = given.strategy;
  if (given.apart) body["apart"] = true;
  if (!given.survive.empty()) body["survive"] = given.survive;
  if (given.end.given()) body["until"] = given.end.at(now);
  if (const auto put = put_hosts(given.workers, "worker_rules", body); !put) return put;
  return put_hosts(given.control_planes, "control_plane_rules", body);
}

Result<json::object> labels_of(const std::vector<std::string>& words, bool removals) {
  json::object labels;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals != std::string::npos && equals > 0) {
      labels[word.substr(0, equals)] = word.substr(equals + 1);
    } else if (removals && equals == std::string::npos && word.size() > 1 && word.back() == '-') {
      labels[word.substr(0, word.size() - 1)] = nullptr;
    } else {
      return Error{Errc::invalid_argument, "'" + word + "' is no label: KEY=VALUE" +
                                               (removals ? " sets one, KEY- takes it away" : " is wanted")};
    }
  }
  return labels;
}

}  // namespace dure::cli
