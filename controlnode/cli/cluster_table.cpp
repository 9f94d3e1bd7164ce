#include "controlnode/cli/cluster_table.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <utility>
#include <vector>

#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

const json::array* array_in(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains(name);
  return found == nullptr ? nullptr : found->if_array();
}

constexpr std::size_t kMostStages = 12;

struct Stage {
  std::string name, at;
};

// When a guest has reached each stage, after its start.
std::vector<Stage> stages_of(const json::object& node) {
  std::vector<Stage> found;
  const auto* stages = node.if_contains("stages");
  if (stages == nullptr || !stages->is_array()) return found;
  for (const auto& item : stages->get_array()) {
    const auto* stage = item.if_object();
    if (stage == nullptr) continue;
    const auto* at = stage->if_contains("at_ms");
    json::error_code error;
    const auto ms = at == nullptr ? 0 : at->to_number<std::int64_t>(error);
    found.push_back({member(*stage, "name"), seconds(std::chrono::milliseconds(ms))});
  }
  return found;
}

// A node either starts its Kubernetes cluster or joins it: one column for both.
std::string column_of(const std::string& stage) {
  return stage == "init" || stage == "join" ? "init|join" : stage;
}

// The stages of such nodes in their order, then what else any of them tells of.
std::vector<std::string> stage_columns(const json::array& nodes, bool kubernetes) {
  std::vector<std::string> columns{"booted", "network", "configured"};
  if (kubernetes) columns.insert(columns.end(), {"containerd", "init|join"});
  columns.emplace_back("ready");
  for (const auto& item : nodes) {
    if (!item.is_object()) continue;
    for (const auto& stage : stages_of(item.get_object())) {
      const auto column = column_of(stage.name);
      const bool known = std::find(columns.begin(), columns.end(), column) != columns.end();
      if (!known && columns.size() < kMostStages) columns.push_back(column);
    }
  }
  return columns;
}

std::string title_of(std::string stage) {
  for (char& c : stage) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return stage;
}

std::vector<std::string> stage_cells(const json::object& node, const std::vector<std::string>& columns) {
  const auto reached = stages_of(node);
  const auto state = member(node, "state");
  bool awaited = state == "creating" || state == "booting";
  std::vector<std::string> cells;
  for (const auto& column : columns) {
    const auto at = std::find_if(reached.begin(), reached.end(),
                                 [&](const Stage& stage) { return column_of(stage.name) == column; });
    if (at != reached.end()) {
      cells.push_back(column == "init|join" ? at->name + " " + at->at : at->at);
    } else {
      // What it is working on now.
      cells.emplace_back(std::exchange(awaited, false) ? "…" : "-");
    }
  }
  return cells;
}

std::string stages_table(const json::array& nodes, bool kubernetes) {
  const auto columns = stage_columns(nodes, kubernetes);
  std::vector<std::vector<std::string>> rows{{"NODE"}};
  if (kubernetes) rows[0].emplace_back("PODS");
  for (const auto& column : columns) rows[0].push_back(title_of(column));
  rows[0].emplace_back("REASON");
  bool any = false, reasons = false;
  for (const auto& item : nodes) {
    if (!item.is_object()) continue;
    const auto& node = item.get_object();
    const auto reason = member(node, "reason");
    const auto pods = member(node, "pods");
    std::vector<std::string> row{member(node, "name")};
    if (kubernetes) row.push_back(pods.empty() ? "-" : pods);
    for (auto& cell : stage_cells(node, columns)) row.push_back(std::move(cell));
    row.push_back(reason);
    any = any || !stages_of(node).empty() || !reason.empty();
    reasons = reasons || !reason.empty();
    rows.push_back(std::move(row));
  }
  if (!any) return {};
  if (!reasons) rows[0].back().clear();
  return "\n" + columns_of_text(rows);
}

}  // namespace

Exit show_cluster(Session& session, const std::string& name) {
  const auto cluster = session.api.get("/clusters/" + path_segment(name));
  if (!cluster) return fail(session, cluster.failure());
  const auto whole = show_whole(kind("cluster"), *cluster, session.output);
  const bool with_nodes =
      session.output.format == Format::table && session.output.columns.empty() && whole.ok();
  if (!with_nodes) return print(session, whole);
  // By its id: another project may have a cluster of that name.
  const auto* object = cluster->if_object();
  const auto id = member(*cluster, "id");
  const auto nodes = session.api.get("/nodes?cluster=" + path_segment(id.empty() ? name : id));
  if (!nodes) return fail(session, nodes.failure());
  const auto table = show_list(kind("node"), *nodes, session.output);
  if (!table) return print(session, table);
  const auto* items = array_in(*nodes, "items");
  const auto* what = object == nullptr ? nullptr : object->if_contains("kubernetes");
  const bool kubernetes = what != nullptr && what->is_object();
  return print(session,
               *whole + "\n" + *table + (items ? stages_table(*items, kubernetes) : std::string()));
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
