find_package(Boost 1.81 REQUIRED COMPONENTS json)

add_doctest_binary(
  control_http_unit
  SOURCES controlnode/edges/http/access_routes_test.cpp
          controlnode/edges/http/api_routes_test.cpp
          controlnode/edges/http/blob_routes_test.cpp
          controlnode/edges/http/blob_shelf_test.cpp
          controlnode/edges/http/collections_test.cpp
          controlnode/edges/http/http_server_test.cpp
          controlnode/edges/http/read_placement_test.cpp
          controlnode/edges/http/recovery_routes_test.cpp
          controlnode/edges/http/placement_routes_test.cpp
          controlnode/edges/http/read_request_test.cpp
          controlnode/edges/http/text_test.cpp
          controlnode/edges/http/tunnel_route_test.cpp
  DEPENDS control_http control_core common Boost::json Threads::Threads
  COMMON tests/unit/controlnode/edges/http/api_stand.h)
add_dependencies(sanitized control_http_unit)
