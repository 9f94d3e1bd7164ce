#include "controlnode/cli/kubeconfig.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>
#include <utility>

#include "controlnode/cli/output.h"
#include "controlnode/cli/yaml_value.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostText = 64 * 1024;
// Users that the control node has made.
constexpr std::string_view kOurUsers = "dure:";

// The text at `path` below the first entry of a list; empty when there is none.
std::string text_in(const json::value& root, std::string_view list, std::string_view inner,
                    std::string_view name) {
  const auto* object = root.if_object();
  const auto* entries = object == nullptr ? nullptr : object->if_contains(list);
  const auto* array = entries == nullptr ? nullptr : entries->if_array();
  if (array == nullptr || array->size() != 1) return {};
  const auto* at = array->front().if_object();
  if (at != nullptr && !inner.empty()) {
    const auto* nested = at->if_contains(inner);
    at = nested == nullptr ? nullptr : nested->if_object();
  }
  const auto* value = at == nullptr ? nullptr : at->if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  const auto& text = value->get_string();
  return text.size() > kMostText ? std::string() : std::string(text);
}

bool is_base64(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=';
  });
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

using Members = std::vector<std::pair<std::string_view, std::string>>;

YamlValue map_of(const Members& members) {
  auto map = YamlValue::empty_map();
  for (const auto& [name, text] : members) {
    if (!text.empty()) map.put(name, YamlValue::word(text));
  }
  return map;
}

json::object object_of(const Members& members) {
  json::object object;
  for (const auto& [name, text] : members) {
    if (!text.empty()) object[name] = text;
  }
  return object;
}

Members cluster_members(const ClusterCredential& credential) {
  return {{"server", credential.server},
          {"tls-server-name", credential.tls_server_name},
          {"certificate-authority-data", credential.ca_data}};
}

Members user_members(const ClusterCredential& credential) {
  return {{"client-certificate-data", credential.certificate_data},
          {"client-key-data", credential.key_data}};
}

Members context_members(const ClusterCredential& credential) {
  return {{"cluster", credential.cluster}, {"user", credential.user}};
}

json::array only(std::string_view name, std::string_view kind, json::object&& inner) {
  json::object entry{{"name", name}};
  entry[kind] = std::move(inner);
  json::array list;
  list.push_back(std::move(entry));
  return list;
}

const YamlValue* entry_of(const YamlValue& list, std::string_view name) {
  const auto found = std::find_if(list.items.begin(), list.items.end(), [&](const YamlValue& entry) {
    return entry.text_of("name") == name;
  });
  return found == list.items.end() ? nullptr : &*found;
}

std::string user_of(const YamlValue& entry) {
  const auto* context = entry.find("context");
  return context == nullptr ? std::string() : context->text_of("user");
}

// The list of that name, made when there is none; an error when it is something else.
Result<YamlValue*> list_in(YamlValue& root, std::string_view name) {
  auto* list = root.find(name);
  if (list == nullptr || list->kind == YamlValue::Kind::null) {
    root.put(name, YamlValue::empty_list());
    list = root.find(name);
  }
  if (list->kind == YamlValue::Kind::list) return list;
  return Error{Errc::invalid_argument, "is not a kubeconfig: '" + std::string(name) + "' is not a list"};
}

// In the old one's place. Further ones of the same name would be ambiguous.
void put_entry(YamlValue& list, std::string_view kind, const std::string& name, YamlValue inner) {
  auto entry = YamlValue::empty_map();
  entry.put("name", YamlValue::word(name));
  entry.put(kind, std::move(inner));
  bool placed = false;
  std::vector<YamlValue> items;
  for (auto& old : list.items) {
    if (old.text_of("name") != name) {
      items.push_back(std::move(old));
    } else if (!std::exchange(placed, true)) {
      items.push_back(entry);
    }
  }
  if (!placed) items.push_back(std::move(entry));
  list.items = std::move(items);
}

