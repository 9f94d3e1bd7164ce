#include "common/result.h"

namespace dure {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::invalid_argument: return "invalid-argument";
    case Errc::not_found: return "not-found";
    case Errc::already_exists: return "already-exists";
    case Errc::conflict: return "conflict";
    case Errc::unauthenticated: return "unauthenticated";
    case Errc::no_capacity: return "no-capacity";
    case Errc::quota: return "quota";
    case Errc::superseded: return "superseded";
    case Errc::unavailable: return "unavailable";
    case Errc::in_doubt: return "in-doubt";
    case Errc::lost_leadership: return "lost-leadership";
    case Errc::no_space: return "no-space";
    case Errc::corrupt: return "corrupt";
    case Errc::internal: return "internal";
  }
  return "internal";
}

}  // namespace dure
