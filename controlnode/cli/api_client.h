#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "controlnode/cli/failure.h"
#include "controlnode/cli/http_client.h"
#include "controlnode/cli/patience.h"

namespace dure::cli {

// The REST API: JSON in, JSON or a Failure out.
class ApiClient {
 public:
  ApiClient(HttpClient& http, Patience& patience) : http_(http), patience_(patience) {}

  // `path` is below /api/v1, encoded.
  Outcome<boost::json::value> get(const std::string& path);
  Outcome<boost::json::value> post(const std::string& path, const boost::json::value& body);
  Outcome<boost::json::value> patch(const std::string& path, const boost::json::value& body);
  Outcome<boost::json::value> remove(const std::string& path);

  // A POST or DELETE under an idempotency key: repeated a bounded number of times when the control
  // node is away, because the same key cannot act twice.
  Outcome<boost::json::value> change(const std::string& method, const std::string& path,
                                     const boost::json::value& body, const std::string& key);

  Outcome<boost::json::value> upload(const std::string& path, const std::string& file,
                                     const HttpClient::Progress& progress);

 private:
  Outcome<boost::json::value> send(const HttpCall& call);
  Outcome<boost::json::value> read(const Result<HttpReply>& reply);

  HttpClient& http_;
  Patience& patience_;
};

}  // namespace dure::cli
