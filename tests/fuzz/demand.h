#pragma once

#include <cstdio>
#include <cstdlib>

/// What must hold for every input: ends the process, which a fuzzer notices, where it does not.
#define DEMAND(condition)                                                           \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: demanded %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                 \
    }                                                                               \
  } while (false)
