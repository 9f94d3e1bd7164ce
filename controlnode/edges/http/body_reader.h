#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/time.h"
#include "controlnode/core/grammar.h"
#include "controlnode/edges/http/read_request.h"
#include "controlnode/edges/http/text.h"

namespace dure::control {

// Reads members of one object and collects every fault.
class BodyReader {
 public:
  static constexpr std::size_t kMaxName = 40;
  static constexpr std::size_t kMaxCatalogName = 63;

  BodyReader(const std::string& body, std::string prefix) : prefix_(std::move(prefix)) {
    boost::json::error_code error;
    boost::json::parse_options options;
    options.max_depth = 8;
    value_ = boost::json::parse(body, error, {}, options);
    if (error || !value_.is_object()) {
      fault("", error ? "not JSON: " + error.message() : "a JSON object is wanted");
      value_ = boost::json::object{};
    }
  }
  BodyReader(boost::json::object object, std::string prefix)
      : value_(std::move(object)), prefix_(std::move(prefix)) {}

  std::string text(std::string_view name, std::size_t max, bool required, std::string fallback = {}) {
    const auto* member = find(name, required);
    if (member == nullptr) return fallback;
    if (!member->is_string()) return wrong(name, "text is wanted"), fallback;
    const auto& text = member->get_string();
    if (text.size() > max) wrong(name, "longer than " + std::to_string(max) + " bytes");
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        wrong(name, "holds a control character");
        break;
      }
    }
    return std::string(text);
  }

  // Lower-case letters, digits and dashes, starting with a letter.
  std::string name(std::string_view member, bool required, std::string fallback = {}) {
    auto text = this->text(member, kMaxName, required, std::move(fallback));
    if (text.empty()) return text;
    const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    bool good = lower(text.front()) && text.back() != '-';
    for (const char c : text) good = good && (lower(c) || (c >= '0' && c <= '9') || c == '-');
    if (!good) wrong(member, "wants lower-case letters, digits and '-', first a letter");
    return text;
  }

  // Of a flavor or image: dots too, as in "debian-13.1".
  std::string catalog_name(std::string_view member) {
    auto text = this->text(member, kMaxCatalogName, true);
    if (!text.empty() && !valid_catalog_name(text)) {
      wrong(member, "wants lower-case letters, digits, '-' and '.', first a letter");
    }
    return text;
  }

  template <class Number>
  Number number(std::string_view name, std::int64_t low, std::int64_t high, bool required,
                Number fallback = 0) {
    const auto* member = find(name, required);
    if (member == nullptr) return fallback;
    boost::json::error_code error;
    const auto value = member->to_number<std::int64_t>(error);
    if (error || value < low || value > high) {
      wrong(name, "a whole number from " + std::to_string(low) + " to " + std::to_string(high) +
                      " is wanted");
      return fallback;
    }
    return static_cast<Number>(value);
  }

  // RFC 3339, with any offset.
  std::optional<TimePoint> time(std::string_view name, bool required) {
    const auto faults = faults_.size();
    const auto at = parse_rfc3339(text(name, 40, required));
    if (!at && has(name) && faults_.size() == faults) wrong(name, "a time such as 2026-03-01T18:00:00+09:00 is wanted");
    return at;
  }

  bool flag(std::string_view name) {
    const auto* member = find(name, false);
    if (member == nullptr) return false;
    if (!member->is_bool()) return wrong(name, "true or false is wanted"), false;
    return member->get_bool();
  }

  std::vector<std::string> names(std::string_view name, std::size_t max) {
    std::vector<std::string> result;
    const auto* member = find(name, false);
    if (member == nullptr) return result;
    if (!member->is_array() || member->get_array().size() > max) {
      wrong(name, "a list of at most " + std::to_string(max) + " names is wanted");
      return result;
    }
    for (const auto& item : member->get_array()) {
      if (item.is_string() && item.get_string().size() <= kMaxName) {
        result.emplace_back(item.get_string());
      } else {
        wrong(name, "holds something that is no name");
      }
    }
    return result;
  }

  // Members are text; null as well where `nulls` is set.
  std::map<std::string, std::optional<std::string>> texts(std::string_view name, std::size_t max, bool nulls) {
    std::map<std::string, std::optional<std::string>> result;
    const auto* member = find(name, false);
    if (member == nullptr) return result;
    if (!member->is_object() || member->get_object().size() > max) {
      wrong(name, "an object of at most " + std::to_string(max) + " texts is wanted");
      return result;
    }
    for (const auto& [key, value] : member->get_object()) {
      const bool text = value.is_string() && value.get_string().size() <= kMaxCatalogName;
      if (key.size() > kMaxCatalogName || (!text && !(nulls && value.is_null()))) {
        wrong(name, nulls ? "texts or null are wanted" : "texts are wanted");
        return {};
      }
      result[std::string(key)] = text ? std::optional(std::string(value.get_string())) : std::nullopt;
    }
    return result;
  }

  // Members are whole numbers or null.
  std::map<std::string, std::optional<std::int64_t>> limits(std::string_view name, std::size_t max) {
    std::map<std::string, std::optional<std::int64_t>> result;
    const auto* member = find(name, false);
    if (member == nullptr) return result;
    if (!member->is_object() || member->get_object().size() > max) {
      wrong(name, "an object of at most " + std::to_string(max) + " numbers is wanted");
      return result;
    }
    for (const auto& [key, value] : member->get_object()) {
      boost::json::error_code error;
      const auto number = value.is_null() ? 0 : value.to_number<std::int64_t>(error);
      if (error || key.size() > kMaxName) {
        wrong(name, "whole numbers or null are wanted");
        return {};
      }
      result[std::string(key)] = value.is_null() ? std::nullopt : std::optional(number);
    }
    return result;
  }

  bool has(std::string_view name) { return find(name, false) != nullptr; }
  // Null counts.
  bool given(std::string_view name) const { return value_.get_object().contains(name); }

  template <class T>
  T parsed(std::string_view name, std::optional<T> (*parse)(std::string_view), std::string_view what) {
    const auto text = this->text(name, 128, true);
    const auto value = parse(text);
    if (!value && !text.empty()) wrong(name, std::string(what) + " is wanted");
    return value.value_or(T{});
  }

  // A list of objects; each is read by `read` and absorbed.
  template <class Read>
  void objects(std::string_view name, std::size_t max, const Read& read) {
    const auto* member = find(name, false);
    if (member == nullptr) return;
    if (!member->is_array() || member->get_array().size() > max) {
      return wrong(name, "a list of at most " + std::to_string(max) + " objects is wanted");
    }
    std::size_t place = 0;
    for (const auto& item : member->get_array()) {
      const std::string at = std::string(name) + "/" + std::to_string(place++);
      if (!item.is_object()) {
        wrong(at, "an object is wanted");
        continue;
      }
      BodyReader nested(item.get_object(), prefix_ + "/" + at);
      read(nested);
      absorb(nested);
    }
  }

  // A nested object; nullopt when absent.
  std::optional<BodyReader> nested(std::string_view name, bool required) {
    const auto* member = find(name, required);
    if (member == nullptr) return std::nullopt;
    if (!member->is_object()) return wrong(name, "an object is wanted"), std::nullopt;
    return BodyReader(member->get_object(), prefix_ + "/" + std::string(name));
  }
  void absorb(BodyReader& nested) {
    nested.close();
    faults_.insert(faults_.end(), nested.faults_.begin(), nested.faults_.end());
  }

  void wrong(std::string_view name, std::string detail) {
    faults_.push_back({prefix_ + "/" + std::string(name), std::move(detail)});
  }

  template <class T>
  ReadResult<T> finish(T value) {
    close();
    if (faults_.empty()) return value;
    return std::move(faults_);
  }

 private:
  void fault(std::string pointer, std::string detail) {
    faults_.push_back({prefix_ + pointer, std::move(detail)});
  }

  const boost::json::value* find(std::string_view name, bool required) {
    known_.insert(std::string(name));
    const auto* member = value_.get_object().if_contains(name);
    if (member == nullptr || member->is_null()) {
      if (required) wrong(name, "is missing");
      return nullptr;
    }
    return member;
  }

  void close() {
    for (const auto& member : value_.get_object()) {
      if (!known_.contains(std::string(member.key()))) {
        wrong(pointer_token(clip(member.key(), 64)), "is not known here");
      }
    }
  }

  boost::json::value value_;
  std::string prefix_;
  std::vector<Fault> faults_;
  std::set<std::string> known_;
};

}  // namespace dure::control
