#include "common/program.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "common/files.h"
#include "tests/support/temp_dir.h"

using namespace dure;

namespace {

// What is written to stdout while this lives goes to a file.
class StdoutTo {
 public:
  explicit StdoutTo(const std::string& path) {
    std::fflush(stdout);
    kept_ = ::dup(STDOUT_FILENO);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::close(file);
  }
  ~StdoutTo() {
    std::fflush(stdout);
    ::dup2(kept_, STDOUT_FILENO);
    ::close(kept_);
  }
  StdoutTo(const StdoutTo&) = delete;
  StdoutTo& operator=(const StdoutTo&) = delete;

 private:
  int kept_;
};

struct Told {
  int status = 0;
  std::string text;
};

Told init(const TempDir& directory, Result<std::string> outcome) {
  const std::vector<ConfigKey> no_keys;
  std::string asked;
  const Program program{"dure-test", "A test.", "DURE_TEST", no_keys,
                        [&](const std::string& where) {
                          asked = where;
                          return outcome;
                        },
                        [](const Config&) { return Result<void>(); }};
  std::array<std::string, 4> words{"dure-test", "init", "--dir", "/somewhere"};
  std::array<char*, 4> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  Told told;
  {
    const StdoutTo file(directory.path() + "/stdout");
    told.status = run_program(program, static_cast<int>(arguments.size()), arguments.data());
  }
  CHECK(asked == "/somewhere");
  told.text = read_file(directory.path() + "/stdout", 1000).value();
  return told;
}

}  // namespace

TEST_CASE("init prints what it has made for others to know, and nothing when it fails") {
  const TempDir directory;
  const auto made = init(directory, std::string("host_id: 1\ncurve_key: 2\n"));
  CHECK(made.status == 0);
  CHECK(made.text == "host_id: 1\ncurve_key: 2\n");
  const auto failed = init(directory, Error{Errc::internal, "no"});
  CHECK(failed.status == 1);
  CHECK(failed.text.empty());
}
