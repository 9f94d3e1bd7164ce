#include "controlnode/core/quota.h"

#include <string>

namespace dure::control {

const std::array<QuotaPart, 5>& quota_parts() {
  static const std::array<QuotaPart, 5> parts{{
      {"vcpus", "vCPUs", &Quota::vcpus, [](const Usage& usage) { return usage.amount.vcpus; }},
      {"memory_mib", "MiB of memory", &Quota::memory_mib, [](const Usage& usage) { return usage.amount.memory_mib; }},
      {"disk_gib", "GiB of disk", &Quota::disk_gib, [](const Usage& usage) { return usage.amount.disk_gib; }},
      {"nodes", "nodes", &Quota::nodes, [](const Usage& usage) { return usage.nodes; }},
      {"clusters", "clusters", &Quota::clusters, [](const Usage& usage) { return usage.clusters; }},
  }};
  return parts;
}

void count_in(Usage& to, const Resources& node, std::int64_t nodes) {
  to.amount.vcpus += node.vcpus * nodes;
  to.amount.memory_mib += node.memory_mib * nodes;
  to.amount.disk_gib += node.disk_gib * nodes;
  to.nodes += nodes;
}

// A part of which nothing more is wanted stands in nobody's way, even where a limit was lowered below
// what is held.
std::optional<Error> beyond(const Project& project, const Usage& used, const Usage& more) {
  std::string text;
  for (const QuotaPart& part : quota_parts()) {
    const auto& limit = project.quota.*part.limit;
    const std::int64_t held = part.of(used), wanted = part.of(more);
    if (!limit || wanted <= 0 || held + wanted <= *limit) continue;
    text += (text.empty() ? "" : "; ") + std::string(part.title) + ": " + std::to_string(wanted) + " wanted, " +
            std::to_string(held) + " of " + std::to_string(*limit) + " used";
  }
  if (text.empty()) return std::nullopt;
  return Error{Errc::quota, "the quota of project '" + project.name + "' does not allow it: " + text +
                                ". Take fewer or smaller nodes, delete what is not needed any more, or have the quota "
                                "raised ('dure project set " + project.name + " --quota ...')"};
}

}  // namespace dure::control
