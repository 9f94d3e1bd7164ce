find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)

add_doctest_binary(
  control_core_unit
  SOURCES controlnode/core/bootstrap_plan_test.cpp controlnode/core/decide_catalog_test.cpp
          controlnode/core/busy_windows_test.cpp
          controlnode/core/date_watch_test.cpp
          controlnode/core/decide_clusters_test.cpp
          controlnode/core/decide_freshness_test.cpp
          controlnode/core/decide_hostile_test.cpp
          controlnode/core/decide_hosts_test.cpp
          controlnode/core/decide_lease_test.cpp
          controlnode/core/decide_quota_test.cpp
          controlnode/core/decide_records_test.cpp
          controlnode/core/decide_reports_test.cpp
          controlnode/core/decide_tick_test.cpp
          controlnode/core/decide_walk_test.cpp
          controlnode/core/fair_order_test.cpp
          controlnode/core/grammar_test.cpp
          controlnode/core/host_orders_test.cpp
          controlnode/core/host_view_test.cpp
          controlnode/core/id_stream_test.cpp
          controlnode/core/lifecycle_test.cpp
          controlnode/core/near_sites_test.cpp
          controlnode/core/network_plan_test.cpp
          controlnode/core/next_wake_test.cpp
          controlnode/core/placement/capacity_test.cpp
          controlnode/core/placement/explain_golden_test.cpp
          controlnode/core/placement/fleet_test.cpp
          controlnode/core/placement/gang_test.cpp
          controlnode/core/placement/record_test.cpp
          controlnode/core/placement/remedies_test.cpp
          controlnode/core/placement/verdicts_test.cpp
          controlnode/core/placement_properties_test.cpp
          controlnode/core/placement_test.cpp
          controlnode/core/round_trips_test.cpp
          controlnode/core/scenario_expect.cpp
          controlnode/core/scenario_leases.cpp
          controlnode/core/scenario_reports.cpp
          controlnode/core/scenario_run.cpp
          controlnode/core/scenario_test.cpp
          controlnode/core/scenario_words.cpp
          controlnode/core/scenario_world.cpp
          controlnode/core/what_if_test.cpp
  DEPENDS control_core "${RAPIDCHECK_LIBRARY}"
  COMMON tests/support/model_builder.h)
target_compile_definitions(control_core_unit PRIVATE "DURE_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
set_source_files_properties(
  controlnode/core/placement/explain_golden_test.cpp
  PROPERTIES COMPILE_DEFINITIONS "DURE_GOLDEN_DIRECTORY=\"${PROJECT_SOURCE_DIR}/tests/golden\"")
