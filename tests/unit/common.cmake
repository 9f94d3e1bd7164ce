find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)

add_doctest_binary(
  common_unit
  SOURCES common/base64_test.cpp common/config_test.cpp common/event_queue_test.cpp
          common/files_test.cpp common/program_test.cpp common/run_process_test.cpp common/system_test.cpp common/text_test.cpp common/values_test.cpp
  DEPENDS common Threads::Threads ${RAPIDCHECK_LIBRARY})
add_dependencies(sanitized common_unit)
