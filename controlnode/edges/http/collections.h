#pragma once

#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controlnode/core/model_view.h"
#include "controlnode/edges/http/http_message.h"

namespace dure::control {

// One kind of row of the model, by the name that its route has, and how to show it.
struct Collection {
  std::string_view name;
  // All rows in the order of their names, or with `?cluster=NAME` those of that cluster.
  std::function<boost::json::array(const ModelView&, const HttpRequest&)> list;
  // The row of that id, else the first of that name.
  std::function<std::optional<boost::json::object>(const ModelView&, const std::string&)> find;
};

const Collection* collection(const std::string& name);  // nullptr: there is none

}  // namespace dure::control
