// must not compile: this struct has more than 64 fields

#include <reel/base/fields.h>

struct Net {
  int values[65];
};

static_assert(reel::field_count<Net> == 1);
