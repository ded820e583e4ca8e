// must not compile: this struct has a base class, which hides its fields

#include <reel/base/fields.h>

template <class Self>
struct Module {
  int inherited = 0;
};

struct Net : Module<Net> {
  int width;
  int height;
};

static_assert(reel::field_count<Net> == 2);
