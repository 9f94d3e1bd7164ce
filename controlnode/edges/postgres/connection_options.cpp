#include "controlnode/edges/postgres/connection_options.h"

#include <array>
#include <string_view>

namespace dure::control {
namespace {

// A lost machine is noticed within 25 s while idle and within 15 s while something was sent to it.
constexpr std::array<std::string_view, 6> kLimits{"connect_timeout=5",     "keepalives=1",       "keepalives_idle=10",
                                                  "keepalives_interval=5", "keepalives_count=3", "tcp_user_timeout=15000"};

std::string joined(char separator) {
  std::string text;
  for (const std::string_view limit : kLimits) text += std::string(limit) + separator;
  return text;
}

bool is_uri(std::string_view url) { return url.starts_with("postgresql://") || url.starts_with("postgres://"); }

}  // namespace

std::string with_time_limits(const std::string& url) {
  if (!is_uri(url)) return joined(' ') + url;
  const auto query = url.find('?');
  auto limits = joined('&');
  if (query != std::string::npos) return url.substr(0, query + 1) + limits + url.substr(query + 1);
  limits.pop_back();
  return url + "?" + limits;
}

}  // namespace dure::control
