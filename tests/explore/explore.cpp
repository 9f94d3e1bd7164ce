#include <fcntl.h>
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
#include "tests/unit/controlnode/core/scenario_run.h"

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

  bool bounded() const { return asks >= 0 || faults >= 0 || deep || states > 0; }
};

// Of all walks together, within their own bounds.
constexpr std::size_t kLeastStates = 1'000'000;

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
      {"nothing-owed", {"moved"}},
      {"nothing-owed", {"spare"}},
      {"not-departing", {"drain"}},
      {"addresses-at-once", {"tight"}},
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

// What came of a job of its own process.
struct Done {
  bool well = false;
  std::size_t states = 0;   // of a walk
};

bool too_few(const Config& config, const Walk& result) {
  if (config.least_states > 0 && result.states >= config.least_states) return false;
  std::cout << config.name << ": " << result.states << " states, and " << config.least_states
            << " is the least that it has: something that could come comes no more\n";
  return true;
}

Done walk_one(const Config& config, const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  Config bounded = options.deep ? deeper(config) : config;
  if (options.asks >= 0) bounded.max_asks = static_cast<std::uint8_t>(options.asks);
  if (options.faults >= 0) bounded.max_faults = static_cast<std::uint8_t>(options.faults);
  const auto result = walk(bounded, {options.states, false});
  print(bounded, result, seconds_since(begin));
  const bool few = !options.bounded() && too_few(bounded, result);
  return {result.violations.empty() && !few && (result.complete || options.states > 0), result.states};
}

// The least number of states is proven as well: a walk in which nobody asks for anything ends too soon, and that is seen.
Done find_empty_walk() {
  Config config = configs().front();
  config.asks.clear();
  const auto result = walk(config, {});
  return {result.complete && result.violations.empty() && too_few(config, result), 0};
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

// Whether the history, as a scenario, is one, and leads to where the walk has come.
bool replays(const std::string& name, const std::string& history) {
  const auto run = control::test::run_scenario(name, history);
  for (const auto& finding : run.findings) std::cout << "  its history does not lead there: " << finding << "\n";
  return run.findings.empty();
}

// Well: the walk has seen it.
Done find_planted(const Guard& guard) {
  if (!plant(guard.plant)) {
    std::cout << guard.plant << ": this build has no such fault to plant\n";
    return {};
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
    return {replays(guard.plant, result.violations.front().history), 0};
  }
  std::cout << "planted " << guard.plant << ": NOT found\n";
  return {};
}

// Each job in a process of its own, so that each has its own faults and its own peak of memory; so many at a time.
class Jobs {
 public:
  explicit Jobs(std::size_t at_a_time) : at_a_time_(at_a_time) {
    if (pipe2(states_, O_NONBLOCK) != 0) std::abort();
  }

  void run(const std::function<Done()>& job) {
    while (running_ >= at_a_time_) wait_for_one();
    std::cout.flush();
    const pid_t child = fork();
    if (child == 0) {
      const Done done = job();
      std::cout.flush();
      const bool told = write(states_[1], &done.states, sizeof done.states) == sizeof done.states;
      _exit(done.well && told ? 0 : 1);
    }
    ++running_;
  }
  void end() {
    while (running_ > 0) wait_for_one();
  }
  std::size_t passed() const { return passed_; }
  std::size_t failed() const { return failed_; }
  std::size_t states() const { return sum_; }

 private:
  void wait_for_one() {
    int status = 0;
    if (wait(&status) < 0) std::abort();
    --running_;
    ++(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? passed_ : failed_);
    std::size_t states = 0;   // who was killed has told nothing
    if (read(states_[0], &states, sizeof states) == sizeof states) sum_ += states;
  }

  std::size_t at_a_time_, running_ = 0, passed_ = 0, failed_ = 0, sum_ = 0;
  int states_[2]{};   // pipe: each process tells how many it has seen
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
  const bool all = options.configs.empty() && !only_plants;
  if (all) jobs.run(&find_empty_walk);
  for (const Guard& guard : wanted_guards(options)) jobs.run([&] { return find_planted(guard); });
  jobs.end();
  if (jobs.passed() + jobs.failed() == 0) {
    std::cout << "there is no walk or fault of that name\n";
    return 2;
  }
  const bool few = all && !options.bounded() && jobs.states() < kLeastStates;
  if (all) std::cout << jobs.states() << " states in all" << (few ? ", which are too few\n" : "\n");
  const auto failed = jobs.failed() + static_cast<std::size_t>(few);
  std::cout << jobs.passed() << " passed, " << failed << " failed, 0 skipped\n";
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace dure::explore

int main(int argc, char** argv) { return dure::explore::run(dure::explore::parse(argc, argv)); }
