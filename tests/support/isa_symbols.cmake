# The linker keeps one copy of each weak symbol (an inline function or template that was not
# inlined) out of all objects. One compiled for AVX-512 must therefore never be shared: everything
# weak in these objects has to live in a namespace of their own, reel::kernels::<ISA>.
#   cmake -DNM=<nm> -DISA=<isa> -DOBJECTS=<file listing the objects> -P isa_symbols.cmake

file(STRINGS ${OBJECTS} objects)
execute_process(COMMAND ${NM} --demangle --defined-only ${objects}
                OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE ";" "," output "${output}")
string(REPLACE "[" "(" output "${output}")
string(REPLACE "]" ")" output "${output}")
string(REPLACE "\n" ";" lines "${output}")

set(weak 0)
set(offenders)
foreach(line IN LISTS lines)
  if(line MATCHES "^[0-9a-fA-F]+ [WVu] (.*)$")
    math(EXPR weak "${weak} + 1")
    set(symbol "${CMAKE_MATCH_1}")
    # The same bytes in every object: DW.ref, a pointer to libstdc++'s exception personality, and a
    # table of numbers and names.
    if(NOT symbol MATCHES "reel::kernels::${ISA}::|^DW\\.ref\\.|^reel::detail::dtype_traits$")
      string(APPEND offenders "  ${symbol}\n")
    endif()
  endif()
endforeach()

list(LENGTH objects count)
if(offenders)
  message(FATAL_ERROR "weak symbols outside reel::kernels::${ISA}:\n${offenders}")
endif()
message(STATUS "${count} objects, ${weak} weak symbols, none outside reel::kernels::${ISA}")
