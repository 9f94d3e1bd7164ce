#pragma once

#include <boost/json.hpp>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/files.h"
#include "common/system.h"
#include "controlnode/edges/http/api_routes.h"
#include "controlnode/edges/http/blob_routes.h"
#include "controlnode/edges/http/blob_shelf.h"
#include "controlnode/edges/http/http_server.h"
#include "tests/support/fake_api.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/controlnode/edges/http/raw_http.h"

namespace dure::control::test {

inline constexpr const char* kToken = "s3cret-token";

// The real server and routes on loopback, over a FakeApi.
class ApiStand {
 public:
  explicit ApiStand(HttpLimits limits = {}) {
    (void)shelf.open();
    api_server_ = HttpServer::start("127.0.0.1:0", routes, limits).value();
    blob_server_ = HttpServer::start("127.0.0.1:0", blob_routes_, limits).value();
  }

  std::uint16_t port() const { return api_server_->port(); }
  std::uint16_t blob_port() const { return blob_server_->port(); }

  using Headers = std::vector<std::pair<std::string, std::string>>;

  // One request on a connection of its own, with the right Host and token.
  RawAnswer ask(const std::string& method, const std::string& target, const std::string& body = {},
                const Headers& more = {}) {
    Headers headers{{"Host", "dure.test"}, {"Authorization", std::string("Bearer ") + kToken}};
    headers.insert(headers.end(), more.begin(), more.end());
    return ask_plain(port(), method, target, body, headers);
  }
  static RawAnswer ask_plain(std::uint16_t to, const std::string& method, const std::string& target,
                             const std::string& body, const Headers& headers) {
    RawConnection connection(to);
    connection.send(request(method, target, body, headers));
    return connection.read(method == "HEAD").value_or(RawAnswer{});
  }

  static std::string request(const std::string& method, const std::string& target,
                             const std::string& body, const Headers& headers) {
    std::string text = method + " " + target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + body;
  }

  static boost::json::object json(const RawAnswer& answer) {
    boost::json::error_code error;
    auto value = boost::json::parse(answer.body, error);
    return error || !value.is_object() ? boost::json::object{} : value.as_object();
  }

  TempDir directory;
  FakeApi api;
  BlobShelf shelf{directory.path()};
  ThreadTaskRunner tasks{1, 16}, chores{1, 2};
  ApiRoutes routes{ApiOptions{kToken, {"dure.test"}, 4 << 20, Duration{}}, api, shelf, tasks, chores};

 private:
  BlobRoutes blob_routes_{shelf};
  std::unique_ptr<HttpServer> api_server_, blob_server_;
};

}  // namespace dure::control::test
