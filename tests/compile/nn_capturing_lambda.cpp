// must not compile: or a lambda that captures a module

#include <reel/nn/linear.h>
#include <reel/nn/module.h>
#include <reel/nn/sequential.h>

reel::nn::Sequential model{
    [layer = reel::nn::Linear{1, 1}](const reel::Tensor& x) { return layer(x); },
    reel::nn::Linear{1, 1}};

auto parameters = reel::nn::parameters(model);
