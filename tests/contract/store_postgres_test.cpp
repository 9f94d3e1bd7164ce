#include "controlnode/edges/postgres/postgres_store.h"
#include "tests/contract/store_contract.h"
#include "tests/contract/store_records_contract.h"
#include "tests/contract/store_postgres_server.h"
#include "tests/contract/store_rules_contract.h"

namespace dure::control {

std::unique_ptr<Store> contract::make_store() {
  auto store = PostgresStore::open(fresh_database());
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(store).value();
}

}  // namespace dure::control
