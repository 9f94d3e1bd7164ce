#include "hostagent/core/observed.h"

#include <algorithm>

namespace dure::host {

bool has(const Observed& observed, ConditionCode code) {
  return std::any_of(observed.conditions.begin(), observed.conditions.end(),
                     [&](const HostCondition& condition) { return condition.code == code; });
}

void note(Observed& observed, ConditionCode code, const std::string& message) {
  if (!has(observed, code)) observed.conditions.push_back({code, message.substr(0, 512)});
}

}  // namespace dure::host
