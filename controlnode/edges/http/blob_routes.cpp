#include "controlnode/edges/http/blob_routes.h"

#include <charconv>

namespace dure::control {
namespace {

constexpr std::string_view kPrefix = "/blobs/";

HttpResponse plain(unsigned status, const std::string& text) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain";
  response.body = text + "\n";
  return response;
}

// "bytes=N-" or "bytes=N-M"; nullopt for anything else, also for several ranges.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_range(std::string_view text,
                                                                   std::uint64_t size) {
  constexpr std::string_view unit = "bytes=";
  if (!text.starts_with(unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  const auto dash = text.find('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  std::uint64_t first = 0, last = size - 1;
  const auto number = [](std::string_view digits, std::uint64_t& into) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    return error == std::errc{} && end == digits.data() + digits.size();
  };
  if (!number(text.substr(0, dash), first)) return std::nullopt;
  const auto rest = text.substr(dash + 1);
  if (!rest.empty() && !number(rest, last)) return std::nullopt;
  if (first >= size || last < first) return std::nullopt;
  return std::pair{first, std::min(last, size - 1)};
}

}  // namespace

std::optional<HttpResponse> BlobRoutes::refuse(const HttpRequest& header) {
  if (header.method == "GET" || header.method == "HEAD") return std::nullopt;
  auto refused = plain(405, "read only");
  refused.headers.emplace_back("Allow", "GET, HEAD");
  return refused;
}

void BlobRoutes::handle(HttpRequest request, Respond respond) {
  const auto digest = request.path.starts_with(kPrefix)
                          ? Digest::parse(std::string_view(request.path).substr(kPrefix.size()))
                          : std::nullopt;
  const auto size = digest ? shelf_.size_of(*digest) : std::nullopt;
  if (!size || *size == 0) return respond(plain(404, "no such blob"));
  HttpResponse response;
  response.content_type = "application/octet-stream";
  response.headers = {{"Accept-Ranges", "bytes"}, {"ETag", "\"" + digest->str() + "\""}};
  FilePart part{shelf_.path_of(*digest), 0, *size};
  if (const auto wanted = request.header("range"); !wanted.empty()) {
    const auto range = parse_range(wanted, *size);
    if (!range) {
      auto refused = plain(416, "range not satisfiable");
      refused.headers.emplace_back("Content-Range", "bytes */" + std::to_string(*size));
      return respond(std::move(refused));
    }
    part.offset = range->first;
    part.length = range->second - range->first + 1;
    response.status = 206;
    response.headers.emplace_back("Content-Range",
                                  "bytes " + std::to_string(range->first) + "-" +
                                      std::to_string(range->second) + "/" + std::to_string(*size));
  }
  response.file = std::move(part);
  respond(std::move(response));
}

}  // namespace dure::control
