#include "hostagent/core/vm_file_name.h"

#include <doctest/doctest.h>

using namespace dure;
using namespace dure::host;

TEST_CASE("a VM's file name says exactly which VM and generation it belongs to") {
  const VmFileName name{*NodeId::parse("5eed0000-0000-4000-8000-000000000001"), 18446744073709551615ULL};
  const std::string text = vm_file_name(name, ".qcow2");
  CHECK(text == "vm-5eed0000-0000-4000-8000-000000000001.g18446744073709551615.qcow2");
  CHECK(parse_vm_file_name(text, ".qcow2") == name);
  const std::string stem = "vm-5eed0000-0000-4000-8000-000000000001";
  for (const std::string& bad :
       {std::string(), std::string("vm-"), stem, stem + ".qcow2", stem + ".g.qcow2", stem + ".g1", stem + ".g1.qcow2.tmp",
        stem + ".g01.qcow2", stem + ".g-1.qcow2", stem + ".g1x.qcow2", stem + ".g18446744073709551616.qcow2",
        "x" + stem + ".g1.qcow2", stem + "0.g1.qcow2",
        std::string("vm-5EED0000-0000-4000-8000-000000000001.g1.qcow2")}) {
    INFO(bad);
    CHECK_FALSE(parse_vm_file_name(bad, ".qcow2").has_value());
  }
  CHECK(parse_vm_file_name(stem + ".g0.iso", ".iso")->generation == 0);
}
