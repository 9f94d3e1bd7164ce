#include "controlnode/cli/api_client.h"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr int kMostTries = 6;
constexpr Duration kFirstPause = std::chrono::milliseconds(500);
constexpr Duration kMostPause = std::chrono::seconds(8);
const std::string kBase = "/api/v1";

}  // namespace

Outcome<json::value> ApiClient::read(const Result<HttpReply>& reply) {
  if (!reply) {
    Failure failure;
    failure.message = reply.error().message;
    failure.transient = reply.error().code == Errc::unavailable;
    failure.hint = failure.transient ? "is it running, and is DURE_ADDR or --addr right?" : "";
    if (patience_.interrupted()) {
      failure = {};
      failure.exit = Exit::interrupted;
      failure.message = "interrupted";
    }
    return failure;
  }
  if (reply->status >= 400) {
    auto failure = failure_of(reply->status, reply->body);
    failure.retry_after_s = reply->retry_after_s;
    return failure;
  }
  json::error_code error;
  auto value = json::parse(reply->body, error);
  if (error || reply->status < 200 || reply->status > 299) {
    Failure failure;
    failure.message = "the answer (status " + std::to_string(reply->status) +
                      ") is not of a Dure control node";
    failure.hint = "is DURE_ADDR or --addr right?";
    return failure;
  }
  return value;
}

Outcome<json::value> ApiClient::send(const HttpCall& call) { return read(http_.call(call)); }

Outcome<json::value> ApiClient::get(const std::string& path) {
  return send({"GET", kBase + path, {}, {}});
}

Outcome<json::value> ApiClient::post(const std::string& path, const json::value& body) {
  return send({"POST", kBase + path, json::serialize(body), {}});
}

Outcome<json::value> ApiClient::patch(const std::string& path, const json::value& body) {
  return send({"PATCH", kBase + path, json::serialize(body), {}});
}

Outcome<json::value> ApiClient::remove(const std::string& path) {
  return send({"DELETE", kBase + path, {}, {}});
}

Outcome<json::value> ApiClient::change(const std::string& method, const std::string& path,
                                       const json::value& body, const std::string& key) {
  HttpCall call{method, kBase + path, {}, {{"Idempotency-Key", key}}};
  if (method == "POST") call.body = json::serialize(body);
  auto pause = kFirstPause;
  for (int tried = 1;; ++tried) {
    auto outcome = send(call);
    if (outcome || !outcome.failure().transient || tried == kMostTries) return outcome;
    const Duration asked = std::chrono::seconds(outcome.failure().retry_after_s);
    if (patience_.pause(std::clamp(asked, pause, kMostPause))) {
      Failure failure;
      failure.exit = Exit::interrupted;
      failure.message = "interrupted before the control node has answered";
      failure.hint = "to ask again without doing it twice: --idempotency-key " + key;
      return failure;
    }
    pause = std::min(pause * 2, kMostPause);
  }
}

Outcome<json::value> ApiClient::upload(const std::string& path, const std::string& file,
                                       const HttpClient::Progress& progress) {
  return read(http_.upload(kBase + path, file, progress));
}

}  // namespace dure::cli
