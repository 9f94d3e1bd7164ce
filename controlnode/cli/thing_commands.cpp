#include <memory>

#include "controlnode/cli/command_line.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

struct Arguments {
  std::string name, cluster;
};

void add_list(CLI::App& noun, const Kind& kind, Chosen& chosen) {
  auto& list = verb_app(noun, "list", "List all " + kind.plural);
  auto given = std::make_shared<Arguments>();
  if (kind.noun == "node") {
    list.add_option("--cluster", given->cluster, "Of this cluster only")->type_name("NAME");
  }
  add_output_options(list, chosen);
  list.callback([&chosen, &kind, given] {
    chosen.action = [&kind, given](Session& session) {
      auto path = "/" + kind.plural;
      if (!given->cluster.empty()) path += "?cluster=" + path_segment(given->cluster);
      // A misspelt cluster must not look like one without nodes.
      if (!given->cluster.empty()) {
        const auto cluster = session.api.get("/clusters/" + path_segment(given->cluster));
        if (!cluster) return fail(session, cluster.failure());
      }
      const auto answer = session.api.get(path);
      if (!answer) return fail(session, answer.failure());
      return print(session, show_list(kind, *answer, session.output));
    };
  });
}

void add_show(CLI::App& noun, const Kind& kind, Chosen& chosen) {
  auto& show = verb_app(noun, "show", "Show all that is known of one " + kind.noun);
  auto given = std::make_shared<Arguments>();
  show.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  add_output_options(show, chosen);
  show.callback([&chosen, &kind, given] {
    chosen.action = [&kind, given](Session& session) {
      const auto answer = session.api.get("/" + kind.plural + "/" + path_segment(given->name));
      if (!answer) return fail(session, answer.failure());
      return print(session, show_whole(kind, *answer, session.output));
    };
  });
}

void add_delete(CLI::App& noun, const Kind& kind, Chosen& chosen) {
  auto& remove = verb_app(noun, "delete", "Delete one " + kind.noun + " that nothing uses");
  auto given = std::make_shared<Arguments>();
  remove.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  remove.callback([&chosen, &kind, given] {
    chosen.action = [&kind, given](Session& session) {
      const auto answer = session.api.remove("/" + kind.plural + "/" + path_segment(given->name));
      if (!answer) return fail(session, answer.failure());
      say(session, kind.noun + " '" + given->name + "' deleted");
      return Exit::ok;
    };
  });
}

}  // namespace

void add_thing_commands(CLI::App& root, Chosen& chosen) {
  for (const auto& kind : kinds()) {
    auto& noun = noun_app(root, kind.noun);
    // Events are read as a stream, and a cluster shows its nodes.
    if (kind.noun != "event") add_list(noun, kind, chosen);
    if (kind.noun != "event" && kind.noun != "cluster") add_show(noun, kind, chosen);
    // A cluster is deleted by an operation.
    const bool deleted_otherwise = kind.noun == "node" || kind.noun == "operation" || kind.noun == "event" ||
                                   kind.noun == "cluster";
    if (!deleted_otherwise) add_delete(noun, kind, chosen);
  }
}

}  // namespace dure::cli
