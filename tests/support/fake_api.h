#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

#include "controlnode/ports/api.h"
#include "tests/support/model_builder.h"

namespace dure::control {

// The API over a model in memory that really decides, without a loop or a store: it answers on the
// caller's thread.
class FakeApi : public Api {
 public:
  // The campus that it works on; `act` runs while no call does.
  void act(const std::function<void(test::Campus&)>& change) {
    const std::lock_guard lock(mutex_);
    change(campus_);
    remember();
  }

  // Every call is `unavailable`, as without a database or with a full queue.
  void set_away(bool away) {
    const std::lock_guard lock(mutex_);
    away_ = away;
  }
  // What is handed out as a kubeconfig from now on; USER stands for the user.
  void set_kubeconfig(std::string document) {
    const std::lock_guard lock(mutex_);
    kubeconfig_ = std::move(document);
  }
  // Answers wait until release().
  void hold() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }
  void release() {
    std::vector<std::function<void()>> held;
    {
      const std::lock_guard lock(mutex_);
      holding_ = false;
      held.swap(held_);
    }
    for (const auto& answer : held) answer();
  }
  std::size_t held() const {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  // Requests that were decided, refused ones included.
  std::size_t submitted() const {
    const std::lock_guard lock(mutex_);
    return submitted_;
  }
  Request last_request() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

  void submit(Request request, std::function<void(Result<Reply>)> done) override {
    Result<Reply> reply = away();
    {
      const std::lock_guard lock(mutex_);
      if (!away_) {
        ++submitted_;
        last_ = request;
        reply = campus_.ask(std::move(request));
        hand_out(*reply);
        remember();
      }
      if (holding_) {
        held_.emplace_back([done = std::move(done), reply] { done(reply); });
        return;
      }
    }
    done(std::move(reply));
  }

  void query(std::function<void(const Result<ModelView>&)> read) override {
    Model model;
    Now now;
    bool away = false;
    {
      const std::lock_guard lock(mutex_);
      model = campus_.model;
      now = test::at(campus_.now);
      away = away_;
    }
    const ModelIndex index(model);
    read(away ? Result<ModelView>(FakeApi::away()) : Result<ModelView>(ModelView(model, index, now)));
  }

  void events(std::uint64_t after, std::size_t limit,
              std::function<void(Result<std::vector<EventRow>>)> done) override {
    Result<std::vector<EventRow>> answer = away();
    {
      const std::lock_guard lock(mutex_);
      if (!away_) {
        std::vector<EventRow> rows;
        for (const auto& row : history_) {
          if (row.number > after && rows.size() < limit) rows.push_back(row);
        }
        answer = std::move(rows);
      }
    }
    done(std::move(answer));
  }

  void placements(PlacementQuery query, std::function<void(Result<std::vector<PlacementRecord>>)> done) override {
    Result<std::vector<PlacementRecord>> answer = away();
    {
      const std::lock_guard lock(mutex_);
      if (!away_) {
        std::vector<PlacementRecord> rows;
        for (auto at = records_.rbegin(); at != records_.rend() && rows.size() < query.limit; ++at) {
          const PlacementRecord& record = *at;
          if (query.before != 0 && record.number >= query.before) continue;
          if (query.cluster && record.cluster != *query.cluster) continue;
          if (!query.cluster && !query.cluster_name.empty() && record.cluster_name != query.cluster_name) continue;
          rows.push_back(record);
          rows.back().fleet = {};
        }
        answer = std::move(rows);
      }
    }
    done(std::move(answer));
  }

  void placement(std::uint64_t number, std::function<void(Result<RecordedPlacement>)> done) override {
    Result<RecordedPlacement> answer = away();
    {
      const std::lock_guard lock(mutex_);
      if (!away_) answer = recorded(number);
    }
    done(std::move(answer));
  }
  // What stands in the records from now on instead of the newest decision's answer.
  void tamper(const std::function<void(PlacementRecord&)>& change) {
    const std::lock_guard lock(mutex_);
    change(records_.back());
  }

 private:
  Result<RecordedPlacement> recorded(std::uint64_t number) const {
    if (number == 0 || number > records_.size()) return Error{Errc::not_found, "there is no such decision"};
    RecordedPlacement found{records_[number - 1], {}};
    for (auto at = found.record.segment; at <= number; ++at) apply_delta(found.fleet, records_[at - 1].fleet);
    found.record.fleet = {};
    return found;
  }

  static Error away() { return {Errc::unavailable, "the control node has no database now"}; }

  // What the control node does after the commit: the answer alone carries the credential.
  void hand_out(Reply& reply) const {
    auto* accepted = std::get_if<Accepted>(&reply);
    if (accepted == nullptr || !accepted->access) return;
    accepted->kubeconfig = kubeconfig_;
    const std::string placeholder = "USER";
    for (auto at = accepted->kubeconfig.find(placeholder); at != std::string::npos;
         at = accepted->kubeconfig.find(placeholder, at)) {
      accepted->kubeconfig.replace(at, placeholder.size(), accepted->access->user);
    }
  }

  // Takes the events of the campus' last decision.
  void remember() {
    for (const auto& change : campus_.last.changes) {
      const auto* row = std::get_if<EventRow>(&change);
      const bool known = row != nullptr && !history_.empty() && history_.back().number >= row->number;
      if (row != nullptr && !known) history_.push_back(*row);
      const auto* put = std::get_if<PutPlacementRecord>(&change);
      if (put != nullptr && put->record.number > records_.size()) records_.push_back(put->record);
    }
  }

  mutable std::mutex mutex_;
  test::Campus campus_;
  std::vector<EventRow> history_;
  std::vector<PlacementRecord> records_;
  std::vector<std::function<void()>> held_;
  Request last_;
  std::string kubeconfig_ =
      R"({"apiVersion":"v1","kind":"Config","current-context":"demo","clusters":[{"name":"demo",)"
      R"("cluster":{"server":"https://127.0.0.1:16443","tls-server-name":"api.demo.dure.internal",)"
      R"("certificate-authority-data":"Q0E="}}],"contexts":[{"name":"demo","context":{"cluster":"demo",)"
      R"("user":"USER"}}],"users":[{"name":"USER","user":{"client-certificate-data":"Q0VSVA==",)"
      R"("client-key-data":"U0VDUkVU"}}]})";
  std::size_t submitted_ = 0;
  bool away_ = false;
  bool holding_ = false;
};

}  // namespace dure::control
