// must not compile: private members, constructors or virtual functions, which hide

#include <reel/base/fields.h>

struct Net {
  explicit Net(int size) : width(size) {}
  int width;
};

static_assert(reel::field_count<Net> == 1);
