// must not compile: this struct has a member that can be made from anything

#include <reel/base/fields.h>

struct Anything {
  Anything() = default;
  template <class T>
  Anything(T) {}
};

struct Net {
  int width;
  Anything extra;
  int height;
};

static_assert(reel::field_count<Net> == 3);
