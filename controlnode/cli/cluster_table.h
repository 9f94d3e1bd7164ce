#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "controlnode/cli/session.h"

namespace dure::cli {

// A cluster by -o; as a table it is followed by its nodes and the boot stages of those that are not
// ready.
Exit show_cluster(Session& session, const std::string& name);

// Where each node goes, from the answer to a dry run.
std::string plan_text(const boost::json::value& accepted, bool names_only);

}  // namespace dure::cli
