#include "controlnode/edges/http/placement_routes.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <map>
#include <memory>
#include <utility>
#include <variant>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/lifecycle.h"
#include "controlnode/core/placement/verdicts.h"
#include "controlnode/edges/http/problem.h"
#include "controlnode/edges/http/query_number.h"
#include "controlnode/edges/http/render.h"
#include "controlnode/edges/http/text.h"

namespace dure::control {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kMostListed = 1000;
constexpr std::uint64_t kMostExplained = 10;
constexpr std::uint64_t kMostHosts = 5000;

using SiteNames = std::map<SiteId, std::string>;

// How much is asked for.
struct Page {
  std::uint64_t before = 0, limit = 0, hosts = 0;
};

std::variant<Page, std::vector<Fault>> page_of(const HttpRequest& request, std::uint64_t limit, std::uint64_t most) {
  Page page{0, limit, 200};
  std::vector<Fault> faults;
  page.before = query_number(request, "before", {1, INT64_MAX}, page.before, faults);
  page.limit = query_number(request, "limit", {1, most}, page.limit, faults);
  page.hosts = query_number(request, "hosts", {1, kMostHosts}, page.hosts, faults);
  if (!faults.empty()) return faults;
  return page;
}

// Without what needs its fleet.
json::object render(const PlacementRecord& record) {
  return {{"number", record.number},
          {"at", to_rfc3339(record.at)},
          {"kind", to_string(record.kind)},
          {"cluster", record.cluster_name},
          {"cluster_id", record.cluster.str()},
          {"nodes", record.wanted.size()},
          {"outcome", record.refused() ? "refused" : "placed"},
          {"summary", record.summary}};
}

std::string name_in(const SiteNames& sites, const SiteId& site) {
  const auto found = sites.find(site);
  return found == sites.end() ? site.str() : found->second;
}

json::object render(const Turn& turn) {
  return {{"node", turn.node},
          {"role", to_string(turn.role)},
          {"vcpus", turn.wanted.vcpus},
          {"memory_mib", turn.wanted.memory_mib},
          {"disk_gib", turn.wanted.disk_gib}};
}

bool fits_all(const HostVerdict& host) {
  return std::all_of(host.lacks.begin(), host.lacks.end(), [](const auto& lacks) { return lacks.empty(); });
}

// Chosen first, then those that fit too, then the others.
int place_in_list(const HostVerdict& host) {
  if (!host.chosen.empty()) return 0;
  return fits_all(host) ? 1 : 2;
}
constexpr const char* kVerdicts[] = {"chosen", "fits", "lacks"};

json::object render(const HostVerdict& host, const std::vector<Turn>& turns, const SiteNames& sites) {
  json::array nodes, lacks;
  for (const std::string& node : host.chosen) nodes.emplace_back(node);
  for (std::size_t i = 0; i < host.lacks.size() && i < turns.size(); ++i) {
    for (const Refusal& refusal : host.lacks[i]) {
      lacks.push_back(json::object{{"node", turns[i].node},
                                   {"role", to_string(turns[i].role)},
                                   {"dimension", to_string(refusal.dimension)},
                                   {"wanted", refusal.wanted},
                                   {"free", refusal.free},
                                   {"total", refusal.total},
                                   {"detail", refusal.detail}});
    }
  }
  return {{"host", host.name},
          {"site", name_in(sites, host.site)},
          {"room", host.room},
          {"verdict", kVerdicts[place_in_list(host)]},
          {"nodes", std::move(nodes)},
          {"lacks", std::move(lacks)}};
}

void add_verdicts(json::object& shown, Verdicts seen, std::uint64_t most, const SiteNames& sites) {
  json::array plan, turns, hosts;
  std::map<HostId, const HostVerdict*> by_id;
  for (const HostVerdict& host : seen.hosts) by_id.emplace(host.host, &host);
  for (const NodeChoice& choice : seen.nodes) {
    json::object one{{"name", choice.node},
                     {"role", to_string(choice.role)},
                     {"host", choice.host_name},
                     {"site", name_in(sites, by_id.at(choice.host)->site)},
                     {"fitting_hosts", nullptr},
                     {"why", choice.why}};
    if (choice.fitting) one["fitting_hosts"] = *choice.fitting;
    plan.push_back(std::move(one));
  }
  for (const Turn& turn : seen.turns) turns.push_back(render(turn));
  std::array<std::uint64_t, 3> counts{};
  for (const HostVerdict& host : seen.hosts) ++counts[static_cast<std::size_t>(place_in_list(host))];
  std::stable_sort(seen.hosts.begin(), seen.hosts.end(), [](const HostVerdict& a, const HostVerdict& b) {
    return std::pair(place_in_list(a), a.name) < std::pair(place_in_list(b), b.name);
  });
  for (const HostVerdict& host : seen.hosts) {
    if (hosts.size() < most) hosts.push_back(render(host, seen.turns, sites));
  }
  shown["plan"] = std::move(plan);
  shown["turns"] = std::move(turns);
  shown["verdicts"] = json::object{{"chosen", counts[0]}, {"fits", counts[1]}, {"lacks", counts[2]}};
  shown["hosts"] = std::move(hosts);
}

json::object replay_of(const Replayed& again) {
  json::array differences;
  if (!again.placements) differences.emplace_back("placements");
  if (!again.unplaced) differences.emplace_back("unplaced");
  if (!again.refusals) differences.emplace_back("refusals");
  if (!again.summary) differences.emplace_back("summary");
  return {{"identical", again.identical()}, {"differences", std::move(differences)}};
}

json::object explained(RecordedPlacement&& found, std::uint64_t most, const SiteNames& sites) {
  const auto again = replay(found.record, std::move(found.fleet));
  auto shown = render(found.record);
  add_verdicts(shown, verdicts(found.record, again), most, sites);
  json::array remedies;
  for (const auto& [code, text] : found.record.remedies) {
    remedies.push_back(json::object{{"code", code}, {"detail", text}});
  }
  shown["remedies"] = std::move(remedies);
  shown["replay"] = replay_of(again);
  return shown;
}

// The records of one cluster, explained one after the other: decisions come in between.
struct Explaining {
  Api& api;
  Respond respond;
  SiteNames sites;
  std::uint64_t hosts = 0;
  std::vector<std::uint64_t> left{};  // newest at the end
  json::array items{};
};

void explain_next(const std::shared_ptr<Explaining>& work) {
  if (work->left.empty()) {
    return work->respond(answer(200, json::object{{"items", std::move(work->items)}}));
  }
  const std::uint64_t number = work->left.back();
  work->left.pop_back();
  work->api.placement(number, [work](Result<RecordedPlacement> found) {
    if (!found && found.error().code != Errc::not_found) return work->respond(problem(found.error()));
    // What has been dropped since it was listed is left out.
    if (found) work->items.push_back(explained(std::move(*found), work->hosts, work->sites));
    explain_next(work);
  });
}

SiteNames names_of(const Model& model) {
  SiteNames names;
  for (const auto& [id, site] : model.sites) names.emplace(id, site.name);
  return names;
}

void get_of_cluster(Api& api, const std::string& name, const Page& page, const Respond& respond) {
  api.query([&api, name, page, respond](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    const auto cluster = find_cluster(**model, name);
    if (!cluster && cluster.error().code != Errc::not_found) return respond(problem(cluster.error()));
    PlacementQuery query{{}, name, page.before, static_cast<std::size_t>(page.limit)};
    // One that is gone, or was refused, is known by its name alone.
    if (cluster) {
      query.cluster = cluster->id;
      query.cluster_name = cluster->name;
    }
    const Error missing = cluster ? Error{} : cluster.error();
    auto work = std::make_shared<Explaining>(Explaining{api, respond, names_of(**model), page.hosts});
    api.placements(query, [work, query, missing](const Result<std::vector<PlacementRecord>>& records) {
      if (!records) return work->respond(problem(records.error()));
      if (records->empty() && !query.cluster && query.before == 0) return work->respond(problem(missing));
      for (const PlacementRecord& record : *records) work->left.push_back(record.number);
      std::reverse(work->left.begin(), work->left.end());
      explain_next(work);
    });
  });
}

void get_one(Api& api, std::uint64_t number, const Page& page, const Respond& respond) {
  api.query([&api, number, page, respond](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    api.placement(number, [respond, page, sites = names_of(**model)](Result<RecordedPlacement> found) {
      if (!found) return respond(problem(found.error()));
      respond(answer(200, explained(std::move(*found), page.hosts, sites)));
    });
  });
}

void get_latest(Api& api, const Page& page, const Respond& respond) {
  api.placements({{}, {}, page.before, static_cast<std::size_t>(page.limit)},
                 [respond](const Result<std::vector<PlacementRecord>>& records) {
                   if (!records) return respond(problem(records.error()));
                   json::array items;
                   for (const PlacementRecord& record : *records) items.push_back(render(record));
                   respond(answer(200, json::object{{"items", std::move(items)}}));
                 });
}

}  // namespace

bool is_placements(const std::vector<std::string>& path) {
  if (path.empty()) return false;
  if (path[0] == "placements") return path.size() <= 2;
  return path.size() == 3 && path[0] == "clusters" && path[2] == "placements";
}

void get_placements(Api& api, const HttpRequest& request, const std::vector<std::string>& path,
                    const Respond& respond) {
  const bool of_cluster = path[0] == "clusters";
  const auto page = of_cluster ? page_of(request, 1, kMostExplained) : page_of(request, 50, kMostListed);
  if (const auto* faults = std::get_if<std::vector<Fault>>(&page)) return respond(problem(*faults));
  const Page& asked = std::get<Page>(page);
  if (of_cluster) return get_of_cluster(api, path[1], asked, respond);
  if (path.size() == 1) return get_latest(api, asked, respond);
  const auto number = number_of(path[1]);
  if (!number || *number > INT64_MAX) {
    return respond(problem(Error{Errc::not_found, "there is no decision '" + clip(path[1], 80) + "'; see /placements"}));
  }
  get_one(api, *number, asked, respond);
}

}  // namespace dure::control
