# Compiler, linker and cache settings that every target of the project shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

set(DURE_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")
option(DURE_HARDEN "Hardening flags for what is installed" OFF)
option(DURE_UNITY "Compile several files of a room as one" OFF)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # It keeps what is compiled with precompiled headers only when it is told that their times do not matter.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;${CCACHE_PROGRAM}")
endif()

find_program(LLD_PROGRAM ld.lld)
if(LLD_PROGRAM)
  add_link_options(-fuse-ld=lld)
endif()

add_library(project_options INTERFACE)
target_include_directories(project_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(project_options INTERFACE DURE_VERSION="${PROJECT_VERSION}")
target_compile_options(
  project_options
  INTERFACE -Wall
            -Wextra
            -Werror
            -Wshadow
            -Wconversion
            -Wnon-virtual-dtor
            -Wold-style-cast
            -Wimplicit-fallthrough
            -Wswitch)
# Faults to be found by tests (common/planted.h) are in nothing that is installed or measured.
if(BUILD_TESTING AND CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(project_options INTERFACE DURE_PLANTED)
endif()
# g++ 12 and 13 warn falsely from inside the standard library's headers when they optimise
# (gcc bugs 105329, 105651, 107852); the other compilers keep these on.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(
    project_options INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds
                              -Wno-maybe-uninitialized -Wno-dangling-reference)
endif()

if(DURE_SANITIZE)
  add_compile_options(-fsanitize=${DURE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DURE_SANITIZE})
endif()
if(DURE_HARDEN)
  add_compile_options(-fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE)
  add_link_options(-pie -Wl,-z,relro,-z,now)
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
