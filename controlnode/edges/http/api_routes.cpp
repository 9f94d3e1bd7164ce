#include "controlnode/edges/http/api_routes.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <set>
#include <utility>

#include "common/log.h"
#include "common/sha256.h"
#include "controlnode/edges/http/access_routes.h"
#include "controlnode/edges/http/collections.h"
#include "controlnode/edges/http/placement_routes.h"
#include "controlnode/edges/http/plan_routes.h"
#include "controlnode/edges/http/problem.h"
#include "controlnode/edges/http/query_number.h"
#include "controlnode/edges/http/read_placement.h"
#include "controlnode/edges/http/read_request.h"
#include "controlnode/edges/http/render.h"
#include "controlnode/edges/http/text.h"

namespace dure::control {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxEvents = 1000;
constexpr std::uint64_t kOperations = 200, kMaxOperations = 1000;

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::size_t at = 1;
  while (at < path.size()) {
    const auto slash = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return parts;
}

// Takes as long for a wrong token as for the right one.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^
                  static_cast<unsigned char>(b.empty() ? '\0' : b[i % b.size()]);
  }
  return difference == 0;
}

HttpResponse no_route(const std::string& path) {
  return problem(404, "not-found", "there is nothing at " + clip(path, 200));
}

bool is_upload(const HttpRequest& request) {
  return request.method == "POST" && request.path == "/api/v1/blobs";
}

// The idempotency record of a request: the key names it, the digest over route and body tells
// whether it is the same request.
Result<Idempotency> idempotency_of(const HttpRequest& request) {
  Idempotency result;
  result.key = request.header("idempotency-key");
  const bool printable = std::all_of(result.key.begin(), result.key.end(),
                                     [](char c) { return c > 0x20 && c < 0x7f; });
  if (result.key.size() > 128 || !printable) {
    return Error{Errc::invalid_argument,
                 "Idempotency-Key wants 1 to 128 printable ASCII characters without spaces"};
  }
  Sha256 hash;
  for (const std::string_view part :
       {std::string_view(request.method), std::string_view("\n"), std::string_view(request.path),
        std::string_view("\n"), std::string_view(request.body)}) {
    hash.update(std::as_bytes(std::span(part.data(), part.size())));
  }
  result.request = hash.finish();
  return result;
}

std::optional<PowerAction> power_action(std::string_view word) {
  if (word == "stop") return PowerAction::stop;
  if (word == "start") return PowerAction::start;
  if (word == "reboot") return PowerAction::reboot;
  return std::nullopt;
}

}  // namespace

ApiRoutes::ApiRoutes(ApiOptions options, Api& api, BlobShelf& shelf, TaskRunner& tasks, TaskRunner& chores)
    : options_(std::move(options)), api_(api), shelf_(shelf), tasks_(tasks), chores_(chores) {}

std::optional<HttpResponse> ApiRoutes::refuse(const HttpRequest& header) {
  const auto& hosts = options_.host_names;
  if (std::find(hosts.begin(), hosts.end(), header.header("host")) == hosts.end()) {
    return problem(421, "misdirected", "this server does not answer for that Host");
  }
  if (header.path == "/healthz" || header.path == "/readyz") return std::nullopt;
  constexpr std::string_view scheme = "Bearer ";
  const auto given = header.header("authorization");
  // Without a configured token nobody may pass, not everybody.
  if (options_.token.empty() || !given.starts_with(scheme) ||
      !same_secret(std::string_view(given).substr(scheme.size()), options_.token)) {
    return problem(Error{Errc::unauthenticated,
                         "a bearer token is wanted; see DURE_TOKEN_FILE in 'dure help'"});
  }
  return std::nullopt;
}

std::optional<std::pair<std::string, std::uint64_t>> ApiRoutes::upload_to(
    const HttpRequest& header) {
  if (!is_upload(header)) return std::nullopt;
  return std::pair{shelf_.incoming(), options_.max_upload_bytes};
}

