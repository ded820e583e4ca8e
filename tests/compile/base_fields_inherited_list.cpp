// must not compile: the base class lists its fields with REEL_FIELDS and this class does not

#include <reel/base/fields.h>

struct Base {
  int inherited = 1;
  REEL_FIELDS(inherited)
};

struct Net : Base {
  int own = 2;
};

static_assert(reel::field_count<Net> == 2);
