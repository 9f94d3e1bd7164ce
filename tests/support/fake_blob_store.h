#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hostagent/ports/storage.h"

namespace dure::host {

// Blobs in memory, and what the control node would serve. `fail` is asked before each fetch; its
// error is the outcome, after `partial_bytes` of the blob have arrived.
class FakeBlobStore : public BlobStore {
 public:
  std::function<std::optional<Error>(const BlobRef& blob)> fail;
  std::uint64_t partial_bytes = 0;
  std::uint64_t fetches = 0;

  // What the control node has under this digest; nothing served: `unavailable`. With `genuine`
  // false it has other bytes.
  void serve(const Digest& digest, std::uint64_t size_bytes, bool genuine = true) {
    served_[digest] = {size_bytes, genuine};
  }
  void lose(const Digest& digest) { held_.erase(digest); }

  Result<std::vector<ObservedBlob>> list() override {
    std::vector<ObservedBlob> blobs;
    for (const auto& [digest, blob] : held_) blobs.push_back(blob);
    return blobs;
  }

  Result<void> fetch(const BlobRef& blob, std::function<void(std::uint64_t)> progress) override {
    const auto report = [&](std::uint64_t bytes) {
      if (progress) progress(bytes);
    };
    if (blob.size_bytes == 0) return Error{Errc::invalid_argument, "blob " + blob.digest.str() + " has no size"};
    auto& held = held_[blob.digest];
    if (held.complete && held.bytes_done == blob.size_bytes) {
      report(blob.size_bytes);
      return {};
    }
    ++fetches;
    if (const auto error = fail ? fail(blob) : std::nullopt) {
      held = {blob.digest, std::min(partial_bytes, blob.size_bytes), false};
      report(held.bytes_done);
      if (error->code == Errc::corrupt || held.bytes_done == 0) held_.erase(blob.digest);
      return *error;
    }
    const auto source = served_.find(blob.digest);
    if (source == served_.end()) {
      if (held.bytes_done == 0) held_.erase(blob.digest);
      return Error{Errc::unavailable, "blob " + blob.digest.str() + " is not served"};
    }
    if (!source->second.second || source->second.first != blob.size_bytes) {
      held_.erase(blob.digest);
      return Error{Errc::corrupt, "blob " + blob.digest.str() + " has other bytes than named"};
    }
    held = {blob.digest, blob.size_bytes, true};
    report(blob.size_bytes);
    return {};
  }

  Result<void> remove(const Digest& digest) override {
    held_.erase(digest);
    return {};
  }

  std::string path_of(const Digest& digest) const override { return "/blobs/" + digest.str(); }

 private:
  std::map<Digest, std::pair<std::uint64_t, bool>> served_;
  std::map<Digest, ObservedBlob> held_;
};

}  // namespace dure::host
