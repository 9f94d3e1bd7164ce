#include "controlnode/app/control_loop.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/log.h"
#include "common/planted.h"
#include "controlnode/core/lead.h"
#include "protocol/wire/codec.h"
#include "protocol/wire/fence_proof.h"

namespace dure::control {
namespace {

constexpr Duration kTick = std::chrono::seconds(1);
// So long orders wait at most for batches that are decided one upon the other.
constexpr Duration kLongestUnsettled = std::chrono::seconds(1);
// A round that comes so much later than the one before comes after a pause, in which nobody was heard.
constexpr Duration kPause = std::chrono::seconds(5);
// Who was heard within this time has a say about the date.
constexpr Duration kLately = std::chrono::minutes(1);

const Error& no_database() {
  static const Error error{Errc::unavailable, "the control node has no database now; try again"};
  return error;
}

// Whoever asks a database that is mute waits for it, here on the deciding thread: one waits, and those after it are
// answered the same.
class ReadsOfOneRound {
 public:
  ReadsOfOneRound(Store& store, bool serving) : store_(store) {
    if (!serving) away_ = no_database();
  }

  void answer(const EventsAsked& asked) {
    asked.done(read([&] { return store_.events(asked.after, asked.limit); }));
  }
  void answer(const PlacementsAsked& asked) {
    asked.done(read([&] { return store_.placement_records(asked.query); }));
  }
  void answer(const PlacementAsked& asked) {
    auto found = read([&] { return store_.placement_record(asked.number); });
    if (!found) return asked.done(found.error());
    if (!*found) {
      return asked.done(Error{Errc::not_found, "there is no decision " + std::to_string(asked.number) +
                                                   ", or it is not kept any more"});
    }
    asked.done(std::move(**found));
  }

 private:
  template <class Ask>
  auto read(const Ask& ask) -> decltype(ask()) {
    if (away_) return *away_;
    auto found = ask();
    if (!found && found.error().code == Errc::unavailable) away_ = found.error();
    return found;
  }

