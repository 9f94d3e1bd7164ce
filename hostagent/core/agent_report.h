#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "hostagent/core/guest_words.h"
#include "hostagent/core/observed.h"
#include "protocol/messages/host_order.h"
#include "protocol/messages/host_report.h"

namespace dure::host {

// What one look at the host gave and what its guests have said, for the report. `order`: the one accepted in this session;
// null: none. Bytes of downloads that are under way come by digest.
void add_observed(HostReport& report, const Observed& observed, const HostOrder* order, const GuestBook& guests,
                  const std::map<Digest, std::uint64_t>& progress, SteadyPoint now);

// A download belongs to nobody but its digest; the control node knows images. What fails for several is told of each.
std::vector<ObjectFailure> by_image(const std::vector<ObjectFailure>& failures, const HostOrder* order);

// Equal but for what is another in each report: its number and its date.
bool same_news(const HostReport& a, const HostReport& b);

}  // namespace dure::host
