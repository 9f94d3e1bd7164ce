#include "hostagent/edges/guest/guest_status.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string>

namespace dure::host {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxStages = 16;
constexpr std::size_t kMaxNameBytes = 32;
constexpr std::size_t kMaxErrorBytes = 256;
constexpr std::size_t kMaxDepth = 4;

std::string_view text_of(const json::string& text) { return {text.data(), text.size()}; }

bool is_stage_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::optional<std::uint64_t> unsigned_of(const json::value& value) {
  if (const std::int64_t* number = value.if_int64(); number && *number >= 0)
    return static_cast<std::uint64_t>(*number);
  if (const std::uint64_t* number = value.if_uint64()) return *number;
  return std::nullopt;
}

std::optional<GuestStage> stage_of(const json::value& value) {
  const json::object* object = value.if_object();
  if (!object || object->size() != 2) return std::nullopt;
  const json::value* name = object->if_contains("name");
  const json::value* at_ms = object->if_contains("at_ms");
  if (!name || !at_ms || !name->is_string()) return std::nullopt;
  const auto ms = unsigned_of(*at_ms);
  const std::string_view text = text_of(name->get_string());
  if (!ms || !is_stage_name(text)) return std::nullopt;
  return GuestStage{std::string(text), *ms};
}

bool read_stages(const json::value& value, std::vector<GuestStage>& stages) {
  const json::array* array = value.if_array();
  if (!array || array->size() > kMaxStages) return false;
  for (const json::value& element : *array) {
    auto stage = stage_of(element);
    if (!stage) return false;
    const bool twice = std::any_of(stages.begin(), stages.end(),
                                   [&](const GuestStage& other) { return other.name == stage->name; });
    if (twice) return false;
    stages.push_back(std::move(*stage));
  }
  return true;
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kMaxErrorBytes));
  std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

}  // namespace

std::optional<GuestStatus> parse_guest_status(std::string_view line) {
  if (line.size() > kMaxGuestLineBytes) return std::nullopt;
  json::error_code failure;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  const json::value root =
      json::parse(json::string_view(line.data(), line.size()), failure, json::storage_ptr(), options);
  if (failure || !root.is_object()) return std::nullopt;

  GuestStatus status;
  bool version = false, boot = false, stages = false;
  for (const auto& member : root.get_object()) {
    const std::string_view key(member.key().data(), member.key().size());
    const json::value& value = member.value();
    if (key == "v") {
      version = unsigned_of(value) == std::uint64_t{1};
    } else if (key == "boot_id") {
      boot = value.is_string() && BootId::parse(text_of(value.get_string())).has_value();
    } else if (key == "stages") {
      stages = read_stages(value, status.stages);
    } else if (key == "error" && value.is_string()) {
      status.error = printable(text_of(value.get_string()));
    } else {
      return std::nullopt;
    }
  }
  if (!version || !boot || !stages) return std::nullopt;
  return status;
}

}  // namespace dure::host
