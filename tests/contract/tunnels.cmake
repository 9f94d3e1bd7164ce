add_doctest_binary(tunnels_fake_contract SOURCES tunnels_fake_test.cpp DEPENDS host_ports)
add_doctest_binary(tunnels_posix_contract SOURCES tunnels_posix_test.cpp
                   DEPENDS host_tunnel host_ports control_ports protocol_wire protocol_messages common
                           Threads::Threads)
add_dependencies(sanitized tunnels_fake_contract tunnels_posix_contract)
