#pragma once

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/controlnode/edges/http/api_stand.h"

namespace dure::control::test {

inline constexpr const char* kSite = R"({"name":"east","underlay_mtu":1500})";

// A member of an answer's JSON object; empty: it is not there or no text.
inline std::string text(const RawAnswer& answer, const char* member) {
  const auto object = ApiStand::json(answer);
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// A problem document is complete: RFC 9457's members and our code.
inline void check_problem(const RawAnswer& answer, unsigned status, const std::string& code) {
  CHECK(answer.status == status);
  REQUIRE(answer.headers.count("content-type") == 1);
  CHECK(answer.headers.at("content-type") == "application/problem+json");
  const auto object = ApiStand::json(answer);
  REQUIRE(object.contains("status"));
  CHECK(object.at("status") == boost::json::value(status));
  CHECK(text(answer, "code") == code);
  CHECK(text(answer, "type") == "about:blank");
  CHECK_FALSE(text(answer, "title").empty());
  CHECK_FALSE(text(answer, "detail").empty());
}

}  // namespace dure::control::test
