add_doctest_binary(dataplane_fake_contract SOURCES dataplane_fake_test.cpp DEPENDS host_ports host_core)
add_dependencies(sanitized dataplane_fake_contract)

# Needs root for network namespaces; says "skipped" otherwise.
add_library(dataplane_namespaces STATIC dataplane_namespaces.cpp dataplane_root_main.cpp)
target_link_libraries(dataplane_namespaces PUBLIC project_options doctest::doctest common Threads::Threads)

add_executable(dataplane_kernel_contract dataplane_kernel_test.cpp dataplane_traffic_test.cpp
                                         dataplane_bench_test.cpp)
target_link_libraries(dataplane_kernel_contract PRIVATE dataplane_namespaces host_netlink host_core)
add_test(NAME dataplane_kernel_contract COMMAND dataplane_kernel_contract)
set_tests_properties(dataplane_kernel_contract PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 120)
