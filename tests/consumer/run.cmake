# Builds and runs tests/consumer as a user would: find_package after an install into a fresh prefix,
# or add_subdirectory. Called by CTest with the settings of the build under test, and for
# add_subdirectory in a folder as deep as that build's, so that ccache answers for what is already
# compiled: paths below the source are relative to it.

set(arguments -G ${GENERATOR} -DCMAKE_BUILD_TYPE=${BUILD_TYPE} -DCMAKE_CXX_COMPILER=${COMPILER}
    -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} "-DCMAKE_CXX_FLAGS=${FLAGS}")

file(REMOVE_RECURSE ${WORK})
if(WAY STREQUAL "find_package")
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix
                  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  # Every installed header must find what it includes among the installed ones.
  file(GLOB_RECURSE headers RELATIVE ${WORK}/prefix/include ${WORK}/prefix/include/*.h)
  list(TRANSFORM headers REPLACE "(.+)" "#include <\\1>\n")
  list(JOIN headers "" headers)
  file(WRITE ${WORK}/headers.cpp "${headers}")
  list(APPEND arguments -DCMAKE_PREFIX_PATH=${WORK}/prefix -DHEADERS=${WORK}/headers.cpp)
else()
  list(APPEND arguments -DREEL_SOURCE=${SOURCE} -DBUILD_SHARED_LIBS=${SHARED}
       -DREEL_WERROR=${WERROR} "-DREEL_SANITIZE=${SANITIZE}")
endif()

execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE}/tests/consumer -B ${WORK} ${arguments}
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK} --parallel 2
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/consumer COMMAND_ERROR_IS_FATAL ANY)

# The project that README shows, as it stands there.
if(WAY STREQUAL "find_package")
  file(READ ${SOURCE}/README.md readme)
  if(NOT readme MATCHES "`CMakeLists.txt`:\n\n```cmake\n([^`]+)```\n\n`main.cpp`:\n\n```cpp\n([^`]+)```")
    message(FATAL_ERROR "README.md no longer shows a CMakeLists.txt and a main.cpp")
  endif()
  set(cmake "${CMAKE_MATCH_1}")
  file(WRITE ${WORK}/flowers/main.cpp "${CMAKE_MATCH_2}")
  file(WRITE ${WORK}/flowers/CMakeLists.txt "${cmake}")
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK}/flowers -B ${WORK}/flowers/build ${arguments}
                  -Wno-dev --no-warn-unused-cli COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/flowers/build
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${WORK}/flowers/build/flowers COMMAND_ERROR_IS_FATAL ANY)
endif()
