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

if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  set(openmp_package libomp-dev)
else()
  set(openmp_package g++)
endif()

reel_require(xtl-dev xtl CONFIG)
reel_require(libxsimd-dev xsimd CONFIG)
reel_require(libxtensor-dev xtensor 0.24 CONFIG)
reel_require(libfmt-dev fmt CONFIG)
reel_require(libdnnl-dev dnnl CONFIG)
reel_require(libopenblas-dev CBLAS MODULE)
reel_require(zlib1g-dev ZLIB MODULE)
reel_require(libcurl4-openssl-dev CURL MODULE)
reel_require(${openmp_package} OpenMP MODULE COMPONENTS CXX)
