#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlnode/ports/tunnel_gate.h"

namespace dure::control {

// One request as the routes see it: bounded, decoded, without the library that read it.
struct HttpRequest {
  std::string method;                        // GET, HEAD, POST, DELETE, ...
  std::string path;                          // percent-decoded, starts with '/', without "..", "//"
  std::map<std::string, std::string> query;  // decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string uploaded_file;                 // path of the received body when it was streamed to disk

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

// A part of a file instead of a body.
struct FilePart {
  std::string path;
  std::uint64_t offset = 0, length = 0;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<FilePart> file;
  // Instead of an answer: 101, and from there on the connection is this stream.
  std::shared_ptr<TunnelStream> tunnel;
};

using Respond = std::function<void(HttpResponse)>;

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Asked when only the header has been read: an answer here ends the exchange before a byte of the
  // body is accepted (no credential, too large).
  virtual std::optional<HttpResponse> refuse(const HttpRequest& header) = 0;
  // Where to stream the body of this request to, and how many bytes at most; nullopt: into memory.
  virtual std::optional<std::pair<std::string, std::uint64_t>> upload_to(
      const HttpRequest& header) = 0;
  // May respond later and from any thread, once.
  virtual void handle(HttpRequest request, Respond respond) = 0;
};

}  // namespace dure::control
