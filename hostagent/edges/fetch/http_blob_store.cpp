#include "hostagent/edges/fetch/http_blob_store.h"

#include <curl/curl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>

#include "common/files.h"
#include "hostagent/edges/fetch/http_get.h"
#include "hostagent/edges/fetch/partial_blob.h"

namespace dure::host {
namespace {

constexpr std::uint64_t kProgressStep = std::uint64_t{1} << 20;

// Adds what a directory holds; names that are no digest are none of ours.
Result<void> read_directory(const std::string& path, bool complete, std::map<Digest, ObservedBlob>& found) {
  std::error_code error;
  std::filesystem::directory_iterator each(path, error);
  if (error == std::errc::no_such_file_or_directory) return {};
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    const auto digest = Digest::parse(each->path().filename().string());
    std::error_code gone;
    const auto bytes = each->file_size(gone);
    if (digest && !gone) found[*digest] = {*digest, bytes, complete};
  }
  if (error) return Error{Errc::internal, "list " + path + ": " + error.message()};
  return {};
}

}  // namespace

Result<std::unique_ptr<HttpBlobStore>> HttpBlobStore::open(HttpBlobStoreOptions options) {
  const auto& url = options.base_url;
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return Error{Errc::invalid_argument, "blobs come by http:// or https://, not from \"" + url + "\""};
  }
  // Guests' disks are read by another user than the agent: the directories are open, parts are not.
  if (auto made = make_directories(options.state_dir + "/blobs", 0755); !made) return made.error();
  if (auto made = make_directories(options.state_dir + "/partial", 0700); !made) return made.error();
  return std::unique_ptr<HttpBlobStore>(new HttpBlobStore(std::move(options)));
}

// The library counts its users itself.
HttpBlobStore::HttpBlobStore(HttpBlobStoreOptions options) : options_(std::move(options)) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  while (options_.base_url.ends_with('/')) options_.base_url.pop_back();
}

HttpBlobStore::~HttpBlobStore() { curl_global_cleanup(); }

std::string HttpBlobStore::path_of(const Digest& digest) const { return options_.state_dir + "/blobs/" + digest.str(); }

std::string HttpBlobStore::partial_path_of(const Digest& digest) const {
  return options_.state_dir + "/partial/" + digest.str();
}

Result<std::vector<ObservedBlob>> HttpBlobStore::list() {
  std::map<Digest, ObservedBlob> found;
  if (auto read = read_directory(options_.state_dir + "/partial", false, found); !read) return read.error();
  if (auto read = read_directory(options_.state_dir + "/blobs", true, found); !read) return read.error();
  std::vector<ObservedBlob> blobs;
  for (const auto& [digest, blob] : found) blobs.push_back(blob);
  return blobs;
}

bool HttpBlobStore::complete(const BlobRef& blob) const {
  struct stat held {};
  return ::lstat(path_of(blob.digest).c_str(), &held) == 0 && S_ISREG(held.st_mode) &&
         static_cast<std::uint64_t>(held.st_size) == blob.size_bytes;
}

Result<void> HttpBlobStore::fetch(const BlobRef& blob, std::function<void(std::uint64_t)> progress) {
  if (blob.size_bytes == 0) return Error{Errc::invalid_argument, "blob " + blob.digest.str() + " is named without a size"};
  const auto report = [&](std::uint64_t bytes) {
    if (progress) progress(bytes);
  };
  if (complete(blob)) {
    report(blob.size_bytes);
    return {};
  }
  auto fetched = fetch_rest(blob, report);
  if (!fetched) {
    if (fetched.error().code == Errc::corrupt) ::unlink(partial_path_of(blob.digest).c_str());
    return fetched;
  }
  if (auto published = publish(blob.digest); !published) return published;
  report(blob.size_bytes);
  return {};
}

Result<void> HttpBlobStore::remove(const Digest& digest) {
  for (const auto& path : {path_of(digest), partial_path_of(digest)}) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) continue;
    return Error{Errc::internal, "unlink " + path + ": " + std::strerror(errno)};
  }
  return {};
}

Result<void> HttpBlobStore::fetch_rest(const BlobRef& blob, const std::function<void(std::uint64_t)>& progress) const {
  auto partial = PartialBlob::open(partial_path_of(blob.digest), blob, options_.keep_free_bytes);
  if (!partial) return partial.error();
  std::uint64_t reported = 0;
  const auto report = [&] {
    if (partial->bytes() < reported + kProgressStep) return;
    reported = partial->bytes();
    progress(reported);
  };
  if (partial->bytes() < blob.size_bytes) {
    HttpGet get{options_.base_url + "/blobs/" + blob.digest.str(), partial->bytes(), options_.connect_timeout_ms,
                options_.stalled_after_s};
    HttpBody body;
    body.restart = [&]() -> Result<void> {
      reported = 0;
      return partial->start_over();
    };
    body.bytes = [&](std::span<const std::byte> bytes) -> Result<void> {
      auto kept = partial->append(bytes);
      if (kept) report();
      return kept;
    };
    if (auto got = http_get(get, body); !got) return got;
    // Without a length from the server an early end looks like the end; asking for the rest tells.
    if (partial->bytes() < blob.size_bytes) return Error{Errc::unavailable, get.url + " ended early"};
  }
  return partial->seal();
}

Result<void> HttpBlobStore::publish(const Digest& digest) const {
  const std::string from = partial_path_of(digest), to = path_of(digest);
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    return Error{Errc::internal, "rename " + from + " to " + to + ": " + std::strerror(errno)};
  }
  if (auto synced = fsync_directory(options_.state_dir + "/blobs"); !synced) return synced;
  return fsync_directory(options_.state_dir + "/partial");
}

}  // namespace dure::host
