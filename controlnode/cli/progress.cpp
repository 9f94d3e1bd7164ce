#include "controlnode/cli/progress.h"

#include <boost/json.hpp>
#include <vector>

#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

struct Step {
  std::string name, state, count, detail, took;
};

Step read_step(const json::object& object) {
  Step step{member(object, "name"), member(object, "state"), {}, member(object, "detail"), {}};
  if (const auto total = member(object, "total"); !total.empty() && total != "0") {
    step.count = member(object, "done") + "/" + total;
  }
  // Both are the server's clock, so that the difference is right whatever ours says.
  const auto started = parse_rfc3339(member(object, "started_at"));
  const auto finished = parse_rfc3339(member(object, "finished_at"));
  if (started && finished) step.took = seconds(*finished - *started);
  return step;
}

std::vector<Step> steps_of(const json::object& operation) {
  std::vector<Step> steps;
  const auto* list = operation.if_contains("steps");
  if (list == nullptr || !list->is_array()) return steps;
  for (const auto& item : list->get_array()) {
    if (item.is_object()) steps.push_back(read_step(item.get_object()));
  }
  return steps;
}

std::string mark(const std::string& state) {
  if (state == "done") return "✔";
  if (state == "failed") return "✘";
  return state == "running" ? "…" : "·";
}

std::string headline(const json::object& operation, Duration elapsed) {
  return member(operation, "kind") + " " + member(operation, "cluster") + "  " +
         member(operation, "state") + "  " + seconds(elapsed);
}

}  // namespace

void ProgressView::update(const json::object& operation, Duration elapsed) {
  if (terminal_.redraw) {
    redraw(operation, elapsed);
  } else {
    print_changes(operation, elapsed);
  }
}

void ProgressView::redraw(const json::object& operation, Duration elapsed) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& step : steps_of(operation)) {
    rows.push_back({mark(step.state), step.name, step.count, step.took, step.detail});
  }
  std::string frame;
  if (drawn_lines_ > 0) frame = "\x1b[" + std::to_string(drawn_lines_) + "A";
  // A line that wraps would break the count of lines.
  const auto put = [&](std::string_view line) {
    frame += "\r\x1b[2K" + fit(line, terminal_.width > 1 ? terminal_.width - 1 : 1) + "\n";
  };
  put(headline(operation, elapsed));
  std::size_t lines = 1;
  const auto body = columns_of_text(rows);
  for (std::size_t at = 0; at < body.size(); ++lines) {
    const auto end = body.find('\n', at);
    put(std::string_view(body).substr(at, end - at));
    at = end + 1;
  }
  // Fewer steps than before: what is left of the old frame goes.
  frame += "\x1b[J";
  drawn_lines_ = lines;
  terminal_.err << frame << std::flush;
}

void ProgressView::print_changes(const json::object& operation, Duration elapsed) {
  for (const auto& step : steps_of(operation)) {
    if (step.state == "waiting") continue;
    std::string text = pad(step.name, 12) + " " + pad(step.state, 8) + " " + step.count;
    if (!step.detail.empty() && step.state != "done") text += "  " + step.detail;
    auto& before = printed_[step.name];
    if (before == text) continue;
    before = text;
    terminal_.err << pad(seconds(elapsed), 8) << text << '\n';
  }
  terminal_.err << std::flush;
}

void ProgressView::note(const std::string& text) {
  terminal_.err << text << '\n' << std::flush;
  // What is below it now is not ours to draw over.
  drawn_lines_ = 0;
}

void UploadView::update(std::uint64_t sent, std::uint64_t total) {
  if (total == 0) return;
  const auto percent = sent >= total ? 100 : sent * 100 / total;
  if (begun_ && percent == shown_percent_) return;
  const bool quarter = percent / 25 != shown_percent_ / 25;
  if (!begun_ || terminal_.redraw || quarter) {
    terminal_.err << (terminal_.redraw ? "\r\x1b[2K" : "") << what_ << "  " << percent << "%  of "
                  << human_bytes(total) << (terminal_.redraw ? "" : "\n") << std::flush;
  }
  begun_ = true;
  shown_percent_ = percent;
}

void UploadView::finish(const std::string& outcome) {
  terminal_.err << (terminal_.redraw ? "\r\x1b[2K" : "") << what_ << "  " << outcome << '\n'
                << std::flush;
}

}  // namespace dure::cli
