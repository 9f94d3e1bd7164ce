// The words of a scenario for where nodes may go, and for how long.
#include <algorithm>
#include <utility>

#include "controlnode/core/lifecycle.h"
#include "tests/unit/controlnode/core/scenario_world.h"

namespace dure::control::test {
namespace {

template <class Parse>
auto known_word(Words& words, const Parse& parse, std::string_view what) {
  const std::string& text = words.next(what);
  const auto found = parse(text);
  if (!found) unknown_word(text, what);
  return *found;
}

}  // namespace

// Where a host stands and what it is called; the next word if it is one of these.
bool World::take_place(Words& words, Host& host) {
  if (words.take("room")) {
    host.room = words.next("room");
  } else if (words.take("labels")) {
    for (const std::string& label : words.list("label")) {
      const auto equals = std::min(label.find('='), label.size());
      host.labels[label.substr(0, equals)] = label.substr(std::min(equals + 1, label.size()));
    }
  } else {
    return false;
  }
  return true;
}

// Where its nodes may go, and for how long; the next word if it is one of these.
bool World::take_wish(Words& words, CreateCluster& request) const {
  if (words.take("lease")) {
    request.until = campus.now + Duration{words.seconds() * 1'000'000};
  } else if (words.take("apart")) {
    request.layout.apart = true;
  } else if (words.take("strategy")) {
    request.layout.strategy = known_word(words, strategy, "strategy");
  } else if (words.take("survive")) {
    request.layout.survive = known_word(words, survive, "loss to survive");
  } else if (words.take("rooms")) {
    request.worker_rules.rooms = words.list("room");
  } else if (words.take("labels")) {
    request.worker_rules.labels = words.list("label");
  } else if (words.take("class")) {
    request.worker_rules.classes = {known_word(words, host_class, "host class")};
  } else if (words.take("control-plane-rooms")) {
    request.control_plane_rules.rooms = words.list("room");
  } else if (words.take("control-plane-class")) {
    request.control_plane_rules.classes = {known_word(words, host_class, "host class")};
  } else {
    return false;
  }
  return true;
}

// "extend demo 3600s", counted from now; "extend demo no-end"
void World::extend(Words& words) {
  ExtendCluster request;
  request.cluster = words.next("cluster's name");
  if (!words.take("no-end")) request.until = campus.now + Duration{words.seconds() * 1'000'000};
  words.end();
  ask(request);
}

// "busy h1 60s 120s": from then until then, counted from now; "busy h1 none"
void World::busy(Words& words) {
  UpdateHost request;
  request.host = words.next("host");
  host(request.host);
  if (words.take("none")) {
    request.busy.emplace();
  } else {
    const TimePoint from = campus.now + Duration{words.seconds() * 1'000'000};
    request.more_busy = {{from, campus.now + Duration{words.seconds() * 1'000'000}}};
  }
  words.end();
  ask(request);
}

}  // namespace dure::control::test
