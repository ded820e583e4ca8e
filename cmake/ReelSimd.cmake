# Compiles every kernels/simd/*.cpp, and optim/simd/*.cpp, once per instruction set of x86-64, with
# REEL_ISA naming the namespace it must live in (reel::kernels::v2, v3, v4); elsewhere once, as
# reel::kernels::generic.
# The library picks one at run time, so no other file may be compiled with these flags.

include(CheckCXXCompilerFlag)
file(GLOB REEL_SIMD_SOURCES CONFIGURE_DEPENDS
     ${CMAKE_CURRENT_SOURCE_DIR}/kernels/simd/*.cpp
     ${CMAKE_CURRENT_SOURCE_DIR}/optim/simd/*.cpp)

# Random numbers are the same on every instruction set, also on those without a fused multiply-add.
if(NOT MSVC)
  set_source_files_properties(kernels/simd/random.cpp PROPERTIES
                              COMPILE_OPTIONS -ffp-contract=off)
endif()

set(REEL_ISAS generic)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND NOT MSVC)
  check_cxx_compiler_flag(-march=x86-64-v4 REEL_HAVE_X86_64_LEVELS)
  if(REEL_HAVE_X86_64_LEVELS)
    set(REEL_ISAS v2 v3 v4)
  endif()
endif()

set(REEL_SIMD_OPTIMISATION -O3)
if(REEL_SANITIZE)
  set(REEL_SIMD_OPTIMISATION -O1)
endif()
if(REEL_SIMD_SOURCES)
  foreach(isa IN LISTS REEL_ISAS)
    add_library(reel_simd_${isa} OBJECT ${REEL_SIMD_SOURCES})
    reel_library_flags(reel_simd_${isa})
    target_compile_definitions(reel_simd_${isa} PRIVATE REEL_ISA=${isa})
    target_include_directories(reel_simd_${isa} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/include)
    target_link_libraries(reel_simd_${isa} PRIVATE OpenMP::OpenMP_CXX)
    if(NOT MSVC)
      # Optimised in every build type: a debug build of these loops would be a hundred times
      # slower. A sanitizer's compiler takes twice as long for -O3 as for -O1.
      # GCC 12's own AVX-512 intrinsics set off -Wmaybe-uninitialized (GCC bug 105593).
      target_compile_options(reel_simd_${isa} PRIVATE ${REEL_SIMD_OPTIMISATION} -ffp-contract=fast
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    endif()
    if(NOT isa STREQUAL generic)
      target_compile_options(reel_simd_${isa} PRIVATE -march=x86-64-${isa})
    endif()
    list(APPEND REEL_SIMD_OBJECTS $<TARGET_OBJECTS:reel_simd_${isa}>)
  endforeach()
  target_sources(reel PRIVATE ${REEL_SIMD_OBJECTS})
endif()
