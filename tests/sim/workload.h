#pragma once

#include <map>
#include <string>

#include "tests/sim/campus.h"

namespace dure::sim {

// Users who ask at random, retrying with the same idempotency key as long as they have no answer.
class Workload {
 public:
  explicit Workload(Campus& campus) : campus_(campus) {}

  // Somebody asks for something.
  void step();
  // What has no answer yet is asked for again.
  void ask_again();

  // Requests that were accepted but are not to be found, or were carried out twice. Empty: none.
  std::string lost_answers() const;

 private:
  struct Asked {
    control::Request request;
    bool answered = false;
    Uuid object;            // of the first answer
  };

  control::Request creation(const control::Idempotency& idempotency);
  control::Request change_of(const control::Cluster& cluster, const control::Idempotency& idempotency);
  control::Request leave(const control::Cluster& cluster, control::Request request);
  control::Request power(const control::Cluster& cluster);
  control::Request access(const control::Cluster& cluster);
  std::string some_node(const ClusterId& cluster, bool worker);
  void operator_step();
  void ask(const std::string& key);
  void note_answer(const std::string& key, const Result<control::Reply>& reply);

  Campus& campus_;
  std::map<std::string, Asked> asked_;
  std::string wrong_;
  std::uint64_t next_cluster_ = 1;
};

}  // namespace dure::sim
