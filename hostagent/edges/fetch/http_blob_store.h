#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "hostagent/ports/storage.h"

namespace dure::host {

struct HttpBlobStoreOptions {
  std::string state_dir;   // blobs/ and partial/ are made below it
  std::string base_url;    // blobs are at <base_url>/blobs/<sha256>
  std::uint64_t keep_free_bytes = std::uint64_t{256} << 20;  // of the disk, for everybody else
  long connect_timeout_ms = 10'000;
  long stalled_after_s = 30;
};

// Blobs as files, fetched by HTTP. Different digests may be fetched at once; the same one only
// once at a time.
class HttpBlobStore final : public BlobStore {
 public:
  // Makes the directories. `invalid_argument` for a base_url that is neither http nor https.
  static Result<std::unique_ptr<HttpBlobStore>> open(HttpBlobStoreOptions options);
  HttpBlobStore(const HttpBlobStore&) = delete;
  HttpBlobStore& operator=(const HttpBlobStore&) = delete;
  ~HttpBlobStore() override;

  Result<std::vector<ObservedBlob>> list() override;
  Result<void> fetch(const BlobRef& blob, std::function<void(std::uint64_t bytes_done)> progress) override;
  std::string path_of(const Digest& digest) const override;
  Result<void> remove(const Digest& digest) override;

 private:
  explicit HttpBlobStore(HttpBlobStoreOptions options);
  std::string partial_path_of(const Digest& digest) const;
  bool complete(const BlobRef& blob) const;
  Result<void> fetch_rest(const BlobRef& blob, const std::function<void(std::uint64_t)>& progress) const;
  Result<void> publish(const Digest& digest) const;

  HttpBlobStoreOptions options_;
};

}  // namespace dure::host
