#include "tests/unit/controlnode/core/scenario_run.h"

#include <sstream>

#include "tests/unit/controlnode/core/scenario_expect.h"

namespace dure::control::test {
namespace {

class Runner {
 public:
  explicit Runner(const std::string& file) : file_(file) {}

  void line(const std::string& text) {
    ++number_;
    if (number_ == 1) {
      if (text.rfind("# ", 0) != 0) throw Malformed("the first line is '# ' and what it shows");
      run.title = text.substr(2);
    }
    Words words(text);
    if (words.empty() || text.front() == '#') return;
    if (words.take(">")) {
      unseen_ = true;
      world_.happen(words);
    } else if (words.take("expect")) {
      unseen_ = false;
      ++run.expectations;
      const std::string wanted = Words(words).rest();
      if (const auto seen = expect(world_, words)) {
        find("expected " + wanted + ", saw " + *seen);
      }
    } else {
      world_.set_up(words.next("line"), words);
    }
    words.end();
  }

  void end() {
    if (run.expectations == 0) {
      find("a scenario without expect shows nothing");
    } else if (unseen_) {
      find("nothing is expected of the last event");
    }
  }

  void find(const std::string& what) {
    run.findings.push_back(file_ + ":" + std::to_string(number_) + ": " + what);
  }

  ScenarioRun run;

 private:
  std::string file_;
  World world_;
  std::size_t number_ = 0;
  bool unseen_ = false;
};

}  // namespace

ScenarioRun run_scenario(const std::string& file, std::string_view text) {
  Runner runner(file);
  std::istringstream lines{std::string(text)};
  try {
    for (std::string line; std::getline(lines, line);) runner.line(line);
    runner.end();
  } catch (const Malformed& error) {
    runner.find(error.what());
  }
  return runner.run;
}

}  // namespace dure::control::test
