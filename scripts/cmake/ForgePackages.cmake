# SPDX-License-Identifier: AGPL-3.0-only
# Every third-party package, found once. Nothing here is linked to a target yet: each folder takes what is its own.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto SSL)
find_package(Boost 1.74 REQUIRED) # headers only: Asio
find_package(SQLite3 REQUIRED)
find_package(CapnProto REQUIRED)
find_package(toml11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenCL REQUIRED)
find_package(CLBlast REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# CAF 0.17 ships no CMake package file.
find_path(CAF_INCLUDE_DIR caf/all.hpp REQUIRED)
file(STRINGS ${CAF_INCLUDE_DIR}/caf/config.hpp caf_version REGEX "define CAF_VERSION 17[0-9][0-9]$")
if(NOT caf_version)
  message(FATAL_ERROR "CAF 0.17.x expected in ${CAF_INCLUDE_DIR} (Debian 12: libcaf-dev)")
endif()
find_library(CAF_CORE_LIBRARY caf_core REQUIRED)
add_library(caf::core UNKNOWN IMPORTED)
set_target_properties(caf::core PROPERTIES IMPORTED_LOCATION ${CAF_CORE_LIBRARY}
                      INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR} INTERFACE_LINK_LIBRARIES Threads::Threads)
find_library(CAF_IO_LIBRARY caf_io REQUIRED)
add_library(caf::io UNKNOWN IMPORTED)
set_target_properties(caf::io PROPERTIES IMPORTED_LOCATION ${CAF_IO_LIBRARY} INTERFACE_LINK_LIBRARIES caf::core)
