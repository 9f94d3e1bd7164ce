#include "hostagent/edges/disk/seed_documents.h"

#include <boost/json.hpp>
#include <string_view>

#include "common/text.h"

namespace dure::host {
namespace {

namespace json = boost::json;

// A prefix is understood by every renderer of cloud-init; netplan's word "default" is not.
constexpr const char* kDefaultRoute = "0.0.0.0/0";

json::string_view view(std::string_view text) { return {text.data(), text.size()}; }
json::value text(std::string_view value) { return json::value(view(value)); }

// One line that begins with a key type, so that it can carry neither a second line nor options such as command="…". Its
// comment may be in any language.
bool is_public_key(std::string_view key) {
  return is_printable(key) && key.size() <= kMaxSshKeyBytes &&
         (key.starts_with("ssh-") || key.starts_with("ecdsa-") || key.starts_with("sk-"));
}

Result<void> check(const GuestConfig& guest) {
  if (!is_host_name(guest.hostname))
    return Error{Errc::invalid_argument, "seed: the hostname is not a host name"};
  if (!is_user_name(guest.user))
    return Error{Errc::invalid_argument, "seed: the user is not a login name"};
  for (const HostsEntry& entry : guest.hosts)
    if (!is_host_name(entry.name))
      return Error{Errc::invalid_argument, "seed: a member's name is not a host name"};
  for (const std::string& key : guest.ssh_public_keys)
    if (!is_public_key(key))
      return Error{Errc::invalid_argument, "seed: an SSH key is not a public key of one line"};
  return {};
}

std::string hosts_file(const GuestConfig& guest) {
  std::string out = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  for (const HostsEntry& entry : guest.hosts) out += entry.address.str() + " " + entry.name + "\n";
  return out;
}

json::object user_data(const GuestConfig& guest) {
  json::array keys;
  for (const std::string& key : guest.ssh_public_keys) keys.push_back(text(key));
  json::object user;
  user["name"] = text(guest.user);
  user["ssh_authorized_keys"] = std::move(keys);
  user["sudo"] = "ALL=(ALL) NOPASSWD:ALL";
  user["shell"] = "/bin/bash";
  user["lock_passwd"] = true;
  json::object hosts;
  hosts["path"] = "/etc/hosts";
  hosts["content"] = text(hosts_file(guest));
  hosts["owner"] = "root:root";
  hosts["permissions"] = "0644";

  json::object root;
  root["hostname"] = text(guest.hostname);
  root["manage_etc_hosts"] = false;
  root["users"] = json::array{std::move(user)};
  root["ssh_pwauth"] = false;
  root["disable_root"] = true;
  root["write_files"] = json::array{std::move(hosts)};
  return root;
}

json::object network_config(const VmSpec& vm, const NetworkSpec& network) {
  json::array servers;
  for (const Ipv4& server : vm.guest.nameservers) servers.push_back(text(server.str()));
  const std::string address = vm.address.str() + "/" + std::to_string(network.prefix.length);
  json::object card;
  card["match"] = json::object{{"macaddress", text(vm.mac.str())}};
  card["set-name"] = "eth0";
  card["addresses"] = json::array{text(address)};
  card["routes"] =
      json::array{json::object{{"to", kDefaultRoute}, {"via", text(network.gateway.str())}}};
  card["nameservers"] = json::object{{"addresses", std::move(servers)}};
  card["mtu"] = network.mtu;
  json::object root;
  root["version"] = 2;
  root["ethernets"] = json::object{{"nic0", std::move(card)}};
  return root;
}

}  // namespace

Result<SeedDocuments> seed_documents(const VmSpec& vm, const NetworkSpec& network) {
  if (auto checked = check(vm.guest); !checked) return checked.error();
  json::object meta;
  // A VM made anew is a new instance: cloud-init runs its first-boot parts once more.
  meta["instance-id"] = text(vm.id.str() + "-g" + std::to_string(vm.generation));
  meta["local-hostname"] = text(vm.guest.hostname);
  SeedDocuments documents;
  documents.user_data = "#cloud-config\n" + json::serialize(user_data(vm.guest)) + "\n";
  documents.meta_data = json::serialize(meta) + "\n";
  documents.network_config = json::serialize(network_config(vm, network)) + "\n";
  return documents;
}

}  // namespace dure::host
