find_package(PkgConfig REQUIRED)
add_doctest_binary(
  host_core_unit
  SOURCES hostagent/core/host_plan_test.cpp hostagent/core/host_plan_property_test.cpp hostagent/core/names_test.cpp
          hostagent/core/attempts_test.cpp hostagent/core/conclusions_test.cpp hostagent/core/guest_words_test.cpp hostagent/core/order_parts_test.cpp
  DEPENDS host_core rapidcheck)
add_dependencies(sanitized host_core_unit)
