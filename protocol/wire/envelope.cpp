#include "protocol/wire/envelope.h"

#include <optional>

namespace dure::wire {
namespace {

// A protobuf message by hand, because only one of its unlimited valid encodings is accepted:
// key_id, payload, signature, each once, in this order, with minimal lengths, and nothing else.
constexpr char kKeyIdTag = 0x0a;
constexpr char kPayloadTag = 0x12;
constexpr char kSignatureTag = 0x1a;

std::string_view context_of(EnvelopeKind kind) {
  using namespace std::string_view_literals;
  switch (kind) {
    case EnvelopeKind::order: return "dure/order/v1\0"sv;
    case EnvelopeKind::delegation: return "dure/delegation/v1\0"sv;
  }
  return {};
}

template <class Bytes>
std::string_view view(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string signed_bytes(EnvelopeKind kind, std::string_view key_id, std::string_view payload) {
  const auto context = context_of(kind);
  std::string bytes;
  bytes.reserve(context.size() + 1 + key_id.size() + 4 + payload.size());
  bytes.append(context);
  bytes.push_back(static_cast<char>(key_id.size()));
  bytes.append(key_id);
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>((payload.size() >> shift) & 0xff));
  }
  bytes.append(payload);
  return bytes;
}

void put_field(std::string& bytes, char tag, std::string_view value) {
  bytes.push_back(tag);
  std::size_t length = value.size();
  for (; length >= 0x80; length >>= 7) bytes.push_back(static_cast<char>((length & 0x7f) | 0x80));
  bytes.push_back(static_cast<char>(length));
  bytes.append(value);
}

// Takes a minimal varint of at most 4 bytes (28 bits) from the front.
std::optional<std::size_t> take_length(std::string_view& bytes) {
  std::size_t length = 0;
  for (unsigned i = 0; i < 4 && !bytes.empty(); ++i) {
    const auto octet = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    length |= static_cast<std::size_t>(octet & 0x7f) << (7 * i);
    if ((octet & 0x80) == 0) {
      if (octet == 0 && i > 0) return std::nullopt;
      return length;
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> take_field(std::string_view& bytes, char tag) {
  if (bytes.empty() || bytes.front() != tag) return std::nullopt;
  bytes.remove_prefix(1);
  const auto length = take_length(bytes);
  if (!length || *length > bytes.size()) return std::nullopt;
  const auto value = bytes.substr(0, *length);
  bytes.remove_prefix(*length);
  return value;
}

Error malformed(std::string_view what) {
  return {Errc::invalid_argument, "envelope: " + std::string(what)};
}

}  // namespace

Result<std::string> seal(EnvelopeKind kind, std::string_view payload, const SigningKey& key) {
  if (payload.size() > kMaxOrderBytes) return malformed("payload is too long");
  const auto key_id = key.key_id();
  const auto signature = key.sign(signed_bytes(kind, view(key_id), payload));
  if (!signature) return signature.error();
  std::string bytes;
  bytes.reserve(payload.size() + 128);
  put_field(bytes, kKeyIdTag, view(key_id));
  put_field(bytes, kPayloadTag, payload);
  put_field(bytes, kSignatureTag, view(*signature));
  return bytes;
}

Result<std::string> open(EnvelopeKind kind, std::string_view envelope, const VerifyingKey& key) {
  if (envelope.size() > kMaxEnvelopeBytes) return malformed("too long");
  const auto key_id = take_field(envelope, kKeyIdTag);
  if (!key_id || key_id->size() != KeyId{}.size()) return malformed("key_id is not well-formed");
  const auto payload = take_field(envelope, kPayloadTag);
  if (!payload || payload->size() > kMaxOrderBytes) return malformed("payload is not well-formed");
  const auto signature = take_field(envelope, kSignatureTag);
  if (!signature || signature->size() != SignatureBytes{}.size()) {
    return malformed("signature is not well-formed");
  }
  if (!envelope.empty()) return malformed("bytes follow the signature");
  const auto expected = key.key_id();
  if (*key_id != view(expected)) {
    return Error{Errc::unauthenticated, "envelope: signed by a key that is not known here"};
  }
  if (!key.verify(signed_bytes(kind, *key_id, *payload), *signature)) {
    return Error{Errc::unauthenticated, "envelope: the signature does not verify"};
  }
  return std::string(*payload);
}

}  // namespace dure::wire
