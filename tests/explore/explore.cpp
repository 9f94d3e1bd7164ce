#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "common/planted.h"
#include "tests/explore/search.h"

// Walks through all that can come on small campuses, and proves by planted faults that it would see one.
#ifdef DURE_PLANTED
namespace dure {
Bug planted_bug = Bug::none;
}
#endif

namespace dure::explore {
namespace {

struct Options {
  std::vector<std::string> configs;
  std::string plant;
  std::size_t states = 0;
  int asks = -1, faults = -1;   // bounds in place of a walk's own
  bool deep = false;
  bool list = false, all_plants = false;
};

// What is planted, and the walks in which it is looked for.
struct Guard {
  std::string plant;
  std::vector<std::string> configs;
};

std::vector<Guard> guards() {
  return {
      {"removal-by-applied", {"beside"}},
      {"nothing-owed", {"lost"}},
      {"paused-stays", {"near"}},
      {"in-flight-untold", {"near"}},
      {"filter-opens", {"near"}},
      {"debts-forgotten", {"lost"}},
      {"generation-ignored", {"near"}},
      {"boots-ignored", {"power"}},
      {"off-not-ordered", {"power"}},
  };
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

long peak_mib() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_maxrss / 1024;
}

void print(const Config& config, const Walk& result, double seconds) {
  std::ostringstream line;
  line.precision(1);
  line << std::fixed << config.name << " (" << int{config.max_asks} << " requests, " << int{config.max_faults} << " faults): "
       << result.states << " states, " << result.transitions << " transitions, " << result.at_rest << " at rest, " << seconds << " s, " << static_cast<std::size_t>(static_cast<double>(result.states) / std::max(seconds, 0.001))
       << " states/s, " << peak_mib() << " MiB, " << (result.complete ? "complete" : "NOT complete") << ", " << result.violations.size()
       << " violations";
  std::cout << line.str() << "\n";
  for (const Violation& violation : result.violations) std::cout << violation.history << "\n";
}

bool walk_one(const Config& config, const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  Config bounded = options.deep ? deeper(config) : config;
  if (options.asks >= 0) bounded.max_asks = static_cast<std::uint8_t>(options.asks);
  if (options.faults >= 0) bounded.max_faults = static_cast<std::uint8_t>(options.faults);
  const auto result = walk(bounded, {options.states, false});
  print(bounded, result, seconds_since(begin));
  return result.violations.empty() && (result.complete || options.states > 0);
}

#ifdef DURE_PLANTED
bool plant(const std::string& name) {
  const auto found = std::find(kBugNames.begin(), kBugNames.end(), name);
  if (found == kBugNames.end()) return false;
  planted_bug = static_cast<Bug>(found - kBugNames.begin());
  return true;
}
#else
bool plant(const std::string&) { return false; }
#endif

// True: the walk has seen it.
bool find_planted(const Guard& guard) {
  if (!plant(guard.plant)) {
    std::cout << guard.plant << ": this build has no such fault to plant\n";
    return false;
  }
  const auto all = configs();
  for (const auto& name : guard.configs) {
    const auto config = std::find_if(all.begin(), all.end(), [&](const Config& each) { return each.name == name; });
    if (config == all.end()) continue;
    const auto begin = std::chrono::steady_clock::now();
    const auto result = walk(*config, {0, true});
    if (result.violations.empty()) continue;
    std::cout << "planted " << guard.plant << ": found in " << name << " as " << result.violations.front().finding.code << " after "
              << result.states << " states, " << seconds_since(begin) << " s\n"
              << result.violations.front().history << "\n";
    return true;
  }
  std::cout << "planted " << guard.plant << ": NOT found\n";
  return false;
}

// Each job in a process of its own, so that each has its own faults and its own peak of memory; so many at a time.
class Jobs {
 public:
  explicit Jobs(std::size_t at_a_time) : at_a_time_(at_a_time) {}

  void run(const std::function<bool()>& job) {
    while (running_ >= at_a_time_) wait_for_one();
    std::cout.flush();
    const pid_t child = fork();
    if (child == 0) {
      const bool well = job();
      std::cout.flush();
      _exit(well ? 0 : 1);
    }
    ++running_;
  }
  // How many went wrong.
  std::pair<std::size_t, std::size_t> end() {
    while (running_ > 0) wait_for_one();
    return {passed_, failed_};
  }

 private:
  void wait_for_one() {
    int status = 0;
    if (wait(&status) < 0) std::abort();
    --running_;
    ++(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? passed_ : failed_);
  }

  std::size_t at_a_time_, running_ = 0, passed_ = 0, failed_ = 0;
};

std::size_t number(const std::string& text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  std::cerr << "'" << text << "' is no number\n";
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] { return i + 1 < argc ? std::string(argv[++i]) : std::string(); };
    if (word == "--list") {
      options.list = true;
    } else if (word == "--all-plants") {
      options.all_plants = true;
    } else if (word == "--config") {
      options.configs.push_back(value());
    } else if (word == "--plant") {
      options.plant = value();
    } else if (word == "--states") {
      options.states = number(value());
    } else if (word == "--deep") {
      options.deep = true;
    } else if (word == "--asks") {
      options.asks = static_cast<int>(number(value()));
    } else if (word == "--faults") {
      options.faults = static_cast<int>(number(value()));
    } else {
      std::cerr << "usage: explore [--list] [--config NAME]... [--deep | --asks N --faults N] [--states N] [--plant NAME | --all-plants]\n";
      std::exit(2);
    }
  }
  return options;
}

std::vector<Guard> wanted_guards(const Options& options) {
  if (options.plant.empty() && !options.all_plants) return options.configs.empty() ? guards() : std::vector<Guard>{};
  auto everywhere = options.configs;
  if (everywhere.empty()) {
    for (const Config& config : configs()) everywhere.push_back(config.name);
  }
  std::vector<Guard> wanted;
  for (const auto name : kBugNames) {
    if (name != "none" && (options.all_plants || name == options.plant)) wanted.push_back({std::string(name), everywhere});
  }
  return wanted;
}

int run(const Options& options) {
  Jobs jobs(2);
  const bool only_plants = !options.plant.empty() || options.all_plants;
  for (const Config& config : configs()) {
    if (options.list) {
      std::cout << config.name << ": " << config.about << "\n";
      continue;
    }
    const bool named = std::find(options.configs.begin(), options.configs.end(), config.name) != options.configs.end();
    if (only_plants || !(options.configs.empty() || named)) continue;
    jobs.run([&] { return walk_one(config, options); });
  }
  if (options.list) return 0;
  for (const Guard& guard : wanted_guards(options)) jobs.run([&] { return find_planted(guard); });
  const auto [passed, failed] = jobs.end();
  std::cout << passed << " passed, " << failed << " failed, 0 skipped\n";
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace dure::explore

int main(int argc, char** argv) { return dure::explore::run(dure::explore::parse(argc, argv)); }
