#include "controlnode/cli/failure.h"

#include <algorithm>
#include <boost/json.hpp>

#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostReasons = 40;

std::string hint_for(unsigned status) {
  if (status == 401) return "give a token file: --token-file FILE, or DURE_TOKEN_FILE";
  if (status == 421) return "use the address that the control node was told to listen on";
  return {};
}

}  // namespace

Failure failure_of(unsigned status, const std::string& body) {
  Failure failure;
  failure.transient = status == 503 || status == 502 || status == 504;
  failure.hint = hint_for(status);
  json::error_code error;
  const auto value = json::parse(body, error);
  const auto* problem = error ? nullptr : value.if_object();
  if (problem == nullptr) {
    failure.exit = exit_for(status, "");
    failure.message = "the control node answered with status " + std::to_string(status);
    return failure;
  }
  failure.exit = exit_for(status, member(*problem, "code"));
  failure.message = member(*problem, "detail");
  if (failure.message.empty()) failure.message = "status " + std::to_string(status);
  if (const auto* errors = problem->if_contains("errors"); errors && errors->is_array()) {
    for (const auto& item : errors->get_array()) {
      if (!item.is_object()) continue;
      failure.faults.emplace_back(member(item.get_object(), "pointer"),
                                  member(item.get_object(), "detail"));
    }
  }
  if (const auto* reasons = problem->if_contains("reasons"); reasons && reasons->is_array()) {
    for (const auto& item : reasons->get_array()) {
      if (!item.is_object()) continue;
      const auto& one = item.get_object();
      failure.reasons.push_back({member(one, "host"), member(one, "dimension"),
                                 member(one, "wanted"), member(one, "free"), member(one, "total"),
                                 member(one, "detail")});
    }
  }
  if (const auto* remedies = problem->if_contains("remedies"); remedies && remedies->is_array()) {
    for (const auto& item : remedies->get_array()) {
      auto detail = item.is_object() ? member(item.get_object(), "detail") : std::string();
      if (!detail.empty()) failure.remedies.push_back(std::move(detail));
    }
  }
  return failure;
}

std::string describe(const Failure& failure) {
  std::string text = "error: " + printable(failure.message) + "\n";
  // A single fault is in the message already.
  if (failure.faults.size() > 1) {
    for (const auto& [pointer, detail] : failure.faults) {
      text += "  " + printable(pointer) + ": " + printable(detail) + "\n";
    }
  }
  if (!failure.reasons.empty()) {
    std::vector<std::vector<std::string>> rows{
        {"HOST", "DIMENSION", "WANTED", "FREE", "TOTAL", "DETAIL"}};
    for (std::size_t i = 0; i < std::min(failure.reasons.size(), kMostReasons); ++i) {
      const auto& one = failure.reasons[i];
      const bool counted = one.detail.empty();
      rows.push_back({one.host, one.dimension, counted ? one.wanted : "-",
                      counted ? one.free : "-", counted ? one.total : "-", one.detail});
    }
    text += "\n" + columns_of_text(rows);
    if (failure.reasons.size() > kMostReasons) {
      text += "and " + std::to_string(failure.reasons.size() - kMostReasons) + " more\n";
    }
  }
  if (!failure.remedies.empty()) text += "\nIt would fit\n";
  for (std::size_t i = 0; i < std::min(failure.remedies.size(), kMostReasons); ++i) {
    text += "  " + printable(failure.remedies[i]) + "\n";
  }
  if (!failure.hint.empty()) text += "hint: " + failure.hint + "\n";
  return text;
}

}  // namespace dure::cli
