add_doctest_binary(tunnel_gate_fake_contract SOURCES tunnel_gate_fake_test.cpp
                   DEPENDS control_ports host_ports Threads::Threads)
add_doctest_binary(tunnel_gate_zmq_contract SOURCES tunnel_gate_zmq_test.cpp
                   DEPENDS control_app control_zmq control_ports host_tunnel host_zmq host_ports protocol_wire
                           common Threads::Threads)
add_dependencies(sanitized tunnel_gate_fake_contract tunnel_gate_zmq_contract)
add_doctest_binary(tunnel_gate_proxy_contract SOURCES tunnel_gate_proxy_test.cpp
                   DEPENDS control_cli control_http control_app control_zmq control_ports host_tunnel host_zmq
                           host_ports protocol_wire common Threads::Threads)
add_dependencies(sanitized tunnel_gate_proxy_contract)
