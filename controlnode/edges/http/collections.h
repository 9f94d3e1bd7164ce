#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "common/time.h"
#include "controlnode/core/model.h"
#include "controlnode/edges/http/http_message.h"

namespace dure::control {

// One kind of row of the model, by the name that its route has, and how to list all of it.
struct Collection {
  std::string_view name;
  std::function<void(const Model&, TimePoint, const HttpRequest&, boost::json::array&)> list;
};

const Collection* collection(const std::string& name);  // nullptr: there is none

}  // namespace dure::control