void ApiRoutes::handle(HttpRequest request, Respond respond) {
  const auto path = split(request.path);
  if (request.path == "/healthz") {
    HttpResponse alive;
    alive.content_type = "text/plain";
    alive.body = "ok\n";
    return respond(std::move(alive));
  }
  if (request.path == "/readyz") return get_ready(std::move(respond));
  if (path.size() < 3 || path[0] != "api" || path[1] != "v1") {
    return respond(no_route(request.path));
  }
  const Path rest(path.begin() + 2, path.end());
  if (is_upload(request)) return keep_blob(request, std::move(respond));
  if (request.method == "GET" || request.method == "HEAD") return get(request, rest, std::move(respond));
  if (request.method == "POST") return post(request, rest, std::move(respond));
  const bool changeable = rest.size() == 2 && (rest[0] == "hosts" || rest[0] == "clusters" || rest[0] == "projects");
  if (request.method == "PATCH" && changeable) return patch(request, rest, std::move(respond));
  if (request.method == "DELETE") return remove(request, rest, std::move(respond));
  auto refused = problem(405, "method-not-allowed", request.method + " is not offered here");
  refused.headers.emplace_back("Allow", changeable ? "GET, HEAD, POST, PATCH, DELETE" : "GET, HEAD, POST, DELETE");
  respond(std::move(refused));
}

void ApiRoutes::get_ready(Respond respond) {
  api_.query([respond](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    HttpResponse ready;
    ready.content_type = "text/plain";
    ready.body = "ready\n";
    respond(std::move(ready));
  });
}

void ApiRoutes::get(const HttpRequest& request, const Path& path, Respond respond) {
  if (path.size() == 1 && path[0] == "version") {
    return respond(answer(200, json::object{{"version", DURE_VERSION},
                                            {"api", "v1"},
                                            {"api_extensions", json::array{"kubernetes", "leases", "lost-hosts", "power", "cancel"}}}));
  }
  if (path.size() == 1 && path[0] == "events") return get_events(request, std::move(respond));
  if (path.size() == 2 && path[0] == "blobs") {
    const auto digest = Digest::parse(path[1]);
    const auto size = digest ? shelf_.size_of(*digest) : std::nullopt;
    if (!size) return respond(problem(404, "not-found", "no blob " + clip(path[1], 80)));
    return respond(answer(200, json::object{{"sha256", path[1]}, {"size_bytes", *size}}));
  }
  if (path.size() == 3 && is_accesses(path)) return list_accesses(api_, path[1], respond);
  if (is_placements(path)) return get_placements(api_, request, path, respond);
  if (is_plan(path) && path[1] == "capacity") return get_capacity(api_, request, respond);
  if (is_plan(path) && path[1] == "rebalance") return get_rebalancing(api_, request, respond);
  if (!path.empty() && path.size() <= 2 && collection(path[0]) != nullptr) {
    if (path.size() == 1 && path[0] == "operations") return get_operations(request, respond);
    if (path.size() == 1) return get_list(request, path[0], std::move(respond));
    return get_one(path[0], path[1], std::move(respond));
  }
  respond(no_route(request.path));
}

void ApiRoutes::get_list(const HttpRequest& request, const std::string& kind, Respond respond) {
  api_.query([respond, request, kind](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    respond(answer(200, json::object{{"items", collection(kind)->list(*model, request)}}));
  });
}

