#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "hostagent/ports/journal.h"

namespace dure::host {

// The journal in memory. It outlives its agent, so that a simulation restarts one over it, and it
// can be made to fail or to lose what it held.
class FakeJournal : public Journal {
 public:
  // Every write fails like this until it is taken back.
  void fail_writes(std::optional<Errc> code) { writes_fail_ = code; }
  // Every call is `corrupt` until lose() or the other way round.
  void set_corrupt(bool corrupt) { corrupt_ = corrupt; }
  // The disk was exchanged or set back to an image without a journal.
  void lose() { *this = FakeJournal(); }

  const Digest& envelope_sha256() const { return envelope_sha256_; }

  Result<OrderMark> accepted() override {
    if (corrupt_) return damaged();
    return accepted_;
  }

  Result<void> accept(const OrderMark& accepted, const Digest& envelope_sha256) override {
    if (auto good = writable(); !good) return good;
    accepted_ = accepted;
    envelope_sha256_ = envelope_sha256;
    return {};
  }

  Result<std::vector<Obligation>> obligations() override {
    if (corrupt_) return damaged();
    std::vector<Obligation> all;
    for (const auto& [key, obligation] : obligations_) all.push_back(obligation);
    return all;
  }

  Result<void> oblige(const Obligation& obligation) override {
    if (auto good = writable(); !good) return good;
    obligations_[{obligation.kind, obligation.object}] = obligation;
    return {};
  }

  Result<void> discharge(ObjectKind kind, const Uuid& object) override {
    if (auto good = writable(); !good) return good;
    obligations_.erase({kind, object});
    return {};
  }

 private:
  static Error damaged() { return {Errc::corrupt, "the journal is damaged"}; }

  Result<void> writable() const {
    if (corrupt_) return damaged();
    if (writes_fail_) return Error{*writes_fail_, "the journal cannot be written"};
    return {};
  }

  OrderMark accepted_;
  Digest envelope_sha256_;
  std::map<std::pair<ObjectKind, Uuid>, Obligation> obligations_;
  std::optional<Errc> writes_fail_;
  bool corrupt_ = false;
};

}  // namespace dure::host
