# cmake -DINSPECT=<reel-inspect> -DCONVERT=<reel-convert> -DZIP=<REEL_ZIP> -DDATA=<tests/io/data>
#       -DWORK=<folder> -P tools.cmake
#
# The command line tools on recorded files.

cmake_policy(VERSION 3.25)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(ENV{COLUMNS} 80)
unset(ENV{LINES})

# run(<status> <regex of all that is printed> <command>...)
function(run status pattern)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT result STREQUAL status OR NOT output MATCHES "${pattern}")
    message(SEND_ERROR "${ARGN}: expected status ${status} and `${pattern}`, got ${result} and "
                       "`${output}`")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(0 "^[^\n]*mlp.safetensors: safetensors, 4 tensors of 26 elements, 104 bytes
  tensor    type     shape   bytes
  0.bias    float32  \\[4\\]        16
  0.weight  float32  \\[4, 3\\]     48
  2.bias    float32  \\[2\\]         8
  2.weight  float32  \\[2, 4\\]     32
format: pt
SHA-256: [0-9a-f]+\n$" ${INSPECT} ${DATA}/mlp.safetensors)
file(SHA256 ${DATA}/mlp.safetensors digest)
if(NOT output MATCHES "SHA-256: ${digest}\n")
  message(SEND_ERROR "expected SHA-256 ${digest}, got ${output}")
endif()
run(0 "bytes\n[^\n]*0.bias[^S]*format: pt\n$" ${INSPECT} --no-checksum ${DATA}/mlp.safetensors)
run(0 "  0.bias    BF16 as float32  \\[4\\]         8\n" ${INSPECT} ${DATA}/mlp_bf16.safetensors)
run(0 "4 tensors of 26 elements" ${INSPECT} ${DATA}/sharded/mlp.safetensors.index.json)
run(1 "^reel-inspect: \\[io::inspect\\] expected a readable file, got " ${INSPECT} none.safetensors)
run(1 "^reel-inspect: \\[io::inspect\\] expected a file whose name ends in one of " ${INSPECT} a.b)
run(106 "file is required" ${INSPECT})

# No line is wider than the terminal, and nothing in a file speaks to it.
string(REPEAT "long." 40 name)
string(ASCII 27 escape)
run(0 "^$" ${CONVERT} ${DATA}/mlp.safetensors ${WORK}/long.safetensors
    --rename 0.bias ${name} --rename 0.weight ${escape}c)
run(0 "  \\?c  " ${INSPECT} --no-checksum ${WORK}/long.safetensors)
string(FIND "${output}" "\n" heading)  # whose path may be long
string(SUBSTRING "${output}" ${heading} -1 table)
if(NOT table MATCHES "long\\.[long.]*\\.\\.\\.  float32")
  message(SEND_ERROR "expected a shortened name, got ${table}")
endif()
string(REGEX MATCHALL "[^\n]+" lines "${table}")
foreach(line IN LISTS lines)
  string(LENGTH "${line}" width)
  if(width GREATER 80)
    message(SEND_ERROR "expected at most 80 columns, got ${width}: ${line}")
  endif()
endforeach()

# There and back: the same tensors, in the same order, in the same bytes.
run(0 "^reel-convert: metadata \"format\" stays behind\n$"
    ${CONVERT} ${DATA}/mlp.safetensors ${WORK}/mlp.npz)
run(0 "^reel-convert: 0.bias: BF16 becomes float32\n" ${CONVERT} ${DATA}/mlp_bf16.safetensors
    ${WORK}/wide.safetensors)
run(0 "^$" ${CONVERT} ${DATA}/sharded/mlp.safetensors.index.json ${WORK}/one.safetensors)
run(0 "total_size: 104\n" ${INSPECT} ${WORK}/one.safetensors)
run(1 "ends in one of .safetensors, .npz, .npy, .safetensors.index.json, got " ${CONVERT} ${DATA}/mlp.safetensors x.pt)
run(1 "expected one tensor for a .npy file, got 4 " ${CONVERT} ${DATA}/mlp.safetensors
    ${WORK}/x.npy)
if(ZIP)
  run(0 "^$" ${CONVERT} ${WORK}/mlp.npz ${WORK}/again.safetensors)
  run(0 "^$" ${CONVERT} ${DATA}/mlp.safetensors ${WORK}/once.safetensors)
  file(SHA256 ${WORK}/again.safetensors again)
  file(SHA256 ${WORK}/once.safetensors once)
  if(NOT again STREQUAL once)
    message(SEND_ERROR "expected the same file through .npz as without")
  endif()
  run(0 "PyTorch, 4 tensors.*0.weight  float32" ${INSPECT} ${DATA}/mlp.pth)
  run(1 "got posix.system, which is none and is not run" ${INSPECT} ${DATA}/evil.pt)
endif()
