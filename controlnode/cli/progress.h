#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>

#include "common/time.h"
#include "controlnode/cli/terminal.h"

namespace dure::cli {

// Shows the steps of an operation on stderr: redrawn in place on a terminal, else one line whenever
// a step changes.
class ProgressView {
 public:
  explicit ProgressView(Terminal& terminal) : terminal_(terminal) {}

  void update(const boost::json::object& operation, Duration elapsed);
  // One line that stays, such as that the control node does not answer.
  void note(const std::string& text);

 private:
  void redraw(const boost::json::object& operation, Duration elapsed);
  void print_changes(const boost::json::object& operation, Duration elapsed);

  Terminal& terminal_;
  std::size_t drawn_lines_ = 0;
  std::map<std::string, std::string> printed_;  // step -> what was last printed of it
};

// "upload of disk  45%  1.2 GiB" for a file.
class UploadView {
 public:
  UploadView(Terminal& terminal, std::string what) : terminal_(terminal), what_(std::move(what)) {}
  void update(std::uint64_t sent, std::uint64_t total);
  void finish(const std::string& outcome);

 private:
  Terminal& terminal_;
  std::string what_;
  std::uint64_t shown_percent_ = 0;
  bool begun_ = false;
};

}  // namespace dure::cli
