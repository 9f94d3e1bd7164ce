#include "controlnode/cli/curl_client.h"

#include <curl/curl.h>

#include <cstdio>
#include <string_view>
#include <sys/stat.h>
#include <utility>

#include "controlnode/cli/patience.h"

namespace dure::cli {
namespace {

constexpr std::size_t kMostAnswerBytes = 64U << 20;

struct HandleDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::size_t take_bytes(char* data, std::size_t, std::size_t count, void* user) {
  auto& body = *static_cast<std::string*>(user);
  if (body.size() + count > kMostAnswerBytes) return 0;  // ends the transfer with an error
  body.append(data, count);
  return count;
}

std::size_t give_bytes(char* data, std::size_t size, std::size_t count, void* user) {
  return std::fread(data, 1, size * count, static_cast<std::FILE*>(user));
}

struct Watch {
  Patience& patience;
  const HttpClient::Progress* progress = nullptr;
};

int watch_transfer(void* user, curl_off_t, curl_off_t, curl_off_t total, curl_off_t sent) {
  auto& watch = *static_cast<Watch*>(user);
  if (watch.progress != nullptr && *watch.progress && total > 0) {
    (*watch.progress)(static_cast<std::uint64_t>(sent), static_cast<std::uint64_t>(total));
  }
  return watch.patience.interrupted() ? 1 : 0;
}

bool is_loopback(std::string_view address) {
  const auto scheme = address.find("://");
  const auto host = scheme == std::string_view::npos ? address : address.substr(scheme + 3);
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

class CurlClient : public HttpClient {
 public:
  CurlClient(CURL* handle, Endpoint endpoint, Patience& patience)
      : handle_(handle), endpoint_(std::move(endpoint)), patience_(patience) {
    while (!endpoint_.address.empty() && endpoint_.address.back() == '/') {
      endpoint_.address.pop_back();
    }
  }

  Result<HttpReply> call(const HttpCall& call) override {
    begin(call.path);
    set(CURLOPT_TIMEOUT_MS, 30000L);
    set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
    auto headers = call.headers;
    if (!call.body.empty() || call.method == "POST") {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
      set(CURLOPT_POSTFIELDS, call.body.c_str());
      headers.emplace_back("Content-Type", "application/json");
    }
    Watch watch{patience_, nullptr};
    return perform(headers, watch);
  }

  Result<HttpReply> upload(const std::string& path, const std::string& file,
                           const Progress& progress) override {
    const std::unique_ptr<std::FILE, FileCloser> opened(std::fopen(file.c_str(), "rbe"));
    struct stat info {};
    if (opened == nullptr || ::fstat(::fileno(opened.get()), &info) != 0) {
      return Error{Errc::not_found, file + " cannot be read"};
    }
    begin(path);
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(info.st_size));
    set(CURLOPT_READFUNCTION, &give_bytes);
    set(CURLOPT_READDATA, opened.get());
    // No total limit for gigabytes, but an end when nothing moves; the other side hashes at the end.
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, 300L);
    Watch watch{patience_, &progress};
    return perform({{"Content-Type", "application/octet-stream"}}, watch);
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(handle_.get(), option, value);
  }

  void begin(const std::string& path) {
    // Keeps the connection, drops the options.
    curl_easy_reset(handle_.get());
    body_.clear();
    set(CURLOPT_URL, (endpoint_.address + path).c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    set(CURLOPT_USERAGENT, "dure");
    set(CURLOPT_WRITEFUNCTION, &take_bytes);
    set(CURLOPT_WRITEDATA, &body_);
    // A campus-wide http_proxy must not see what is meant for this machine.
    if (is_loopback(endpoint_.address)) set(CURLOPT_PROXY, "");
  }

  Result<HttpReply> perform(const std::vector<std::pair<std::string, std::string>>& headers,
                            Watch& watch) {
    std::unique_ptr<curl_slist, ListDeleter> list;
    const auto add = [&list](const std::string& line) {
      list.reset(curl_slist_append(list.release(), line.c_str()));
    };
    if (!endpoint_.token.empty()) add("Authorization: Bearer " + endpoint_.token);
    add("Accept: application/json, application/problem+json");
    for (const auto& [name, value] : headers) add(name + ": " + value);
    set(CURLOPT_HTTPHEADER, list.get());
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &watch_transfer);
    set(CURLOPT_XFERINFODATA, &watch);
    const auto code = curl_easy_perform(handle_.get());
    if (code != CURLE_OK) {
      return Error{Errc::unavailable,
                   endpoint_.address + " cannot be reached: " + curl_easy_strerror(code)};
    }
    HttpReply reply;
    long status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_off_t retry_after = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RETRY_AFTER, &retry_after);
    reply.status = static_cast<unsigned>(status);
    reply.retry_after_s = static_cast<unsigned>(retry_after);
    reply.body = std::move(body_);
    return reply;
  }

  std::unique_ptr<CURL, HandleDeleter> handle_;
  Endpoint endpoint_;
  Patience& patience_;
  std::string body_;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> connect_by_curl(const Endpoint& endpoint, Patience& patience) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
    if (CURL* handle = curl_easy_init(); handle != nullptr) {
      return std::unique_ptr<HttpClient>(std::make_unique<CurlClient>(handle, endpoint, patience));
    }
  }
  return Error{Errc::internal, "libcurl cannot be used"};
}

}  // namespace dure::cli