// A namespace that the user has chosen for the context outlives the credential.
YamlValue context_value(const ClusterCredential& credential, const YamlValue* old) {
  auto value = map_of(context_members(credential));
  const auto* before = old == nullptr ? nullptr : old->find("context");
  const auto chosen = before == nullptr ? std::string() : before->text_of("namespace");
  if (!chosen.empty()) value.put("namespace", YamlValue::word(chosen));
  return value;
}

}  // namespace

bool is_api_address(const std::string& text) {
  constexpr std::string_view scheme = "https://";
  return text.starts_with(scheme) && text.size() > scheme.size() && text.size() <= 512 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<ClusterCredential> read_credential(const json::value& kubeconfig) {
  ClusterCredential found;
  found.cluster = text_in(kubeconfig, "clusters", "", "name");
  found.server = text_in(kubeconfig, "clusters", "cluster", "server");
  found.tls_server_name = text_in(kubeconfig, "clusters", "cluster", "tls-server-name");
  found.ca_data = text_in(kubeconfig, "clusters", "cluster", "certificate-authority-data");
  found.user = text_in(kubeconfig, "users", "", "name");
  found.certificate_data = text_in(kubeconfig, "users", "user", "client-certificate-data");
  found.key_data = text_in(kubeconfig, "users", "user", "client-key-data");
  const bool good = is_name(found.cluster) && is_name(found.user) && is_api_address(found.server) &&
                    is_base64(found.ca_data) && is_base64(found.certificate_data) &&
                    is_base64(found.key_data) &&
                    (found.tls_server_name.empty() || is_name(found.tls_server_name));
  if (!good) return Error{Errc::corrupt, "the answer of the control node holds no usable kubeconfig"};
  return found;
}

std::string kubeconfig_alone(const ClusterCredential& credential) {
  json::object root;
  root["apiVersion"] = "v1";
  root["kind"] = "Config";
  root["clusters"] = only(credential.cluster, "cluster", object_of(cluster_members(credential)));
  root["users"] = only(credential.user, "user", object_of(user_members(credential)));
  root["contexts"] = only(credential.cluster, "context", object_of(context_members(credential)));
  root["current-context"] = credential.cluster;
  return pretty_json(root);
}

Result<MergedKubeconfig> merge_kubeconfig(const std::string& existing,
                                          const ClusterCredential& credential) {
  auto root = read_yaml(existing);
  if (!root) return root.error();
  if (root->kind == YamlValue::Kind::null) {
    root = map_of({{"apiVersion", "v1"}, {"kind", "Config"}});
  }
  if (root->kind != YamlValue::Kind::map) {
    return Error{Errc::invalid_argument, "is not a kubeconfig: it is no map"};
  }
  // Each is looked up when it is used: making one moves the others.
  for (const auto* name : {"clusters", "users", "contexts"}) {
    if (const auto list = list_in(*root, name); !list) return list.error();
  }
  MergedKubeconfig merged;
  auto& contexts = *root->find("contexts");
  const auto* old = entry_of(contexts, credential.cluster);
  const auto old_user = old == nullptr ? std::string() : user_of(*old);
  merged.replaced_foreign = old != nullptr && !old_user.starts_with(kOurUsers);
  put_entry(contexts, "context", credential.cluster, context_value(credential, old));

  auto& users = *root->find("users");
  const bool still_used = std::any_of(contexts.items.begin(), contexts.items.end(),
                                      [&](const YamlValue& one) { return user_of(one) == old_user; });
  if (old_user.starts_with(kOurUsers) && !still_used) {
    std::erase_if(users.items, [&](const YamlValue& one) { return one.text_of("name") == old_user; });
  }
  put_entry(users, "user", credential.user, map_of(user_members(credential)));
  put_entry(*root->find("clusters"), "cluster", credential.cluster, map_of(cluster_members(credential)));
  root->put("current-context", YamlValue::word(credential.cluster));
  merged.text = write_yaml(*root);
  return merged;
}

}  // namespace dure::cli
