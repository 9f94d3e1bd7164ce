add_doctest_binary(
  machine_contract
  SOURCES machine_fake_test.cpp machine_system_test.cpp
  DEPENDS host_system)
add_dependencies(sanitized machine_contract)
