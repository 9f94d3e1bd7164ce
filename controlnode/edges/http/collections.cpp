#include "controlnode/edges/http/collections.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "controlnode/edges/http/render.h"

namespace dure::control {
namespace {

namespace json = boost::json;

template <class Map, class Show>
auto listing(Map Model::*map, Show show) {
  return [map, show](const Model& model, TimePoint now, const HttpRequest& request,
                     json::array& items) {
    for (const auto& [id, row] : model.*map) {
      auto item = show(model, row, now);
      const auto wanted = request.query.find("cluster");
      if (wanted != request.query.end()) {
        const auto* cluster = item.if_contains("cluster");
        if (cluster == nullptr || *cluster != json::value(wanted->second)) continue;
      }
      items.push_back(std::move(item));
    }
    // People look for names, so that is the order; rows without one keep the id's.
    std::stable_sort(items.begin(), items.end(), [](const json::value& a, const json::value& b) {
      const auto* left = a.get_object().if_contains("name");
      const auto* right = b.get_object().if_contains("name");
      return left != nullptr && right != nullptr && left->get_string() < right->get_string();
    });
  };
}

const std::vector<Collection>& collections() {
  using M = const Model&;
  static const std::vector<Collection> all{
      {"sites", listing(&Model::sites, [](M m, const Site& s, TimePoint now) { return render(m, s, now); })},
      {"hosts",
       listing(&Model::hosts, [](M m, const Host& h, TimePoint now) { return render(m, h, now); })},
      {"flavors", listing(&Model::flavors, [](M, const Flavor& f, TimePoint) { return render(f); })},
      {"images", listing(&Model::images, [](M, const Image& i, TimePoint) { return render(i); })},
      {"keypairs",
       listing(&Model::key_pairs, [](M m, const KeyPair& k, TimePoint) { return render(m, k); })},
      {"projects", listing(&Model::projects, [](M m, const Project& p, TimePoint) { return render(m, p); })},
      {"clusters",
       listing(&Model::clusters, [](M m, const Cluster& c, TimePoint) { return render(m, c); })},
      {"nodes", listing(&Model::nodes, [](M m, const Node& n, TimePoint) { return render(m, n); })},
      {"operations",
       listing(&Model::operations, [](M, const Operation& o, TimePoint) { return render(o); })},
  };
  return all;
}

}  // namespace

const Collection* collection(const std::string& name) {
  const auto found = std::find_if(collections().begin(), collections().end(),
                                  [&](const Collection& c) { return c.name == name; });
  return found == collections().end() ? nullptr : &*found;
}

}  // namespace dure::control
