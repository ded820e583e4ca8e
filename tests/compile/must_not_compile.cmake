# cmake -DCOMPILE=<command;flags> -DFILE=<file.cpp> -DEXPECTED=<regex> -P must_not_compile.cmake

if(EXPECTED STREQUAL "")
  message(FATAL_ERROR "${FILE}: the first line must read `// must not compile: <regex>`")
endif()

execute_process(COMMAND ${COMPILE} -fsyntax-only ${FILE}
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "${FILE} compiled, but must not")
elseif(NOT output MATCHES "${EXPECTED}")
  message(FATAL_ERROR "${FILE} was refused, but no message matches `${EXPECTED}`:\n${output}")
endif()
