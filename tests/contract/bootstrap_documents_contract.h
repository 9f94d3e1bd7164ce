#pragma once

#include <doctest/doctest.h>

#include <string>

#include "controlnode/ports/bootstrap_documents.h"
#include "protocol/messages/host_order.h"
#include "tests/support/bootstrap_sample.h"

namespace dure::control::contract {

inline std::string document_of(BootstrapDocuments& documents, const BootstrapPlan& plan,
                               const BootstrapKeys& keys) {
  const auto document = documents.node_document(plan, keys);
  REQUIRE_MESSAGE(document, (document ? "" : document.error().message));
  return *document;
}

inline void documents_follow_their_arguments(BootstrapDocuments& documents) {
  for (const std::size_t member : {0U, 1U, 3U}) {
    const auto plan = sample_plan_of(member, 3);
    const auto document = document_of(documents, plan, sample_keys());
    CHECK(document == document_of(documents, plan, sample_keys()));
    CHECK(document.find('\n') == std::string::npos);
    CHECK(document.size() <= kMaxBootstrapBytes);
    auto joined = plan;
    joined.joined = true;
    CHECK(document != document_of(documents, joined, sample_keys()));
  }
}

inline void documents_need_the_keys_of_their_role(BootstrapDocuments& documents) {
  const auto refused = [&](std::size_t member, const BootstrapKeys& keys) {
    const auto document = documents.node_document(sample_plan_of(member, 3), keys);
    return !document && document.error().code == Errc::invalid_argument;
  };
  auto no_cluster = sample_keys(), no_node = sample_keys();
  no_cluster.cluster.reset();
  no_node.node.reset();
  CHECK(refused(0, no_cluster));
  CHECK(refused(1, no_cluster));
  CHECK(refused(1, no_node));
  CHECK(refused(3, no_node));
  document_of(documents, sample_plan_of(0, 3), no_node);
  document_of(documents, sample_plan_of(3, 3), no_cluster);
  auto joined = sample_plan_of(0, 3);
  joined.joined = true;
  document_of(documents, joined, {});
}

inline void bootstrap_documents_contract(BootstrapDocuments& documents) {
  documents_follow_their_arguments(documents);
  documents_need_the_keys_of_their_role(documents);
  const auto first = documents.kubeconfig(sample_access()),
             again = documents.kubeconfig(sample_access());
  REQUIRE(first);
  REQUIRE(again);
  CHECK(*first == *again);
  auto no_user = sample_access();
  no_user.user.clear();
  CHECK_FALSE(documents.kubeconfig(no_user));
}

}  // namespace dure::control::contract
