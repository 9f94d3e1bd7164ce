#pragma once

#include <string_view>

#include "common/digest.h"
#include "common/result.h"

namespace dure::host {

// The digest in what `nft -j list chains` wrote. All zero when one of the two tables has none, or
// they name different ones: the rules are then to be applied again.
Result<Digest> digest_in_listing(std::string_view listing);

}  // namespace dure::host
