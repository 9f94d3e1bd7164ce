find_package(Boost 1.81 REQUIRED COMPONENTS json)

# Its end-to-end cases run against the real HTTP edge over a FakeApi.
add_doctest_binary(
  control_cli_unit
  SOURCES controlnode/cli/access_commands_test.cpp
          controlnode/cli/api_client_test.cpp
          controlnode/cli/cluster_table_test.cpp
          controlnode/cli/end_to_end_test.cpp
          controlnode/cli/explain_commands_test.cpp
          controlnode/cli/failure_test.cpp
          controlnode/cli/image_import_test.cpp
          controlnode/cli/kubeconfig_test.cpp
          controlnode/cli/layout_test.cpp
          controlnode/cli/lease_commands_test.cpp
          controlnode/cli/output_test.cpp
          controlnode/cli/progress_test.cpp
          controlnode/cli/project_commands_test.cpp
          controlnode/cli/recovery_commands_test.cpp
          controlnode/cli/run_test.cpp
          controlnode/cli/settings_test.cpp
          controlnode/cli/suggest_test.cpp
          controlnode/cli/tunnel_proxy_test.cpp
          controlnode/cli/wait_test.cpp
  DEPENDS control_cli control_http control_core common Boost::json Threads::Threads
  COMMON tests/unit/controlnode/cli/cli_stand.h)
add_dependencies(sanitized control_cli_unit)
