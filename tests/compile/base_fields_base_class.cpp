// must not compile: this struct has a base class, which hides its fields

#include <reel/base/fields.h>

struct Base {};

struct Net : Base {
  int width = 1;
  int height = 2;
};

static_assert(reel::field_count<Net> == 2);
