#include "controlnode/edges/http/collections.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "controlnode/edges/http/render.h"
#include "controlnode/edges/http/text.h"

namespace dure::control {
namespace {

namespace json = boost::json;

template <class Row>
const std::string& name_of(const Row& row) {
  static const std::string kNone;
  if constexpr (requires { row.name; }) {
    return row.name;
  } else {
    return kNone;
  }
}

// The nodes of a cluster, given by name or id; of another kind there are none.
template <class Id, class Row>
std::vector<const Row*> rows_of(const ModelView& view, const std::map<Id, Row>&, const std::string& cluster) {
  std::vector<const Row*> found;
  if constexpr (std::is_same_v<Row, Node>) {
    const auto add = [&](const ClusterId& id) {
      const auto nodes = view.index().nodes_of(id);
      found.insert(found.end(), nodes.begin(), nodes.end());
    };
    if (const auto id = ClusterId::parse(cluster)) add(*id);
    for (const ClusterId& id : view.index().clusters_named(cluster)) add(id);
  }
  return found;
}

template <class Id, class Row>
std::vector<const Row*> all_of(const std::map<Id, Row>& rows) {
  std::vector<const Row*> all;
  all.reserve(rows.size());
  for (const auto& [id, row] : rows) all.push_back(&row);
  return all;
}

template <class Id, class Row, class Show>
Collection collection_of(std::string_view name, std::map<Id, Row> Model::*map, Show show) {
  const auto list = [map, show](const ModelView& view, const HttpRequest& request) {
    const auto cluster = request.query.find("cluster");
    const auto& all = (*view).*map;
    auto rows = cluster == request.query.end() ? all_of(all) : rows_of(view, all, cluster->second);
    // People look for names, so that is the order; rows without one keep the id's.
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row* a, const Row* b) { return name_of(*a) < name_of(*b); });
    json::array items;
    items.reserve(rows.size());
    for (const Row* row : rows) items.push_back(show(view, *row));
    return items;
  };
  const auto find = [name, map, show](const ModelView& view, const std::string& wanted) -> Result<json::object> {
    const auto& rows = (*view).*map;
    if (const auto id = Uuid::parse(wanted)) {
      if (const auto found = rows.find(Id{*id}); found != rows.end()) return show(view, found->second);
    }
    const auto called = [&](const auto& entry) { return !wanted.empty() && name_of(entry.second) == wanted; };
    const auto what = singular(name) + " '" + clip(wanted, 80) + "'";
    const auto found = std::find_if(rows.begin(), rows.end(), called);
    if (found == rows.end()) return Error{Errc::not_found, "there is no " + what};
    if (std::find_if(std::next(found), rows.end(), called) != rows.end()) {
      return Error{Errc::conflict, what + " exists in several projects: give its id"};
    }
    return show(view, found->second);
  };
  return {name, list, find};
}

const std::vector<Collection>& collections() {
  using V = const ModelView&;
  static const std::vector<Collection> all{
      collection_of("sites", &Model::sites, [](V v, const Site& s) { return render(v, s); }),
      collection_of("hosts", &Model::hosts, [](V v, const Host& h) { return render(v, h); }),
      collection_of("flavors", &Model::flavors, [](V, const Flavor& f) { return render(f); }),
      collection_of("images", &Model::images, [](V, const Image& i) { return render(i); }),
      collection_of("keypairs", &Model::key_pairs, [](V v, const KeyPair& k) { return render(*v, k); }),
      collection_of("projects", &Model::projects, [](V v, const Project& p) { return render(v, p); }),
      collection_of("clusters", &Model::clusters, [](V v, const Cluster& c) { return render(v, c); }),
      collection_of("nodes", &Model::nodes, [](V v, const Node& n) { return render(*v, n); }),
      collection_of("operations", &Model::operations, [](V, const Operation& o) { return render(o); }),
  };
  return all;
}

}  // namespace

std::string singular(std::string_view kind) { return std::string(kind.substr(0, kind.size() - 1)); }

const Collection* collection(const std::string& name) {
  const auto found = std::find_if(collections().begin(), collections().end(),
                                  [&](const Collection& c) { return c.name == name; });
  return found == collections().end() ? nullptr : &*found;
}

}  // namespace dure::control
