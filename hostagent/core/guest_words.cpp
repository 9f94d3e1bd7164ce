#include "hostagent/core/guest_words.h"

#include <algorithm>
#include <array>
#include <utility>

namespace dure::host {
namespace {

constexpr std::array<std::uint32_t, 9> kSteps{static_cast<std::uint32_t>(kSilentAfter / std::chrono::seconds(1)), 60, 90, 120, 300, 900, 3600, 6 * 3600, 24 * 3600};

Duration seconds(std::uint32_t count) { return std::chrono::seconds(count); }

}  // namespace

void hear(GuestWords& words, GuestStatus status, SteadyPoint now) {
  words.silent_since = now;
  if (words.status == status) return;
  const auto passed = static_cast<std::uint64_t>((now - words.counted_at) / kChangeEvery);
  if (passed > 0) {
    words.changes -= static_cast<std::uint32_t>(std::min<std::uint64_t>(words.changes, passed));
    words.counted_at = now;
  }
  if (words.changes == kChangesAtOnce) return;
  ++words.changes;
  words.status = std::move(status);
}

std::uint32_t silence_step(Duration silent) {
  const auto next = std::find_if(kSteps.begin(), kSteps.end(), [&](std::uint32_t step) { return silent < seconds(step); });
  return next == kSteps.begin() ? 0 : *(next - 1);
}

std::optional<SteadyPoint> next_silence(const GuestBook& guests, SteadyPoint now) {
  std::optional<SteadyPoint> first;
  for (const auto& guest : guests) {
    const auto since = guest.second.silent_since;
    const auto next = std::find_if(kSteps.begin(), kSteps.end(), [&](std::uint32_t step) { return now - since < seconds(step); });
    if (next == kSteps.end()) continue;
    const auto at = since + seconds(*next);
    if (!first || at < *first) first = at;
  }
  return first;
}

}  // namespace dure::host
