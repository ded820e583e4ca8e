// must not compile: Reel: this lambda captures something \(or this object to call hides its
// members\)

#include <reel/nn/linear.h>
#include <reel/nn/module.h>
#include <reel/nn/sequential.h>

#include <functional>

reel::nn::Linear layer{1, 1};
reel::nn::Sequential model{std::ref(layer), reel::nn::Linear{1, 1}};

auto parameters = reel::nn::parameters(model);
