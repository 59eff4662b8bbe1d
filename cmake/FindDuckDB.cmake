# SPDX-License-Identifier: Apache-2.0
# Finds DuckDB's C library: the npm package @duckdb/node-bindings-<os>-<arch> (npm ci), else a system
# install. Header: npm package duckdb, else the system's. Creates DuckDB::duckdb.
# docs/decisions/0001-duckdb-through-npm.md
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(_duckdb_arch arm64)
else()
  set(_duckdb_arch x64)
endif()
set(_duckdb_npm "${PROJECT_SOURCE_DIR}/node_modules/@duckdb/node-bindings-linux-${_duckdb_arch}")
find_path(DuckDB_INCLUDE_DIR duckdb.h HINTS "${PROJECT_SOURCE_DIR}/node_modules/duckdb/src/duckdb/src/include")
find_library(DuckDB_LIBRARY duckdb HINTS "${_duckdb_npm}")
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(DuckDB REQUIRED_VARS DuckDB_LIBRARY DuckDB_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "tools/setup.sh fetches it, -DHOLDFAST_DUCKDB=OFF builds without")
if(DuckDB_FOUND AND NOT TARGET DuckDB::duckdb)
  add_library(DuckDB::duckdb SHARED IMPORTED)
  set_target_properties(DuckDB::duckdb PROPERTIES IMPORTED_LOCATION "${DuckDB_LIBRARY}"
    IMPORTED_SONAME libduckdb.so INTERFACE_INCLUDE_DIRECTORIES "${DuckDB_INCLUDE_DIR}")
endif()
