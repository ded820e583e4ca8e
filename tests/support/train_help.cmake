# cmake -DPROGRAM=<reel_train> -DSCRIPT=<scripts/train> -P train_help.cmake
#
# scripts/train lists the program's options, since its help must not need a build.

execute_process(COMMAND ${PROGRAM} --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\n +--[a-z-]+" of_program "${help}")
file(READ ${SCRIPT} script)
string(REGEX MATCHALL "\n#   --[a-z-]+" of_script "${script}")

list(TRANSFORM of_program REPLACE "[^a-z-]*--" "--")
list(TRANSFORM of_script REPLACE "[^a-z-]*--" "--")
if(NOT of_program OR NOT of_program STREQUAL of_script)
  message(FATAL_ERROR "reel_train has the options ${of_program},\n"
                      "scripts/train lists ${of_script}")
endif()
