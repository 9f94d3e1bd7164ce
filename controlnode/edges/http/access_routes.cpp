#include "controlnode/edges/http/access_routes.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/edges/http/problem.h"
#include "controlnode/edges/http/read_request.h"
#include "controlnode/edges/http/render.h"

namespace dure::control {
namespace {

namespace json = boost::json;

// The answer that carries the key. Nothing of it may be in an error's text.
HttpResponse handed_out(const Accepted& accepted) {
  json::error_code error;
  auto kubeconfig = json::parse(accepted.kubeconfig, error);
  if (error || !kubeconfig.is_object() || !accepted.access) {
    return problem(Error{Errc::internal, "the credential could not be made"});
  }
  const auto& access = *accepted.access;
  auto response = answer(201, json::object{{"id", access.id.str()},
                                           {"user", access.user},
                                           {"cluster", accepted.name},
                                           {"issued_at", to_rfc3339(access.issued_at)},
                                           {"expires_at", to_rfc3339(access.expires_at)},
                                           {"kubeconfig", std::move(kubeconfig)}});
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// What was accepted, or the problem it ended in.
template <class Show>
void submit(Api& api, Request request, const Respond& respond, Show show) {
  api.submit(std::move(request), [respond, show](const Result<Reply>& reply) {
    if (!reply) return respond(problem(reply.error()));
    if (const auto* refused = std::get_if<Refused>(&*reply)) return respond(problem(*refused));
    respond(show(std::get<Accepted>(*reply)));
  });
}

}  // namespace

bool is_accesses(const std::vector<std::string>& path) {
  return path.size() >= 3 && path[0] == "clusters" && path[2] == "accesses";
}

void give_access(Api& api, const std::string& cluster, const std::string& body, const Respond& respond) {
  auto read = read_give_access(cluster, body);
  if (auto* faults = std::get_if<std::vector<Fault>>(&read)) return respond(problem(*faults));
  submit(api, std::get<GiveAccess>(std::move(read)), respond, &handed_out);
}

void list_accesses(Api& api, const std::string& cluster, const Respond& respond) {
  api.query([respond, cluster](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    const auto found = find_cluster(**model, cluster);
    if (!found) return respond(problem(found.error()));
    std::vector<const ClusterAccess*> rows;
    for (const auto& [id, access] : (*model)->accesses) {
      if (access.cluster == found->id) rows.push_back(&access);
    }
    std::stable_sort(rows.begin(), rows.end(), [](const ClusterAccess* a, const ClusterAccess* b) {
      return a->issued_at < b->issued_at;
    });
    json::array items;
    for (const auto* access : rows) items.push_back(render(**model, *access));
    respond(answer(200, json::object{{"items", std::move(items)}}));
  });
}

void revoke_access(Api& api, const std::string& cluster, const std::string& user, const Respond& respond) {
  submit(api, RevokeAccess{cluster, user}, respond, [user](const Accepted& accepted) {
    return answer(200, json::object{{"id", accepted.object.str()},
                                    {"user", user},
                                    {"cluster", accepted.name},
                                    {"revoked", true}});
  });
}

}  // namespace dure::control
