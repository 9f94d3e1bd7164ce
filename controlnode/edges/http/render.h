#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "controlnode/core/change.h"
#include "controlnode/core/model_view.h"
#include "controlnode/core/requests.h"
#include "controlnode/edges/http/http_message.h"

namespace dure::control {

// Rows as the REST API shows them. Names stand beside ids, so that nobody has to look one up.
boost::json::object render(const ModelView& view, const Site& site);
boost::json::object render(const ModelView& view, const Host& host);
boost::json::object render(const Flavor& flavor);
boost::json::object render(const Image& image);
boost::json::object render(const Model& model, const KeyPair& key_pair);
boost::json::object render(const ModelView& view, const Project& project);
boost::json::object render(const ModelView& view, const Cluster& cluster);
boost::json::object render(const Model& model, const Node& node);
boost::json::object render(const Operation& operation);
boost::json::object render(const EventRow& event);
// Never the credential itself: nobody keeps it.
boost::json::object render(const Model& model, const ClusterAccess& access);
boost::json::object render(const Accepted& accepted);

HttpResponse answer(unsigned status, const boost::json::value& body);

}  // namespace dure::control
