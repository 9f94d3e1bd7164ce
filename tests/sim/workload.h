#pragma once

#include <map>
#include <string>

#include "tests/sim/campus.h"

namespace dure::sim {

// Users who ask at random, retrying with the same idempotency key as long as they have no answer,
// while everything that can break breaks.
class Workload {
 public:
  explicit Workload(Campus& campus) : campus_(campus) {}

  void storm(Duration time);
  // No more faults; what is down is started again.
  void heal();

  // Requests that were accepted but are not to be found, or were carried out twice. Empty: none.
  std::string lost_answers() const;
  // Operations that still run and clusters that are not ready, for a failing test's message.
  std::string unfinished() const;

 private:
  struct Asked {
    control::Request request;
    bool answered = false;
    Uuid object;  // of the first answer
  };

  void user_step();
  void fault_step();
  void ask(const std::string& key);
  void note_answer(const std::string& key, const Result<control::Reply>& reply);
  void break_control();
  void break_host(SimHost& host);

  Campus& campus_;
  std::map<std::string, Asked> asked_;
  std::string wrong_;
  std::uint64_t next_cluster_ = 1;
};

}  // namespace dure::sim
