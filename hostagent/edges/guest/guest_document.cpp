#include "hostagent/edges/guest/guest_document.h"

#include <boost/json.hpp>
#include <span>
#include <string_view>
#include <utility>

#include "common/sha256.h"
#include "protocol/messages/host_order.h"

namespace dure::host {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDocumentDepth = 32;

bool is_one_object(std::string_view bytes) {
  constexpr std::string_view line_ends("\n\r\0", 3);
  if (bytes.size() > kMaxBootstrapBytes || bytes.find_first_of(line_ends) != std::string_view::npos) return false;
  json::error_code failure;
  json::parse_options options;
  options.max_depth = kMaxDocumentDepth;
  const json::value root =
      json::parse(json::string_view(bytes.data(), bytes.size()), failure, json::storage_ptr(), options);
  return !failure && root.is_object();
}

std::string revision_of(std::string_view bytes) {
  Sha256 sum;
  sum.update(std::as_bytes(std::span(bytes)));
  return sum.finish().str().substr(0, kRevisionDigits);
}

}  // namespace

std::optional<GuestDocument> checked_document(std::string bytes) {
  if (!is_one_object(bytes)) return std::nullopt;
  auto revision = revision_of(bytes);
  return GuestDocument{std::move(bytes), std::move(revision)};
}

std::string document_line(const GuestDocument& document, std::uint64_t now_ms) {
  json::object head;
  head["v"] = 1;
  head["revision"] = document.revision;
  head["now_ms"] = now_ms;
  // The document is pasted as it is, because its revision names its bytes.
  std::string line = json::serialize(head);
  line.pop_back();
  line += ",\"document\":";
  line += document.bytes;
  line += "}\n";
  return line;
}

}  // namespace dure::host
