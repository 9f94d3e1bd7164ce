#include "controlnode/edges/http/problem.h"

#include <boost/json.hpp>

namespace dure::control {
namespace {

namespace json = boost::json;

unsigned status_of(const Error& error) {
  switch (error.code) {
    case Errc::invalid_argument: return 400;
    case Errc::unauthenticated: return 401;
    case Errc::not_found: return 404;
    case Errc::already_exists: return 409;
    case Errc::conflict:
      // The same key with another body: RFC draft idempotency-key-header says 422.
      return error.message.starts_with("idempotency key") ? 422 : 409;
    case Errc::no_capacity:
    case Errc::quota: return 409;
    case Errc::superseded: return 409;
    case Errc::unavailable: return 503;
    case Errc::in_doubt: return 503;
    case Errc::lost_leadership: return 503;
    case Errc::no_space: return 507;
    case Errc::corrupt: return 500;
    case Errc::internal: return 500;
  }
  return 500;
}

json::object base(unsigned status, const std::string& code, const std::string& detail) {
  return {{"type", "about:blank"}, {"title", code}, {"status", status}, {"code", code},
          {"detail", detail}};
}

HttpResponse answer(unsigned status, const json::object& body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = json::serialize(body);
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

json::object render(const Refusal& refusal) {
  return {{"host", refusal.host_name},
          {"dimension", to_string(refusal.dimension)},
          {"wanted", refusal.wanted},
          {"free", refusal.free},
          {"total", refusal.total},
          {"detail", refusal.detail}};
}

}  // namespace

HttpResponse problem(unsigned status, const std::string& code, const std::string& detail) {
  return answer(status, base(status, code, detail));
}

HttpResponse problem(const Error& error) {
  return problem(status_of(error), std::string(to_string(error.code)), error.message);
}

HttpResponse problem(const std::vector<Fault>& faults) {
  auto body = base(400, "invalid-argument",
                   faults.size() == 1 ? faults.front().pointer + ": " + faults.front().detail
                                      : std::to_string(faults.size()) + " faults in the request");
  json::array errors;
  for (const auto& fault : faults) {
    errors.push_back(json::object{{"pointer", fault.pointer}, {"detail", fault.detail}});
  }
  body["errors"] = std::move(errors);
  return answer(400, body);
}

HttpResponse problem(const Refused& refused) {
  const auto status = status_of(refused.error);
  auto body = base(status, std::string(to_string(refused.error.code)), refused.error.message);
  if (!refused.refusals.empty()) {
    json::array reasons;
    for (const auto& refusal : refused.refusals) reasons.push_back(render(refusal));
    body["reasons"] = std::move(reasons);
  }
  if (!refused.remedies.empty()) {
    json::array remedies;
    for (const auto& remedy : refused.remedies) {
      remedies.push_back(json::object{{"code", to_string(remedy.kind)}, {"detail", remedy.text}});
    }
    body["remedies"] = std::move(remedies);
  }
  return answer(status, body);
}

}  // namespace dure::control
