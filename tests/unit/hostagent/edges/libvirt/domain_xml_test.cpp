#include "hostagent/edges/libvirt/domain_xml.h"

#include <doctest/doctest.h>

#include <pugixml.hpp>
#include <sstream>

#include "tests/unit/hostagent/edges/golden.h"

using namespace dure;
using namespace dure::host;

namespace {

DomainSpec sample() {
  DomainSpec spec;
  spec.vm.id = *NodeId::parse("5eed0000-0000-4000-8000-000000000001");
  spec.vm.generation = 3;
  spec.vm.cluster = *ClusterId::parse("5eed0000-0000-4000-8000-000000000002");
  spec.vm.name = "demo-w1";
  spec.vm.vcpus = 2;
  spec.vm.memory_mib = 1024;
  spec.vm.disk_gib = 10;
  spec.vm.mac = *Mac::parse("52:54:00:12:34:56");
  spec.network.id = *NetworkId::parse("5eed0000-0000-4000-8000-000000000003");
  spec.network.vni = 4242;
  spec.network.mtu = 1450;
  spec.order = *OrderId::parse("5eed0000-0000-4000-8000-000000000004");
  spec.paths.base_disk = "/var/lib/dure/blobs/base";
  spec.paths.kernel = "/var/lib/dure/blobs/kernel";
  spec.paths.initrd = "/var/lib/dure/blobs/initrd";
  spec.paths.cmdline = "root=/dev/vda rw console=ttyS0";
  spec.paths.seed = "/var/lib/dure/seeds/seed.iso";
  spec.paths.channel = "/run/dure/channels/5eed.sock";
  spec.overlay = "/var/lib/dure/volumes/overlay.qcow2";
  return spec;
}

pugi::xml_document parsed(const std::string& text) {
  pugi::xml_document document;
  REQUIRE(document.load_string(text.c_str()));
  return document;
}

// The element as virDomainGetMetadata hands it out.
std::string metadata_of(const std::string& xml) {
  const auto document = parsed(xml);
  std::ostringstream out;
  document.child("domain").child("metadata").first_child().print(out);
  return out.str();
}

// Names and nesting only.
std::string shape(const pugi::xml_node& node) {
  std::string out = node.name();
  for (const auto& attribute : node.attributes()) out += std::string("@") + attribute.name();
  out += "(";
  for (const auto& child : node.children()) out += shape(child);
  return out + ")";
}

}  // namespace

TEST_CASE("domain XML: direct kernel boot without KVM, and disk boot with it, are as they always were") {
  DomainSpec spec = sample();
  check_golden("domain/kernel_boot_tcg.xml", domain_xml(spec));
  spec.kvm = true;
  spec.paths.kernel.clear();
  spec.paths.initrd.clear();
  spec.paths.cmdline.clear();
  check_golden("domain/disk_boot_kvm.xml", domain_xml(spec));
}

TEST_CASE("domain XML: an emulated machine takes its TSC for its clock, unless the image says otherwise") {
  const auto cmdline = [](bool kvm, const std::string& given) {
    DomainSpec spec = sample();
    spec.kvm = kvm;
    spec.paths.cmdline = given;
    return std::string(parsed(domain_xml(spec)).child("domain").child("os").child_value("cmdline"));
  };
  CHECK(cmdline(false, "root=/dev/vda rw") == "root=/dev/vda rw tsc=reliable no_timer_check");
  CHECK(cmdline(false, "") == "tsc=reliable no_timer_check");
  CHECK(cmdline(false, "notsc=1 rw") == "notsc=1 rw tsc=reliable no_timer_check");
  CHECK(cmdline(false, "no_timer_check rw") == "no_timer_check rw tsc=reliable");
  for (const std::string given : {"tsc=unstable", "rw tsc=nowatchdog quiet"}) CHECK(cmdline(false, given) == given + " no_timer_check");
  for (const char* given : {"root=/dev/vda rw", ""}) CHECK(cmdline(true, given) == given);
}

TEST_CASE("storage XML: the pool and an overlay name every format") {
  check_golden("domain/pool.xml", pool_xml("dure", "/var/lib/dure/volumes"));
  check_golden("domain/overlay.xml", overlay_xml({"vm-x.g1.qcow2", "/base", 10737418240ULL}));
}

