#include <doctest/doctest.h>

#include <functional>

#include "protocol/schema/host_report.pb.h"
#include "protocol/wire/codec.h"
#include "tests/unit/protocol/wire/codec_unknown.h"
#include "tests/unit/protocol/wire/samples.h"

namespace {

using namespace dure;
using schema::AgentMessage;
using wire::decode_agent_message;
using wire::encode;

AgentMessage sample_of(const wire::AgentMessage& plain) {
  AgentMessage message;
  REQUIRE(message.ParseFromString(encode(plain)));
  return message;
}

struct Row {
  const char* fault;
  std::function<void(AgentMessage&)> change;
};

void check_rows(const wire::AgentMessage& plain, const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    auto message = sample_of(plain);
    row.change(message);
    const auto decoded = decode_agent_message(message.SerializeAsString());
    CAPTURE(row.fault);
    REQUIRE(!decoded.ok());
    CHECK(decoded.error().message == std::string("agent message: ") + row.fault);
  }
}

template <class Plain>
void check_round_trip(const Plain& plain) {
  const auto decoded = decode_agent_message(encode(plain));
  REQUIRE(decoded.ok());
  REQUIRE(std::holds_alternative<Plain>(*decoded));
  CHECK(std::get<Plain>(*decoded) == plain);
}

}  // namespace

TEST_CASE("report: what was encoded is decoded") {
  check_round_trip(samples::report());
  check_round_trip(HostReport{});
  check_round_trip(samples::ack());
  auto accepted = samples::ack();
  accepted.accepted = true;
  accepted.refusal.clear();
  check_round_trip(accepted);
}

TEST_CASE("report: its bytes are the golden ones") {
  CHECK(samples::to_hex(encode(samples::report())) == samples::to_hex(samples::golden("report")));
  CHECK(samples::to_hex(encode(samples::ack())) == samples::to_hex(samples::golden("ack")));
}

TEST_CASE("report: without Kubernetes its bytes are what they were before there was any") {
  auto report = samples::report();
  report.vms[0].departed.clear();
  report.round_trips.clear();
  CHECK(samples::to_hex(encode(report)) == samples::to_hex(samples::golden("report_without_kubernetes")));
}

TEST_CASE("report: without round trips its bytes are what they were before there were any") {
  auto report = samples::report();
  report.round_trips.clear();
  const auto before = samples::golden("report_without_round_trips");
  CHECK(samples::to_hex(encode(report)) == samples::to_hex(before));
  const auto decoded = decode_agent_message(before);
  REQUIRE(decoded.ok());
  CHECK(std::get<HostReport>(*decoded) == report);
}

TEST_CASE("report: with conditions, guests' words and proofs it is decoded as it was, and its bytes are the golden ones") {
  check_round_trip(samples::report_with_conditions());
  CHECK(samples::to_hex(encode(samples::report_with_conditions())) ==
        samples::to_hex(samples::golden("report_with_conditions")));
}

TEST_CASE("report: fields of its conditions, guests' words and proofs") {
  const auto report = [](AgentMessage& m) { return m.mutable_report(); };
  check_rows(samples::report_with_conditions(), {
      {"fence_proof is not 64 bytes", [&](AgentMessage& m) { report(m)->set_fence_proof("short"); }},
      {"vm.boot is not 16 bytes", [&](AgentMessage& m) { report(m)->mutable_vms(0)->set_boot("b"); }},
      {"vm.not_ready is not a name", [&](AgentMessage& m) { report(m)->mutable_vms(0)->set_not_ready(0, "../x"); }},
      {"vm.not_ready is there twice", [&](AgentMessage& m) { report(m)->mutable_vms(0)->add_not_ready("demo-w1"); }},
      {"vm.not_ready is out of range",
       [&](AgentMessage& m) {
         for (int n = 0; n < 64; ++n) report(m)->mutable_vms(0)->add_not_ready("a");
       }},
      {"in_flight.kind has an unknown value", [&](AgentMessage& m) { report(m)->mutable_in_flight(0)->clear_kind(); }},
      {"in_flight.object is not 16 bytes", [&](AgentMessage& m) { report(m)->mutable_in_flight(0)->clear_object(); }},
      {"in_flight is there twice", [&](AgentMessage& m) { *report(m)->mutable_in_flight(0) = m.report().in_flight(1); }},
      {"condition.code has an unknown value", [&](AgentMessage& m) { report(m)->mutable_conditions(0)->clear_code(); }},
      {"condition.code is there twice", [&](AgentMessage& m) { *report(m)->mutable_conditions(0) = m.report().conditions(1); }},
      {"condition.message is not printable text", [&](AgentMessage& m) { report(m)->mutable_conditions(0)->set_message("\n"); }},
      {"conditions is out of range",
       [&](AgentMessage& m) {
         for (int n = 0; n < 32; ++n) report(m)->add_conditions();
       }},
      {"refused.order is not 16 bytes", [&](AgentMessage& m) { report(m)->mutable_refused()->clear_order(); }},
      {"refused.reason is too long",
       [&](AgentMessage& m) { report(m)->mutable_refused()->set_reason(std::string(513, 'a')); }},
  });
}

