# A room is one static library. Its headers must compile alone: those that are the first thing a source of the room includes
# do, the others are compiled by the target all_verify_interface_header_sets. And the whole archive must link with nothing but the rooms it
# declares (test link_<room>), so that a call into a room it may not know is a link error.
file(WRITE "${CMAKE_BINARY_DIR}/link_test_main.cpp" "int main() { return 0; }\n")

# WALKED: tests take this room through hundreds of thousands of steps (tests/sim, tests/explore), so that it is optimised in
# every build. APART: its files are never compiled together.
#
# A new room carries its own -Wno flags nowhere: third-party headers are SYSTEM.
function(headers_no_source_begins_with result sources headers)
  foreach(source ${sources})
    cmake_path(ABSOLUTE_PATH source)
    if(NOT EXISTS "${source}") # is generated, and no header's own
      continue()
    endif()
    file(STRINGS "${source}" first REGEX "^#include " LIMIT_COUNT 1)
    string(REGEX REPLACE "^#include \"([^\"]*)\".*" "\\1" first "${first}")
    list(APPEND begun "${PROJECT_SOURCE_DIR}/${first}")
  endforeach()
  foreach(header ${headers})
    cmake_path(ABSOLUTE_PATH header NORMALIZE OUTPUT_VARIABLE path)
    if(NOT path IN_LIST begun)
      list(APPEND left ${header})
    endif()
  endforeach()
  set(${result} ${left} PARENT_SCOPE)
endfunction()

function(add_room name)
  cmake_parse_arguments(R "WALKED;APART" "" "SOURCES;HEADERS;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  if(R_SOURCES)
    add_library(${name} STATIC ${R_SOURCES})
    headers_no_source_begins_with(left "${R_SOURCES}" "${R_HEADERS}")
    target_sources(
      ${name}
      PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${left})
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

# Headers that nearly all sources of a target include are compiled once. Only for tests: a source of the product says itself
# what it needs.
function(share_headers name)
  foreach(header ${ARGN})
    target_precompile_headers(${name} PRIVATE "${PROJECT_SOURCE_DIR}/${header}")
  endforeach()
  target_compile_options(${name} PRIVATE "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endfunction()

# One doctest binary per room. COMMON: headers that nearly all its sources include, where most of the time goes into them.
function(add_doctest_binary name)
  cmake_parse_arguments(T "" "" "SOURCES;DEPENDS;COMMON" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE project_options doctest_main ${T_DEPENDS})
  if(T_COMMON)
    share_headers(${name} ${T_COMMON})
  endif()
  add_test(NAME ${name} COMMAND ${name})
endfunction()
