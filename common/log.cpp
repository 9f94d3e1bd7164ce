#include "common/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace dure::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> the_logger = [] {
    auto made = std::make_shared<spdlog::logger>(
        "dure", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *the_logger;
}

void append_escaped(std::string& line, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '\\' || c == '"') {
      line += "\\x";
      line.push_back(digits[byte >> 4]);
      line.push_back(digits[byte & 15]);
    } else {
      line.push_back(c);
    }
  }
}

}  // namespace

bool set_level(std::string_view name) {
  if (name == "off") {
    logger().set_level(spdlog::level::off);
    return true;
  }
  for (const auto level : {Level::debug, Level::info, Level::warn, Level::error}) {
    const auto& known = spdlog::level::to_string_view(to_spdlog(level));
    const std::string_view known_name(known.data(), known.size());
    if (name == known_name || (name == "warn" && level == Level::warn)) {
      logger().set_level(to_spdlog(level));
      return true;
    }
  }
  return false;
}

Result<void> use_level(std::string_view name) {
  if (name != "off" && set_level(name)) return {};
  return Error{Errc::invalid_argument, "log.level: debug, info, warn or error is wanted"};
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!logger().should_log(to_spdlog(level))) return;
  std::string line;
  append_escaped(line, message);
  for (const auto& [key, value] : fields) {
    line.push_back(' ');
    line += key;
    line += "=\"";
    append_escaped(line, value);
    line.push_back('"');
  }
  logger().log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace dure::log
