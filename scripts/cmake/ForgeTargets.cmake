# SPDX-License-Identifier: AGPL-3.0-only
# One function per kind of target, so that every folder's CMakeLists.txt is a line or two.

find_program(FORGE_CCACHE ccache)
if(FORGE_CCACHE)
  # Without the sloppiness ccache passes by everything that uses a precompiled header; without DEPEND it would preprocess
  # every file once more.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1 ${FORGE_CCACHE})
endif()

# Warnings and the arithmetic rules of our own code. Contraction is off because a fused multiply-add that the
# compiler chooses changes bits; where we want one we write std::fma.
add_library(forge_options INTERFACE)
target_compile_options(forge_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -ffp-contract=off -fno-fast-math)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(forge_options INTERFACE -fpch-preprocess) # what ccache needs to see through precompiled headers
endif()
# Steps at which tests kill the program (libactors/base/failpoint.hpp); what users run has none.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  option(FORGE_FAILPOINTS "compile failpoints in" OFF)
else()
  option(FORGE_FAILPOINTS "compile failpoints in" ON)
endif()
if(FORGE_FAILPOINTS)
  target_compile_definitions(forge_options INTERFACE FORGE_FAILPOINTS=1)
endif()
target_include_directories(forge_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
if(FORGE_SANITIZE)
  # null and vptr: false reports inside CAF 0.17's and kj's headers. maybe-uninitialized: g++ 12 reports std::regex and
  # std::function under instrumentation (GCC bug 105562).
  set(forge_sanitizers -fsanitize=address,undefined -fno-sanitize=null,vptr -fno-sanitize-recover=all
      -fno-omit-frame-pointer)
  target_compile_options(forge_options INTERFACE ${forge_sanitizers} -Wno-maybe-uninitialized)
  target_link_options(forge_options INTERFACE ${forge_sanitizers})
endif()

# Of the standard library, what nearly every file has. Third-party headers are precompiled where they are at home, PRIVATE,
# so that no other folder sees them by accident.
set(forge_std_headers <algorithm> <chrono> <filesystem> <functional> <map> <memory> <optional> <span> <string> <vector>)

# Files of a target compiled several at a time: headers and templates once for all of them, and a clean build in half the time. Names of anonymous namespaces meet there, so that each
# must be one of a kind within its folder (SKIP_UNITY_BUILD_INCLUSION where that is asked too much). OFF: one by one.
option(FORGE_UNITY "compile the files of large targets several at a time" ON)
function(forge_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${FORGE_UNITY} UNITY_BUILD_BATCH_SIZE 6)
endfunction()

# forge_library(NAME [RECURSE] [UNITY] [LINK lib...] [PRIVATE pkg...]): static library forge_NAME from every .cpp of the
# current folder (RECURSE: and below).
function(forge_library name)
  cmake_parse_arguments(arg "RECURSE;UNITY" "" "LINK;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(arg_RECURSE)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  endif()
  if(sources)
    add_library(forge_${name} STATIC ${sources})
    target_link_libraries(forge_${name} PUBLIC ${arg_LINK} PRIVATE forge_options ${arg_PRIVATE})
    if(arg_UNITY)
      forge_unity(forge_${name})
    endif()
  else()
    add_library(forge_${name} INTERFACE)
    target_link_libraries(forge_${name} INTERFACE ${arg_LINK})
  endif()
endfunction()

# forge_program(NAME LINK lib... PRIVATE pkg...): an executable from every .cpp of the current folder and below.
function(forge_program name)
  cmake_parse_arguments(arg "" "" "LINK;PRIVATE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(sources)
    add_executable(${name} ${sources})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    forge_unity(${name})
    target_link_libraries(${name} PRIVATE forge_options ${arg_LINK} ${arg_PRIVATE})
    # Commands and their JSON: a third of the build when optimised, and they compute nothing themselves.
    target_compile_options(${name} PRIVATE $<$<CONFIG:Dev>:-O0>)
  endif()
endfunction()
