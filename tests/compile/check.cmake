# cmake -DCOMPILE=<command;flags> -DFILE=<file.cpp> -P check.cmake

file(STRINGS ${FILE} first LIMIT_COUNT 1)
if(NOT first MATCHES "^// must (compile|not compile: (.+))$")
  message(FATAL_ERROR
    "${FILE}: the first line must read `// must compile` or `// must not compile: <regex>`")
endif()
set(expected "${CMAKE_MATCH_2}")

execute_process(COMMAND ${COMPILE} -fsyntax-only ${FILE}
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(expected STREQUAL "")
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${FILE} must compile, but did not:\n${output}")
  endif()
elseif(result EQUAL 0)
  message(FATAL_ERROR "${FILE} compiled, but must not")
elseif(NOT output MATCHES "${expected}")
  message(FATAL_ERROR "${FILE} was refused, but no message matches `${expected}`:\n${output}")
endif()
