#include "hostagent/edges/guest/guest_status.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string>

#include "hostagent/edges/guest/guest_document.h"

namespace dure::host {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxStages = 16;
constexpr std::size_t kMaxStageBytes = 32;
constexpr std::size_t kMaxErrorBytes = 256;
constexpr std::size_t kMaxNodes = 64;
constexpr std::size_t kMaxNodeBytes = 63;
constexpr std::size_t kMaxDepth = 4;

std::string_view text_of(const json::string& text) { return {text.data(), text.size()}; }

// [a-z0-9-], neither first nor last a dash: the names that a report may carry. Anything else would cost
// the host its whole report, and is left out: one odd name does not make a guest mute.
bool is_name(std::string_view name, std::size_t max) {
  return !name.empty() && name.size() <= max && name.front() != '-' && name.back() != '-' &&
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
  if (!ms || !is_name(text, kMaxStageBytes)) return std::nullopt;
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

bool is_revision(std::string_view text) {
  return text.size() == kRevisionDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool read_nodes(const json::value& value, std::vector<std::string>& nodes) {
  const json::array* array = value.if_array();
  if (!array || array->size() > kMaxNodes) return false;
  for (const json::value& element : *array) {
    if (!element.is_string()) return false;
    const std::string name(text_of(element.get_string()));
    if (!is_name(name, kMaxNodeBytes) || std::find(nodes.begin(), nodes.end(), name) != nodes.end()) continue;
    nodes.push_back(name);
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
  bool version = false, stages = false;
  for (const auto& member : root.get_object()) {
    const std::string_view key(member.key().data(), member.key().size());
    const json::value& value = member.value();
    if (key == "v") {
      version = unsigned_of(value) == std::uint64_t{1};
    } else if (key == "boot_id") {
      if (const auto boot = value.is_string() ? Uuid::parse(text_of(value.get_string())) : std::nullopt) status.boot = *boot;
    } else if (key == "stages") {
      stages = read_stages(value, status.stages);
    } else if (key == "error" && value.is_string()) {
      status.error = printable(text_of(value.get_string()));
    } else if (key == "have" && value.is_string() && is_revision(text_of(value.get_string()))) {
      status.have = std::string(text_of(value.get_string()));
    } else if (key == "departed") {
      if (!read_nodes(value, status.departed)) return std::nullopt;
    } else if (key == "not_ready") {
      if (!read_nodes(value, status.not_ready)) return std::nullopt;
      status.judges = true;
    } else if (key == "access" && unsigned_of(value)) {
      status.access = *unsigned_of(value);
    } else {
      return std::nullopt;
    }
  }
  if (!version || status.boot == Uuid{} || !stages) return std::nullopt;
  return status;
}

}  // namespace dure::host
