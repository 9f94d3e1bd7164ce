# A room is one static library. Its headers must compile alone (target
# all_verify_interface_header_sets), and the whole archive must link with nothing but the rooms it
# declares (test link_<room>), so that a call into a room it may not know is a link error.
file(WRITE "${CMAKE_BINARY_DIR}/link_test_main.cpp" "int main() { return 0; }\n")

# WALKED: tests take this room through hundreds of thousands of steps (tests/sim, tests/explore), so that it is optimised in
# every build. APART: its files are never compiled together.
#
# A new room carries its own -Wno flags nowhere: third-party headers are SYSTEM.
function(add_room name)
  cmake_parse_arguments(R "WALKED;APART" "" "SOURCES;HEADERS;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  if(R_SOURCES)
    add_library(${name} STATIC ${R_SOURCES})
    target_sources(
      ${name}
      PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${R_HEADERS})
    target_link_libraries(${name} PUBLIC project_options ${R_DEPENDS} PRIVATE ${R_PRIVATE_DEPENDS})
    set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
    # Several files as one where nobody changes them one by one: most of the time goes into headers that all of them include.
    if(DURE_UNITY AND NOT R_APART)
      set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
      # A file that is included is a header for GCC, whose classes should have no members of its own unnamed namespace.
      target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
    endif()
    if(R_WALKED)
      target_compile_options(${name} PRIVATE $<$<CONFIG:Debug>:-O2>)
    endif()
    if(BUILD_TESTING)
      add_executable(link_${name} "${CMAKE_BINARY_DIR}/link_test_main.cpp")
      target_link_libraries(link_${name} PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${name}>"
                                                 ${R_DEPENDS})
      add_test(NAME link_${name} COMMAND link_${name})
    endif()
  else()
    # Headers only (ports): nothing to link, but each header is still compiled alone.
    add_library(${name} INTERFACE)
    target_sources(
      ${name}
      INTERFACE FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${R_HEADERS})
    target_link_libraries(${name} INTERFACE project_options ${R_DEPENDS})
    set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  endif()
endfunction()

# add_unit_tests(<room> SOURCES ... DEPENDS ...): one doctest binary per room.
function(add_doctest_binary name)
  cmake_parse_arguments(T "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE project_options doctest_main ${T_DEPENDS})
  add_test(NAME ${name} COMMAND ${name})
endfunction()
