#include <string>

#include "common/text.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_catalog.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/quota.h"

namespace dure::control {
namespace {

std::optional<Reply> change(Quota& quota, const QuotaChange& asked) {
  for (const auto& [name, limit] : asked) {
    const QuotaPart* found = nullptr;
    for (const QuotaPart& part : quota_parts()) found = part.name == name ? &part : found;
    if (found == nullptr) {
      return refuse(Errc::invalid_argument, "quota: '" + printable(name, 32) +
                                                "' is no part of it: vcpus, memory_mib, disk_gib, nodes, clusters");
    }
    if (limit && (*limit < 0 || *limit > kMaxQuota)) {
      return refuse(Errc::invalid_argument, "quota: " + name + " must be 0 to " + std::to_string(kMaxQuota));
    }
    quota.*found->limit = limit;
  }
  return std::nullopt;
}

std::string describe(const Quota& quota) {
  std::string text;
  for (const QuotaPart& part : quota_parts()) {
    if (const auto& limit = quota.*part.limit) {
      text += (text.empty() ? "" : ", ") + std::string(part.name) + "=" + std::to_string(*limit);
    }
  }
  return text.empty() ? "no quota" : "a quota of " + text;
}

Reply project_accepted(const Project& project) {
  Accepted accepted;
  accepted.object = project.id.uuid;
  accepted.name = project.name;
  return accepted;
}

}  // namespace

Reply create_project(Deciding& deciding, const CreateProject& request) {
  if (!valid_name(request.name)) {
    return refuse(Errc::invalid_argument,
                  "name: 1 to 40 of a-z, 0-9 and '-', beginning with a letter and not ending with '-'");
  }
  Project project;
  project.name = request.name;
  if (const auto fault = change(project.quota, request.quota)) return *fault;
  if (const Project* existing = find_by_name(deciding.model.projects, request.name)) {
    if (existing->quota == project.quota) return project_accepted(*existing);
    return refuse(Errc::already_exists, "project '" + request.name + "' exists already, with " +
                                            describe(existing->quota) + ": 'dure project set' changes it");
  }
  project.id = deciding.ids.make<ProjectId>();
  deciding.put(project);
  deciding.event("project.created", project.id.uuid, project.name,
                 "project " + project.name + " is created, with " + describe(project.quota));
  return project_accepted(project);
}

// What is held already stays, whatever the quota becomes.
Reply update_project(Deciding& deciding, const UpdateProject& request) {
  const Project* found = find_by_name(deciding.model.projects, request.project);
  if (const auto id = ProjectId::parse(request.project); id && found == nullptr) {
    const auto by_id = deciding.model.projects.find(*id);
    if (by_id != deciding.model.projects.end()) found = &by_id->second;
  }
  if (found == nullptr) {
    return refuse(Errc::not_found, "there is no project '" + printable(request.project, 64) + "'");
  }
  Project project = *found;
  if (request.no_quota) project.quota = {};
  if (const auto fault = change(project.quota, request.quota)) return *fault;
  if (project != *found) {
    deciding.put(project);
    deciding.event("project.updated", project.id.uuid, project.name,
                   "project " + project.name + " has " + describe(project.quota));
  }
  return project_accepted(project);
}

}  // namespace dure::control
