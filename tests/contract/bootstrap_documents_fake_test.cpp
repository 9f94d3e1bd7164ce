#include <doctest/doctest.h>

#include "tests/contract/bootstrap_documents_contract.h"
#include "tests/support/fake_bootstrap_documents.h"

using namespace dure;
using namespace dure::control;

TEST_CASE("the fake bootstrap documents keep the contract") {
  FakeBootstrapDocuments documents;
  contract::bootstrap_documents_contract(documents);
}
