#include "protocol/wire/fence_proof.h"

#include <cstdint>

namespace dure::wire {
namespace {

std::string signed_bytes(const SystemId& system, const Fence& fence) {
  using namespace std::string_view_literals;
  std::string bytes("dure/fence/v1\0"sv);
  bytes.append(reinterpret_cast<const char*>(system.uuid.bytes.data()), system.uuid.bytes.size());
  for (const std::uint64_t number : {fence.delegation, fence.epoch}) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((number >> shift) & 0xff));
  }
  return bytes;
}

}  // namespace

Result<std::string> prove_fence(const SystemId& system, const Fence& fence, const SigningKey& key) {
  const auto signature = key.sign(signed_bytes(system, fence));
  if (!signature) return signature.error();
  return std::string(signature->begin(), signature->end());
}

bool fence_proven(const SystemId& system, const Fence& fence, std::string_view proof, const VerifyingKey& key) {
  return proof.size() == SignatureBytes{}.size() && key.verify(signed_bytes(system, fence), proof);
}

}  // namespace dure::wire
