# Language level, build type, ccache, sanitizers and warnings.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(REEL_CCACHE ccache)
  mark_as_advanced(REEL_CCACHE)
  if(REEL_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${REEL_CCACHE})
  endif()
endif()

if(REEL_SANITIZE)
  add_compile_options(-fsanitize=${REEL_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer
                      # loops under a sanitizer need not become vector instructions
                      $<$<CXX_COMPILER_ID:Clang>:-Wno-pass-failed>
                      # GCC's manual: sanitizers make it warn where nothing is wrong, here in
                      # std::function
                      $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()

# Warnings for every target of the project, errors where REEL_WERROR is on.
function(reel_warnings target)
  if(MSVC)
    target_compile_options(${target} PRIVATE /W4 $<$<BOOL:${REEL_WERROR}>:/WX>)
  else()
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                           $<$<BOOL:${REEL_WERROR}>:-Werror>)
  endif()
endfunction()

# Flags of the library itself. Without errno and traps the compiler may vectorise
# sqrt, exp and comparisons; hidden symbols keep kernels out of other libraries' way.
function(reel_library_flags target)
  reel_warnings(${target})
  target_compile_features(${target} PUBLIC cxx_std_20)
  if(NOT MSVC)
    target_compile_options(${target} PRIVATE -fno-math-errno -fno-trapping-math)
  endif()
  if(REEL_SANITIZE)
    target_link_options(${target} PUBLIC -fsanitize=${REEL_SANITIZE})
  endif()
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
endfunction()
