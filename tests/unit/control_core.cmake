find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)

add_doctest_binary(
  control_core_unit
  SOURCES controlnode/core/decide_catalog_test.cpp
          controlnode/core/decide_clusters_test.cpp
          controlnode/core/decide_reports_test.cpp
          controlnode/core/decide_tick_test.cpp
          controlnode/core/decide_walk_test.cpp
          controlnode/core/grammar_test.cpp
          controlnode/core/host_orders_test.cpp
          controlnode/core/id_stream_test.cpp
          controlnode/core/lifecycle_test.cpp
          controlnode/core/network_plan_test.cpp
          controlnode/core/placement_properties_test.cpp
          controlnode/core/placement_test.cpp
  DEPENDS control_core "${RAPIDCHECK_LIBRARY}")
