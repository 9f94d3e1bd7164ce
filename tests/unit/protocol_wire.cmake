find_package(OpenSSL 3 REQUIRED)
find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)

add_doctest_binary(
  protocol_wire_unit
  SOURCES protocol/wire/codec_envelope_test.cpp
          protocol/wire/codec_order_test.cpp
          protocol/wire/codec_placement_test.cpp
          protocol/wire/codec_report_test.cpp
          protocol/wire/codec_round_trip_test.cpp
          protocol/wire/codec_tunnel_test.cpp
          protocol/wire/envelope_test.cpp
          protocol/wire/fence_proof_test.cpp
          protocol/wire/keys_test.cpp
          protocol/wire/replay_guard_test.cpp
          protocol/wire/samples.cpp
          protocol/wire/tunnel_trunk_test.cpp
  DEPENDS protocol_wire protocol_schema protocol_messages common OpenSSL::Crypto ${RAPIDCHECK_LIBRARY}
  COMMON tests/unit/protocol/wire/samples.h)
target_compile_definitions(protocol_wire_unit
                           PRIVATE "DURE_GOLDEN_DIRECTORY=\"${PROJECT_SOURCE_DIR}/tests/golden/wire\"")
add_dependencies(sanitized protocol_wire_unit)
