// must not compile: this struct has a reference member, which hides its fields

#include <reel/base/fields.h>

struct Net {
  int width;
  int& shared;
};

static_assert(reel::field_count<Net> == 2);
