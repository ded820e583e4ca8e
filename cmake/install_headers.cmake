# cmake -DREEL_SOURCE=<root> -DREEL_INCLUDE_DIR=<folder> -P install_headers.cmake
#
# Installs the public headers. Public is what these include, and what those include: found here, so
# that no list has to be kept.

cmake_policy(VERSION 3.25)

set(REEL_HEADERS reel.h autograd/fmt.h autograd/xtensor.h)

cmake_path(ABSOLUTE_PATH REEL_INCLUDE_DIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX})

set(installed)
while(REEL_HEADERS)
  list(POP_FRONT REEL_HEADERS header)
  list(APPEND installed ${header})
  cmake_path(GET header PARENT_PATH folder)
  file(INSTALL ${REEL_SOURCE}/${header} DESTINATION ${REEL_INCLUDE_DIR}/${folder})

  file(STRINGS ${REEL_SOURCE}/${header} lines REGEX "^#include [<\"]reel/")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^#include [<\"]reel/([^>\"]+).*$" "\\1" needed "${line}")
    if(NOT needed IN_LIST installed AND NOT needed IN_LIST REEL_HEADERS)
      list(APPEND REEL_HEADERS ${needed})
    endif()
  endforeach()
endwhile()
