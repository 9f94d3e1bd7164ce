#pragma once

#include "controlnode/edges/http/blob_shelf.h"
#include "controlnode/edges/http/http_message.h"

namespace dure::control {

// GET /blobs/<sha256>, with a single Range: what agents fetch. Read only, nothing else, no secrets:
// the digest is in signed orders only, and the bytes are checked against it.
class BlobRoutes : public HttpHandler {
 public:
  explicit BlobRoutes(const BlobShelf& shelf) : shelf_(shelf) {}

  std::optional<HttpResponse> refuse(const HttpRequest& header) override;
  std::optional<std::pair<std::string, std::uint64_t>> upload_to(const HttpRequest&) override {
    return std::nullopt;
  }
  void handle(HttpRequest request, Respond respond) override;

 private:
  const BlobShelf& shelf_;
};

}  // namespace dure::control
