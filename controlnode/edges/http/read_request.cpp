#include "controlnode/edges/http/read_request.h"

#include <boost/json.hpp>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/ip.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/lifecycle.h"
#include "controlnode/edges/http/text.h"

namespace dure::control {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxName = 40;
constexpr std::size_t kMaxCatalogName = 63;

// Reads members of one object and collects every fault.
class Reader {
 public:
  Reader(const std::string& body, std::string prefix) : prefix_(std::move(prefix)) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = 8;
    value_ = json::parse(body, error, {}, options);
    if (error || !value_.is_object()) {
      fault("", error ? "not JSON: " + error.message() : "a JSON object is wanted");
      value_ = json::object{};
    }
  }
  Reader(json::object object, std::string prefix)
      : value_(std::move(object)), prefix_(std::move(prefix)) {}

  std::string text(std::string_view name, std::size_t max, bool required, std::string fallback = {}) {
    const auto* member = find(name, required);
    if (member == nullptr) return fallback;
    if (!member->is_string()) return wrong(name, "text is wanted"), fallback;
    const auto& text = member->get_string();
    if (text.size() > max) wrong(name, "longer than " + std::to_string(max) + " bytes");
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        wrong(name, "holds a control character");
        break;
      }
    }
    return std::string(text);
  }

  // Lower-case letters, digits and dashes, starting with a letter.
  std::string name(std::string_view member, bool required, std::string fallback = {}) {
    auto text = this->text(member, kMaxName, required, std::move(fallback));
    if (text.empty()) return text;
    const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    bool good = lower(text.front()) && text.back() != '-';
    for (const char c : text) good = good && (lower(c) || (c >= '0' && c <= '9') || c == '-');
    if (!good) wrong(member, "wants lower-case letters, digits and '-', first a letter");
    return text;
  }

  // Of a flavor or image: dots too, as in "debian-13.1".
  std::string catalog_name(std::string_view member) {
    auto text = this->text(member, kMaxCatalogName, true);
    if (!text.empty() && !valid_catalog_name(text)) {
      wrong(member, "wants lower-case letters, digits, '-' and '.', first a letter");
    }
    return text;
  }

  template <class Number>
  Number number(std::string_view name, std::int64_t low, std::int64_t high, bool required,
                Number fallback = 0) {
    const auto* member = find(name, required);
    if (member == nullptr) return fallback;
    json::error_code error;
    const auto value = member->to_number<std::int64_t>(error);
    if (error || value < low || value > high) {
      wrong(name, "a whole number from " + std::to_string(low) + " to " + std::to_string(high) +
                      " is wanted");
      return fallback;
    }
    return static_cast<Number>(value);
  }

  bool flag(std::string_view name) {
    const auto* member = find(name, false);
    if (member == nullptr) return false;
    if (!member->is_bool()) return wrong(name, "true or false is wanted"), false;
    return member->get_bool();
  }

  std::vector<std::string> names(std::string_view name, std::size_t max) {
    std::vector<std::string> result;
    const auto* member = find(name, false);
    if (member == nullptr) return result;
    if (!member->is_array() || member->get_array().size() > max) {
      wrong(name, "a list of at most " + std::to_string(max) + " names is wanted");
      return result;
    }
    for (const auto& item : member->get_array()) {
      if (item.is_string() && item.get_string().size() <= kMaxName) {
        result.emplace_back(item.get_string());
      } else {
        wrong(name, "holds something that is no name");
      }
    }
    return result;
  }

  // Members are text; null as well where `nulls` is set.
  std::map<std::string, std::optional<std::string>> texts(std::string_view name, std::size_t max, bool nulls) {
    std::map<std::string, std::optional<std::string>> result;
    const auto* member = find(name, false);
    if (member == nullptr) return result;
    if (!member->is_object() || member->get_object().size() > max) {
      wrong(name, "an object of at most " + std::to_string(max) + " texts is wanted");
      return result;
    }
    for (const auto& [key, value] : member->get_object()) {
      const bool text = value.is_string() && value.get_string().size() <= kMaxCatalogName;
      if (key.size() > kMaxCatalogName || (!text && !(nulls && value.is_null()))) {
        wrong(name, nulls ? "texts or null are wanted" : "texts are wanted");
        return {};
      }
      result[std::string(key)] = text ? std::optional(std::string(value.get_string())) : std::nullopt;
    }
    return result;
  }

  bool has(std::string_view name) { return find(name, false) != nullptr; }

  template <class T>
  T parsed(std::string_view name, std::optional<T> (*parse)(std::string_view), std::string_view what) {
    const auto text = this->text(name, 128, true);
    const auto value = parse(text);
    if (!value && !text.empty()) wrong(name, std::string(what) + " is wanted");
    return value.value_or(T{});
  }

  // A nested object; nullopt when absent.
  std::optional<Reader> nested(std::string_view name, bool required) {
    const auto* member = find(name, required);
    if (member == nullptr) return std::nullopt;
    if (!member->is_object()) return wrong(name, "an object is wanted"), std::nullopt;
    return Reader(member->get_object(), prefix_ + "/" + std::string(name));
  }
  void absorb(Reader& nested) {
    nested.close();
    faults_.insert(faults_.end(), nested.faults_.begin(), nested.faults_.end());
  }

  void wrong(std::string_view name, std::string detail) {
    faults_.push_back({prefix_ + "/" + std::string(name), std::move(detail)});
  }

  template <class T>
  ReadResult<T> finish(T value) {
    close();
    if (faults_.empty()) return value;
    return std::move(faults_);
  }

 private:
  void fault(std::string pointer, std::string detail) {
    faults_.push_back({prefix_ + pointer, std::move(detail)});
  }

  const json::value* find(std::string_view name, bool required) {
    known_.insert(std::string(name));
    const auto* member = value_.get_object().if_contains(name);
    if (member == nullptr || member->is_null()) {
      if (required) wrong(name, "is missing");
      return nullptr;
    }
    return member;
  }

  void close() {
    for (const auto& member : value_.get_object()) {
      if (!known_.contains(std::string(member.key()))) {
        wrong(pointer_token(clip(member.key(), 64)), "is not known here");
      }
    }
  }

  json::value value_;
  std::string prefix_;
  std::vector<Fault> faults_;
  std::set<std::string> known_;
};

