#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/result.h"
#include "controlnode/edges/http/http_message.h"

namespace dure::control {

struct HttpLimits {
  std::uint32_t header_bytes = 16 * 1024;
  std::uint64_t body_bytes = 1 << 20;
  std::uint32_t idle_s = 30;
  std::size_t connections = 512;
};

// An HTTP/1.1 server on one address, with its own thread. Bounded in header, body, idle time and
// connections.
class HttpServer {
 public:
  // `listen` is "address:port"; port 0 takes a free one.
  static Result<std::unique_ptr<HttpServer>> start(const std::string& listen, HttpHandler& handler,
                                                   HttpLimits limits = {});
  ~HttpServer();
  std::uint16_t port() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dure::control
