// must not compile: this struct has a reference member, which hides its fields

#include <reel/base/fields.h>

int global = 0;

struct Net {
  int width;
  int& shared = global;
  int height = 3;
};

static_assert(reel::field_count<Net> == 3);
