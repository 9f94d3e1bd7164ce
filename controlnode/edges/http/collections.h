#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "controlnode/core/model_view.h"
#include "controlnode/edges/http/http_message.h"

namespace dure::control {

// One kind of row of the model, by the name that its route has, and how to show it.
struct Collection {
  std::string_view name;
  // All rows in the order of their names, or with `?cluster=NAME` those of the clusters of that name or id.
  std::function<boost::json::array(const ModelView&, const HttpRequest&)> list;
  // The row of that id, else the one of that name; `conflict`: several projects have one.
  std::function<Result<boost::json::object>(const ModelView&, const std::string&)> find;
};

// "clusters" -> "cluster": how the thing is called in messages and in DeleteObject.
std::string singular(std::string_view kind);

const Collection* collection(const std::string& name);  // nullptr: there is none

}  // namespace dure::control
