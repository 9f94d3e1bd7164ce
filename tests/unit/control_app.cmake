add_doctest_binary(
  control_app_unit
  SOURCES controlnode/app/api_server_nodes_test.cpp controlnode/app/control_loop_test.cpp controlnode/app/key_files_test.cpp controlnode/app/node_bootstrap_test.cpp controlnode/app/pump_test.cpp
          controlnode/app/settings_test.cpp
  DEPENDS control_app control_core fake_store protocol_wire)
add_dependencies(sanitized control_app_unit)
