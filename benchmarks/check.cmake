# Whether the benchmarks run and write what they promise; no figure is judged.
#   cmake -DBENCH=<reel_bench> -DFOLDER=<where to write> -P check.cmake
function(expect what)
  if(NOT (${ARGN}))
    message(FATAL_ERROR "expected ${what}")
  endif()
endfunction()

execute_process(COMMAND ${BENCH} --quick --filter "^(op_no_grad|add/n:1000/)" --threads 1
                        --json ${FOLDER}/check.json --svg ${FOLDER}/check.svg
                RESULT_VARIABLE status OUTPUT_VARIABLE table)
expect("a run without an error" status EQUAL 0)
expect("a table with both cases" table MATCHES "add/n:1000/threads:1.*op_no_grad/threads:1")

file(READ ${FOLDER}/check.json json)
string(JSON rows LENGTH ${json})
expect("two rows, got ${json}" rows EQUAL 2)
string(JSON name GET ${json} 1 case)
expect("op_no_grad, got ${name}" name STREQUAL "op_no_grad/threads:1")
string(JSON figure GET ${json} 1 reel)
expect("a time, got ${figure}" figure GREATER 0)
foreach(key threads unit peer peer_name ratio limit peers)
  string(JSON type ERROR_VARIABLE missing TYPE ${json} 1 ${key})
  expect("the key ${key}: ${missing}" missing STREQUAL "NOTFOUND")
endforeach()

file(READ ${FOLDER}/check.svg svg)
expect("an SVG" svg MATCHES "^<svg .*</svg>")

execute_process(COMMAND ${BENCH} --no-such-option RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
expect("an unknown option to be refused" NOT status EQUAL 0)
execute_process(COMMAND ${BENCH} --list --filter "^gpt_" --threads 2 OUTPUT_VARIABLE list)
expect("one case, got ${list}" list STREQUAL "gpt_train/batch:8/threads:2\n")
