#pragma once

#include <cstdio>
#include <cstdlib>

/// What a tutorial says must hold: a claim that does not ends the program, and its test, with an
/// error.
#define CLAIM(...)                                                                               \
  do {                                                                                           \
    if (!(__VA_ARGS__)) {                                                                        \
      std::fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #__VA_ARGS__); \
      std::exit(1);                                                                              \
    }                                                                                            \
  } while (false)