// A page of the newest, older than `before`; within it the oldest first, as their ids rise.
void ApiRoutes::get_operations(const HttpRequest& request, const Respond& respond) {
  std::vector<Fault> faults;
  const auto limit = query_number(request, "limit", {1, kMaxOperations}, kOperations, faults);
  std::optional<OperationId> before;
  if (const auto given = request.query.find("before"); given != request.query.end()) {
    before = OperationId::parse(given->second);
    if (!before) faults.push_back({"?before", "an operation's id is wanted"});
  }
  if (!faults.empty()) return respond(problem(faults));
  const auto named = request.query.find("cluster");
  const std::string cluster = named == request.query.end() ? std::string() : named->second;
  api_.query([respond, limit, before, cluster, any = named == request.query.end()](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    const auto& rows = (*model)->operations;
    auto at = before ? rows.lower_bound(*before) : rows.end();
    std::vector<const Operation*> page;
    bool more = false;
    while (at != rows.begin() && !more) {
      --at;
      if (!any && at->second.cluster_name != cluster && at->second.cluster.str() != cluster) continue;
      more = page.size() == limit;
      if (!more) page.push_back(&at->second);
    }
    std::reverse(page.begin(), page.end());
    json::array items;
    for (const Operation* row : page) items.push_back(render(*row));
    json::object body{{"items", std::move(items)}, {"before", nullptr}};
    if (more) body["before"] = page.front()->id.str();
    respond(answer(200, body));
  });
}

void ApiRoutes::get_one(const std::string& kind, const std::string& name, Respond respond) {
  api_.query([respond, kind, name](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    const auto found = collection(kind)->find(*model, name);
    respond(found ? answer(200, *found) : problem(found.error()));
  });
}

void ApiRoutes::get_events(const HttpRequest& request, Respond respond) {
  std::vector<Fault> faults;
  const auto after = query_number(request, "after", {}, 0, faults);
  const auto limit = query_number(request, "limit", {}, 100, faults);
  const auto tail = query_number(request, "tail", {}, 0, faults);
  if (!faults.empty()) return respond(problem(faults));
  if (request.query.count("tail") == 0) {
    // The database counts in signed 64 bit.
    return read_events(std::min<std::uint64_t>(after, INT64_MAX),
                       std::min<std::uint64_t>(limit, kMaxEvents), respond);
  }
  const auto newest = std::min<std::uint64_t>(tail, kMaxEvents);
  api_.query([this, newest, respond](const Result<ModelView>& model) {
    if (!model) return respond(problem(model.error()));
    const auto last = (*model)->last_event;
    read_events(last > newest ? last - newest : 0, newest, respond);
  });
}

void ApiRoutes::read_events(std::uint64_t after, std::uint64_t limit, Respond respond) {
  api_.events(after, static_cast<std::size_t>(limit),
              [respond, after](const Result<std::vector<EventRow>>& rows) {
                if (!rows) return respond(problem(rows.error()));
                json::array items;
                for (const auto& row : *rows) items.push_back(render(row));
                const auto last = rows->empty() ? after : rows->back().number;
                respond(answer(200, json::object{{"items", std::move(items)}, {"last", last}}));
              });
}

void ApiRoutes::submit(Request request, Respond respond) {
  api_.submit(std::move(request), [respond](const Result<Reply>& reply) {
    if (!reply) return respond(problem(reply.error()));
    if (const auto* refused = std::get_if<Refused>(&*reply)) return respond(problem(*refused));
    const auto& accepted = std::get<Accepted>(*reply);
    auto response = answer(accepted.operation ? 202 : 200, render(accepted));
    if (accepted.operation) {
      response.headers.emplace_back("Location",
                                    "/api/v1/operations/" + accepted.operation->str());
    }
    respond(std::move(response));
  });
}

namespace {

// The value, or the answer that lists what is wrong with the body.
template <class T>
std::variant<Request, HttpResponse> as_request(ReadResult<T>&& read) {
  if (auto* faults = std::get_if<std::vector<Fault>>(&read)) return problem(*faults);
  return Request{std::get<T>(std::move(read))};
}

std::optional<std::variant<Request, HttpResponse>> read_admin_post(
    const HttpRequest& request, const std::vector<std::string>& path) {
  if (path.size() == 1) {
    if (path[0] == "sites") return as_request(read_create_site(request.body));
    if (path[0] == "hosts") return as_request(read_add_host(request.body));
    if (path[0] == "flavors") return as_request(read_create_flavor(request.body));
    if (path[0] == "images") return as_request(read_create_image(request.body));
    if (path[0] == "keypairs") return as_request(read_create_key_pair(request.body));
    if (path[0] == "projects") return as_request(read_create_project(request.body));
  }
  if (path.size() == 3 && path[0] == "hosts") {
    if (path[2] == "cordon" || path[2] == "uncordon") return Request{CordonHost{path[1], path[2] == "cordon"}};
    if (path[2] == "lost") return as_request(read_lose_host(path[1], request.body));
    if (path[2] == "replace") return as_request(read_replace_host(path[1], request.body));
  }
  return std::nullopt;
}

}  // namespace

