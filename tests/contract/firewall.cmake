add_doctest_binary(firewall_fake_contract SOURCES firewall_fake_test.cpp DEPENDS host_ports host_core)
add_dependencies(sanitized firewall_fake_contract)

# Needs root for network namespaces, and the nft tool; says "skipped" otherwise.
add_executable(firewall_kernel_contract firewall_kernel_test.cpp firewall_frames_test.cpp)
target_link_libraries(firewall_kernel_contract PRIVATE dataplane_namespaces host_nftables host_netlink
                                                       host_core)
add_test(NAME firewall_kernel_contract COMMAND firewall_kernel_contract)
set_tests_properties(firewall_kernel_contract PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 120)
