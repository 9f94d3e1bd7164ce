#include "controlnode/cli/progress.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <sstream>

#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

boost::json::object operation(const std::string& detail) {
  return {{"kind", "cluster-create"},
          {"cluster", "두레"},
          {"state", "running"},
          {"steps", boost::json::array{boost::json::object{{"name", "placed"},
                                                           {"state", "done"},
                                                           {"done", 3},
                                                           {"total", 3},
                                                           {"started_at", "2026-03-01T09:00:00.000Z"},
                                                           {"finished_at", "2026-03-01T09:00:01.500Z"}},
                                       boost::json::object{{"name", "ready"},
                                                           {"state", "running"},
                                                           {"done", 1},
                                                           {"total", 3},
                                                           {"detail", detail}}}}};
}

TEST_CASE("progress: on a terminal the same lines are drawn again, none wider than it") {
  std::ostringstream out, err;
  Terminal terminal{out, err, false, true, 40};
  ProgressView view(terminal);
  view.update(operation("short"), std::chrono::seconds(1));
  const auto first = err.str();
  CHECK(first.find("\x1b[3A") == std::string::npos);
  CHECK(first.find("✔  placed  3/3  1.5s") != std::string::npos);
  err.str("");
  view.update(operation(std::string(200, 'x')), std::chrono::seconds(2));
  const auto second = err.str();
  CHECK(second.starts_with("\x1b[3A\r\x1b[2K"));
  std::istringstream lines(second.substr(second.find('\r')));
  for (std::string line; std::getline(lines, line);) {
    if (line == "\x1b[J") continue;
    CHECK(display_width(line.substr(5)) <= 40);  // after "\r\x1b[2K"
  }
  err.str("");
  view.note("a note");
  view.update(operation("short"), std::chrono::seconds(3));
  CHECK(err.str().starts_with("a note\n\r"));  // the note stays
}

TEST_CASE("progress: an upload into a file is a line per quarter") {
  std::ostringstream out, err;
  Terminal terminal{out, err};
  UploadView view(terminal, "disk");
  for (std::uint64_t sent = 0; sent <= 1000; sent += 10) view.update(sent, 1000);
  view.finish("sent");
  const auto text = err.str();
  CHECK(std::count(text.begin(), text.end(), '\n') == 6);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.ends_with("disk  sent\n"));
}

}  // namespace
}  // namespace dure::cli
