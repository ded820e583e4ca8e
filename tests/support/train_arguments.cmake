# cmake -DPROGRAM=<reel_train> -DSCRIPT=<scripts/train> -P train_arguments.cmake
#
# A wrong argument ends the program before it trains, with one line that says what is wanted.

# expect(<status> <regex of stderr> <argument>...)
function(expect status message)
  execute_process(COMMAND ${PROGRAM} ${ARGN} TIMEOUT 20
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error)
  if(NOT result STREQUAL status OR NOT error MATCHES "^reel_train: ${message}[^\n]*\n$" OR output)
    message(SEND_ERROR "reel_train ${ARGN}: expected status ${status} and `${message}`, "
                       "got ${result} and `${error}${output}`")
  endif()
endfunction()

expect(2 "expected a whole number of 1 or more for --epochs, got abc" --epochs abc)
expect(2 "expected a whole number of 1 or more for --epochs, got -1" --epochs=-1)
expect(2 "expected a whole number of 1 or more for --epochs, got 1.5" --epochs 1.5)
expect(2 "expected a whole number of 1 or more for --batch-size, got 0" --batch-size 0)
expect(2 "expected a whole number of 1 or more for --threads, got 99999999999" --threads 99999999999)
expect(2 "expected a whole number of 0 or more for --seed, got -1" --seed=-1)
expect(2 "expected a number above 0 for --lr, got nan" --lr nan)
expect(2 "expected a number above 0 for --lr, got inf" --lr inf)
expect(2 "expected a number above 0 for --lr, got 0" --lr 0)
expect(2 "expected mlp or cnn for --model, got rnn" --model rnn)
expect(2 "unknown argument --epoch; did you mean --epochs" --epoch 3)
expect(2 "unknown argument --learning-rate; see --help" --learning-rate 3)
expect(2 "cannot write --profile /nonexistent/trace.json: No such file" --profile
       /nonexistent/trace.json)

# The script says so before it builds anything, if a number has not the form of one.
function(expect_of_script message)
  execute_process(COMMAND ${SCRIPT} ${ARGN} TIMEOUT 20
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error)
  if(NOT result STREQUAL 2 OR NOT error MATCHES "^train: ${message}[^\n]*\n$" OR output)
    message(SEND_ERROR "scripts/train ${ARGN}: expected status 2 and `${message}`, "
                       "got ${result} and `${error}${output}`")
  endif()
endfunction()

expect_of_script("expected a whole number for --epochs, got abc" --epochs abc)
expect_of_script("expected a whole number for --threads, got -1" --quiet --threads=-1)
expect_of_script("expected a whole number for --seed, got nothing" --seed)
expect_of_script("expected a number for --lr, got nan" --epochs 1 --lr nan)
# What comes before the last passes: numbers in each form that the program reads.
expect_of_script("unknown option --epoch" --lr 1e-3 --lr=.5 --lr 2. --seed 0 --model cnn --epoch)

# What cannot be written is a failure.
if(EXISTS /dev/full)
  execute_process(COMMAND ${PROGRAM} --drawn --epochs 1 --quiet OUTPUT_FILE /dev/full
                  RESULT_VARIABLE result ERROR_VARIABLE error)
  if(NOT result EQUAL 1 OR NOT error MATCHES "cannot write to standard output: No space left")
    message(SEND_ERROR "> /dev/full: expected status 1, got ${result} and `${error}`")
  endif()
endif()