void ApiRoutes::post(const HttpRequest& request, const Path& path, Respond respond) {
  if (path[0] == "clusters") return post_cluster(request, path, std::move(respond));
  if (path[0] == "operations") return post_operation(request, path, std::move(respond));
  if (is_plan(path) && path[1] == "what-if") return post_what_if(api_, request.body, respond);
  auto read = read_admin_post(request, path);
  if (!read) return respond(no_route(request.path));
  if (auto* wrong = std::get_if<HttpResponse>(&*read)) return respond(std::move(*wrong));
  auto wanted = std::get<Request>(std::move(*read));
  if (const auto* image = std::get_if<CreateImage>(&wanted)) {
    // An image may only name what agents can fetch.
    for (const auto* blob : {&image->disk, &image->kernel, &image->initrd}) {
      shelf_.touch(blob->digest);
      if (blob->size_bytes > 0 && shelf_.size_of(blob->digest) != blob->size_bytes) {
        return respond(problem(Error{Errc::not_found,
                                     "blob " + blob->digest.str() +
                                         " of that size is not here; upload it to /api/v1/blobs"}));
      }
    }
  }
  submit(std::move(wanted), std::move(respond));
}

void ApiRoutes::patch(const HttpRequest& request, const Path& path, Respond respond) {
  auto read = path[0] == "hosts"      ? as_request(read_update_host(path[1], request.body))
              : path[0] == "clusters" ? as_request(read_extend_cluster(path[1], request.body))
                                      : as_request(read_update_project(path[1], request.body));
  if (auto* wrong = std::get_if<HttpResponse>(&read)) return respond(std::move(*wrong));
  submit(std::get<Request>(std::move(read)), std::move(respond));
}

void ApiRoutes::post_cluster(const HttpRequest& request, const Path& path, Respond respond) {
  auto idempotency = idempotency_of(request);
  if (!idempotency) return respond(problem(idempotency.error()));
  if (path.size() == 1) {
    auto read = read_create_cluster(request.body);
    if (auto* faults = std::get_if<std::vector<Fault>>(&read)) return respond(problem(*faults));
    auto wanted = std::get<CreateCluster>(std::move(read));
    wanted.idempotency = *idempotency;
    return submit(std::move(wanted), std::move(respond));
  }
  if (path.size() == 3 && is_accesses(path)) {
    return give_access(api_, path[1], request.body, respond);
  }
  if (path.size() == 5 && path[2] == "nodes") {
    const auto action = power_action(path[4]);
    if (!action) return respond(no_route(request.path));
    return submit(PowerNode{path[1], path[3], *action}, std::move(respond));
  }
  if (path.size() == 3 && path[2] == "repair") {
    auto read = read_repair_cluster(path[1], request.body);
    if (auto* faults = std::get_if<std::vector<Fault>>(&read)) return respond(problem(*faults));
    auto wanted = std::get<RepairCluster>(std::move(read));
    wanted.idempotency = *idempotency;
    return submit(std::move(wanted), std::move(respond));
  }
  if (path.size() == 3 && path[2] == "replace") {
    auto read = read_replace_node(path[1], request.body);
    if (auto* faults = std::get_if<std::vector<Fault>>(&read)) return respond(problem(*faults));
    auto wanted = std::get<ReplaceNode>(std::move(read));
    wanted.idempotency = *idempotency;
    return submit(std::move(wanted), std::move(respond));
  }
  if (path.size() == 3 && path[2] == "scale") {
    auto read = read_scale_cluster(path[1], request.body);
    if (auto* faults = std::get_if<std::vector<Fault>>(&read)) return respond(problem(*faults));
    auto wanted = std::get<ScaleCluster>(std::move(read));
    wanted.idempotency = *idempotency;
    return submit(std::move(wanted), std::move(respond));
  }
  respond(no_route(request.path));
}

