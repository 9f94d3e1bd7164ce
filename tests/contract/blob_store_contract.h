#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "hostagent/ports/storage.h"

// What every BlobStore keeps to, the real one and the fake alike.
namespace dure::host::contract {

// How a store's source behaves; both kinds of test set it in their own way.
struct BlobSource {
  BlobRef genuine;                       // can be had
  BlobRef forged;                        // is served with other bytes of the same number
  BlobRef shorter;                       // is served with fewer bytes than named
  BlobRef longer;                        // is served with more bytes than named
  BlobRef missing;                       // is not served
  std::function<void()> cut_next;        // the next fetch ends in the middle
};

inline std::vector<ObservedBlob> held(BlobStore& store) {
  auto listed = store.list();
  REQUIRE_MESSAGE(listed.ok(), (listed.ok() ? "" : listed.error().message));
  return *listed;
}

inline Result<void> fetch(BlobStore& store, const BlobRef& blob) { return store.fetch(blob, nullptr); }

inline void check_holds_only(BlobStore& store, const BlobRef& blob) {
  const auto blobs = held(store);
  REQUIRE(blobs.size() == 1);
  CHECK(blobs[0] == ObservedBlob{blob.digest, blob.size_bytes, true});
}

// Takes an empty store; one SUBCASE each.
inline void blob_store_contract(BlobStore& store, const BlobSource& source) {
  CHECK(held(store).empty());
  SUBCASE("a blob is fetched once") {
    std::vector<std::uint64_t> steps;
    const auto done = store.fetch(source.genuine, [&](std::uint64_t bytes) { steps.push_back(bytes); });
    REQUIRE_MESSAGE(done.ok(), (done.ok() ? "" : done.error().message));
    check_holds_only(store, source.genuine);
    REQUIRE_FALSE(steps.empty());
    CHECK(std::is_sorted(steps.begin(), steps.end()));
    CHECK(steps.back() == source.genuine.size_bytes);
    CHECK(fetch(store, source.genuine).ok());
    check_holds_only(store, source.genuine);
  }
  SUBCASE("what was cut off goes on where it ended") {
    source.cut_next();
    const auto cut = fetch(store, source.genuine);
    REQUIRE_FALSE(cut.ok());
    CHECK(cut.error().code == Errc::unavailable);
    const auto blobs = held(store);
    REQUIRE(blobs.size() == 1);
    CHECK_FALSE(blobs[0].complete);
    CHECK(blobs[0].bytes_done > 0);
    CHECK(blobs[0].bytes_done < source.genuine.size_bytes);
    CHECK(fetch(store, source.genuine).ok());
    check_holds_only(store, source.genuine);
  }
  SUBCASE("other bytes than named are corrupt, and dropped") {
    for (const auto& blob : {source.forged, source.longer}) {
      const auto done = fetch(store, blob);
      REQUIRE_FALSE(done.ok());
      CHECK(done.error().code == Errc::corrupt);
      CHECK(held(store).empty());
    }
  }
  SUBCASE("fewer bytes than named never become complete, and end as corrupt") {
    auto done = fetch(store, source.shorter);
    if (!done && done.error().code == Errc::unavailable) done = fetch(store, source.shorter);
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == Errc::corrupt);
    CHECK(held(store).empty());
  }
  SUBCASE("what is not served is unavailable, and leaves nothing that counts") {
    const auto done = fetch(store, source.missing);
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == Errc::unavailable);
    for (const auto& blob : held(store)) CHECK((!blob.complete && blob.bytes_done == 0));
  }
  SUBCASE("what is removed is gone, whole or in part, and can be fetched again") {
    CHECK(store.remove(source.genuine.digest).ok());
    REQUIRE(fetch(store, source.genuine).ok());
    CHECK(store.remove(source.genuine.digest).ok());
    CHECK(held(store).empty());
    source.cut_next();
    REQUIRE_FALSE(fetch(store, source.genuine).ok());
    CHECK(store.remove(source.genuine.digest).ok());
    CHECK(held(store).empty());
    REQUIRE(fetch(store, source.genuine).ok());
    check_holds_only(store, source.genuine);
  }
  SUBCASE("a blob without a size is refused") {
    const auto done = fetch(store, {source.genuine.digest, 0});
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == Errc::invalid_argument);
  }
  SUBCASE("a path names the digest, and no two are the same") {
    CHECK(store.path_of(source.genuine.digest).ends_with("/" + source.genuine.digest.str()));
    CHECK(store.path_of(source.genuine.digest) != store.path_of(source.forged.digest));
  }
}

}  // namespace dure::host::contract
