#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/result.h"

namespace dure::cli {

struct HttpCall {
  std::string method = "GET";
  std::string path;  // with query, encoded
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct HttpReply {
  unsigned status = 0;
  std::string body;
  unsigned retry_after_s = 0;
};

// One address of a control node. Errors are of transport: `unavailable` when nothing or no complete
// answer came back. An answer of any status is a value.
class HttpClient {
 public:
  using Progress = std::function<void(std::uint64_t sent, std::uint64_t total)>;

  virtual ~HttpClient() = default;
  virtual Result<HttpReply> call(const HttpCall& call) = 0;
  // POSTs the file's bytes as they are read.
  virtual Result<HttpReply> upload(const std::string& path, const std::string& file,
                                   const Progress& progress) = 0;
};

}  // namespace dure::cli
