#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "controlnode/cli/session.h"

namespace dure::cli {

// A cluster by -o; as a table it is followed by its nodes and by the stages of each, with the time after
// the start of its guest.
Exit show_cluster(Session& session, const std::string& name);

// Where each node goes, from the answer to a dry run.
std::string plan_text(const boost::json::value& accepted, bool names_only);

}  // namespace dure::cli
