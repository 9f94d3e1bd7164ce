# The store in memory, for every suite that needs one.
add_library(fake_store STATIC ../support/fake_store.cpp ../support/fake_store_rules.cpp)
target_link_libraries(fake_store PUBLIC project_options control_ports control_core protocol_wire)

add_doctest_binary(store_fake_contract SOURCES store_fake_test.cpp DEPENDS fake_store)
add_dependencies(sanitized store_fake_contract)

# Needs a PostgreSQL server of its own: DURE_TEST_PG, a libpq keyword list of a superuser.
pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx)
add_executable(store_postgres_contract store_postgres_test.cpp store_postgres_faults_test.cpp
                                       store_postgres_migrations_test.cpp store_postgres_references_test.cpp
                                       store_postgres_race_test.cpp store_postgres_server.cpp ../support/contract_main.cpp)
target_compile_definitions(store_postgres_contract PRIVATE DURE_NEEDS_ENV="DURE_TEST_PG")
target_link_libraries(store_postgres_contract PRIVATE doctest::doctest control_postgres PkgConfig::PQXX
                                                      Threads::Threads)
add_test(NAME store_postgres_contract COMMAND store_postgres_contract)
set_tests_properties(store_postgres_contract PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)
