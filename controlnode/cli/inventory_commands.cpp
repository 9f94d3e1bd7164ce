#include <boost/json.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/files.h"
#include "controlnode/cli/command_line.h"
#include "controlnode/cli/image_import.h"
#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"
#include "controlnode/cli/placement_options.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostKeyBytes = 16 * 1024;

// Posts, then shows what there is now as one row.
Exit create(Session& session, const std::string& noun, const json::object& body) {
  const auto& what = kind(noun);
  const auto made = session.api.post("/" + what.plural, body);
  if (!made) return fail(session, made.failure());
  const auto name = plain(body.at("name"));
  const auto now = session.api.get("/" + what.plural + "/" + path_segment(name));
  if (!now) return fail(session, now.failure());
  return print(session, show_row(what, *now, session.output));
}

void add_site(CLI::App& root, Chosen& chosen) {
  auto& verb = verb_app(noun_app(root, "site"), "create", "Add a site: a place with its own network",
                        "  dure site create engineering --underlay-mtu 1500");
  auto name = std::make_shared<std::string>();
  auto mtu = std::make_shared<std::uint32_t>(1500);
  verb.add_option("name", *name, "Name of the site")->required()->type_name("NAME");
  verb.add_option("--underlay-mtu", *mtu, "MTU between its hosts")->capture_default_str()->type_name("N");
  add_output_options(verb, chosen);
  verb.callback([&chosen, name, mtu] {
    chosen.action = [name, mtu](Session& session) {
      return create(session, "site", {{"name", *name}, {"underlay_mtu", *mtu}});
    };
  });
}

struct Amount {
  std::int64_t vcpus = 0, memory_mib = 0, disk_gib = 0;
  json::object body() const {
    return {{"vcpus", vcpus}, {"memory_mib", memory_mib}, {"disk_gib", disk_gib}};
  }
};

void add_amount(CLI::App& verb, const std::string& prefix, Amount& amount, bool required,
                const std::string& meaning) {
  verb.add_option("--" + prefix + "vcpus", amount.vcpus, "vCPUs " + meaning)
      ->required(required)->type_name("N");
  verb.add_option("--" + prefix + "memory-mib", amount.memory_mib, "Memory " + meaning)
      ->required(required)->type_name("MIB");
  verb.add_option("--" + prefix + "disk-gib", amount.disk_gib, "Disk " + meaning)
      ->required(required)->type_name("GIB");
}

Exit patch_and_show(Session& session, const std::string& host, const json::object& body) {
  const auto path = "/hosts/" + path_segment(host);
  if (const auto done = session.api.patch(path, body); !done) return fail(session, done.failure());
  const auto now = session.api.get(path);
  if (!now) return fail(session, now.failure());
  return print(session, show_row(kind("host"), *now, session.output));
}

// The member that says so, null for "none"; nothing: it is no ratio.
std::optional<json::value> overcommit_of(const std::string& text) {
  if (text == "none") return json::value(nullptr);
  const auto percent = parse_overcommit_percent(text);
  return percent ? std::optional(json::value(*percent)) : std::nullopt;
}

Exit no_ratio(Session& session, const std::string& text) {
  return fail(session, {Exit::usage, "--vcpu-overcommit: '" + printable(text) + "' is no ratio from 1 to 64, such as 2 or 1.25", {},
                        {}, "'dure host set NAME --vcpu-overcommit none' takes a host's own one away", false, 0});
}

void add_host_set(CLI::App& noun, Chosen& chosen) {
  auto& set = verb_app(noun, "set", "Change what is known of a host",
                       "  dure host set pc-01 --room 301\n  dure host set pc-01 --vcpu-overcommit 1.5\n  dure host set pc-01 --address 10.1.0.12\n"
                       "Nodes that are there stay, also if the host has fewer vCPUs afterwards.");
  struct Given {
    std::string name, room, overcommit, address;
    bool has_room = false, has_overcommit = false;  // an empty room is a change as well
  };
  auto given = std::make_shared<Given>();
  set.add_option("name", given->name, "Name or id")->required()->type_name("NAME");
  const auto* room = set.add_option("--room", given->room, "Room it stands in; '' takes it away")->type_name("ROOM");
  const auto* overcommit =
      set.add_option("--vcpu-overcommit", given->overcommit, "vCPUs for each of its CPUs; none: as for all hosts")->type_name("RATIO");
  set.add_option("--address", given->address, "IPv4 address on the site's network")->type_name("IP");
  add_output_options(set, chosen);
  set.callback([&chosen, given, room, overcommit] {
    given->has_room = room->count() > 0;
    given->has_overcommit = overcommit->count() > 0;
    chosen.action = [given](Session& session) {
      json::object body;
      if (given->has_room) body["room"] = given->room;
      if (given->has_overcommit) {
        auto ratio = overcommit_of(given->overcommit);
        if (!ratio) return no_ratio(session, given->overcommit);
        body["vcpu_overcommit_percent"] = std::move(*ratio);
      }
      if (!given->address.empty()) body["address"] = given->address;
      if (body.empty()) {
        return fail(session, {Exit::usage, "nothing to change: --room, --vcpu-overcommit or --address is wanted", {}, {}, {}, false, 0});
      }
      return patch_and_show(session, given->name, body);
    };
  });
}

