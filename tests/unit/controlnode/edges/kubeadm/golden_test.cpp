#include <doctest/doctest.h>

#include "controlnode/edges/kubeadm/json_bootstrap_documents.h"
#include "tests/support/bootstrap_sample.h"
#include "tests/unit/hostagent/edges/golden.h"

using namespace dure;
using namespace dure::control;

namespace {

// A document has no end of line; the file that keeps it has one.
void check_document(const std::string& name, const BootstrapPlan& plan) {
  const auto document = JsonBootstrapDocuments().node_document(plan, sample_keys());
  REQUIRE_MESSAGE(document, (document ? "" : document.error().message));
  host::check_golden("kubeadm/" + name, *document + "\n");
}

}  // namespace

TEST_CASE("the documents of nodes are as they are kept") {
  check_document("init.json", sample_plan_of(0));
  auto slow = sample_plan_of(1, 3);
  slow.patience = 6;
  check_document("control-plane.json", slow);
  auto worker = sample_plan_of(1);
  worker.scavenged = true;
  check_document("worker.json", worker);
  worker.joined = true;
  check_document("worker-joined.json", worker);
}

TEST_CASE("a user's kubeconfig is as it is kept") {
  const auto kubeconfig = JsonBootstrapDocuments().kubeconfig(sample_access());
  REQUIRE(kubeconfig);
  host::check_golden("kubeadm/kubeconfig.json", *kubeconfig);
}
