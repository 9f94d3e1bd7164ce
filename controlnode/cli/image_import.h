#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "controlnode/cli/session.h"

namespace dure::cli {

// Reads an image's manifest, uploads those of its files that the control node does not have, and
// returns the body of the POST that makes the image.
Outcome<boost::json::object> import_blobs(Session& session, const std::string& name,
                                          const std::string& manifest);

}  // namespace dure::cli
