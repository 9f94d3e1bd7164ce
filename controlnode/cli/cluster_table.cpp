#include "controlnode/cli/cluster_table.h"

#include <boost/json.hpp>
#include <vector>

#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

std::string member(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found == nullptr ? std::string() : plain(*found);
}

const json::array* array_in(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains(name);
  return found == nullptr ? nullptr : found->if_array();
}

// "kernel 1.2s, network 3.4s": when a guest has reached each stage, after its start.
std::string stages_text(const json::object& node) {
  std::string text;
  const auto* stages = node.if_contains("stages");
  if (stages == nullptr || !stages->is_array()) return text;
  for (const auto& item : stages->get_array()) {
    const auto* stage = item.if_object();
    if (stage == nullptr) continue;
    const auto* at = stage->if_contains("at_ms");
    json::error_code error;
    const auto ms = at == nullptr ? 0 : at->to_number<std::int64_t>(error);
    text += (text.empty() ? "" : ", ") + member(*stage, "name") + " " +
            seconds(std::chrono::milliseconds(ms));
  }
  return text;
}

std::string stages_table(const json::array& nodes) {
  std::vector<std::vector<std::string>> rows{{"NODE", "STAGES", "REASON"}};
  for (const auto& item : nodes) {
    if (!item.is_object()) continue;
    const auto& node = item.get_object();
    const auto stages = stages_text(node);
    const auto reason = member(node, "reason");
    if (stages.empty() && reason.empty()) continue;
    rows.push_back({member(node, "name"), stages.empty() ? "-" : stages, reason});
  }
  return rows.size() == 1 ? std::string() : "\n" + columns_of_text(rows);
}

}  // namespace

Exit show_cluster(Session& session, const std::string& name) {
  const auto cluster = session.api.get("/clusters/" + path_segment(name));
  if (!cluster) return fail(session, cluster.failure());
  const auto whole = show_whole(kind("cluster"), *cluster, session.output);
  const bool with_nodes =
      session.output.format == Format::table && session.output.columns.empty() && whole.ok();
  if (!with_nodes) return print(session, whole);
  // The list is asked by name, which is what its rows carry, even when an id was given.
  const auto* object = cluster->if_object();
  const auto called = object == nullptr ? name : member(*object, "name");
  const auto nodes = session.api.get("/nodes?cluster=" + path_segment(called));
  if (!nodes) return fail(session, nodes.failure());
  const auto table = show_list(kind("node"), *nodes, session.output);
  if (!table) return print(session, table);
  const auto* items = array_in(*nodes, "items");
  return print(session, *whole + "\n" + *table + (items ? stages_table(*items) : std::string()));
}

std::string plan_text(const json::value& accepted, bool names_only) {
  std::vector<std::vector<std::string>> rows;
  if (!names_only) rows.push_back({"NODE", "ROLE", "HOST", "SITE"});
  if (const auto* plan = array_in(accepted, "plan")) {
    for (const auto& item : *plan) {
      if (!item.is_object()) continue;
      const auto& node = item.get_object();
      if (names_only) {
        rows.push_back({member(node, "name")});
      } else {
        rows.push_back({member(node, "name"), member(node, "role"), member(node, "host"),
                        member(node, "site")});
      }
    }
  }
  return columns_of_text(rows);
}

}  // namespace dure::cli
