#pragma once

#include <memory>
#include <string>

#include "common/ports.h"
#include "common/result.h"
#include "controlnode/cli/http_client.h"

namespace dure::cli {

class Patience;

struct Endpoint {
  std::string address;  // http://host:port
  std::string token;    // never shown
};

// HttpClient by libcurl. A Ctrl-C that `patience` has seen ends a call that is under way.
Result<std::unique_ptr<HttpClient>> connect_by_curl(const Endpoint& endpoint, Patience& patience);

}  // namespace dure::cli
