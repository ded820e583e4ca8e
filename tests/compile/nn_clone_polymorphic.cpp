// must not compile: cannot clone what a pointer to a polymorphic class points to

#include <reel/nn/linear.h>
#include <reel/nn/module.h>

#include <memory>

struct Shape {
  virtual ~Shape() = default;
  reel::nn::Linear fc{1, 1};
  REEL_FIELDS(fc)
};

struct Net {
  std::unique_ptr<Shape> shape;
};

auto copy = reel::nn::clone(Net{});
