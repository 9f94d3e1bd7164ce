#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "common/result.h"

namespace dure::host {

struct HttpGet {
  std::string url;             // http or https; redirects are not followed
  std::uint64_t from = 0;      // first byte wanted
  long connect_timeout_ms = 10'000;
  long stalled_after_s = 30;   // no progress for so long: given up
};

struct HttpBody {
  // The server starts over at byte 0 although a later one was asked for.
  std::function<Result<void>()> restart;
  // Bytes in order; an error ends the transfer and is its outcome.
  std::function<Result<void>(std::span<const std::byte>)> bytes;
};

// `unavailable`: no answer, an answer that is no success, or an end before its time. `corrupt`: the
// server says that the byte asked for is beyond the end of its file.
Result<void> http_get(const HttpGet& get, const HttpBody& body);

}  // namespace dure::host
