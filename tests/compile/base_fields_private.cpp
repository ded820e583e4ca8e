// must not compile: private members, constructors or virtual functions, which hide

#include <reel/base/fields.h>

class Net {
 public:
  int width = 1;

 private:
  int hidden = 2;
};

static_assert(reel::field_count<Net> == 2);
