find_package(PkgConfig REQUIRED)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq>=4.3.4)

add_doctest_binary(
  agent_link_contract
  SOURCES agent_link_fake_test.cpp agent_link_zmq_test.cpp agent_link_security_zmq_test.cpp
  DEPENDS control_zmq host_zmq control_ports host_ports protocol_messages common PkgConfig::ZMQ
          Threads::Threads)
add_dependencies(sanitized agent_link_contract)

add_doctest_binary(
  control_link_contract
  SOURCES control_link_fake_test.cpp control_link_zmq_test.cpp
  DEPENDS host_zmq host_ports protocol_wire protocol_messages common PkgConfig::ZMQ Threads::Threads)
add_dependencies(sanitized control_link_contract)
