// must not compile: private members, constructors or virtual functions, which hide its fields

#include <reel/nn/linear.h>
#include <reel/nn/module.h>

class Unknown {
 public:
  Unknown() = default;

 private:
  reel::nn::Linear hidden_{1, 1};
};

struct Net {
  reel::nn::Linear fc{1, 1};
  Unknown unknown;
};

auto parameters = reel::nn::parameters(Net{});
