add_doctest_binary(round_trips_fake_contract SOURCES round_trips_fake_test.cpp DEPENDS host_ports)
add_dependencies(sanitized round_trips_fake_contract)

# Needs root for network namespaces; says "skipped" otherwise.
add_executable(round_trips_kernel_contract round_trips_kernel_test.cpp)
target_link_libraries(round_trips_kernel_contract PRIVATE dataplane_namespaces host_echo host_ports common
                                                          Threads::Threads)
add_test(NAME round_trips_kernel_contract COMMAND round_trips_kernel_contract)
set_tests_properties(round_trips_kernel_contract PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 120)