Resources read_resources(Reader& reader, bool required) {
  Resources amount;
  const std::int64_t low = required ? 1 : 0;
  amount.vcpus = reader.number<std::int64_t>("vcpus", low, 4096, required);
  amount.memory_mib = reader.number<std::int64_t>("memory_mib", low, 64LL << 20, required);
  amount.disk_gib = reader.number<std::int64_t>("disk_gib", low, 1 << 20, required);
  return amount;
}

BlobRef read_blob(Reader& parent, std::string_view name, bool required) {
  BlobRef blob;
  auto reader = parent.nested(name, required);
  if (!reader) return blob;
  blob.digest = reader->parsed<Digest>("sha256", &Digest::parse, "64 hexadecimal digits");
  blob.size_bytes = reader->number<std::uint64_t>("size_bytes", 1, 1LL << 44, true);
  parent.absorb(*reader);
  return blob;
}

}  // namespace

ReadResult<CreateCluster> read_create_cluster(const std::string& body) {
  Reader reader(body, "");
  CreateCluster wanted;
  wanted.project = reader.name("project", false, "default");
  wanted.name = reader.name("name", true);
  wanted.control_planes = reader.number<std::uint32_t>("control_planes", 1, 3, false, 1);
  if (wanted.control_planes == 2) reader.wrong("control_planes", "1 or 3 is wanted");
  wanted.workers = reader.number<std::uint32_t>("workers", 0, 1000, true);
  wanted.flavor = reader.text("flavor", kMaxCatalogName, true);
  wanted.image = reader.text("image", kMaxCatalogName, true);
  wanted.key_pair = reader.text("key_pair", kMaxName, true);
  wanted.sites = reader.names("sites", 64);
  const auto pod_network = reader.text("cni", 16, false, "native");
  if (const auto known = cni(pod_network)) {
    wanted.cni = *known;
  } else {
    reader.wrong("cni", "native or none is wanted");
  }
  wanted.dry_run = reader.flag("dry_run");
  return reader.finish(std::move(wanted));
}

ReadResult<GiveAccess> read_give_access(const std::string& cluster, const std::string& body) {
  Reader reader(body.empty() ? "{}" : body, "");
  GiveAccess wanted;
  wanted.cluster = cluster;
  wanted.seconds =
      reader.number<std::int64_t>("seconds", 600, 30LL * 24 * 3600, false, wanted.seconds);
  return reader.finish(std::move(wanted));
}

ReadResult<ReplaceNode> read_replace_node(const std::string& cluster, const std::string& body) {
  Reader reader(body, "");
  ReplaceNode wanted;
  wanted.cluster = cluster;
  wanted.node = reader.text("node", 64, true);
  wanted.dry_run = reader.flag("dry_run");
  return reader.finish(std::move(wanted));
}

