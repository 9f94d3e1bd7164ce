#include "controlnode/core/busy_windows.h"

#include <algorithm>
#include <iterator>

namespace dure::control {

std::vector<BusyWindow> merged(std::vector<BusyWindow> windows) {
  std::sort(windows.begin(), windows.end());
  std::vector<BusyWindow> result;
  for (const BusyWindow& window : windows) {
    if (window.until <= window.from) continue;
    if (result.empty() || result.back().until < window.from) {
      result.push_back(window);
    } else {
      result.back().until = std::max(result.back().until, window.until);
    }
  }
  return result;
}

std::vector<BusyWindow> not_over(const std::vector<BusyWindow>& windows, TimePoint now) {
  std::vector<BusyWindow> left;
  std::copy_if(windows.begin(), windows.end(), std::back_inserter(left),
               [&](const BusyWindow& window) { return window.until > now; });
  return left;
}

}  // namespace dure::control
