#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/model_builder.h"
#include "tests/unit/controlnode/core/scenario_words.h"

namespace dure::control::test {

// The campus of one scenario: what its lines do to it, and what the last event led to.
class World {
 public:
  World();

  // "site a mtu 1500", "host h1 site a ...", "flavor small 1 1024 10", "settings silent-after 60s"
  void set_up(std::string_view word, Words& words);
  // "create demo ...", "report h1 ...", "wait 60s": the line behind the ">"
  void happen(Words& words);

  HostId host(const std::string& name) const;  // Malformed if there is none
  std::string host_name(const HostId& id) const;
  std::vector<std::string> host_names(const std::set<HostId>& ids) const;
  std::string node_name(const NodeId& id) const;  // of nodes that are gone, too

  Campus campus;
  // What the last event led to; a wait is one event.
  std::optional<Reply> reply;
  std::set<HostId> ordered;
  std::size_t changes = 0;
  // The operations that the answers so far named, in their order.
  std::vector<OperationId> answers;

 private:
  void add_site(Words& words);
  void add_host(Words& words);
  void add_flavor(Words& words);
  void set(Words& words);

  void create(Words& words, const std::string& line);
  static bool take_place(Words& words, Host& host);
  bool take_wish(Words& words, CreateCluster& request) const;
  void extend(Words& words);
  void busy(Words& words);
  void scale(Words& words, const std::string& line);
  void replace(Words& words);
  void repair(Words& words);
  void remove(Words& words, const std::string& line);
  void cancel(Words& words);
  void power(Words& words, PowerAction action);
  void lose(Words& words);
  void replace_host(Words& words);
  void access(Words& words);
  void revoke(Words& words);
  void cordon(Words& words, bool cordoned);
  void new_leader(Words& words);
  void report(Words& words);
  void confirm(Words& words);
  void measure(Words& words);
  void wait(Words& words, bool silence);

  void act(const Event& event);
  void ask(Request request);
  void say(HostReport report);
  bool take_report_word(Words& words, HostReport& report, bool& networks_told) const;
  void read_vms(Words& words, HostReport& report) const;
  void add_ordered(HostReport& report, bool with_networks) const;
  const HostOrder* order_of(const HostReport& report) const;   // that it says it has applied; null: it was sent none such
  VmReport vm_of(const HostReport& report, const std::string& name) const;
  ObjectRef object_of(const std::string& name) const;

  std::map<HostId, std::map<std::uint64_t, HostOrder>> sent_;  // by generation
  std::map<HostId, HostReport> said_;                          // the newest report, to repeat
  std::uint32_t replaced_ = 0;                                 // hosts
  std::uint64_t rounds_ = 0;                                   // of measurements
  std::map<std::string, NodeId> nodes_;                        // every node there ever was
  std::map<std::string, NetworkReport> networks_;              // the newest of each cluster there ever was, by its name
};

}  // namespace dure::control::test
