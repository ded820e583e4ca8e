// must not compile: a module must not hold a raw pointer

#include <reel/nn/linear.h>
#include <reel/nn/module.h>

struct Net {
  reel::nn::Linear* fc = nullptr;
  std::string name;
};

auto parameters = reel::nn::parameters(Net{});
