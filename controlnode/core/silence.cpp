#include "controlnode/core/silence.h"

namespace dure::control {

SteadyPoint last_word(const Model& model, const HostId& host) {
  const auto found = model.heard.find(host);
  return found == model.heard.end() ? model.lead_since : found->second.at;
}

bool heard(const Model& model, const HostId& host) { return model.heard.contains(host); }

SteadyPoint silent_at(const Model& model, const HostId& host) {
  return last_word(model, host) + Duration{model.settings.silent_after_s * 1'000'000};
}

bool silent(const Model& model, const HostId& host, SteadyPoint now) { return now >= silent_at(model, host); }

SteadyPoint missing_at(const Model& model, const HostId& host) {
  return last_word(model, host) + Duration{model.settings.missing_after_s * 1'000'000};
}

bool missing(const Model& model, const HostId& host, SteadyPoint now) { return now >= missing_at(model, host); }

bool blind(const Model& model, const HostId& host, SteadyPoint now) {
  const auto found = model.heard.find(host);
  return found != model.heard.end() && now - found->second.observed_at >= Duration{model.settings.silent_after_s * 1'000'000};
}

}  // namespace dure::control
