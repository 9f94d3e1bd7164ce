add_doctest_binary(
  host_app_unit
  SOURCES hostagent/app/agent_blind_test.cpp hostagent/app/agent_loop_test.cpp hostagent/app/agent_guests_test.cpp hostagent/app/agent_retry_test.cpp hostagent/app/executor_test.cpp
          hostagent/app/key_files_test.cpp hostagent/app/state_dir_test.cpp hostagent/app/tunnel_targets_test.cpp
  DEPENDS host_app host_core host_journal protocol_wire
  COMMON tests/unit/hostagent/app/agent_bench.h)
add_dependencies(sanitized host_app_unit)
