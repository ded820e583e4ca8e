#pragma once

// Internal: what fit and evaluate look at before they trust a model, its optimizer and its loss.

#include <optional>
#include <string>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/optim/optimizer.h"
#include "reel/train/loss.h"

namespace reel::train::detail {

/// Which part of a long tensor is looked at: of its cache lines every n-th, others in each turn.
struct Sampling {
  Size every = 1;
  Size turn = 0;
};

/// An element that is infinite or NaN, if one was seen. `x`: float32 or float64.
std::optional<double> first_not_finite(const Tensor& x, const Sampling& sampling = {});

/// The parameters of all groups, under the names that the model has for them.
NamedTensors trained_parameters(const optim::Optimizer& optimizer, const NamedTensors& model);

/// Throws when an optimizer holds none of the model's parameters, and would train nothing. Returns
/// warnings about those it leaves out without their being frozen, and those that are not the
/// model's. A model that hides its parameters, as a lambda does, is taken on trust.
std::vector<std::string> check_optimizer(const optim::Optimizer& optimizer,
                                         const NamedTensors& model);

/// Throws for a gradient that is not finite, before the step that would spoil its parameter. `step`
/// and `epoch` are counted from 1.
///
/// Long gradients are looked at in samples, for reading all of each once more would cost up to a
/// tenth of a step that waits for memory. A row or column that is not finite, as a bad number
/// further down the network leaves it, is always seen; a single element perhaps not in this step.
/// `check_parameters` finds what it became.
void check_gradients(const NamedTensors& trained, Size step, Size epoch);

/// Throws for a parameter that is not finite.
void check_parameters(const NamedTensors& trained, Size epoch);

/// Throws unless `loss` is finite, and says whether the parameters still are.
void check_loss(double loss, const NamedTensors& trained, Size step, Size epoch);

/// Throws for outputs and targets that the loss, above all the default one, makes no sense of.
/// `op`: fit or evaluate.
void check_outputs(const char* op, const Loss& loss, const Tensor& outputs, const Tensor& targets);

/// What is suspicious about the outputs that the loss is given; "" if nothing is.
std::string suspicion(const char* op, const Loss& loss, const Tensor& outputs);

}  // namespace reel::train::detail
