#include "controlnode/edges/pki/key_list.h"

#include <array>
#include <string>
#include <utility>

namespace dure::control {
namespace {

constexpr std::size_t kLengthBytes = 4;

// In the order in which they are stored; never reordered, for what is stored has no names.
template <class Keys>
auto fields_of(Keys& keys) {
  return std::array{&keys.ca.certificate,
                    &keys.ca.private_key,
                    &keys.front_proxy_ca.certificate,
                    &keys.front_proxy_ca.private_key,
                    &keys.etcd_ca.certificate,
                    &keys.etcd_ca.private_key,
                    &keys.service_account_public_key,
                    &keys.service_account_private_key};
}

}  // namespace

SecretText write_key_list(const ClusterKeys& keys) {
  const auto fields = fields_of(keys);
  std::size_t size = 0;
  for (const std::string* field : fields) size += kLengthBytes + field->size();
  SecretText list;
  list.text.reserve(size);
  for (const std::string* field : fields) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      list.text.push_back(static_cast<char>(field->size() >> shift & 0xff));
    }
    list.text.append(*field);
  }
  return list;
}

std::optional<ClusterKeys> read_key_list(std::string_view text) {
  ClusterKeys keys;
  for (std::string* field : fields_of(keys)) {
    if (text.size() < kLengthBytes) return std::nullopt;
    std::size_t length = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i)
      length = length << 8 | static_cast<unsigned char>(text[i]);
    text.remove_prefix(kLengthBytes);
    if (length > text.size()) return std::nullopt;
    field->assign(text.substr(0, length));
    text.remove_prefix(length);
  }
  if (!text.empty()) return std::nullopt;
  return keys;
}

}  // namespace dure::control
