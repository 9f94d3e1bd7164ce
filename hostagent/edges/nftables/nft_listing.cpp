#include "hostagent/edges/nftables/nft_listing.h"

#include <boost/json.hpp>
#include <optional>
#include <string>

#include "hostagent/edges/nftables/ruleset.h"

namespace dure::host {
namespace {

namespace json = boost::json;

std::string_view text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string_view(text->data(), text->size()) : std::string_view();
}

}  // namespace

Result<Digest> digest_in_listing(std::string_view listing) {
  boost::system::error_code error;
  const json::value parsed = json::parse(json::string_view(listing.data(), listing.size()), error);
  const auto* whole = error ? nullptr : parsed.if_object();
  const auto* commands = whole != nullptr ? whole->if_contains("nftables") : nullptr;
  const auto* items = commands != nullptr ? commands->if_array() : nullptr;
  if (items == nullptr) return Error{Errc::internal, "nft: its list of chains is not the JSON that was expected"};
  std::optional<Digest> of_inet, of_bridge;
  for (const auto& item : *items) {
    const auto* object = item.if_object();
    const auto* chain = object != nullptr ? object->if_contains("chain") : nullptr;
    const auto* body = chain != nullptr ? chain->if_object() : nullptr;
    if (body == nullptr || text_at(*body, "table") != kTable) continue;
    std::string_view name = text_at(*body, "name");
    const std::string_view start = kDigestChainStart;
    if (!name.starts_with(start)) continue;
    const auto digest = Digest::parse(name.substr(start.size()));
    if (text_at(*body, "family") == "inet") of_inet = digest;
    if (text_at(*body, "family") == "bridge") of_bridge = digest;
  }
  return of_inet && of_inet == of_bridge ? *of_inet : Digest{};
}

}  // namespace dure::host
