find_package(Boost 1.74 REQUIRED COMPONENTS json)
find_package(pugixml REQUIRED)

add_doctest_binary(
  host_edges_unit
  SOURCES hostagent/edges/disk/seed_documents_test.cpp
          hostagent/edges/echo/echo_packet_test.cpp
          hostagent/edges/guest/guest_document_test.cpp
          hostagent/edges/guest/guest_status_test.cpp
          hostagent/edges/libvirt/domain_xml_test.cpp
          hostagent/edges/system/system_machine_test.cpp
          hostagent/edges/vm_file_name_test.cpp
  DEPENDS host_disk host_echo host_guest host_libvirt host_system Boost::json pugixml::pugixml)
target_compile_definitions(host_edges_unit
                           PRIVATE "DURE_GOLDEN_DIRECTORY=\"${PROJECT_SOURCE_DIR}/tests/golden\"")
add_dependencies(sanitized host_edges_unit)
