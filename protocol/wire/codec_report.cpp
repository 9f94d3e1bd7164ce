#include "protocol/schema/host_report.pb.h"
#include "protocol/wire/codec.h"
#include "protocol/wire/codec_bounded.h"
#include "protocol/wire/field_check.h"

namespace dure::wire {
namespace {

constexpr std::size_t kMaxVersionBytes = 64;
constexpr std::size_t kMaxMessageBytes = 512;
constexpr std::size_t kMaxGuestErrorBytes = 256;
constexpr std::size_t kMaxStageNameBytes = 32;
constexpr std::size_t kMaxStages = 64;
constexpr std::size_t kMaxDeparted = 64;
constexpr std::size_t kMaxNotReady = 64;
constexpr std::size_t kMaxConditions = 32;
// A host may still carry what many orders made: more than one order may name.
constexpr std::size_t kMaxObjects = 4096;

template <class Bytes>
std::string raw(const Bytes& value) {
  return {value.bytes.begin(), value.bytes.end()};
}
template <class Tag>
std::string raw(const Id<Tag>& id) {
  return raw(id.uuid);
}

// Each plain enum and its wire value. A plain value without a row does not exist: the switches in
// protocol/messages are complete, and a test walks them.
template <class Plain, class Wire>
struct Row {
  Plain plain;
  Wire wire;
};
constexpr Row<VmState, schema::VmState> kVmStates[] = {
    {VmState::unknown, schema::VM_STATE_UNKNOWN},   {VmState::creating, schema::VM_STATE_CREATING},
    {VmState::running, schema::VM_STATE_RUNNING},   {VmState::paused, schema::VM_STATE_PAUSED},
    {VmState::stopped, schema::VM_STATE_STOPPED},   {VmState::crashed, schema::VM_STATE_CRASHED},
    {VmState::shut_down, schema::VM_STATE_SHUT_DOWN},
};
constexpr Row<ObjectKind, schema::ObjectKind> kObjectKinds[] = {
    {ObjectKind::host, schema::OBJECT_KIND_HOST},
    {ObjectKind::image, schema::OBJECT_KIND_IMAGE},
    {ObjectKind::network, schema::OBJECT_KIND_NETWORK},
    {ObjectKind::vm, schema::OBJECT_KIND_VM},
};
constexpr Row<FailureCode, schema::FailureCode> kFailureCodes[] = {
    {FailureCode::image_fetch, schema::FAILURE_CODE_IMAGE_FETCH},
    {FailureCode::image_digest, schema::FAILURE_CODE_IMAGE_DIGEST},
    {FailureCode::no_space, schema::FAILURE_CODE_NO_SPACE},
    {FailureCode::hypervisor, schema::FAILURE_CODE_HYPERVISOR},
    {FailureCode::hypervisor_away, schema::FAILURE_CODE_HYPERVISOR_AWAY},
    {FailureCode::network, schema::FAILURE_CODE_NETWORK},
    {FailureCode::seed, schema::FAILURE_CODE_SEED},
    {FailureCode::identity, schema::FAILURE_CODE_IDENTITY},
    {FailureCode::internal, schema::FAILURE_CODE_INTERNAL},
    {FailureCode::stuck, schema::FAILURE_CODE_STUCK},
    {FailureCode::crash_loop, schema::FAILURE_CODE_CRASH_LOOP},
};
constexpr Row<ConditionCode, schema::ConditionCode> kConditionCodes[] = {
    {ConditionCode::hypervisor_away, schema::CONDITION_CODE_HYPERVISOR_AWAY},
    {ConditionCode::storage, schema::CONDITION_CODE_STORAGE},
    {ConditionCode::no_space, schema::CONDITION_CODE_NO_SPACE},
    {ConditionCode::network, schema::CONDITION_CODE_NETWORK},
    {ConditionCode::address, schema::CONDITION_CODE_ADDRESS},
    {ConditionCode::uplink, schema::CONDITION_CODE_UPLINK},
    {ConditionCode::capacity, schema::CONDITION_CODE_CAPACITY},
    {ConditionCode::clock, schema::CONDITION_CODE_CLOCK},
    {ConditionCode::order_refused, schema::CONDITION_CODE_ORDER_REFUSED},
};

template <class Plain, class Wire, std::size_t kSize>
Wire to_wire(const Row<Plain, Wire> (&rows)[kSize], Plain plain) {
  for (const auto& row : rows) {
    if (row.plain == plain) return row.wire;
  }
  return Wire{};
}

template <class Plain, class Wire, std::size_t kSize>
Plain to_plain(const Row<Plain, Wire> (&rows)[kSize], Wire wire, FieldCheck& check,
               std::string_view field) {
  for (const auto& row : rows) {
    if (row.wire == wire) return row.plain;
  }
  check.require(false, field, "has an unknown value");
  return Plain{};
}

void put(const VmReport& from, schema::VmReport& to) {
  to.set_id(raw(from.id));
  to.set_generation(from.generation);
  to.set_order(raw(from.order));
  to.set_state(to_wire(kVmStates, from.state));
  for (const auto& stage : from.stages) {
    auto& added = *to.add_stages();
    added.set_name(stage.name);
    added.set_at_ms(stage.at_ms);
  }
  to.set_guest_error(printable(from.guest_error, kMaxGuestErrorBytes));
  for (const auto& name : from.departed) to.add_departed(name);
  to.set_restart(from.restart);
  if (from.boot != Uuid{}) to.set_boot(raw(from.boot));
  to.set_silent_s(from.silent_s);
  for (const auto& name : from.not_ready) to.add_not_ready(name);
  to.set_access(from.access);
  to.set_judges(from.judges);
}

void put(const ObjectFailure& from, schema::ObjectFailure& to) {
  to.set_kind(to_wire(kObjectKinds, from.kind));
  to.set_object(raw(from.object));
  to.set_code(to_wire(kFailureCodes, from.code));
  to.set_message(printable(from.message, kMaxMessageBytes));
}

void put_lists(const HostReport& from, schema::HostReport& to) {
  for (const auto& item : from.vms) put(item, *to.add_vms());
  for (const auto& item : from.networks) {
    auto& added = *to.add_networks();
    added.set_id(raw(item.id));
    added.set_vni(item.vni);
  }
  for (const auto& item : from.images) {
    auto& added = *to.add_images();
    added.set_id(raw(item.id));
    added.set_complete(item.complete);
    added.set_bytes_done(item.bytes_done);
    added.set_bytes_total(item.bytes_total);
  }
  for (const auto& item : from.failures) put(item, *to.add_failures());
  for (const auto& item : from.round_trips) {
    auto& added = *to.add_round_trips();
    added.set_site(raw(item.site));
    added.set_round(item.round);
    added.set_sent(item.sent);
    added.set_answered(item.answered);
    added.set_least_us(item.least_us);
    added.set_median_us(item.median_us);
  }
  for (const auto& item : from.in_flight) {
    auto& added = *to.add_in_flight();
    added.set_kind(to_wire(kObjectKinds, item.kind));
    added.set_object(raw(item.object));
  }
  for (const auto& item : from.conditions) {
    auto& added = *to.add_conditions();
    added.set_code(to_wire(kConditionCodes, item.code));
    added.set_message(printable(item.message, kMaxMessageBytes));
  }
}

void put(const HostReport& from, schema::HostReport& to) {
  to.set_system(raw(from.system));
  to.set_host(raw(from.host));
  to.set_session(raw(from.session));
  to.set_boot(raw(from.boot));
  to.set_sequence(from.sequence);
  to.set_agent_version(printable(from.agent_version, kMaxVersionBytes));
  auto& capacity = *to.mutable_capacity();
  capacity.set_vcpus(from.capacity.vcpus);
  capacity.set_memory_mib(from.capacity.memory_mib);
  capacity.set_disk_gib(from.capacity.disk_gib);
  capacity.set_hardware_virtualisation(from.capacity.hardware_virtualisation);
  to.mutable_highest_fence()->set_delegation(from.highest_fence.delegation);
  to.mutable_highest_fence()->set_epoch(from.highest_fence.epoch);
  to.set_accepted_generation(from.accepted_generation);
  to.set_applied_generation(from.applied_generation);
  to.set_applied_order(raw(from.applied_order));
  to.set_observed(from.observed);
  put_lists(from, to);
  capacity.set_disk_free_gib(from.capacity.disk_free_gib);
  to.set_fence_proof(from.fence_proof);
  if (from.refused) {
    auto& refused = *to.mutable_refused();
    refused.set_order(raw(from.refused->order));
    refused.set_generation(from.refused->generation);
    refused.set_reason(printable(from.refused->reason, kMaxMessageBytes));
  }
  to.set_clock_us(from.clock.us);
  to.set_known_generation(from.known_generation);
}

void put(const OrderAck& from, schema::OrderAck& to) {
  to.set_host(raw(from.host));
  to.set_session(raw(from.session));
  to.set_order(raw(from.order));
  to.set_sequence(from.sequence);
  to.set_generation(from.generation);
  to.set_accepted(from.accepted);
  to.set_refusal(from.refusal);
}

VmReport vm(const schema::VmReport& from, FieldCheck& check) {
  check.known(from, "vm");
  VmReport to;
  check.id(to.id, from.id(), "vm.id");
  to.generation = from.generation();
  check.id(to.order, from.order(), "vm.order");
  to.state = to_plain(kVmStates, from.state(), check, "vm.state");
  check.range(static_cast<std::uint64_t>(from.stages_size()), 0, kMaxStages, "vm.stages");
  check.range(static_cast<std::uint64_t>(from.departed_size()), 0, kMaxDeparted, "vm.departed");
  if (check.failed()) return to;
  for (const auto& stage : from.stages()) {
    check.known(stage, "vm.stage");
    to.stages.push_back(
        {check.name(stage.name(), "vm.stage.name", kMaxStageNameBytes), stage.at_ms()});
  }
  to.guest_error = check.text(from.guest_error(), "vm.guest_error", kMaxGuestErrorBytes);
  for (const auto& name : from.departed()) to.departed.push_back(check.name(name, "vm.departed"));
  check.unique(to.departed, [](const auto& name) { return std::string_view(name); }, "vm.departed");
  to.restart = from.restart();
  if (!from.boot().empty()) to.boot = check.uuid(from.boot(), "vm.boot");
  to.silent_s = from.silent_s();
  check.range(static_cast<std::uint64_t>(from.not_ready_size()), 0, kMaxNotReady, "vm.not_ready");
  if (check.failed()) return to;
  for (const auto& name : from.not_ready()) to.not_ready.push_back(check.name(name, "vm.not_ready"));
  check.unique(to.not_ready, [](const auto& name) { return std::string_view(name); }, "vm.not_ready");
  to.access = from.access();
  to.judges = from.judges();
  return to;
}

ObjectFailure failure(const schema::ObjectFailure& from, FieldCheck& check) {
  check.known(from, "failure");
  ObjectFailure to;
  to.kind = to_plain(kObjectKinds, from.kind(), check, "failure.kind");
  to.object = check.uuid(from.object(), "failure.object");
  to.code = to_plain(kFailureCodes, from.code(), check, "failure.code");
  to.message = check.text(from.message(), "failure.message", kMaxMessageBytes);
  return to;
}

ObjectRef object(const schema::ObjectRef& from, FieldCheck& check) {
  check.known(from, "in_flight");
  ObjectRef to;
  to.kind = to_plain(kObjectKinds, from.kind(), check, "in_flight.kind");
  to.object = check.uuid(from.object(), "in_flight.object");
  return to;
}

RefusedOrder refused(const schema::RefusedOrder& from, FieldCheck& check) {
  check.known(from, "refused");
  RefusedOrder to;
  check.id(to.order, from.order(), "refused.order");
  to.generation = from.generation();
  to.reason = check.text(from.reason(), "refused.reason", kMaxMessageBytes);
  return to;
}

SiteRoundTrip round_trip(const schema::SiteRoundTrip& from, FieldCheck& check) {
  check.known(from, "round_trip");
  SiteRoundTrip to;
  check.id(to.site, from.site(), "round_trip.site");
  to.round = from.round();
  check.require(to.round > 0, "round_trip.round", "is missing");
  to.sent = from.sent();
  check.range(to.sent, 1, kMaxEchoes, "round_trip.sent");
  to.answered = from.answered();
  check.range(to.answered, 0, to.sent, "round_trip.answered");
  to.least_us = from.least_us();
  to.median_us = from.median_us();
  // Without an answer there is no time, and no answer takes none.
  check.range(to.median_us, to.answered == 0 ? 0 : 1, to.answered == 0 ? 0 : kMaxRoundTripUs,
              "round_trip.median_us");
  check.range(to.least_us, to.answered == 0 ? 0 : 1, to.median_us, "round_trip.least_us");
  return to;
}

void check_bounds(const schema::HostReport& from, FieldCheck& check) {
  const auto bound = [&check](int size, std::string_view field) {
    check.range(static_cast<std::uint64_t>(size), 0, kMaxObjects, field);
  };
  bound(from.vms_size(), "vms");
  bound(from.networks_size(), "networks");
  bound(from.images_size(), "images");
  bound(from.failures_size(), "failures");
  bound(from.in_flight_size(), "in_flight");
  check.range(static_cast<std::uint64_t>(from.conditions_size()), 0, kMaxConditions, "conditions");
  check.range(static_cast<std::uint64_t>(from.round_trips_size()), 0, kMaxRoundTripTargets, "round_trips");
}

void read_lists(const schema::HostReport& from, HostReport& to, FieldCheck& check) {
  for (const auto& item : from.vms()) to.vms.push_back(vm(item, check));
  for (const auto& item : from.networks()) {
    check.known(item, "network");
    auto& added = to.networks.emplace_back();
    check.id(added.id, item.id(), "network.id");
    added.vni = check.vni(item.vni(), "network.vni");
  }
  for (const auto& item : from.images()) {
    check.known(item, "image");
    auto& added = to.images.emplace_back();
    check.id(added.id, item.id(), "image.id");
    added.complete = item.complete();
    added.bytes_done = item.bytes_done();
    added.bytes_total = item.bytes_total();
  }
  for (const auto& item : from.failures()) to.failures.push_back(failure(item, check));
  for (const auto& item : from.round_trips()) to.round_trips.push_back(round_trip(item, check));
  check.unique(to.round_trips, [](const auto& item) { return item.site; }, "round_trip.site");
  for (const auto& item : from.in_flight()) to.in_flight.push_back(object(item, check));
  check.unique(to.in_flight, [](const auto& item) { return item; }, "in_flight");
  for (const auto& item : from.conditions()) {
    check.known(item, "condition");
    to.conditions.push_back({to_plain(kConditionCodes, item.code(), check, "condition.code"),
                             check.text(item.message(), "condition.message", kMaxMessageBytes)});
  }
  check.unique(to.conditions, [](const auto& item) { return item.code; }, "condition.code");
  const auto id = [](const auto& item) { return item.id; };
  check.unique(to.vms, id, "vm.id");
  check.unique(to.networks, id, "network.id");
  check.unique(to.images, id, "image.id");
}

HostReport report(const schema::HostReport& from, FieldCheck& check) {
  check.known(from, "report");
  check.known(from.capacity(), "capacity");
  check.known(from.highest_fence(), "highest_fence");
  HostReport to;
  check.id(to.system, from.system(), "system");
  check.id(to.host, from.host(), "host");
  check.id(to.session, from.session(), "session");
  check.id(to.boot, from.boot(), "boot");
  to.sequence = from.sequence();
  to.agent_version = check.text(from.agent_version(), "agent_version", kMaxVersionBytes);
  check.require(from.has_capacity(), "capacity", "is missing");
  to.capacity = {from.capacity().vcpus(), from.capacity().memory_mib(), from.capacity().disk_gib(),
                 from.capacity().hardware_virtualisation(), from.capacity().disk_free_gib()};
  check.require(from.has_highest_fence(), "highest_fence", "is missing");
  to.highest_fence = {from.highest_fence().delegation(), from.highest_fence().epoch()};
  to.accepted_generation = from.accepted_generation();
  to.applied_generation = from.applied_generation();
  check.id(to.applied_order, from.applied_order(), "applied_order");
  to.observed = from.observed();
  to.fence_proof = check.signature(from.fence_proof(), "fence_proof");
  if (from.has_refused()) to.refused = refused(from.refused(), check);
  to.clock.us = from.clock_us();
  to.known_generation = from.known_generation();
  check_bounds(from, check);
  if (!check.failed()) read_lists(from, to, check);
  return to;
}

OrderAck ack(const schema::OrderAck& from, FieldCheck& check) {
  check.known(from, "ack");
  OrderAck to;
  check.id(to.host, from.host(), "host");
  check.id(to.session, from.session(), "session");
  check.id(to.order, from.order(), "order");
  to.sequence = from.sequence();
  to.generation = from.generation();
  to.accepted = from.accepted();
  if (!from.refusal().empty()) to.refusal = check.name(from.refusal(), "refusal");
  check.require(to.accepted == to.refusal.empty(), "refusal", "contradicts accepted");
  return to;
}

AgentMessage message(const schema::AgentMessage& from, FieldCheck& check) {
  check.known(from, "message");
  switch (from.body_case()) {
    case schema::AgentMessage::kReport: return report(from.report(), check);
    case schema::AgentMessage::kAck: return ack(from.ack(), check);
    case schema::AgentMessage::BODY_NOT_SET: break;
  }
  check.require(false, "body", "is missing");
  return {};
}

}  // namespace

std::string encode(const AgentMessage& from) {
  schema::AgentMessage to;
  if (const auto* a_report = std::get_if<HostReport>(&from)) {
    put(*a_report, *to.mutable_report());
  } else {
    put(std::get<OrderAck>(from), *to.mutable_ack());
  }
  return to.SerializeAsString();
}

Result<AgentMessage> decode_agent_message(std::string_view bytes) {
  schema::AgentMessage parsed;
  if (const auto whole = parse_bounded(bytes, kMaxReportBytes, parsed); !whole) {
    return Error{whole.error().code, "agent message: " + whole.error().message};
  }
  FieldCheck check;
  auto decoded = message(parsed, check);
  if (const auto result = check.result(); !result) {
    return Error{result.error().code, "agent message: " + result.error().message};
  }
  return decoded;
}

}  // namespace dure::wire
