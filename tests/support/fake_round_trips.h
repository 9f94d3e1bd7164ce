#pragma once

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "hostagent/ports/round_trips.h"

namespace dure::host {

// Tells, when the test says so, what the test has said about addresses. Whoever is not known is silent.
class FakeRoundTrips final : public RoundTrips {
 public:
  static constexpr std::uint32_t kEchoes = 5;

  explicit FakeRoundTrips(RoundTripListener& listener) : listener_(listener) {}

  void measure(std::vector<RoundTripTarget> targets) override { targets_ = std::move(targets); }

  const std::vector<RoundTripTarget>& targets() const { return targets_; }
  void answers(Ipv4 address, std::uint32_t us) { answers_[address] = us; }
  void silent(Ipv4 address) { answers_.erase(address); }

  // One measurement.
  void round() {
    if (targets_.empty()) return;
    std::map<SiteId, std::pair<std::uint32_t, std::vector<std::uint32_t>>> sites;
    for (const auto& target : targets_) {
      auto& [sent, times] = sites[target.site];
      sent += kEchoes;
      const auto known = answers_.find(target.address);
      if (known != answers_.end()) times.insert(times.end(), kEchoes, known->second);
    }
    std::vector<MeasuredRoundTrip> measured;
    for (auto& [site, asked] : sites) {
      auto& [sent, times] = asked;
      std::sort(times.begin(), times.end());
      MeasuredRoundTrip one{site, sent, static_cast<std::uint32_t>(times.size())};
      if (!times.empty()) {
        one.least_us = times.front();
        one.median_us = times[times.size() / 2];
      }
      measured.push_back(one);
    }
    listener_.on_round_trips(std::move(measured));
  }

 private:
  RoundTripListener& listener_;
  std::vector<RoundTripTarget> targets_;
  std::map<Ipv4, std::uint32_t> answers_;
};

}  // namespace dure::host
