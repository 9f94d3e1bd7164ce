#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dure::control {

// [a-z]([a-z0-9-]*[a-z0-9])?, at most `max` characters.
inline constexpr std::size_t kMaxNameLength = 40;
bool valid_name(std::string_view text, std::size_t max = kMaxNameLength);

// Like a name, with dots as well ("debian-13.1"), for flavors and images.
bool valid_catalog_name(std::string_view text);

// "v1.32.13": a release, not a candidate, from 1.32 on (the first with kubeadm's configuration v1beta4
// as the only one that matters here).
bool valid_kubernetes_version(std::string_view text);

// Where a host stands: letters, digits and "-._" inside, at most 32 ("301", "B-2.14").
bool valid_room(std::string_view text);

// A host's label: the key lower-case letters, digits and "-._/" inside, at most 63; the value letters,
// digits and "-._" inside, at most 63, or empty. As Kubernetes has them, without upper-case keys.
inline constexpr std::size_t kMaxLabels = 16;
bool valid_label_key(std::string_view text);
bool valid_label_value(std::string_view text);

// Z85, 40 characters.
bool valid_curve_key(std::string_view text);

// Printable ASCII without control characters, 1..max characters.
bool printable_ascii(std::string_view text, std::size_t max);

}  // namespace dure::control
