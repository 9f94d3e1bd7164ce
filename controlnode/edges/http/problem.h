#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "controlnode/core/requests.h"
#include "controlnode/edges/http/http_message.h"

namespace dure::control {

// One fault of a request body: where (RFC 6901 pointer) and what.
struct Fault {
  std::string pointer;
  std::string detail;
};

// Answers of RFC 9457 (application/problem+json) with our extensions: a stable `code`, `errors` with
// every fault of the input at once, `reasons` with the numbers per host.
HttpResponse problem(unsigned status, const std::string& code, const std::string& detail);
HttpResponse problem(const Error& error);
HttpResponse problem(const std::vector<Fault>& faults);
HttpResponse problem(const Refused& refused);

}  // namespace dure::control