ReadResult<RepairCluster> read_repair_cluster(const std::string& cluster, const std::string& body) {
  Reader reader(body.empty() ? "{}" : body, "");
  RepairCluster wanted;
  wanted.cluster = cluster;
  wanted.dry_run = reader.flag("dry_run");
  return reader.finish(std::move(wanted));
}

ReadResult<ScaleCluster> read_scale_cluster(const std::string& cluster, const std::string& body) {
  Reader reader(body, "");
  ScaleCluster wanted;
  wanted.cluster = cluster;
  wanted.workers = reader.number<std::uint32_t>("workers", 0, 1000, true);
  wanted.dry_run = reader.flag("dry_run");
  return reader.finish(std::move(wanted));
}

ReadResult<CreateSite> read_create_site(const std::string& body) {
  Reader reader(body, "");
  CreateSite wanted;
  wanted.name = reader.name("name", true);
  wanted.underlay_mtu = reader.number<std::uint16_t>("underlay_mtu", 1280, 9216, false, 1500);
  return reader.finish(std::move(wanted));
}

ReadResult<AddHost> read_add_host(const std::string& body) {
  Reader reader(body, "");
  AddHost wanted;
  wanted.name = reader.name("name", true);
  wanted.site = reader.text("site", kMaxName, true);
  wanted.id = reader.parsed<HostId>("id", &HostId::parse, "a UUID");
  wanted.address = reader.parsed<Ipv4>("address", &Ipv4::parse, "an IPv4 address");
  wanted.curve_key = reader.text("curve_key", 40, true);
  const auto the_class = reader.text("class", 16, false, "scavenged");
  if (const auto known = host_class(the_class)) {
    wanted.host_class = *known;
  } else {
    reader.wrong("class", "anchor or scavenged is wanted");
  }
  if (auto capacity = reader.nested("capacity", true)) {
    wanted.capacity = read_resources(*capacity, true);
    reader.absorb(*capacity);
  }
  if (auto reserve = reader.nested("reserve", false)) {
    wanted.reserve = read_resources(*reserve, false);
    reader.absorb(*reserve);
  }
  wanted.room = reader.text("room", 32, false);
  for (auto& [key, value] : reader.texts("labels", kMaxLabels, false)) wanted.labels[key] = std::move(*value);
  return reader.finish(std::move(wanted));
}

ReadResult<UpdateHost> read_update_host(const std::string& host, const std::string& body) {
  Reader reader(body, "");
  UpdateHost wanted;
  wanted.host = host;
  if (reader.has("room")) wanted.room = reader.text("room", 32, true);
  wanted.labels = reader.texts("labels", 2 * kMaxLabels, true);
  return reader.finish(std::move(wanted));
}

ReadResult<CreateFlavor> read_create_flavor(const std::string& body) {
  Reader reader(body, "");
  CreateFlavor wanted;
  wanted.name = reader.catalog_name("name");
  wanted.vcpus = reader.number<std::uint32_t>("vcpus", 1, 256, true);
  wanted.memory_mib = reader.number<std::uint32_t>("memory_mib", 16, 1 << 22, true);
  wanted.disk_gib = reader.number<std::uint32_t>("disk_gib", 1, 1 << 16, true);
  return reader.finish(std::move(wanted));
}

ReadResult<CreateImage> read_create_image(const std::string& body) {
  Reader reader(body, "");
  CreateImage wanted;
  wanted.name = reader.catalog_name("name");
  wanted.disk = read_blob(reader, "disk", true);
  wanted.kernel = read_blob(reader, "kernel", false);
  wanted.initrd = read_blob(reader, "initrd", false);
  wanted.cmdline = reader.text("cmdline", 1024, false);
  wanted.min_disk_gib = reader.number<std::uint32_t>("min_disk_gib", 0, 1 << 16, false);
  wanted.kubernetes = reader.text("kubernetes", 32, false);
  if (!wanted.kubernetes.empty() && !valid_kubernetes_version(wanted.kubernetes)) {
    reader.wrong("kubernetes", "a version such as v1.32.13 is wanted, from v1.32 on");
  }
  return reader.finish(std::move(wanted));
}

ReadResult<CreateKeyPair> read_create_key_pair(const std::string& body) {
  Reader reader(body, "");
  CreateKeyPair wanted;
  wanted.project = reader.name("project", false, "default");
  wanted.name = reader.name("name", true);
  wanted.public_key = reader.text("public_key", 8192, true);
  return reader.finish(std::move(wanted));
}

}  // namespace dure::control
