#include "controlnode/edges/http/plan_routes.h"

#include <boost/json.hpp>
#include <map>
#include <optional>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/placement/capacity.h"
#include "controlnode/core/placement/rebalance.h"
#include "controlnode/core/placement_policy.h"
#include "controlnode/edges/http/problem.h"
#include "controlnode/edges/http/query_number.h"
#include "controlnode/edges/http/read_request.h"
#include "controlnode/edges/http/render.h"
#include "controlnode/edges/http/text.h"

namespace dure::control {
namespace {

namespace json = boost::json;

constexpr std::size_t kMoves = 10;
constexpr std::size_t kMostMoves = 100;
constexpr std::uint64_t kHours = 24;        // of the time to come whose capacity is told
constexpr std::uint64_t kMostHours = 168;
constexpr std::uint64_t kMostStay = 30 * 24 * 3600;  // seconds

template <class Rows, class Id>
std::string name_of(const Rows& rows, const Id& id) {
  const auto found = rows.find(id);
  return found == rows.end() ? id.str() : found->second.name;
}

json::array sites_of(const Model& model, const CapacityAt& here) {
  json::array items;
  for (const SiteCapacity& row : here.sites) {
    items.push_back(json::object{{"site", name_of(model.sites, row.site)},
                                 {"flavor", row.flavor},
                                 {"fits", row.fits},
                                 {"hosts", row.hosts}});
  }
  return items;
}

std::vector<Resident> residents(const Model& model) {
  std::vector<Resident> all;
  for (const auto& [id, claim] : model.claims) {
    const auto node = model.nodes.find(id);
    // A node that leaves is not worth a move.
    if (node == model.nodes.end() || node->second.state != NodeState::ready) continue;
    all.push_back({id, node->second.cluster, node->second.role, claim.host, claim.amount});
  }
  return all;
}

std::map<ClusterId, PlacementPolicy> policies(const Model& model, TimePoint now) {
  std::map<ClusterId, PlacementPolicy> all;
  for (const auto& [id, cluster] : model.clusters) all.emplace(id, placement_policy(cluster, now));
  return all;
}

json::object render(const Model& model, const std::string& flavor, const Rebalancing& plan) {
  json::array moves, emptied;
  for (const Move& move : plan.moves) {
    moves.push_back(json::object{{"node", name_of(model.nodes, move.node)},
                                 {"from", name_of(model.hosts, move.from)},
                                 {"to", name_of(model.hosts, move.to)}});
  }
  for (const HostId& host : plan.emptied) emptied.emplace_back(name_of(model.hosts, host));
  return {{"flavor", flavor},
          {"fits_before", plan.fits_before},
          {"fits_after", plan.fits_after},
          {"emptied", std::move(emptied)},
          {"items", std::move(moves)}};
}

json::object render(const Model& model, const CapacityCurve& curve) {
  json::array later;
  for (std::size_t i = 1; i < curve.instants.size(); ++i) {
    later.push_back(json::object{{"at", to_rfc3339(curve.instants[i].at)}, {"items", sites_of(model, curve.instants[i])}});
  }
  return {{"at", to_rfc3339(curve.instants.front().at)},
          {"items", sites_of(model, curve.instants.front())},
          {"later", std::move(later)},
          {"until", to_rfc3339(curve.until)}};
}

}  // namespace

bool is_plan(const std::vector<std::string>& path) { return path.size() == 2 && path[0] == "plan"; }

void get_capacity(Api& api, const HttpRequest& request, const Respond& respond) {
  std::vector<Fault> faults;
  const Duration hours = std::chrono::hours(query_number(request, "hours", {0, kMostHours}, kHours, faults));
  const auto stay_s = query_number(request, "stay_s", {1, kMostStay}, 0, faults);
  if (!faults.empty()) return respond(problem(faults));
  std::optional<Duration> stay;
  if (stay_s > 0) stay = std::chrono::seconds(stay_s);
  api.query([respond, hours, stay](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    const Now& now = model->now();
    std::vector<FlavorOffer> flavors;
    for (const auto& [id, flavor] : (*model)->flavors) flavors.push_back({flavor.name, amount_of(flavor)});
    respond(answer(200, render(**model, capacity(candidates(**model, now), flavors, now.date, now.date + hours, stay))));
  });
}

void get_rebalancing(Api& api, const HttpRequest& request, const Respond& respond) {
  std::vector<Fault> faults;
  const auto moves = query_number(request, "moves", {1, kMostMoves}, kMoves, faults);
  if (!faults.empty()) return respond(problem(faults));
  const auto named = request.query.find("flavor");
  const std::string name = named == request.query.end() ? std::string() : named->second;
  api.query([respond, name, moves](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    const Flavor* flavor = find_by_name((*model)->flavors, name);
    if (flavor == nullptr) {
      return respond(problem(Error{Errc::not_found, "there is no flavor '" + clip(name, 80) + "'; name one with ?flavor="}));
    }
    const auto plan = rebalance(candidates(**model, model->now()), residents(**model), amount_of(*flavor), moves,
                                policies(**model, model->now().date));
    respond(answer(200, render(**model, flavor->name, plan)));
  });
}

void post_what_if(Api& api, const std::string& body, const Respond& respond) {
  auto read = read_what_if(body);
  if (auto* faults = std::get_if<std::vector<Fault>>(&read)) return respond(problem(*faults));
  api.query([respond, asked = std::get<WhatIf>(std::move(read))](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    const Reply reply = what_if(**model, asked, model->now());
    if (const auto* refused = std::get_if<Refused>(&reply)) return respond(problem(*refused));
    const auto shown = control::render(std::get<Accepted>(reply));
    respond(answer(200, json::object{{"plan", shown.at("plan")}}));
  });
}

}  // namespace dure::control
