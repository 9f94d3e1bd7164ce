find_package(Boost 1.81 REQUIRED COMPONENTS json)

add_doctest_binary(
  control_kubeadm_unit
  SOURCES controlnode/edges/kubeadm/golden_test.cpp
          controlnode/edges/kubeadm/kubeadm_config_test.cpp
          controlnode/edges/kubeadm/node_document_test.cpp
          controlnode/edges/kubeadm/order_size_test.cpp
  DEPENDS control_kubeadm control_core protocol_messages protocol_wire common Boost::json)
target_compile_definitions(control_kubeadm_unit
                           PRIVATE "DURE_GOLDEN_DIRECTORY=\"${PROJECT_SOURCE_DIR}/tests/golden\"")
add_dependencies(sanitized control_kubeadm_unit)
