// must not compile: this struct has a C array, which hides its fields

#include <reel/base/fields.h>

struct Net {
  int width;
  int sizes[3];
  int height;
};

static_assert(reel::field_count<Net> == 3);