void add_host_changes(CLI::App& noun, Chosen& chosen) {
  auto& label = verb_app(noun, "label", "Set labels of a host, or take them away",
                         "  dure host label pc-01 gpu=none owner=physics\n  dure host label pc-01 gpu-");
  auto name = std::make_shared<std::string>();
  auto words = std::make_shared<std::vector<std::string>>();
  label.add_option("name", *name, "Name or id")->required()->type_name("NAME");
  label.add_option("labels", *words, "KEY=VALUE sets, KEY- takes away")->required()->type_name("LABEL");
  add_output_options(label, chosen);
  label.callback([&chosen, name, words] {
    chosen.action = [name, words](Session& session) {
      const auto labels = labels_of(*words, true);
      if (!labels) return fail(session, {Exit::usage, labels.error().message, {}, {}, {}, false, 0});
      return patch_and_show(session, *name, {{"labels", *labels}});
    };
  });
  add_host_set(noun, chosen);
}

struct HostArguments {
  std::string name, site, id, address, curve_key, host_class = "scavenged", room;
  std::string overcommit;
  bool has_overcommit = false;
  std::vector<std::string> labels;
  Amount capacity, reserve;
};

void add_host(CLI::App& root, Chosen& chosen) {
  auto& noun = noun_app(root, "host");
  auto& add = verb_app(noun, "add", "Add a host whose agent may then connect",
                       "  dure host add pc-01 --site engineering --id UUID --address 10.1.0.11 \\\n"
                       "    --curve-key KEY --vcpus 8 --memory-mib 16384 --disk-gib 200 \\\n"
                       "    --reserve-vcpus 2 --reserve-memory-mib 4096\n"
                       "'dure-hostagent init' prints the id and the key.");
  auto given = std::make_shared<HostArguments>();
  add.add_option("name", given->name, "Name of the host")->required()->type_name("NAME");
  add.add_option("--site", given->site, "Site it stands at")->required()->type_name("NAME");
  add.add_option("--id", given->id, "The agent's id")->required()->type_name("UUID");
  add.add_option("--address", given->address, "IPv4 address on the site's network")->required()->type_name("IP");
  add.add_option("--curve-key", given->curve_key, "The agent's public key")->required()->type_name("Z85");
  add.add_option("--class", given->host_class, "anchor (stays on) or scavenged (may go)")
      ->check(CLI::IsMember({"anchor", "scavenged"}))->capture_default_str()->type_name("CLASS");
  add.add_option("--room", given->room, "Room it stands in")->type_name("ROOM");
  add.add_option("--label", given->labels, "A word of your own for it; may be given again")->type_name("KEY=VALUE");
  add_amount(add, "", given->capacity, true, "of the host");
  add_amount(add, "reserve-", given->reserve, false, "kept for its owner");
  const auto* overcommit =
      add.add_option("--vcpu-overcommit", given->overcommit, "vCPUs for each of its CPUs, if not as for all hosts")->type_name("RATIO");
  add_output_options(add, chosen);
  add.callback([&chosen, given, overcommit] {
    given->has_overcommit = overcommit->count() > 0;
    chosen.action = [given](Session& session) {
      json::object body{{"name", given->name}, {"site", given->site}, {"id", given->id},
                        {"address", given->address}, {"curve_key", given->curve_key},
                        {"class", given->host_class}, {"capacity", given->capacity.body()},
                        {"reserve", given->reserve.body()}};
      const auto labels = labels_of(given->labels, false);
      if (!labels) return fail(session, {Exit::usage, labels.error().message, {}, {}, {}, false, 0});
      if (given->has_overcommit) {
        const auto percent = parse_overcommit_percent(given->overcommit);
        if (!percent) return no_ratio(session, given->overcommit);
        body["vcpu_overcommit_percent"] = *percent;
      }
      if (!given->room.empty()) body["room"] = given->room;
      if (!labels->empty()) body["labels"] = *labels;
      return create(session, "host", body);
    };
  });
  add_host_changes(noun, chosen);
  for (const std::string word : {"cordon", "uncordon"}) {
    auto& verb = verb_app(noun, word, word == "cordon" ? "Place no further nodes on a host"
                                                       : "Let nodes be placed on a host again");
    auto name = std::make_shared<std::string>();
    verb.add_option("name", *name, "Name or id")->required()->type_name("NAME");
    add_output_options(verb, chosen);
    verb.callback([&chosen, name, word] {
      chosen.action = [name, word](Session& session) {
        const auto path = "/hosts/" + path_segment(*name);
        const auto done = session.api.post(path + "/" + word, json::object{});
        if (!done) return fail(session, done.failure());
        const auto now = session.api.get(path);
        if (!now) return fail(session, now.failure());
        return print(session, show_row(kind("host"), *now, session.output));
      };
    });
  }
}

