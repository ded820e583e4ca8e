# Everything Reel needs comes from the system; nothing is downloaded here.

# Users of an add_subdirectory(reel) must see the imported targets too.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)

# reel_require(<debian package> <find_package arguments>...)
macro(reel_require debian package)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "Reel needs ${package}: on Debian or Ubuntu run ./scripts/setup "
                        "or apt-get install ${debian}.")
  endif()
endmacro()

# reel_part(<switch> <what it does> (<debian package> <header>)...): a part of Reel whose libraries are
# loaded when they are first used: only their headers are needed, and none by who uses an installed
# Reel. AUTO builds the part where they are found. Sets <switch>_BUILT.
function(reel_part switch what)
  set(${switch} AUTO CACHE STRING "${what}: AUTO, ON or OFF")
  set_property(CACHE ${switch} PROPERTY STRINGS AUTO ON OFF)
  set(missing)
  while(ARGN)
    list(POP_FRONT ARGN package header)
    find_path(REEL_PATH_OF_${header} ${header})
    mark_as_advanced(REEL_PATH_OF_${header})
    if(NOT REEL_PATH_OF_${header})
      list(APPEND missing ${package})
    elseif(${switch})
      include_directories(SYSTEM ${REEL_PATH_OF_${header}})
    endif()
  endwhile()
  set(${switch}_BUILT OFF)
  list(JOIN missing " " missing)
  if(${switch} AND missing STREQUAL "")
    set(${switch}_BUILT ON)
  elseif(${switch} STREQUAL "ON")
    message(FATAL_ERROR "${switch}=ON needs ${missing}: on Debian or Ubuntu run ./scripts/setup "
                        "--optional or apt-get install ${missing}.")
  elseif(${switch})
    message(STATUS "${what}: left out, as ${missing} is not installed (./scripts/setup --optional)")
  endif()
  set(${switch}_BUILT ${${switch}_BUILT} PARENT_SCOPE)
endfunction()

# reel_switch(<list> <switch> <ON> <OFF>): leaves out of the list the files whose paths, without
# .cpp, end in the regular expression ON where the part is not built, and OFF where it is.
function(reel_switch list switch on off)
  if(${switch}_BUILT)
    set(out ${off})
  else()
    set(out ${on})
  endif()
  list(FILTER ${list} EXCLUDE REGEX "/${out}\\.cpp$")
  set(${list} ${${list}} PARENT_SCOPE)
endfunction()

if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  set(openmp_package libomp-dev)
else()
  set(openmp_package g++)
endif()

reel_require(xtl-dev xtl CONFIG)
reel_require(libxtensor-dev xtensor 0.24 CONFIG)
reel_require(libfmt-dev fmt CONFIG)
reel_require(libdnnl-dev dnnl CONFIG)
reel_require(libopenblas-dev CBLAS MODULE)
reel_require(zlib1g-dev ZLIB MODULE)
reel_require(libcurl4-openssl-dev CURL MODULE)
reel_require(nlohmann-json3-dev nlohmann_json CONFIG)
reel_require(${openmp_package} OpenMP MODULE COMPONENTS CXX)

reel_part(REEL_ZIP "Reads zip archives, .pt and .npz, by libzip" libzip-dev zip.h)
reel_part(REEL_IMAGE "Reads and writes PNG and JPEG by libpng and libturbojpeg"
          libpng-dev png.h libturbojpeg0-dev turbojpeg.h)
reel_part(REEL_AUDIO "Reads and writes sound files by libsndfile" libsndfile1-dev sndfile.h)
