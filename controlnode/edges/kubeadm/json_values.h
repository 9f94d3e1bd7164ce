#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace dure::control {

// Text from anywhere becomes a value, never a piece of JSON.
inline boost::json::value text(std::string_view value) {
  return boost::json::value(boost::json::string_view(value.data(), value.size()));
}

// An array of the texts that `as_text` makes of the items.
template <class Items, class AsText>
boost::json::array texts(const Items& items, AsText&& as_text) {
  boost::json::array array;
  for (const auto& item : items) array.push_back(text(as_text(item)));
  return array;
}

template <class... Texts>
boost::json::array text_array(const Texts&... items) {
  boost::json::array array;
  (array.push_back(text(items)), ...);
  return array;
}

}  // namespace dure::control
