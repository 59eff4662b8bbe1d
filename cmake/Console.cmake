# SPDX-License-Identifier: Apache-2.0
# CONSOLE_PACK: the web console, built and put into one file.
find_program(NODE node)
find_program(NPM npm)
if(NOT NODE OR NOT NPM OR NOT EXISTS "${PROJECT_SOURCE_DIR}/console/node_modules")
  message(FATAL_ERROR "The console needs Node and its packages: tools/setup.sh gets both. "
    "Without a console: -DHOLDFAST_CONSOLE=OFF")
endif()
file(GLOB_RECURSE console_sources CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/console/src/*" "${PROJECT_SOURCE_DIR}/console/scripts/*")
set(CONSOLE_PACK "${CMAKE_BINARY_DIR}/console.pack")
set(console_bundle "${CMAKE_BINARY_DIR}/console")
add_custom_command(OUTPUT "${CONSOLE_PACK}"
  COMMAND "${CMAKE_COMMAND}" -E env "CONSOLE_BUNDLE=${console_bundle}" "${NPM}" run --silent bundle
  COMMAND "${NODE}" scripts/pack.mjs "${console_bundle}" "${CONSOLE_PACK}"
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}/console"
  DEPENDS ${console_sources}
    "${PROJECT_SOURCE_DIR}/console/index.html" "${PROJECT_SOURCE_DIR}/console/package-lock.json"
    "${PROJECT_SOURCE_DIR}/console/vite.config.ts" "${PROJECT_SOURCE_DIR}/console/svelte.config.js"
  COMMENT "Building the console" VERBATIM)
