#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "common/digest.h"
#include "common/ip.h"
#include "common/result.h"
#include "common/text.h"
#include "common/uuid.h"

namespace google::protobuf {
class Message;
}

namespace dure::wire {

// Turns decoded fields into values and remembers the first one that breaks its rule. After a fault
// the values are meaningless and `result()` is an error.
class FieldCheck {
 public:
  void require(bool holds, std::string_view field, std::string_view rule) {
    if (holds || !fault_.empty()) return;
    fault_.append(field).append(" ").append(rule);
  }
  bool failed() const { return !fault_.empty(); }
  Result<void> result() const;

  // No field that this version does not know: a newer sender's constraint must not be ignored silently.
  // Every decoded message is asked by itself, which costs a fraction of walking the tree by
  // reflection; a test puts an unknown field into each message at each depth.
  void known(const google::protobuf::Message& message, std::string_view name);

  Uuid uuid(std::string_view bytes, std::string_view field);
  template <class Tag>
  void id(Id<Tag>& into, std::string_view bytes, std::string_view field) {
    into.uuid = uuid(bytes, field);
  }
  Digest digest(std::string_view bytes, std::string_view field);
  // A single station's address, as every interface has.
  Mac mac(std::string_view bytes, std::string_view field);
  // Absent, or as long as a signature of Ed25519; whether it verifies is not asked here.
  std::string signature(std::string_view bytes, std::string_view field);
  std::string name(std::string_view bytes, std::string_view field, std::size_t max = 63);
  std::string text(std::string_view bytes, std::string_view field, std::size_t max);
  std::uint32_t vni(std::uint32_t value, std::string_view field);
  void range(std::uint64_t value, std::uint64_t low, std::uint64_t high, std::string_view field);

  // No two items give the same key.
  template <class Item, class Key>
  void unique(const std::vector<Item>& items, Key key, std::string_view field) {
    std::vector<decltype(key(items.front()))> keys;
    keys.reserve(items.size());
    std::transform(items.begin(), items.end(), std::back_inserter(keys), key);
    std::sort(keys.begin(), keys.end());
    require(std::adjacent_find(keys.begin(), keys.end()) == keys.end(), field, "is there twice");
  }

 private:
  std::string fault_;
};

}  // namespace dure::wire
