#include "hostagent/edges/libvirt/domain_xml.h"

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>
#include <sstream>
#include <vector>

#include "hostagent/core/host_plan.h"

namespace dure::host {
namespace {

using pugi::xml_node;

// XML 1.0 cannot carry control characters, not even escaped; and what is not UTF-8 is no XML. Names
// come from the control node, which allows neither; here they only must not break the document.
std::string encodable(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c == 0x7f; }, '?');
  return out;
}

xml_node add(xml_node parent, const char* name) { return parent.append_child(name); }

xml_node add_text(xml_node parent, const char* name, std::string_view text) {
  xml_node node = add(parent, name);
  node.text().set(encodable(text).c_str());
  return node;
}

void set(xml_node node, const char* name, std::string_view value) {
  node.append_attribute(name).set_value(encodable(value).c_str());
}

void set(xml_node node, const char* name, std::uint64_t value) {
  set(node, name, std::string_view(std::to_string(value)));
}

std::string print(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "  ", pugi::format_default | pugi::format_no_declaration);
  return out.str();
}

void add_identity(xml_node domain, const DomainSpec& spec) {
  xml_node node = add(add(domain, "metadata"), "dure:node");
  set(node, "xmlns:dure", kMetadataUri);
  set(node, "id", spec.vm.id.str());
  set(node, "generation", spec.vm.generation);
  set(node, "order", spec.order.str());
  set(node, "cluster", spec.vm.cluster.str());
  set(node, "network", spec.network.id.str());
  set(node, "vni", std::uint64_t{spec.network.vni});
  set(node, "channel", spec.paths.channel);
  set(node, "restart", spec.vm.restart);
}

// An emulated CPU does not say that its TSC is constant, so Linux takes the TSCs of several for unsynchronised and reads
// the ACPI timer instead: a system call and an access to a port for every look at the clock, ten times as slow. All CPUs
// of an emulated machine have the one TSC. And it panics before its first process when no timer interrupt has come in the
// moment in which it tries the timer, as happens now and then on a busy PC; the timer of an emulator needs no trial.
std::string emulated_cmdline(const std::string& cmdline) {
  std::string whole = cmdline;
  const auto add = [&](std::string_view word) { whole += (whole.empty() ? "" : " ") + std::string(word); };
  const std::string given = " " + cmdline + " ";
  if (given.find(" tsc=") == std::string::npos) add("tsc=reliable");
  if (given.find(" no_timer_check ") == std::string::npos) add("no_timer_check");
  return whole;
}

void add_boot(xml_node domain, const VmPaths& paths, bool kvm) {
  xml_node os = add(domain, "os");
  xml_node type = add_text(os, "type", "hvm");
  set(type, "arch", "x86_64");
  set(type, "machine", "q35");
  if (paths.kernel.empty()) {
    set(add(os, "boot"), "dev", "hd");
    return;
  }
  add_text(os, "kernel", paths.kernel);
  if (!paths.initrd.empty()) add_text(os, "initrd", paths.initrd);
  const std::string cmdline = kvm ? paths.cmdline : emulated_cmdline(paths.cmdline);
  if (!cmdline.empty()) add_text(os, "cmdline", cmdline);
}

void add_machine(xml_node domain, bool kvm) {
  add(add(domain, "features"), "acpi");
  // host-model can move between like hosts; TCG offers everything it can emulate.
  set(add(domain, "cpu"), "mode", kvm ? "host-model" : "maximum");
  xml_node clock = add(domain, "clock");
  set(clock, "offset", "utc");
  xml_node hpet = add(clock, "timer");
  set(hpet, "name", "hpet");
  set(hpet, "present", "no");
  add_text(domain, "on_poweroff", "destroy");
  add_text(domain, "on_reboot", "restart");
  add_text(domain, "on_crash", "destroy");
}

void add_root_disk(xml_node devices, const DomainSpec& spec) {
  xml_node disk = add(devices, "disk");
  set(disk, "type", "file");
  set(disk, "device", "disk");
  xml_node driver = add(disk, "driver");
  set(driver, "name", "qemu");
  set(driver, "type", "qcow2");
  set(driver, "cache", "writeback");
  set(driver, "discard", "unmap");
  // A full disk of the host pauses the guest, which goes on when there is room again; its file system sees no error.
  set(driver, "error_policy", "enospace");
  set(add(disk, "source"), "file", spec.overlay);
  // The whole chain with its formats, so that nobody ever guesses one from a file's content.
  xml_node backing = add(disk, "backingStore");
  set(backing, "type", "file");
  set(add(backing, "format"), "type", "qcow2");
  set(add(backing, "source"), "file", spec.paths.base_disk);
  add(backing, "backingStore");
  xml_node target = add(disk, "target");
  set(target, "dev", "vda");
  set(target, "bus", "virtio");
}

void add_seed_disk(xml_node devices, const std::string& seed) {
  xml_node disk = add(devices, "disk");
  set(disk, "type", "file");
  set(disk, "device", "disk");
  xml_node driver = add(disk, "driver");
  set(driver, "name", "qemu");
  set(driver, "type", "raw");
  set(add(disk, "source"), "file", seed);
  add(disk, "backingStore");
  xml_node target = add(disk, "target");
  set(target, "dev", "vdb");
  set(target, "bus", "virtio");
  add(disk, "readonly");
}

