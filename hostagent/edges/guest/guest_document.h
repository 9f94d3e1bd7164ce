#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace dure::host {

// A guest's document as it was ordered, and the name of exactly these bytes.
struct GuestDocument {
  std::string bytes;
  std::string revision;  // first 16 hexadecimal digits of the bytes' SHA-256
};

inline constexpr std::size_t kRevisionDigits = 16;

// Nothing unless `bytes` are one object of JSON on one line: they are pasted into a line, and must not
// be able to end it or the object around them.
std::optional<GuestDocument> checked_document(std::string bytes);

// What the guest is sent, with its line end:
//   {"v":1,"revision":"<16 hex>","now_ms":<unix time in ms>,"document":{...}}
std::string document_line(const GuestDocument& document, std::uint64_t now_ms);

}  // namespace dure::host
