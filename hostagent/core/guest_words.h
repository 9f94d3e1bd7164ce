#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/time.h"
#include "protocol/messages/host_report.h"

namespace dure::host {

// One well-formed line from a guest; hostile all the same.
struct GuestStatus {
  std::vector<GuestStage> stages;       // at most 16
  std::string error;                    // at most 256 bytes, printable
  std::string have{};                   // revision of the document that the guest has; empty: none
  std::vector<std::string> departed{};  // names of nodes, at most 64, each once
  Uuid boot{};                          // of its kernel; the stages are of that boot
  std::vector<std::string> not_ready{}; // names of nodes, at most 64, each once
  bool judges = false;                  // it has just asked its cluster who is
  std::uint64_t access = 0;             // fingerprint of the users that its Kubernetes cluster lets in; 0: not told
  friend bool operator==(const GuestStatus&, const GuestStatus&) = default;
};

// What a guest that is listened to has said last, and since when it says nothing.
struct GuestWords {
  std::optional<GuestStatus> status;
  SteadyPoint silent_since;   // its last word, or when this agent began to listen
  std::uint32_t changes = 0;  // of what it says that were taken of late
  SteadyPoint counted_at{};   // when that was counted last
};
// A guest is its user's: what it says may change as a boot does, and after that every few seconds, whatever it does. It
// repeats itself, so that what was passed over comes again.
inline constexpr std::uint32_t kChangesAtOnce = 16;
inline constexpr Duration kChangeEvery = std::chrono::seconds(5);
void hear(GuestWords& words, GuestStatus status, SteadyPoint now);

// Several of its beats: a guest that has said nothing for so long is told as silent, and what it said of its cluster as its word
// no more.
inline constexpr Duration kSilentAfter = std::chrono::seconds(30);

using GuestBook = std::map<NodeId, GuestWords>;

// How long a guest has been silent, as it is reported: in steps, so that the report of a host whose guests speak every
// few seconds does not change. The first step is kSilentAfter.
std::uint32_t silence_step(Duration silent);
// When the next step of any of them is reached; nothing: none will be.
std::optional<SteadyPoint> next_silence(const GuestBook& guests, SteadyPoint now);

}  // namespace dure::host
