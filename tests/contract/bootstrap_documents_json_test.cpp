#include <doctest/doctest.h>

#include "controlnode/edges/kubeadm/json_bootstrap_documents.h"
#include "tests/contract/bootstrap_documents_contract.h"

using namespace dure;
using namespace dure::control;

TEST_CASE("the bootstrap documents in JSON keep the contract") {
  JsonBootstrapDocuments documents;
  contract::bootstrap_documents_contract(documents);
}
