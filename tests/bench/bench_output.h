#pragma once

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace dure::bench {

// The values of one metric, one per round.
struct Series {
  std::vector<double> values;

  void add(double value) { values.push_back(value); }
  double min() const { return *std::min_element(values.begin(), values.end()); }
  double max() const { return *std::max_element(values.begin(), values.end()); }
  double median() const {
    auto sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const auto half = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
};

// The value below which `share` of all values lie.
inline double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(share * last + 0.5)];
}

inline std::string load_average() {
  std::ifstream file("/proc/loadavg");
  std::string line;
  std::getline(file, line);
  return line;
}

// What all threads of this process have computed so far; unlike the wall clock blind to who else
// wanted the cores.
inline double cpu_seconds() {
  timespec spent{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
}

// One line of JSON. Names, units and peers are constants of the benchmarks: nothing to escape.
// `ratio` is to `peer`; a metric without a peer says so with an empty one.
inline void print_metric(const char* bench, const char* metric, const Series& series, const char* unit,
                         const char* peer, double ratio) {
  std::printf("{\"bench\":\"%s\",\"metric\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"peer\":\"%s\",\"ratio\":", bench,
              metric, series.median(), unit, peer);
  if (*peer == '\0') {
    std::printf("null");
  } else {
    std::printf("%.4g", ratio);
  }
  std::printf(",\"n\":%zu,\"min\":%.6g,\"max\":%.6g}\n", series.values.size(), series.min(), series.max());
  std::fflush(stdout);
}

}  // namespace dure::bench
