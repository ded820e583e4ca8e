// must not compile: this struct has a C array, which hides its fields

#include <reel/base/fields.h>

#include <string>

struct Layer {
  explicit Layer(int);
};

struct Net {
  Layer needed;
  Layer layers[2];
  std::string name;
};

static_assert(reel::field_count<Net> == 3);
