find_package(Boost 1.74 REQUIRED COMPONENTS json)
add_doctest_binary(
  host_net_edges_unit
  SOURCES hostagent/edges/fetch/partial_blob_test.cpp hostagent/edges/netlink/network_check_test.cpp
          hostagent/edges/netlink/route_socket_test.cpp hostagent/edges/nftables/nft_listing_test.cpp
          hostagent/edges/nftables/ruleset_test.cpp hostagent/edges/nftables/run_nft_test.cpp
  DEPENDS host_fetch host_netlink host_nftables host_core Boost::json)
add_dependencies(sanitized host_net_edges_unit)