void ApiRoutes::post_operation(const HttpRequest& request, const Path& path, Respond respond) {
  if (path.size() != 3 || path[2] != "cancel") return respond(no_route(request.path));
  const auto id = OperationId::parse(path[1]);
  if (!id) return respond(problem(404, "not-found", "there is no operation '" + clip(path[1], 80) + "'"));
  submit(CancelOperation{*id}, std::move(respond));
}

void ApiRoutes::remove(const HttpRequest& request, const Path& path, Respond respond) {
  if (path.size() == 4 && is_accesses(path)) return revoke_access(api_, path[1], path[3], respond);
  if (path.size() != 2 || collection(path[0]) == nullptr) return respond(no_route(request.path));
  if (path[0] == "clusters") {
    auto idempotency = idempotency_of(request);
    if (!idempotency) return respond(problem(idempotency.error()));
    return submit(DeleteCluster{path[1], *idempotency}, std::move(respond));
  }
  if (path[0] == "nodes" || path[0] == "operations") {
    return respond(problem(405, "method-not-allowed",
                           path[0] == "nodes" ? "nodes go with their cluster: scale or delete it"
                                              : "operations are history"));
  }
  if (path[0] != "images") return submit(DeleteObject{singular(path[0]), path[1]}, std::move(respond));
  submit(DeleteObject{"image", path[1]}, [this, respond = std::move(respond)](HttpResponse response) {
    if (response.status == 200) tidy();
    respond(std::move(response));
  });
}

void ApiRoutes::tick(SteadyPoint now) {
  if (now < next_tidy_) return;
  next_tidy_ = now + options_.tidy_every;
  tidy();
}

void ApiRoutes::tidy() {
  api_.query([this](const Result<ModelView>& model) {
    if (!model || tidying_.exchange(true)) return;
    std::set<Digest> referred;
    for (const auto& [id, image] : (*model)->images) {
      for (const auto* blob : {&image.disk, &image.kernel, &image.initrd}) referred.insert(blob->digest);
    }
    chores_.run([this, referred = std::move(referred)] {
      tidying_ = false;
      const auto swept = shelf_.sweep(referred, options_.blobs_kept);
      if (swept.files > 0) {
        log::info("blobs removed that no image has", {{"files", std::to_string(swept.files)}, {"bytes", std::to_string(swept.bytes)}});
      }
    });
  });
}

void ApiRoutes::keep_blob(const HttpRequest& request, Respond respond) {
  Digest expected;
  if (const auto given = request.query.find("sha256"); given != request.query.end()) {
    const auto digest = Digest::parse(given->second);
    if (!digest) {
      std::remove(request.uploaded_file.c_str());
      return respond(
          problem(std::vector<Fault>{{"?sha256", "64 lower-case hexadecimal digits are wanted"}}));
    }
    expected = *digest;
  }
  // Hashing gigabytes would hold up every other connection, and so would waiting until others are hashed.
  const bool taken = tasks_.try_run([this, file = request.uploaded_file, expected, respond] {
    auto kept = shelf_.keep(file, expected);
    if (!kept) {
      std::remove(file.c_str());
      // Damaged on the way: the sender's to repair, not our stored bytes.
      const bool damaged = kept.error().code == Errc::corrupt;
      return respond(damaged ? problem(400, "corrupt", kept.error().message)
                             : problem(kept.error()));
    }
    respond(answer(201, json::object{{"sha256", kept->digest.str()},
                                     {"size_bytes", kept->size_bytes}}));
  });
  if (taken) return;
  std::remove(request.uploaded_file.c_str());
  respond(problem(Error{Errc::unavailable, "too many uploads wait to be checked; send it again later"}));
}

}  // namespace dure::control
