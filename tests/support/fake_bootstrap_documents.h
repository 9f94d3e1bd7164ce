#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlnode/ports/bootstrap_documents.h"

namespace dure::control {

// Documents that say in a line what they were made of.
class FakeBootstrapDocuments final : public BootstrapDocuments {
 public:
  // Asked before every call of "node_document", "kubeconfig": an error makes it fail.
  std::function<std::optional<Error>(const std::string& call)> fail;
  std::size_t padding = 0;  // makes every node's document longer

  Result<std::string> node_document(const BootstrapPlan& plan, const BootstrapKeys& keys) override {
    if (auto error = failure("node_document")) return *error;
    const bool lacks_cluster = plan.role != BootstrapRole::worker && !keys.cluster;
    const bool lacks_own = plan.role != BootstrapRole::init && !keys.node;
    if (!plan.joined && (lacks_cluster || lacks_own))
      return Error{Errc::invalid_argument, "a key is missing"};
    std::string text = "{\"node\":\"" + plan.node_name + "\",\"role\":\"" +
                       std::string(to_string(plan.role)) + "\"";
    text += ",\"routes\":" + std::to_string(plan.routes.size());
    if (plan.joined) text += ",\"joined\":true";
    if (keys.cluster) text += ",\"cluster\":\"keys\"";
    if (keys.node) text += ",\"credential\":\"own\"";
    for (const auto& member : plan.hosts) text += ",\"member\":\"" + member.name + "\"";
    for (const auto& name : plan.departing) text += ",\"departing\":\"" + name + "\"";
    for (const auto& user : plan.admins) text += ",\"admin\":\"" + user + "\"";
    if (padding > 0) text += ",\"padding\":\"" + std::string(padding, 'x') + "\"";
    return text + "}";
  }

  Result<std::string> kubeconfig(const AccessDocument& access) override {
    if (auto error = failure("kubeconfig")) return *error;
    if (access.user.empty()) return Error{Errc::invalid_argument, "no user"};
    return "{\"user\":\"" + access.user + "\"}";
  }

 private:
  std::optional<Error> failure(const std::string& call) const {
    return fail ? fail(call) : std::nullopt;
  }
};

// What a guest reads in such a document.
struct FakeDocument {
  std::string node, role;
  bool joined = false, has_cluster_keys = false, has_credential = false;
  std::vector<std::string> members, departing, admins;

  static FakeDocument read(std::string_view text) {
    FakeDocument document;
    if (const auto nodes = values(text, "node"); !nodes.empty()) document.node = nodes.front();
    if (const auto roles = values(text, "role"); !roles.empty()) document.role = roles.front();
    document.joined = text.find("\"joined\":true") != std::string_view::npos;
    document.has_cluster_keys = !values(text, "cluster").empty();
    document.has_credential = !values(text, "credential").empty();
    document.members = values(text, "member");
    document.departing = values(text, "departing");
    document.admins = values(text, "admin");
    return document;
  }

 private:
  static std::vector<std::string> values(std::string_view text, const std::string& key) {
    const std::string begin = "\"" + key + "\":\"";
    std::vector<std::string> found;
    for (auto at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at)) {
      at += begin.size();
      found.emplace_back(text.substr(at, text.find('"', at) - at));
    }
    return found;
  }
};

}  // namespace dure::control
