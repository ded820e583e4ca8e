# Prints how long a user's file takes to compile at -O0: <reel/reel.h> and a model, and, to compare,
# an empty file with <vector>. For information: a busy machine must not fail the tests.
#   cmake -DCOMPILE=<command;flags> -P time.cmake

foreach(file IN ITEMS time_vector.cc time_model.cc)
  string(TIMESTAMP before "%s%f")
  execute_process(COMMAND ${COMPILE} -O0 -c ${CMAKE_CURRENT_LIST_DIR}/${file} -o /dev/null
                  COMMAND_ERROR_IS_FATAL ANY)
  string(TIMESTAMP after "%s%f")
  math(EXPR milliseconds "(${after} - ${before}) / 1000")
  message(STATUS "${file}: ${milliseconds} ms")
endforeach()
