#include "controlnode/edges/http/read_placement.h"

#include <utility>

#include "controlnode/core/grammar.h"
#include "controlnode/core/lifecycle.h"

namespace dure::control {
namespace {

constexpr std::size_t kMaxRooms = 64;
constexpr std::size_t kMaxClasses = 8;
// In one request, before those that meet become one.
constexpr std::size_t kMaxWindows = 256;

HostRules read_rules(BodyReader& parent, std::string_view name) {
  HostRules rules;
  auto reader = parent.nested(name, false);
  if (!reader) return rules;
  rules.rooms = reader->names("rooms", kMaxRooms);
  for (const std::string& room : rules.rooms) {
    if (!valid_room(room)) reader->wrong("rooms", "holds something that is no room");
  }
  for (const auto& [key, value] : reader->texts("labels", kMaxLabels, false)) {
    if (!valid_label_key(key) || !valid_label_value(*value)) reader->wrong("labels", "holds something that is no label");
    rules.labels.push_back(key + "=" + *value);
  }
  for (const std::string& text : reader->names("classes", kMaxClasses)) {
    const auto known = host_class(text);
    if (known) rules.classes.push_back(*known);
    if (!known) reader->wrong("classes", "anchor or scavenged is wanted");
  }
  parent.absorb(*reader);
  return rules;
}

}  // namespace

void read_wishes(BodyReader& reader, CreateCluster& wanted) {
  const auto how = strategy(reader.text("strategy", 16, false, "spread"));
  if (how) wanted.layout.strategy = *how;
  if (!how) reader.wrong("strategy", "spread or pack is wanted");
  wanted.layout.apart = reader.flag("apart");
  const auto loss = survive(reader.text("survive", 16, false, "nothing"));
  if (loss) wanted.layout.survive = *loss;
  if (!loss) reader.wrong("survive", "host, room, site or nothing is wanted");
  wanted.until = reader.time("until", false);
  wanted.control_plane_rules = read_rules(reader, "control_plane_rules");
  wanted.worker_rules = read_rules(reader, "worker_rules");
}

std::vector<BusyWindow> read_busy(BodyReader& reader, std::string_view name) {
  std::vector<BusyWindow> windows;
  reader.objects(name, kMaxWindows, [&](BodyReader& item) {
    const auto from = item.time("from", true);
    const auto until = item.time("until", true);
    if (!from || !until) return;
    if (*until <= *from) item.wrong("until", "is not after from");
    windows.push_back({*from, *until});
  });
  return windows;
}

ReadResult<ExtendCluster> read_extend_cluster(const std::string& cluster, const std::string& body) {
  BodyReader reader(body, "");
  ExtendCluster wanted;
  wanted.cluster = cluster;
  // Null takes the end away, so that a body without the member must not.
  if (!reader.given("until")) reader.wrong("until", "is missing: a time, or null for no end");
  wanted.until = reader.time("until", false);
  return reader.finish(std::move(wanted));
}

}  // namespace dure::control
