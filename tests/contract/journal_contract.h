#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "hostagent/ports/journal.h"

// What every Journal keeps to, SQLite's and the fake's alike. The binary that includes this gives
// make_journal_home().
namespace dure::host::contract {

// Where a journal lives on while its agents come and go.
class JournalHome {
 public:
  virtual ~JournalHome() = default;
  // As an agent finds it at its start; at most one at a time.
  virtual Journal& start() = 0;
};
std::unique_ptr<JournalHome> make_journal_home();

inline Obligation obligation(ObjectKind kind, std::uint8_t object, std::uint64_t number) {
  Obligation made;
  made.kind = kind;
  made.object.bytes.fill(object);
  made.number = number;
  made.order.uuid.bytes.fill(static_cast<std::uint8_t>(number));
  return made;
}

inline Digest evidence(std::uint8_t n) {
  Digest digest;
  digest.bytes.fill(n);
  return digest;
}

inline OrderMark mark(std::uint64_t n) { return {{n, n + 1}, n + 2, n + 3}; }

TEST_CASE("journal: a new one has accepted nothing and owes nothing") {
  auto home = make_journal_home();
  Journal& journal = home->start();
  CHECK(*journal.accepted() == OrderMark{});
  CHECK(journal.obligations()->empty());
}

TEST_CASE("journal: the newest mark is found by the next agent") {
  auto home = make_journal_home();
  for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{50}, std::uint64_t{3},
                                std::numeric_limits<std::uint64_t>::max() - 3}) {
    Journal& journal = home->start();
    REQUIRE(journal.accept(mark(n), evidence(9)).ok());
    CHECK(*journal.accepted() == mark(n));
    CHECK(*home->start().accepted() == mark(n));
  }
}

TEST_CASE("journal: the evidence is any digest") {
  auto home = make_journal_home();
  for (const std::uint8_t byte : {std::uint8_t{0}, std::uint8_t{0x27}, std::uint8_t{0xff}}) {
    CHECK(home->start().accept(mark(byte), evidence(byte)).ok());
    CHECK(*home->start().accepted() == mark(byte));
  }
}

TEST_CASE("journal: an obligation stays until it is discharged, over restarts") {
  auto home = make_journal_home();
  const auto vm = obligation(ObjectKind::vm, 7, 1);
  const auto network = obligation(ObjectKind::network, 7, 4097);  // the same id as another kind
  const auto image = obligation(ObjectKind::image, 9, std::numeric_limits<std::uint64_t>::max());
  {
    Journal& journal = home->start();
    REQUIRE(journal.oblige(vm).ok());
    REQUIRE(journal.oblige(network).ok());
    REQUIRE(journal.oblige(image).ok());
    REQUIRE(journal.oblige(image).ok());  // once more is nothing
    CHECK(*journal.obligations() == std::vector{image, network, vm});
  }
  {
    Journal& journal = home->start();
    CHECK(*journal.obligations() == std::vector{image, network, vm});
    REQUIRE(journal.oblige(obligation(ObjectKind::vm, 7, 2)).ok());  // made anew
    REQUIRE(journal.discharge(ObjectKind::image, image.object).ok());
    REQUIRE(journal.discharge(ObjectKind::image, image.object).ok());
    REQUIRE(journal.discharge(ObjectKind::vm, obligation(ObjectKind::vm, 99, 1).object).ok());
  }
  Journal& journal = home->start();
  CHECK(*journal.obligations() == std::vector{network, obligation(ObjectKind::vm, 7, 2)});
  REQUIRE(journal.accept(mark(5), evidence(5)).ok());  // the one does not touch the other
  CHECK(journal.obligations()->size() == 2);
  REQUIRE(journal.discharge(ObjectKind::network, network.object).ok());
  CHECK(*journal.accepted() == mark(5));
  CHECK(*home->start().obligations() == std::vector{obligation(ObjectKind::vm, 7, 2)});
}

}  // namespace dure::host::contract
