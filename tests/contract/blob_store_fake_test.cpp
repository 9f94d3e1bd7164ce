#include <doctest/doctest.h>

#include <optional>
#include <utility>

#include "tests/contract/blob_store_contract.h"
#include "tests/support/fake_blob_store.h"

using namespace dure;
using namespace dure::host;

namespace {

BlobRef blob(std::uint8_t n) {
  BlobRef ref;
  ref.digest.bytes.fill(n);
  ref.size_bytes = 1000;
  return ref;
}

}  // namespace

TEST_CASE("the fake blob store keeps the contract") {
  FakeBlobStore fake;
  contract::BlobSource source{blob(1), blob(2), blob(3), blob(4), blob(5), [&] {
                                fake.partial_bytes = 400;
                                fake.fail = [once = true](const BlobRef&) mutable -> std::optional<Error> {
                                  if (!std::exchange(once, false)) return std::nullopt;
                                  return Error{Errc::unavailable, "cut"};
                                };
                              }};
  fake.serve(source.genuine.digest, 1000);
  fake.serve(source.forged.digest, 1000, false);
  fake.serve(source.shorter.digest, 999);
  fake.serve(source.longer.digest, 1001);
  contract::blob_store_contract(fake, source);
}

TEST_CASE("the fake blob store loses what it is told to lose") {
  FakeBlobStore fake;
  fake.serve(blob(1).digest, 1000);
  CHECK(fake.fetch(blob(1), nullptr).ok());
  CHECK(fake.fetch(blob(1), nullptr).ok());
  CHECK(fake.fetches == 1);
  fake.lose(blob(1).digest);
  CHECK(contract::held(fake).empty());
  CHECK(fake.fetch(blob(1), nullptr).ok());
  CHECK(fake.fetches == 2);
}
