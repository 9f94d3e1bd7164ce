#pragma once

#include <future>
#include <memory>
#include <string>

#include "controlnode/edges/postgres/database.h"
#include "controlnode/ports/store.h"

namespace dure::control {

// The store in PostgreSQL: one connection, used from one thread. See the README for what each error
// means and sql/README.md for the tables.
class PostgresStore : public Store {
 public:
  // Connects and brings the schema up to this program. `url`: a libpq URI or keyword list.
  // Ignores SIGPIPE in the whole process: a lost connection is an error and not the end.
  static Result<std::unique_ptr<PostgresStore>> open(const std::string& url, AnswerLimits limits = {});

  Result<std::uint64_t> take_lead(std::string_view holder, std::uint64_t at_least) override;
  Result<std::uint64_t> rise_above(std::uint64_t epoch, std::uint64_t at_least) override;
  Result<SystemId> system_id(const SystemId& fresh) override;
  Result<Model> load() override;
  Result<void> commit(std::uint64_t epoch, std::span<const Change> changes) override;
  void begin_commit(std::uint64_t epoch, std::span<const Change> changes) override;
  Result<void> finish_commit() override;
  Result<std::vector<EventRow>> events(std::uint64_t after, std::size_t limit) override;
  Result<std::vector<PlacementRecord>> placement_records(const PlacementQuery& query) override;
  Result<std::optional<RecordedPlacement>> placement_record(std::uint64_t number) override;

 private:
  PostgresStore(const std::string& url, AnswerLimits limits) : database_(url, limits) {}

  Database database_;
  std::future<Result<void>> under_way_;  // a commit, in a thread of its own; its end is waited for
};

}  // namespace dure::control
