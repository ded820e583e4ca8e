// must not compile: this struct has a reference member, which hides its fields

#include <reel/base/fields.h>

#include <string>

struct Net {
  int width;
  const std::string& shared;
};

static_assert(reel::field_count<Net> == 2);
