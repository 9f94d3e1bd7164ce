#include "controlnode/edges/http/tunnel_route.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "controlnode/edges/http/problem.h"

namespace dure::control {
namespace {

constexpr std::string_view kBefore = "/api/v1/clusters/";
constexpr std::string_view kBehind = "/tunnel";

// The cluster of a tunnel's path; nullopt for every other path.
std::optional<std::string> cluster_of(std::string_view path) {
  if (path.size() <= kBefore.size() + kBehind.size() || !path.starts_with(kBefore) ||
      !path.ends_with(kBehind)) {
    return std::nullopt;
  }
  path.remove_prefix(kBefore.size());
  path.remove_suffix(kBehind.size());
  if (path.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(path);
}

// One of the header's words, whatever its case: "keep-alive, Upgrade".
bool has_word(std::string list, std::string_view word) {
  std::transform(list.begin(), list.end(), list.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (std::size_t at = 0; at < list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    std::string_view one(list.data() + at, comma - at);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == word) return true;
    at = comma + 1;
  }
  return false;
}

}  // namespace

void TunnelRoute::handle(HttpRequest request, Respond respond) {
  const auto cluster = cluster_of(request.path);
  if (!cluster) return next_.handle(std::move(request), std::move(respond));
  if (request.method != "GET") {
    auto refused = problem(405, "method-not-allowed", request.method + " is not offered here");
    refused.headers.emplace_back("Allow", "GET");
    return respond(std::move(refused));
  }
  // A body would be taken for bytes of the stream by one side, and for a request's by the other.
  if (!has_word(request.header("connection"), "upgrade") || request.header("upgrade") != "dure-tunnel" ||
      !request.body.empty()) {
    auto refused = problem(426, "upgrade-required",
                           "this is no document: ask with Connection: Upgrade and Upgrade: dure-tunnel");
    refused.headers.emplace_back("Upgrade", "dure-tunnel");
    return respond(std::move(refused));
  }
  gate_.open(*cluster, [respond = std::move(respond)](Result<std::shared_ptr<TunnelStream>> stream) {
    if (!stream) return respond(problem(stream.error()));
    HttpResponse switching;
    switching.status = 101;
    switching.tunnel = std::move(*stream);
    respond(std::move(switching));
  });
}

}  // namespace dure::control