TEST_CASE("domain XML: no text of an order can change the structure of the document") {
  const std::string plain = shape(parsed(domain_xml(sample())));
  const std::string hostile[] = {
      "</title><devices><disk type='file'/></devices><title>", "<![CDATA[x]]>", "' onclick='x", "\"/><a b=\"",
      "&amp;&lt;&#10;&undefined;", "<!-- -->", "<?xml?>", std::string("nul\0byte\x01\x1f\x7f", 12),
      "line\nline\ttab\r", "\xd5\x9c\xea\xb0\x80"};
  for (const std::string& text : hostile) {
    DomainSpec spec = sample();
    spec.vm.name = spec.paths.cmdline = spec.paths.channel = spec.paths.seed = text;
    spec.overlay = spec.paths.base_disk = text;
    const auto document = parsed(domain_xml(spec));
    CHECK(shape(document) == plain);
    CHECK(document.child("domain").child("devices").child("channel").child("source").attribute("path").value() ==
          std::string(document.child("domain").child_value("title")));
  }
  DomainSpec spec = sample();
  spec.paths.cmdline = "a<b> & 'c' \"d\"";
  CHECK(parsed(domain_xml(spec)).child("domain").child("os").child_value("cmdline") == spec.paths.cmdline + " tsc=reliable no_timer_check");
}

TEST_CASE("a domain says who it is, and only exactly that is believed") {
  const DomainSpec spec = sample();
  const std::string text = metadata_of(domain_xml(spec));
  const DomainIdentity expected{spec.vm.id,      3,    spec.order, spec.vm.cluster,
                                spec.network.id, 4242, spec.paths.channel};
  CHECK(parse_identity(text) == expected);

  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const auto at = changed.find(from);
    REQUIRE(at != std::string::npos);
    return changed.replace(at, from.size(), to);
  };
  CHECK_FALSE(parse_identity("").has_value());
  CHECK_FALSE(parse_identity("<node").has_value());
  CHECK_FALSE(parse_identity("<node/>").has_value());
  CHECK_FALSE(parse_identity(with("generation=\"3\"", "generation=\"\"")).has_value());
  CHECK_FALSE(parse_identity(with("generation=\"3\"", "generation=\"-3\"")).has_value());
  CHECK_FALSE(parse_identity(with("generation=\"3\"", "generation=\"3 \"")).has_value());
  CHECK_FALSE(parse_identity(with("vni=\"4242\"", "vni=\"4294967296\"")).has_value());
  CHECK_FALSE(parse_identity(with("vni=\"4242\"", "")).has_value());
  CHECK_FALSE(parse_identity(with("order=\"5eed", "order=\"5EED")).has_value());
  CHECK_FALSE(parse_identity(with("000000000001", "00000000001")).has_value());
}

TEST_CASE("an overlay is believed only with both formats, its base and its size") {
  const std::string good =
      "<volume type='file'><name>v</name><capacity unit='bytes'>1024</capacity>"
      "<target><format type='qcow2'/></target>"
      "<backingStore><path>/base</path><format type='qcow2'/></backingStore></volume>";
  const OverlaySpec expected{"v", "/base", 1024};
  CHECK(parse_overlay(good) == expected);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = good;
    return changed.replace(changed.find(from), from.size(), to);
  };
  CHECK_FALSE(parse_overlay(with("<target><format type='qcow2'/>", "<target><format type='raw'/>")).has_value());
  CHECK_FALSE(parse_overlay(with("</path><format type='qcow2'/>", "</path><format type='raw'/>")).has_value());
  CHECK_FALSE(parse_overlay(with("1024", "1024x")).has_value());
  CHECK_FALSE(parse_overlay(with("bytes", "KiB")).has_value());
  CHECK_FALSE(parse_overlay("<volume/>").has_value());
  CHECK_FALSE(parse_overlay("").has_value());
  CHECK(parse_overlay(with("/base", "/other")) != expected);
  CHECK(parse_pool_directory(pool_xml("dure", "/a & b")) == "/a & b");
  CHECK_FALSE(parse_pool_directory("no xml <").has_value());
}
