#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "protocol/messages/placement_record.h"

namespace dure::wire {

// The parts of a stored decision. They leave the control node only for its database; what comes back is
// decoded as strictly as what comes from a host (codec.h). Text that is not printable, or too long, is made
// so by `encode`: a strange word must not cost a decision its commit.
std::string encode(const StoredFleet& fleet);
std::string encode(const StoredQuestion& question);
std::string encode(const StoredAnswer& answer);
Result<StoredFleet> decode_stored_fleet(std::string_view bytes);
Result<StoredQuestion> decode_stored_question(std::string_view bytes);
Result<StoredAnswer> decode_stored_answer(std::string_view bytes);

}  // namespace dure::wire
