#include "hostagent/edges/system/system_machine.h"

#include <doctest/doctest.h>

using namespace dure;
using namespace dure::host;

TEST_CASE("meminfo: the total is read, and only where it stands") {
  CHECK(total_memory_mib("MemTotal:       24608532 kB\nMemFree: 1 kB\n") == 24031);
  CHECK(total_memory_mib("MemFree: 1 kB\nMemTotal: 2048 kB\n") == 2);
  for (const char* text : {"", "MemTotal:", "MemTotal: kB", "MemTotal: -5 kB", "MemTotal: 5 MB", "XMemTotal: 5 kB",
                           "MemTotal: 99999999999999999999 kB"}) {
    INFO(text);
    CHECK_FALSE(total_memory_mib(text).has_value());
  }
}

TEST_CASE("the machine's capacity is what its owner allows at most") {
  SystemMachine all("/", {});
  const auto whole = all.capacity();
  REQUIRE(whole.ok());
  CHECK(whole->vcpus >= 1);
  CHECK(whole->memory_mib > 100);
  SystemMachine part("/", {1, 64, 0});
  const auto capped = part.capacity();
  REQUIRE(capped.ok());
  CHECK(capped->vcpus == 1);
  CHECK(capped->memory_mib == 64);
  CHECK(capped->disk_gib == 0);
  SystemMachine roomy("/", {100'000, 1ULL << 40, 1ULL << 40});
  CHECK(*roomy.capacity() == *whole);
}

TEST_CASE("a state directory that does not exist has no capacity") {
  SystemMachine machine("/nowhere/at/all", {});
  CHECK_FALSE(machine.capacity().ok());
}

TEST_CASE("the boot id stays the same while the kernel runs") {
  SystemMachine machine("/", {});
  const auto id = machine.boot_id();
  REQUIRE(id.ok());
  CHECK_FALSE(id->is_nil());
  CHECK(*machine.boot_id() == *id);
}
