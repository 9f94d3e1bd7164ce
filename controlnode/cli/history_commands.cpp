#include <boost/json.hpp>
#include <cstdint>
#include <memory>

#include "controlnode/cli/command_line.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"
#include "controlnode/cli/wait.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr Duration kFollowInterval = std::chrono::seconds(1);

void add_operation_wait(CLI::App& root, Chosen& chosen) {
  auto& verb = verb_app(noun_app(root, "operation"), "wait", "Wait until an operation has ended",
                        "  dure operation wait 1b4e28ba-2fa1-4d2e-883f-0016d3cca427 --timeout 10m");
  auto id = std::make_shared<std::string>();
  auto timeout = std::make_shared<std::string>("30m");
  verb.add_option("id", *id, "Id of the operation")->required()->type_name("ID");
  verb.add_option("--timeout,--wait-timeout", *timeout, "Wait at most this long; the work goes on")
      ->check(CLI::Validator(
          [](const std::string& text) {
            return parse_duration(text) ? std::string() : "a time such as 30m is wanted";
          },
          "", "duration"))
      ->capture_default_str()
      ->type_name("TIME");
  add_output_options(verb, chosen);
  verb.callback([&chosen, id, timeout] {
    chosen.action = [id, timeout](Session& session) {
      const auto done = wait_for_operation(session.api, session.patience, session.terminal, *id,
                                           parse_duration(*timeout).value_or(std::chrono::minutes(30)));
      if (!done) return fail(session, done.failure());
      return print(session, show_row(kind("operation"), json::value(*done), session.output));
    };
  });
}

struct EventArguments {
  std::uint64_t after = 0;
  std::uint32_t limit = 100;
  bool follow = false;
  bool from_start = false;
};

std::uint64_t last_of(const json::value& answer, std::uint64_t fallback) {
  const auto* object = answer.if_object();
  const auto* last = object == nullptr ? nullptr : object->if_contains("last");
  json::error_code error;
  const auto value = last == nullptr ? fallback : last->to_number<std::uint64_t>(error);
  return error ? fallback : value;
}

bool has_items(const json::value& answer) {
  const auto* object = answer.if_object();
  const auto* items = object == nullptr ? nullptr : object->if_contains("items");
  return items != nullptr && items->is_array() && !items->get_array().empty();
}

// As json and yaml every event is a document of its own, because the list has no end.
Exit print_followed(Session& session, const json::value& answer) {
  if (session.output.format != Format::json && session.output.format != Format::yaml) {
    return print(session, show_list(kind("event"), answer, session.output));
  }
  for (const auto& item : answer.at("items").get_array()) {
    const auto text = session.output.format == Format::json ? json::serialize(item) + "\n"
                                                            : "---\n" + to_yaml(item);
    if (const auto done = print(session, text); done != Exit::ok) return done;
  }
  return Exit::ok;
}

Exit follow_events(Session& session, std::uint64_t after, const json::value& first) {
  session.patience.listen();
  auto answer = first;
  bool away = false;
  for (;;) {
    if (has_items(answer)) {
      if (const auto done = print_followed(session, answer); done != Exit::ok) return done;
      session.output.no_headers = true;
      after = last_of(answer, after);
    }
    if (session.patience.pause(kFollowInterval)) return Exit::interrupted;
    auto next = session.api.get("/events?limit=1000&after=" + std::to_string(after));
    if (next) {
      answer = std::move(*next);
      away = false;
    } else if (next.failure().transient) {
      if (!away) say(session, "the control node does not answer; still following");
      away = true;
      answer = json::object{};
    } else {
      return fail(session, next.failure());
    }
  }
}

void add_event_list(CLI::App& root, Chosen& chosen) {
  auto& verb = verb_app(noun_app(root, "event"), "list", "List what has happened, oldest first",
                        "  dure event list\n"
                        "  dure event list --follow\n"
                        "  dure event list --after 1200 --limit 1000 -o json");
  auto given = std::make_shared<EventArguments>();
  auto* after = verb.add_option("--after", given->after, "Those after this number, instead of the newest")
                    ->type_name("N");
  verb.add_option("--limit", given->limit, "At most this many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->type_name("N");
  verb.add_flag("-f,--follow", given->follow, "Go on with what happens, until Ctrl-C");
  add_output_options(verb, chosen);
  verb.callback([&chosen, given, after] {
    given->from_start = after->count() > 0;
    chosen.action = [given](Session& session) {
      const auto number = std::to_string(given->limit);
      const auto path = given->from_start
                            ? "/events?limit=" + number + "&after=" + std::to_string(given->after)
                            : "/events?tail=" + number;
      const auto answer = session.api.get(path);
      if (!answer) return fail(session, answer.failure());
      if (given->follow) return follow_events(session, last_of(*answer, given->after), *answer);
      return print(session, show_list(kind("event"), *answer, session.output));
    };
  });
}

}  // namespace

void add_history_commands(CLI::App& root, Chosen& chosen) {
  add_operation_wait(root, chosen);
  add_event_list(root, chosen);
}

}  // namespace dure::cli
