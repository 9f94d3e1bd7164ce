#pragma once

#include <boost/json/object.hpp>

#include "controlnode/core/change.h"
#include "controlnode/core/model.h"
#include "controlnode/core/requests.h"

namespace dure::control {

// Rows as the REST API shows them. Names stand beside ids, so that nobody has to look one up.
boost::json::object render(const Model& model, const Site& site);
boost::json::object render(const Model& model, const Host& host, TimePoint now);
boost::json::object render(const Flavor& flavor);
boost::json::object render(const Image& image);
boost::json::object render(const Model& model, const KeyPair& key_pair);
boost::json::object render(const Model& model, const Cluster& cluster);
boost::json::object render(const Model& model, const Node& node);
boost::json::object render(const Operation& operation);
boost::json::object render(const EventRow& event);
boost::json::object render(const Accepted& accepted);

}  // namespace dure::control