  Store& store_;
  std::optional<Error> away_;
};

}  // namespace

ControlLoop::ControlLoop(ControlParts parts, SystemId system, Settings settings, std::string holder)
    : parts_(parts),
      system_(system),
      settings_(std::move(settings)),
      holder_(std::move(holder)),
      bootstrap_(parts.identities, parts.documents),
      pump_(parts.agents, parts.key, bootstrap_),
      dates_(Duration{settings_.date_settles_s * 1'000'000}),
      own_key_(wire::VerifyingKey::from_bytes(parts.key.public_key()).value()) {}

ControlLoop::~ControlLoop() {
  if (!under_way_) return;
  const auto ended = parts_.store.finish_commit();
  away({Errc::in_doubt, ended ? "the control node is stopping; repeat the request with the same Idempotency-Key"
                              : ended.error().message},
       under_way_->waiting);
}

Now ControlLoop::look() { return dates_.look(parts_.clock.now(), parts_.steady.now(), host_dates_); }

void ControlLoop::ask_hosts_for_the_date(SteadyPoint now) {
  host_dates_.clear();
  for (const auto& [host, heard] : model_.heard) {
    if (heard.clock_off != Duration::zero() && now - heard.at < kLately) host_dates_.push_back(heard.clock_off);
  }
}

Result<void> ControlLoop::start() {
  const auto now = parts_.steady.now();
  next_wake_ = next_tick_ = now + kTick;
  retry_load_at_ = now + kTick;
  serving_ = false;
  const auto system = parts_.store.system_id(system_);
  if (!system) return system.error();
  if (*system != system_) {
    return Error{Errc::conflict, "the database belongs to system " + system->str() +
                                     ", the key directory to " + system_.str() +
                                     ": give the key directory that was made with this database"};
  }
  const auto epoch = parts_.store.take_lead(holder_, fence_floor_);
  if (!epoch) return epoch.error();
  auto model = parts_.store.load();
  if (!model) return model.error();
  model->settings = settings_;
  begin_lead(*model, model_, now);
  if (listened_at_) after_pause(*model, *listened_at_, now);
  listened_at_ = now;
  model_ = std::move(*model);
  kept_ = Kept{};
  model_.system = system_;
  model_.fence = {1, *epoch};
  const auto proof = wire::prove_fence(system_, model_.fence, parts_.key);
  if (!proof) return proof.error();
  pump_.restart(model_.fence, *proof, now);
  serving_ = true;
  settled_at_ = now;
  admitted_.clear();
  admit_hosts();
  log::info("leading", {{"epoch", std::to_string(*epoch)},
                        {"hosts", std::to_string(model_.hosts.size())},
                        {"clusters", std::to_string(model_.clusters.size())}});
  return {};
}

void ControlLoop::admit_hosts() {
  std::vector<AdmittedHost> hosts;
  for (const auto& [id, host] : model_.hosts) {
    if (!host.lost_at || planted(Bug::lost_is_admitted)) hosts.push_back({id, host.curve_key});
  }
  const auto same = [](const AdmittedHost& a, const AdmittedHost& b) {
    return a.host == b.host && a.curve_key == b.curve_key;
  };
  if (std::equal(hosts.begin(), hosts.end(), admitted_.begin(), admitted_.end(), same)) return;
  admitted_ = hosts;
  parts_.agents.admit(std::move(hosts));
}

ControlLoop::Batch ControlLoop::sort(std::vector<ControlEvent>&& batch) {
  Batch sorted;
  for (auto& event : batch) {
    if (auto* spoke = std::get_if<AgentSpoke>(&event)) {
      if (serving_) take_report(spoke->host, spoke->bytes, sorted);
    } else if (auto* request = std::get_if<RequestArrived>(&event)) {
      const auto token = static_cast<std::uint64_t>(sorted.waiting.size());
      sorted.waiting.push_back({token, std::move(request->done)});
      sorted.events.push_back(RequestEvent{token, std::move(request->request)});
    } else if (auto* query = std::get_if<QueryArrived>(&event)) {
      sorted.queries.push_back(std::move(*query));
    } else if (auto* history = std::get_if<EventsAsked>(&event)) {
      sorted.histories.push_back(std::move(*history));
    } else if (auto* records = std::get_if<PlacementsAsked>(&event)) {
      sorted.records.emplace_back(std::move(*records));
    } else if (auto* record = std::get_if<PlacementAsked>(&event)) {
      sorted.records.emplace_back(std::move(*record));
    }
  }
  return sorted;
}

void ControlLoop::take_report(const HostId& host, std::string_view bytes, Batch& into) {
  auto message = wire::decode_agent_message(bytes);
  if (!message) {
    log::warn("message refused", {{"host", host.str()}, {"reason", message.error().message}});
    return;
  }
  if (auto* report = std::get_if<HostReport>(&*message)) {
    // The channel proves who speaks; a report about another host is a lie, whoever tells it.
    if (report->host != host || report->system != system_) {
      log::warn("report about another host refused",
                {{"host", host.str()}, {"named", report->host.str()}});
      return;
    }
    note_fence(*report);
    pump_.heard(model_, *report);
    into.events.push_back(ReportEvent{host, std::move(*report)});
  } else if (const auto* ack = std::get_if<OrderAck>(&*message)) {
    if (ack->host == host) pump_.heard(*ack);
  }
}

// What one host says of a fence is nothing, unless we have signed it ourselves.
void ControlLoop::note_fence(const HostReport& report) {
  const auto& fence = report.highest_fence;
  if (fence.delegation != model_.fence.delegation || fence.epoch <= std::max(model_.fence.epoch, fence_floor_)) return;
  if (!planted(Bug::fence_believed) && !wire::fence_proven(system_, fence, report.fence_proof, own_key_)) {
    log::debug("a host names a fence that it cannot prove", {{"host", report.host.str()}, {"epoch", std::to_string(fence.epoch)}});
    return;
  }
  fence_floor_ = fence.epoch;
}

// The database is older than what the agents know: above it, or they refuse every order. What is loaded stays: it is what
// is in the database that this epoch leads.
Result<void> ControlLoop::rise_above_agents() {
  if (!serving_ || fence_floor_ <= model_.fence.epoch) return {};
  if (const auto finished = finish_commit(); !finished || !serving_) return finished;
  log::warn("agents know a higher epoch", {{"epoch", std::to_string(fence_floor_)}});
  const auto risen = parts_.store.rise_above(model_.fence.epoch, fence_floor_);
  std::vector<Waiting> nobody;
  if (!risen) return failed(risen.error(), nobody);
  model_.fence.epoch = *risen;
  const auto proof = wire::prove_fence(system_, model_.fence, parts_.key);
  if (!proof) return proof.error();
  pump_.rise(model_.fence, *proof);
  return {};
}

namespace {

// What other rows are checked by is written by a commit of its own. In one commit all rows are checked as they are at its end: a
// quota that is lowered after a cluster was let in would refuse the cluster, and with it what everybody else has asked for.
bool goes_alone(const ControlEvent& event) {
  const auto* asked = std::get_if<RequestArrived>(&event);
  return asked != nullptr && std::holds_alternative<UpdateProject>(asked->request);
}

std::vector<std::vector<ControlEvent>> commits_of(std::vector<ControlEvent>&& events) {
  std::vector<std::vector<ControlEvent>> commits(1);
  for (ControlEvent& event : events) {
    const bool alone = goes_alone(event);
    if (alone && !commits.back().empty()) commits.emplace_back();
    commits.back().push_back(std::move(event));
    if (alone) commits.emplace_back();
  }
  if (commits.back().empty() && commits.size() > 1) commits.pop_back();
  return commits;
}

}  // namespace

Result<void> ControlLoop::handle(std::vector<ControlEvent> events, const More& more) {
  auto commits = commits_of(std::move(events));
  Result<void> outcome;
  for (std::size_t i = 0; i < commits.size(); ++i) {
    if (outcome) {
      outcome = handle_together(std::move(commits[i]), i + 1 < commits.size() ? More{} : more);
      continue;
    }
    auto left = sort(std::move(commits[i]));
    away(outcome.error(), left.waiting);
    answer_reads(left);
  }
  return outcome;
}

Result<void> ControlLoop::handle_together(std::vector<ControlEvent> events, const More& more) {
  const auto now = parts_.steady.now();
  if (const auto risen = rise_above_agents(); !risen) return risen;
  if (!serving_ && now >= retry_load_at_) {
    if (const auto started = start(); !started) {
      log::warn("database away", {{"reason", started.error().message}});
    }
  }
  if (serving_) notice_pause(now);
  auto batch = sort(std::move(events));
  if (!serving_) {
    away(no_database(), batch.waiting);
    answer_reads(batch);
    return {};
  }
  auto outcome = decide_and_commit(batch);
  const bool reads = !batch.queries.empty() || !batch.histories.empty() || !batch.records.empty();
  if (outcome && under_way_ && !reads && more && now - settled_at_ < kLongestUnsettled && more()) {
    next_wake_ = now;
    return {};
  }
  if (outcome) outcome = settle();
  answer_reads(batch);
  return outcome;
}

// Whoever stops this process, or the machine that it runs on, has made nobody else silent.
void ControlLoop::notice_pause(SteadyPoint now) {
  const auto before = std::exchange(listened_at_, now);
  if (!before || now - *before < kPause) return;
  log::warn("was held up", {{"seconds", std::to_string((now - *before).count() / 1'000'000)}});
  after_pause(model_, *before, now);
  kept_ = Kept{};
}

Result<void> ControlLoop::decide_and_commit(Batch& batch) {
  const Now now = look();
  for (auto& event : std::exchange(unsayable_, {})) batch.events.push_back(std::move(event));
  if (now.steady >= next_tick_) {
    ask_hosts_for_the_date(now.steady);
    batch.events.push_back(TickEvent{});
    next_tick_ = now.steady + kTick;
  }
  IdStream ids(parts_.random.bytes16(), now.date);
  UnderWay decided{decide(model_, batch.events, now, ids, kept_), std::move(batch.waiting)};
  next_tick_ = std::min(next_tick_, std::max(decided.decision.wake_at.value_or(next_tick_), now.steady));
  // What was decided before has become durable meanwhile, or this was decided on sand.
  if (auto finished = finish_commit(); !finished || !serving_) {
    away(no_database(), decided.waiting);
    return finished;
  }
  if (decided.decision.changes.empty()) {
    reply(decided);
    return {};
  }
  if (auto added = bootstrap_.add_identities(model_, decided.decision.changes, now.date); !added) {
    return failed(added.error(), decided.waiting);
  }
  under_way_ = std::move(decided);
  parts_.store.begin_commit(model_.fence.epoch, under_way_->decision.changes);
  return {};
}

Result<void> ControlLoop::finish_commit() {
  if (!under_way_) return {};
  const auto committed = parts_.store.finish_commit();
  UnderWay decided = std::move(*under_way_);
  under_way_.reset();
  if (!committed) return failed(committed.error(), decided.waiting);
  pump_.take(decided.decision.changes);
  committed_ = true;
  reply(decided);
  return {};
}

// The model in memory is ahead of the database, or nobody knows: load it again.
Result<void> ControlLoop::failed(const Error& error, std::vector<Waiting>& waiting) {
  serving_ = false;
  retry_load_at_ = parts_.steady.now();
  log::error("commit failed", {{"code", std::string(to_string(error.code))}, {"reason", error.message}});
  away({error.code, "not confirmed by the database; repeat the request with the same Idempotency-Key"}, waiting);
  if (error.code == Errc::lost_leadership) return error;
  return {};
}

void ControlLoop::reply(UnderWay& decided) {
  for (auto& reply : decided.decision.replies) {
    hand_out_credential(reply.reply);
    decided.waiting[reply.token].done(std::move(reply.reply));
  }
  decided.waiting.clear();
}

// The model is what is committed: orders can go out, and reads be answered.
Result<void> ControlLoop::settle() {
  if (auto finished = finish_commit(); !finished || !serving_) return finished;
  if (std::exchange(committed_, false)) admit_hosts();
  const Now now = look();
  settled_at_ = now.steady;
  next_wake_ = std::min(next_tick_, pump_.send_due(model_, kept_.index(model_), now));
  auto unsayable = pump_.take_unsayable();
  if (unsayable.empty()) return {};
  unsayable_.insert(unsayable_.end(), std::make_move_iterator(unsayable.begin()), std::make_move_iterator(unsayable.end()));
  next_wake_ = settled_at_;
  return {};
}

// Made when it is handed out, after the commit that records it; nobody keeps it.
void ControlLoop::hand_out_credential(Reply& reply) {
  auto* accepted = std::get_if<Accepted>(&reply);
  if (accepted == nullptr || !accepted->access) return;
  auto made = bootstrap_.kubeconfig(model_, *accepted->access);
  if (made) {
    accepted->kubeconfig = std::move(*made);
  } else {
    reply = Refused{made.error(), {}};
  }
}

void ControlLoop::away(const Error& error, std::vector<Waiting>& waiting) {
  for (auto& one : waiting) one.done(error);
  waiting.clear();
  next_wake_ = parts_.steady.now() + kTick;
}

void ControlLoop::answer_reads(Batch& batch) {
  const Now now = look();
  for (auto& query : batch.queries) {
    query.read(serving_ ? Result<ModelView>(ModelView(model_, kept_.index(model_), now)) : Result<ModelView>(no_database()));
  }
  ReadsOfOneRound reads(parts_.store, serving_);
  for (const auto& history : batch.histories) reads.answer(history);
  for (const auto& asked : batch.records) {
    std::visit([&](const auto& one) { reads.answer(one); }, asked);
  }
}

}  // namespace dure::control