TEST_CASE("report: fields of its round trips") {
  const auto trip = [](AgentMessage& m) { return m.mutable_report()->mutable_round_trips(0); };
  const auto silent = [](AgentMessage& m) { return m.mutable_report()->mutable_round_trips(1); };
  check_rows(samples::report(), {
      {"round_trip.site is not 16 bytes", [&](AgentMessage& m) { trip(m)->clear_site(); }},
      {"round_trip.site is there twice", [&](AgentMessage& m) { *trip(m) = m.report().round_trips(1); }},
      {"round_trip.round is missing", [&](AgentMessage& m) { trip(m)->clear_round(); }},
      {"round_trip.sent is out of range", [&](AgentMessage& m) { silent(m)->set_sent(0); }},
      {"round_trip.sent is out of range", [&](AgentMessage& m) { trip(m)->set_sent(kMaxEchoes + 1); }},
      {"round_trip.answered is out of range", [&](AgentMessage& m) { trip(m)->set_answered(11); }},
      {"round_trip.median_us is out of range", [&](AgentMessage& m) { trip(m)->set_median_us(0); }},
      {"round_trip.median_us is out of range",
       [&](AgentMessage& m) { trip(m)->set_median_us(kMaxRoundTripUs + 1); }},
      {"round_trip.median_us is out of range", [&](AgentMessage& m) { silent(m)->set_median_us(1); }},
      {"round_trip.least_us is out of range", [&](AgentMessage& m) { trip(m)->set_least_us(0); }},
      {"round_trip.least_us is out of range", [&](AgentMessage& m) { trip(m)->set_least_us(4201); }},
      {"round_trips is out of range",
       [](AgentMessage& m) {
         for (std::size_t i = 0; i < kMaxRoundTripTargets; ++i) m.mutable_report()->add_round_trips();
       }},
  });
}

TEST_CASE("report: sixty-four departed nodes are the most") {
  auto report = samples::report();
  report.vms[0].departed.clear();
  for (int n = 0; n < 64; ++n) report.vms[0].departed.push_back("demo-w" + std::to_string(n));
  check_round_trip(report);
}

TEST_CASE("report: every state, kind and reason code has its own value on the wire") {
  auto report = samples::report();
  for (int i = 0; i <= static_cast<int>(VmState::shut_down); ++i) {
    report.vms[0].state = static_cast<VmState>(i);
    check_round_trip(report);
  }
  for (int i = 0; i <= static_cast<int>(ObjectKind::vm); ++i) {
    report.failures[0].kind = static_cast<ObjectKind>(i);
    check_round_trip(report);
  }
  for (int i = 0; i <= static_cast<int>(FailureCode::crash_loop); ++i) {
    report.failures[0].code = static_cast<FailureCode>(i);
    check_round_trip(report);
  }
  for (int i = 0; i <= static_cast<int>(ConditionCode::order_refused); ++i) {
    report.conditions = {{static_cast<ConditionCode>(i), "x"}};
    check_round_trip(report);
  }
}

TEST_CASE("report: foreign words never cost a host its report") {
  auto report = samples::report();
  report.failures[0].message = "caf\xe9\n" + std::string(600, 'x');
  report.vms[0].guest_error = "\x1b[2J" + std::string(300, '\xff');
  report.agent_version = "1\n2";
  const auto decoded = decode_agent_message(encode(report));
  REQUIRE(decoded.ok());
  const auto& read = std::get<HostReport>(*decoded);
  CHECK(read.failures[0].message == "caf??" + std::string(507, 'x'));
  CHECK(read.vms[0].guest_error == "?[2J" + std::string(252, '?'));
  CHECK(read.agent_version == "1?2");
}

TEST_CASE("report: an unknown field is refused in every message at every depth") {
  for (const auto& [plain, expected] :
       {std::pair<wire::AgentMessage, int>{samples::report(), 12}, {samples::report_with_conditions(), 17}, {samples::ack(), 2}}) {
    int messages = 0;
    while (true) {
      auto message = sample_of(plain);
      int n = messages;
      if (!samples::add_unknown(message, n)) break;
      const auto decoded = decode_agent_message(message.SerializeAsString());
      REQUIRE(!decoded.ok());
      CHECK(decoded.error().message.ends_with("has an unknown field"));
      ++messages;
    }
    CHECK(messages == expected);
  }
}

TEST_CASE("report: bytes that are no message are refused") {
  CHECK(decode_agent_message("").error().message == "agent message: body is missing");
  CHECK(!decode_agent_message("\xff\xff\xff").ok());
  CHECK(!decode_agent_message(std::string(kMaxReportBytes + 1, '\0')).ok());
  // An order is no agent's message.
  CHECK(!decode_agent_message(encode(samples::order())).ok());
}

