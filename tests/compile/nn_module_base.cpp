// must not compile: this struct has a base class, which hides its fields

#include <reel/nn/linear.h>
#include <reel/nn/module.h>

template <class Self>
struct Module {};

struct Net : Module<Net> {
  reel::nn::Linear fc{1, 1};
};

auto parameters = reel::nn::parameters(Net{});