void add_flavor(CLI::App& root, Chosen& chosen) {
  auto& verb = verb_app(noun_app(root, "flavor"), "create", "Add a VM size",
                        "  dure flavor create small --vcpus 2 --memory-mib 2048 --disk-gib 20");
  auto name = std::make_shared<std::string>();
  auto amount = std::make_shared<Amount>();
  verb.add_option("name", *name, "Name of the flavor")->required()->type_name("NAME");
  add_amount(verb, "", *amount, true, "of a node");
  add_output_options(verb, chosen);
  verb.callback([&chosen, name, amount] {
    chosen.action = [name, amount](Session& session) {
      auto body = amount->body();
      body["name"] = *name;
      return create(session, "flavor", body);
    };
  });
}

void add_key_pair(CLI::App& root, Chosen& chosen) {
  auto& verb = verb_app(noun_app(root, "keypair"), "create", "Add a public SSH key",
                        "  dure keypair create me --public-key-file ~/.ssh/id_ed25519.pub");
  auto name = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>();
  auto project = std::make_shared<std::string>();
  verb.add_option("name", *name, "Name of the key pair")->required()->type_name("NAME");
  verb.add_option("--public-key-file", *file, "OpenSSH public key, one line")->required()->type_name("FILE");
  verb.add_option("--project", *project, "Project it belongs to")->type_name("NAME");
  add_output_options(verb, chosen);
  verb.callback([&chosen, name, file, project] {
    chosen.action = [name, file, project](Session& session) {
      auto key = read_file(*file, kMostKeyBytes);
      if (!key) {
        return fail(session, {Exit::usage, key.error().message, {}, {}, {}, false, 0});
      }
      if (key->find("PRIVATE KEY") != std::string::npos) {
        return fail(session, {Exit::usage, *file + " holds a private key; it was not sent", {}, {},
                              "the public one ends in .pub", false, 0});
      }
      while (!key->empty() && (key->back() == '\n' || key->back() == '\r')) key->pop_back();
      json::object body{{"name", *name}, {"public_key", *key}};
      if (!project->empty()) body["project"] = *project;
      return create(session, "keypair", body);
    };
  });
}

void add_image(CLI::App& root, Chosen& chosen) {
  auto& verb = verb_app(noun_app(root, "image"), "import",
                        "Upload a node image that packaging/image/build has made",
                        "  dure image import debian-13 --manifest node-image.json\n"
                        "The files lie beside the manifest in blobs/, named by their SHA-256;\n"
                        "those that the control node has already are not sent again.");
  auto name = std::make_shared<std::string>();
  auto manifest = std::make_shared<std::string>();
  verb.add_option("name", *name, "Name of the image")->required()->type_name("NAME");
  verb.add_option("--manifest", *manifest, "The image's manifest")->required()->type_name("FILE");
  add_output_options(verb, chosen);
  verb.callback([&chosen, name, manifest] {
    chosen.action = [name, manifest](Session& session) {
      const auto body = import_blobs(session, *name, *manifest);
      if (!body) return fail(session, body.failure());
      return create(session, "image", *body);
    };
  });
}

}  // namespace

void add_inventory_commands(CLI::App& root, Chosen& chosen) {
  add_site(root, chosen);
  add_host(root, chosen);
  add_image(root, chosen);
  add_flavor(root, chosen);
  add_key_pair(root, chosen);
}

}  // namespace dure::cli