void add_interface(xml_node devices, const DomainSpec& spec) {
  xml_node card = add(devices, "interface");
  set(card, "type", "bridge");
  set(add(card, "mac"), "address", spec.vm.mac.str());
  set(add(card, "source"), "bridge", bridge_name(spec.network.vni));
  set(add(card, "target"), "dev", tap_name(spec.vm.mac));
  set(add(card, "model"), "type", "virtio");
  set(add(card, "mtu"), "size", std::uint64_t{spec.network.mtu});
  // No boot from the network, so no boot ROM to load.
  set(add(card, "rom"), "enabled", "no");
}

void add_channels(xml_node devices, const std::string& socket) {
  xml_node channel = add(devices, "channel");
  set(channel, "type", "unix");
  xml_node source = add(channel, "source");
  set(source, "mode", "bind");
  set(source, "path", socket);
  xml_node target = add(channel, "target");
  set(target, "type", "virtio");
  set(target, "name", "dure.stage");
  // A pseudo-terminal: what nobody reads is dropped, so a guest cannot fill the host's disk.
  set(add(devices, "serial"), "type", "pty");
  set(add(devices, "console"), "type", "pty");
}

void add_helpers(xml_node devices) {
  xml_node usb = add(devices, "controller");
  set(usb, "type", "usb");
  set(usb, "model", "none");
  xml_node random = add(devices, "rng");
  set(random, "model", "virtio");
  set(add_text(random, "backend", "/dev/urandom"), "model", "random");
  set(add(devices, "memballoon"), "model", "virtio");
}

bool load(pugi::xml_document& document, std::string_view text) {
  return static_cast<bool>(document.load_buffer(text.data(), text.size()));
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

}  // namespace

std::string domain_name(const NodeId& id) { return "dure-" + id.str(); }

std::string domain_xml(const DomainSpec& spec) {
  pugi::xml_document document;
  xml_node domain = document.append_child("domain");
  set(domain, "type", spec.kvm ? "kvm" : "qemu");
  add_text(domain, "name", domain_name(spec.vm.id));
  add_text(domain, "uuid", spec.vm.id.str());
  add_text(domain, "title", spec.vm.name);
  add_identity(domain, spec);
  set(add_text(domain, "memory", std::to_string(spec.vm.memory_mib)), "unit", "MiB");
  add_text(domain, "vcpu", std::to_string(spec.vm.vcpus));
  add_boot(domain, spec.paths, spec.kvm);
  add_machine(domain, spec.kvm);
  xml_node devices = add(domain, "devices");
  add_root_disk(devices, spec);
  add_seed_disk(devices, spec.paths.seed);
  add_interface(devices, spec);
  add_channels(devices, spec.paths.channel);
  add_helpers(devices);
  return print(document);
}

std::optional<DomainIdentity> parse_identity(std::string_view metadata_xml) {
  pugi::xml_document document;
  if (!load(document, metadata_xml)) return std::nullopt;
  const xml_node node = document.document_element();
  const auto text = [&](const char* name) { return std::string_view(node.attribute(name).value()); };
  const auto id = NodeId::parse(text("id"));
  const auto order = OrderId::parse(text("order"));
  const auto cluster = ClusterId::parse(text("cluster"));
  const auto network = NetworkId::parse(text("network"));
  const auto generation = number_of<std::uint64_t>(text("generation"));
  const auto vni = number_of<std::uint32_t>(text("vni"));
  if (!id || !order || !cluster || !network || !generation || !vni) return std::nullopt;
  return DomainIdentity{*id,  *generation, *order, *cluster, *network, *vni, std::string(text("channel")),
                        number_of<std::uint64_t>(text("restart")).value_or(0)};
}

std::string pool_xml(const std::string& name, const std::string& directory) {
  pugi::xml_document document;
  xml_node pool = document.append_child("pool");
  set(pool, "type", "dir");
  add_text(pool, "name", name);
  add_text(add(pool, "target"), "path", directory);
  return print(document);
}

std::string overlay_xml(const OverlaySpec& spec) {
  pugi::xml_document document;
  xml_node volume = document.append_child("volume");
  add_text(volume, "name", spec.name);
  set(add_text(volume, "capacity", std::to_string(spec.capacity_bytes)), "unit", "bytes");
  xml_node target = add(volume, "target");
  set(add(target, "format"), "type", "qcow2");
  add_text(add(target, "permissions"), "mode", "0600");
  xml_node backing = add(volume, "backingStore");
  add_text(backing, "path", spec.base_disk);
  set(add(backing, "format"), "type", "qcow2");
  return print(document);
}

std::optional<OverlaySpec> parse_overlay(std::string_view volume_xml) {
  pugi::xml_document document;
  if (!load(document, volume_xml)) return std::nullopt;
  const xml_node volume = document.child("volume");
  const xml_node capacity = volume.child("capacity");
  const xml_node backing = volume.child("backingStore");
  const auto is_qcow2 = [](const xml_node& node) {
    return std::string_view(node.child("format").attribute("type").value()) == "qcow2";
  };
  const auto bytes = number_of<std::uint64_t>(capacity.child_value());
  if (!bytes || std::string_view(capacity.attribute("unit").value()) != "bytes") return std::nullopt;
  if (!is_qcow2(volume.child("target")) || !is_qcow2(backing)) return std::nullopt;
  return OverlaySpec{volume.child_value("name"), backing.child_value("path"), *bytes};
}

std::optional<std::string> parse_pool_directory(std::string_view pool_xml) {
  pugi::xml_document document;
  if (!load(document, pool_xml)) return std::nullopt;
  return std::string(document.child("pool").child("target").child_value("path"));
}

}  // namespace dure::host