TEST_CASE("report: its fields") {
  check_rows(samples::report(), {
      {"system is not 16 bytes", [](AgentMessage& m) { m.mutable_report()->clear_system(); }},
      {"host is not 16 bytes", [](AgentMessage& m) { m.mutable_report()->set_host("host-7"); }},
      {"session is not 16 bytes", [](AgentMessage& m) { m.mutable_report()->clear_session(); }},
      {"boot is not 16 bytes", [](AgentMessage& m) { m.mutable_report()->clear_boot(); }},
      {"applied_order is not 16 bytes", [](AgentMessage& m) { m.mutable_report()->clear_applied_order(); }},
      {"capacity is missing", [](AgentMessage& m) { m.mutable_report()->clear_capacity(); }},
      {"highest_fence is missing", [](AgentMessage& m) { m.mutable_report()->clear_highest_fence(); }},
      {"agent_version is not printable text",
       [](AgentMessage& m) { m.mutable_report()->set_agent_version("\x01"); }},
      {"agent_version is too long",
       [](AgentMessage& m) { m.mutable_report()->set_agent_version(std::string(65, 'a')); }},
      {"vm.id is there twice",
       [](AgentMessage& m) { *m.mutable_report()->add_vms() = m.report().vms(0); }},
      {"network.id is there twice",
       [](AgentMessage& m) { *m.mutable_report()->add_networks() = m.report().networks(0); }},
      {"image.id is there twice",
       [](AgentMessage& m) { *m.mutable_report()->add_images() = m.report().images(0); }},
      {"network.vni is out of range",
       [](AgentMessage& m) { m.mutable_report()->mutable_networks(0)->set_vni(1 << 24); }},
      {"failures is out of range",
       [](AgentMessage& m) {
         for (int i = 0; i < 4096; ++i) m.mutable_report()->add_failures();
       }},
  });
}

TEST_CASE("report: fields of its VMs and failures") {
  const auto vm = [](AgentMessage& m) { return m.mutable_report()->mutable_vms(0); };
  const auto failure = [](AgentMessage& m) { return m.mutable_report()->mutable_failures(0); };
  check_rows(samples::report(), {
      {"vm.id is not 16 bytes", [&](AgentMessage& m) { vm(m)->set_id("x"); }},
      {"vm.order is not 16 bytes", [&](AgentMessage& m) { vm(m)->clear_order(); }},
      {"vm.state has an unknown value", [&](AgentMessage& m) { vm(m)->clear_state(); }},
      {"vm.state has an unknown value",
       [&](AgentMessage& m) { vm(m)->set_state(static_cast<schema::VmState>(8)); }},
      {"vm.stage.name is not a name", [&](AgentMessage& m) { vm(m)->mutable_stages(0)->set_name("A"); }},
      {"vm.stage.name is not a name",
       [&](AgentMessage& m) { vm(m)->mutable_stages(0)->set_name(std::string(33, 'a')); }},
      {"vm.stages is out of range",
       [&](AgentMessage& m) {
         for (int i = 0; i < 64; ++i) vm(m)->add_stages();
       }},
      {"vm.departed is out of range",
       [&](AgentMessage& m) {
         for (int i = 0; i < 64; ++i) vm(m)->add_departed("demo-x" + std::to_string(i));
       }},
      {"vm.departed is not a name", [&](AgentMessage& m) { vm(m)->set_departed(0, "-a"); }},
      {"vm.departed is not a name", [&](AgentMessage& m) { vm(m)->set_departed(0, ""); }},
      {"vm.departed is not a name", [&](AgentMessage& m) { vm(m)->set_departed(0, std::string(64, 'a')); }},
      {"vm.departed is there twice", [&](AgentMessage& m) { vm(m)->add_departed("demo-w3"); }},
      {"vm.guest_error is too long", [&](AgentMessage& m) { vm(m)->set_guest_error(std::string(257, 'a')); }},
      {"failure.kind has an unknown value", [&](AgentMessage& m) { failure(m)->clear_kind(); }},
      {"failure.code has an unknown value",
       [&](AgentMessage& m) { failure(m)->set_code(static_cast<schema::FailureCode>(13)); }},
      {"failure.object is not 16 bytes", [&](AgentMessage& m) { failure(m)->clear_object(); }},
      {"failure.message is too long",
       [&](AgentMessage& m) { failure(m)->set_message(std::string(513, 'a')); }},
      {"failure.message is not printable text", [&](AgentMessage& m) { failure(m)->set_message("a\tb"); }},
  });
}

TEST_CASE("report: fields of an acknowledgement") {
  check_rows(samples::ack(), {
      {"host is not 16 bytes", [](AgentMessage& m) { m.mutable_ack()->clear_host(); }},
      {"session is not 16 bytes", [](AgentMessage& m) { m.mutable_ack()->clear_session(); }},
      {"order is not 16 bytes", [](AgentMessage& m) { m.mutable_ack()->clear_order(); }},
      {"refusal is not a name", [](AgentMessage& m) { m.mutable_ack()->set_refusal("no such"); }},
      {"refusal contradicts accepted", [](AgentMessage& m) { m.mutable_ack()->set_accepted(true); }},
      {"refusal contradicts accepted", [](AgentMessage& m) { m.mutable_ack()->clear_refusal(); }},
  });
}
