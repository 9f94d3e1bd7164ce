#include "controlnode/edges/kubeadm/kubeconfig.h"

#include <boost/json.hpp>
#include <utility>

#include "common/base64.h"
#include "controlnode/edges/kubeadm/json_values.h"

namespace dure::control {
namespace {

namespace json = boost::json;

// Each list of a kubeconfig has entries of a name and one object of this kind.
json::array only(std::string_view name, std::string_view kind, json::object&& object) {
  json::object entry;
  entry["name"] = text(name);
  entry[json::string_view(kind.data(), kind.size())] = std::move(object);
  json::array list;
  list.push_back(std::move(entry));
  return list;
}

}  // namespace

std::string kubeconfig_text(const AccessDocument& access) {
  json::object cluster, context, user;
  cluster["server"] = text(access.server);
  if (!access.tls_server_name.empty()) cluster["tls-server-name"] = text(access.tls_server_name);
  cluster["certificate-authority-data"] = text(base64(access.ca_certificate));
  context["cluster"] = text(access.cluster_name);
  context["user"] = text(access.user);
  user["client-certificate-data"] = text(base64(access.client.certificate));
  user["client-key-data"] = text(base64(access.client.private_key));

  json::object root;
  root["apiVersion"] = "v1";
  root["kind"] = "Config";
  root["current-context"] = text(access.cluster_name);
  root["clusters"] = only(access.cluster_name, "cluster", std::move(cluster));
  root["contexts"] = only(access.cluster_name, "context", std::move(context));
  root["users"] = only(access.user, "user", std::move(user));
  return json::serialize(root);
}

}  // namespace dure::control
