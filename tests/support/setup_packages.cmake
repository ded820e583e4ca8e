# cmake -DSOURCE=<root> -P setup_packages.cmake
#
# Every package that a CMake file looks for has a Debian package, and scripts/setup installs it.
# The Debian package is the first argument of reel_require(), and stands before each header of
# reel_part(); beside a bare find_package() it stands in a comment: `# Debian: libtorch-dev`.

cmake_policy(VERSION 3.25)

file(GLOB files ${SOURCE}/CMakeLists.txt ${SOURCE}/*/CMakeLists.txt ${SOURCE}/cmake/*.cmake)
file(READ ${SOURCE}/scripts/setup setup)

set(wanted)
foreach(file IN LISTS files)
  file(STRINGS ${file} lines REGEX "^ *(reel_require\\(|find_package\\(|set\\([a-z]+_package )|-dev [a-z]+\\.h")
  foreach(line IN LISTS lines)
    if(line MATCHES "find_package\\(\\\${package}")
      # the one inside reel_require
    elseif(line MATCHES "-dev [a-z]+\\.h")
      string(REGEX MATCHALL "[a-z0-9.+-]+-dev" packages "${line}")
      list(APPEND wanted ${packages})
    elseif(line MATCHES "(reel_require\\(|set\\([a-z]+_package |# Debian: )([a-z0-9.+-]+)")
      list(APPEND wanted ${CMAKE_MATCH_2})
    elseif(NOT line MATCHES "reel_require\\(\\\${[a-z]+_package}")
      message(SEND_ERROR "${file}: say which Debian package has it, as in `# Debian: libtorch-dev`:\n"
                         "  ${line}")
    endif()
  endforeach()
endforeach()

list(REMOVE_DUPLICATES wanted)
list(LENGTH wanted count)
if(count LESS 10)
  message(SEND_ERROR "found only ${count} packages in the CMake files: ${wanted}")
endif()
foreach(package IN LISTS wanted)
  string(REGEX REPLACE "([.+])" "\\\\\\1" pattern ${package})
  if(package STREQUAL "libopenblas-dev")
    set(pattern "libopenblas-openmp-dev")  # the threading that Reel's own build takes
  endif()
  if(NOT setup MATCHES "[( ]${pattern}[) \n]")
    message(SEND_ERROR "scripts/setup does not install ${package}")
  endif()
endforeach()
message("${count} packages: ${wanted}")
