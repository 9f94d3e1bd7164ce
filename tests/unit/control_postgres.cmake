find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)

add_doctest_binary(
  control_postgres_unit
  SOURCES controlnode/edges/postgres/array_bytes_test.cpp controlnode/edges/postgres/placement_mapping_test.cpp
  DEPENDS control_postgres "${RAPIDCHECK_LIBRARY}")
add_dependencies(sanitized control_postgres_unit)
