#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "hostagent/edges/journal/ballast.h"
#include "hostagent/edges/journal/sqlite.h"
#include "hostagent/ports/journal.h"

namespace dure::host {

// The journal in one SQLite file, owned by one process at a time. See the README.
class SqliteJournal : public Journal {
 public:
  // Makes the file when there is none. `corrupt`: damaged, or not ours; `conflict`: another process
  // has it; `unavailable`: the disk does not let us write.
  static Result<std::unique_ptr<SqliteJournal>> open(const std::string& path);

  Result<OrderMark> accepted() override { return state_.accepted; }
  Result<void> accept(const OrderMark& accepted, const Digest& envelope_sha256) override;
  Result<std::vector<Obligation>> obligations() override;
  Result<void> oblige(const Obligation& obligation) override;
  Result<void> discharge(ObjectKind kind, const Uuid& object) override;

 private:
  // What the file says, as it was read and checked at open and changed with every write since.
  struct State {
    OrderMark accepted;
    std::string envelope_sha256;  // empty: nothing accepted yet
    std::map<std::pair<ObjectKind, Uuid>, Obligation> obligations;
  };

  // Keeps a second agent away for as long as it lives; the kernel lets go of it with the process.
  class Lock {
   public:
    explicit Lock(const std::string& path);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    int fd_;
  };

  explicit SqliteJournal(const std::string& path);

  void prepare();
  void make_tables();
  void bring_up_to_date();
  // Reads everything and compares it with the seal.
  State read();
  void write_seal(const State& state);
  static std::string seal(const State& state);
  // Runs `change` on a copy of the state and `write` in a transaction, which ends with the new seal. On a full disk it is
  // done with the room that is kept for it.
  Result<void> write(const std::function<void(State&)>& change, const std::function<void()>& write);

  Result<void> write_once(const std::function<void(State&)>& change, const std::function<void()>& write);

  Lock lock_;
  Sqlite database_;
  Ballast ballast_;
  State state_;
};

}  // namespace dure::host
