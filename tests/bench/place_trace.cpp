#include "tests/bench/place_trace.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "tests/bench/place_fleets.h"

namespace dure::bench {
namespace {

constexpr std::size_t kGuests = 50'000;
constexpr std::uint32_t kLabHosts = 200, kAzureHosts = 1'160;

double exponential(Random& random, double mean) {
  return -mean * std::log(1.0 - random.unit());
}

std::vector<std::string> lines_of(const std::string& path) {
  gzFile file = ::gzopen(path.c_str(), "rb");
  if (file == nullptr) throw std::runtime_error("cannot read the packing trace");
  std::vector<std::string> lines;
  std::array<char, 512> line{};
  while (::gzgets(file, line.data(), static_cast<int>(line.size())) != nullptr) lines.emplace_back(line.data());
  ::gzclose(file);
  return lines;
}

double number(const std::string& text) {
  return text.rfind("inf", 0) == 0 ? 1e9 : std::stod(text);
}

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == ',') fields.emplace_back();
    else if (c != '\n' && c != '\r') fields.back().push_back(c);
  }
  return fields;
}

}  // namespace

Trace lab_trace(std::uint64_t seed, double load, std::int64_t overcommit) {
  const std::vector<control::Resources> generations{
      {8, 14'000, 4'000}, {12, 30'000, 4'000}, {16, 62'000, 4'000}, {24, 62'000, 4'000}};
  Trace trace;
  trace.name = "lab-" + std::to_string(overcommit) + "x";
  double memory = 0;
  for (std::uint32_t i = 0; i < kLabHosts; ++i) {
    control::Resources size = generations[i % generations.size()];
    size.vcpus *= overcommit;
    trace.hosts.push_back(plain_host(i, size));
    memory += static_cast<double>(size.memory_mib);
  }
  double mean_memory = 0;
  for (const Shape& shape : lab_shapes()) mean_memory += static_cast<double>(shape.amount.memory_mib) * shape.weight / 100;
  constexpr double kShort = 16, kLong = 160;
  const double mean_stay = 0.7 * kShort + 0.3 * kLong;
  const double apart = mean_stay * mean_memory / (memory * load);
  Random random(seed);
  double now = 0;
  for (std::size_t i = 0; i < kGuests; ++i) {
    now += exponential(random, apart);
    const double stay = exponential(random, random.below(10) < 7 ? kShort : kLong);
    trace.guests.push_back({now, now + stay, any_shape(random)});
  }
  return trace;
}

Trace azure_trace(const std::string& path) {
  Trace trace;
  trace.name = "azure";
  // The trace has its own units; tenths of them are whole numbers.
  const std::vector<control::Resources> kinds{
      {64'000, 7'680, 0}, {48'000, 10'240, 0}, {64'000, 20'480, 0}, {32'000, 4'480, 0}};
  for (std::uint32_t i = 0; i < kAzureHosts; ++i) trace.hosts.push_back(plain_host(i, kinds[i % kinds.size()]));
  for (const std::string& line : lines_of(path)) {
    const auto fields = fields_of(line);
    if (fields.size() != 7 || fields[0] == "vmId") continue;
    const double from = std::max(number(fields[5]), 0.0), until = number(fields[6]);
    if (until <= from) continue;
    trace.guests.push_back({from, until,
                            {std::llround(10 * number(fields[2])), std::llround(10 * number(fields[3])), 0}});
  }
  std::stable_sort(trace.guests.begin(), trace.guests.end(),
                   [](const Guest& a, const Guest& b) { return a.from < b.from; });
  return trace;
}

}  // namespace dure::bench
