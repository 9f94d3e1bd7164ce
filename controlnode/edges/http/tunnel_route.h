#pragma once

#include "controlnode/edges/http/http_message.h"
#include "controlnode/ports/tunnel_gate.h"

namespace dure::control {

// GET /api/v1/clusters/NAME/tunnel with `Connection: Upgrade` and `Upgrade: dure-tunnel`: 101, and the
// connection is a byte stream to the cluster's API server. Everything else, and who may ask at all, is
// for `next`.
class TunnelRoute : public HttpHandler {
 public:
  TunnelRoute(HttpHandler& next, TunnelGate& gate) : next_(next), gate_(gate) {}

  std::optional<HttpResponse> refuse(const HttpRequest& header) override { return next_.refuse(header); }
  std::optional<std::pair<std::string, std::uint64_t>> upload_to(const HttpRequest& header) override {
    return next_.upload_to(header);
  }
  void handle(HttpRequest request, Respond respond) override;

 private:
  HttpHandler& next_;
  TunnelGate& gate_;
};

}  // namespace dure::control
