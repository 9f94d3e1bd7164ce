#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/ports.h"
#include "controlnode/edges/http/blob_shelf.h"
#include "controlnode/edges/http/http_message.h"
#include "controlnode/ports/api.h"

namespace dure::control {

struct ApiOptions {
  std::string token;                       // the bearer token; compared in constant time
  std::vector<std::string> host_names;     // accepted Host headers (against DNS rebinding)
  std::uint64_t max_upload_bytes = 64ULL << 30;
  // A blob that no image has yet is one of an import that is under way, for so long.
  Duration blobs_kept = std::chrono::hours(1);
  Duration tidy_every = std::chrono::hours(1);
};

// The REST API under /api/v1, and /healthz, /readyz. See docs in README.md for every route.
class ApiRoutes : public HttpHandler {
 public:
  // `tasks`: for what a request waits for. `chores`: for what nobody waits for; one thread will do.
  ApiRoutes(ApiOptions options, Api& api, BlobShelf& shelf, TaskRunner& tasks, TaskRunner& chores);

  std::optional<HttpResponse> refuse(const HttpRequest& header) override;
  std::optional<std::pair<std::string, std::uint64_t>> upload_to(const HttpRequest& header) override;
  void handle(HttpRequest request, Respond respond) override;

  // Now and then, from one thread. Removes, elsewhere, the blobs that no image has: of imports that were given up.
  void tick(SteadyPoint now);

 private:
  using Path = std::vector<std::string>;

  void get(const HttpRequest& request, const Path& path, Respond respond);
  void get_list(const HttpRequest& request, const std::string& kind, Respond respond);
  void get_operations(const HttpRequest& request, const Respond& respond);
  void get_one(const std::string& kind, const std::string& name, Respond respond);
  void get_events(const HttpRequest& request, Respond respond);
  void read_events(std::uint64_t after, std::uint64_t limit, Respond respond);
  void get_ready(Respond respond);
  void post(const HttpRequest& request, const Path& path, Respond respond);
  void patch(const HttpRequest& request, const Path& path, Respond respond);
  void post_cluster(const HttpRequest& request, const Path& path, Respond respond);
  void post_operation(const HttpRequest& request, const Path& path, Respond respond);
  void remove(const HttpRequest& request, const Path& path, Respond respond);
  void keep_blob(const HttpRequest& request, Respond respond);
  void submit(Request request, Respond respond);
  void tidy();

  ApiOptions options_;
  Api& api_;
  BlobShelf& shelf_;
  TaskRunner& tasks_;
  TaskRunner& chores_;
  std::atomic<bool> tidying_ = false;  // at most one waits in the queue: the deciding thread must not
  SteadyPoint next_tidy_;
};

}  // namespace dure::control
