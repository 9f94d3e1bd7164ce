#include "hostagent/edges/fetch/http_get.h"

#include <curl/curl.h>

#include <array>
#include <exception>
#include <memory>
#include <optional>

namespace dure::host {
namespace {

constexpr long kOk = 200, kPartial = 206, kRangeBeyondEnd = 416;
constexpr long kBufferBytes = 256 * 1024;

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};

struct Transfer {
  CURL* curl = nullptr;
  const HttpGet& get;
  const HttpBody& body;
  bool started = false;
  std::optional<Error> error = std::nullopt;

  long status() const {
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  Result<void> take(std::span<const std::byte> bytes) {
    const long code = status();
    if (code != kOk && code != kPartial) return {};  // an error page; the status is what counts
    if (!started && code == kOk && get.from > 0) {
      if (auto again = body.restart(); !again) return again;
    }
    started = true;
    return body.bytes(bytes);
  }
};

// libcurl is C: no exception may pass through it.
std::size_t on_bytes(char* data, std::size_t, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  try {
    auto taken = transfer.take(std::as_bytes(std::span(data, count)));
    if (taken) return count;
    transfer.error = taken.error();
  } catch (const std::exception& error) {
    transfer.error = Error{Errc::internal, std::string("download: ") + error.what()};
  }
  return CURL_WRITEFUNC_ERROR;
}

void set_options(CURL* curl, const HttpGet& get, Transfer& transfer, char* error_text) {
  curl_easy_setopt(curl, CURLOPT_URL, get.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  // The control node is on the campus; only a https address may lie behind the site's proxy.
  if (!get.url.starts_with("https://")) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "dure-hostagent");
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, get.connect_timeout_ms);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1024L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, get.stalled_after_s);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
}

}  // namespace

Result<void> http_get(const HttpGet& get, const HttpBody& body) {
  const std::unique_ptr<CURL, FreeCurl> curl(curl_easy_init());
  if (!curl) return Error{Errc::internal, "download: libcurl does not start"};
  Transfer transfer{curl.get(), get, body};
  std::array<char, CURL_ERROR_SIZE> error_text{};
  set_options(curl.get(), get, transfer, error_text.data());
  const std::string range = std::to_string(get.from) + "-";
  if (get.from > 0) curl_easy_setopt(curl.get(), CURLOPT_RANGE, range.c_str());
  const CURLcode code = curl_easy_perform(curl.get());
  if (transfer.error) return *transfer.error;
  const long status = transfer.status();
  if (code == CURLE_OK && status == kRangeBeyondEnd) return Error{Errc::corrupt, get.url + " is shorter than named"};
  if (code == CURLE_OK && (status == kOk || (status == kPartial && get.from > 0))) return {};
  const std::string why = code == CURLE_OK ? "answer " + std::to_string(status)
                                           : (error_text[0] != '\0' ? error_text.data() : curl_easy_strerror(code));
  return Error{Errc::unavailable, get.url + ": " + why};
}

}  // namespace dure::host
