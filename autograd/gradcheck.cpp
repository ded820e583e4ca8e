#include "reel/autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel {
namespace {

/// Where each element lies, in row-major order, counted from the first.
std::vector<Size> offsets_of(const Tensor& x) {
  std::vector<Size> offsets;
  for (Size element = 0; element < x.numel(); ++element) {
    Size offset = 0, index = element;
    for (Size d = x.dim() - 1; d >= 0; --d) {
      offset += index % x.shape()[d] * x.strides()[d];
      index /= x.shape()[d];
    }
    offsets.push_back(offset);
  }
  return offsets;
}

/// A step in one element must not be a step in another.
void check_apart(const char* name, std::size_t position, const Tensor& input) {
  std::vector<Size> offsets = offsets_of(input);
  std::sort(offsets.begin(), offsets.end());
  check(std::adjacent_find(offsets.begin(), offsets.end()) == offsets.end(), name,
        "expected inputs whose elements each have memory of their own, got input {} of shape {} "
        "with strides {}\nhelp: clone() it first",
        position, input.shape(), input.strides());
}

/// Leaves of our own with the inputs' values and layout, so that steps and gradients touch nothing
/// of the caller's.
std::vector<Tensor> own_leaves(const char* name, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> leaves;
  bool any = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& input = inputs[i];
    check(input.defined(), name, "expected inputs that are tensors, got an undefined one at {}", i);
    Tensor leaf = input.detach();
    if (input.requires_grad()) {
      check(input.dtype() == float64, name,
            "expected float64 inputs, got {}\nhelp: differences of float32 are too coarse",
            input.dtype());
      check_apart(name, i, input);
      leaf.requires_grad_();
      any = true;
    }
    leaves.push_back(leaf);
  }
  check(any, name, "expected at least one input that requires grad, got none");
  return leaves;
}

/// What `f` returns, integers left out. A function that changes what it is given would be another
/// one in each of the calls that are compared.
std::vector<Tensor> floating_outputs(const char* name, const TensorFunction& f,
                                     const std::vector<Tensor>& inputs) {
  std::vector<std::uint32_t> versions;
  for (const Tensor& input : inputs) versions.push_back(input.version());
  std::vector<Tensor> outputs;
  for (const Tensor& output : f(inputs)) {
    check(output.defined(), name, "expected a function that returns tensors, got an undefined one");
    if (output.is_floating_point()) outputs.push_back(output);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check(inputs[i].version() == versions[i], name,
          "expected a function that leaves its inputs as they are, got one that changes input {} "
          "in place\nhelp: let it change a clone()",
          i);
  }
  return outputs;
}

/// All elements in row-major order.
std::vector<double> values(const Tensor& tensor) {
  const Tensor packed = tensor.detach().to(float64).contiguous();
  const double* data = packed.data_ptr<double>();
  return {data, data + packed.numel()};
}

/// The element of `x` that lies at `offset` shifted by `step`, in a copy with the same strides.
Tensor shifted(const Tensor& x, Size offset, double step) {
  NoGradGuard no_grad;
  // A view keeps its strides only inside a copy of all the memory it spans.
  Size span = x.numel() == 0 ? 0 : 1;
  for (Size d = 0; d < x.dim(); ++d) {
    if (x.numel() > 0) span += (x.shape()[d] - 1) * x.strides()[d];
  }
  const Tensor memory = detail::alias(x, {span}, {1}).clone();
  memory.data_ptr<double>()[offset] += step;
  return detail::alias(memory, x.shape(), x.strides());
}

Tensor one_hot_like(const Tensor& output, Size index, double value) {
  Tensor gradient = empty(output.shape(), {.dtype = output.dtype()}).zero_();
  with_floating(output.dtype(),
                [&]<class T>(T) { gradient.data_ptr<T>()[index] = static_cast<T>(value); });
  return gradient;
}

/// d(outputs)/d(input) by differences: one row for each element of the input, holding all elements
/// of all outputs.
std::vector<std::vector<double>> differences(const char* name, const TensorFunction& f,
                                             std::vector<Tensor> inputs, std::size_t which,
                                             double eps) {
  const Tensor original = inputs[which].detach();
  for (Tensor& input : inputs) input = input.detach();
  auto evaluate = [&](Size offset, double step) {
    inputs[which] = shifted(original, offset, step);
    inputs[which]
        .requires_grad_();  // the function may record, as the backward under gradgradcheck does
    std::vector<double> all;
    for (const Tensor& output : floating_outputs(name, f, inputs)) {
      const std::vector<double> part = values(output);
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  };
  std::vector<std::vector<double>> rows;
  for (Size offset : offsets_of(original)) {
    std::vector<double> row = evaluate(offset, eps);
    const std::vector<double> low = evaluate(offset, -eps);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = (row[i] - low[i]) / (2 * eps);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

GradcheckResult gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
  constexpr const char* name = "gradcheck";
  const std::vector<Tensor> leaves = own_leaves(name, inputs);
  EnableGradGuard record_ops;
  const std::vector<Tensor> outputs = floating_outputs(name, f, leaves);
  std::vector<Tensor> checked;
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (leaves[i].requires_grad()) {
      checked.push_back(leaves[i]);
      positions.push_back(i);
    }
  }

  // jacobian[input][column] holds the gradient of one output element.
  std::vector<std::vector<std::vector<double>>> jacobian(checked.size());
  for (const Tensor& output : outputs) {
    for (Size element = 0; element < output.numel(); ++element) {
      auto gradients_for = [&](double weight) {
        if (!output.requires_grad()) {
          std::vector<Tensor> none;
          for (const Tensor& input : checked)
            none.push_back(detail::empty_like(input, input.dtype()).zero_());
          return none;
        }
        return grad(
            {output}, checked,
            {.grad_outputs = {one_hot_like(output, element, weight)}, .retain_graph = true});
      };
      const std::vector<Tensor> once = gradients_for(1);
      const std::vector<Tensor> scaled = gradients_for(-3);
      for (std::size_t i = 0; i < checked.size(); ++i) {
        const std::vector<double> column = values(once[i]);
        const std::vector<double> scaled_column = values(scaled[i]);
        for (std::size_t k = 0; k < column.size(); ++k) {
          if (std::abs(scaled_column[k] + 3 * column[k]) > 1e-10 * (1 + std::abs(column[k]))) {
            return {false,
                    fmt::format("input {} element {}: backward is not linear in the gradient it "
                                "is given: {} for 1, {} for -3",
                                positions[i], k, column[k], scaled_column[k])};
          }
        }
        jacobian[i].push_back(column);
      }
    }
  }

  for (std::size_t i = 0; i < checked.size(); ++i) {
    const auto rows = differences(name, f, leaves, positions[i], options.eps);
    for (std::size_t element = 0; element < rows.size(); ++element) {
      if (rows[element].size() != jacobian[i].size()) {
        return {false, "the function returns other shapes when its inputs change a little"};
      }
      for (std::size_t column = 0; column < rows[element].size(); ++column) {
        const double expected = rows[element][column];
        const double got = jacobian[i][column][element];
        const bool close =
            std::abs(got - expected) <= options.atol + options.rtol * std::abs(expected);
        if (!close) {  // also when either is NaN
          return {false,
                  fmt::format("input {} element {}, output element {}: backward says {:.6g}, "
                              "differences say {:.6g}",
                              positions[i], element, column, detail::without_sign_of_nan(got),
                              detail::without_sign_of_nan(expected))};
        }
      }
    }
  }
  return {};
}

GradcheckResult gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options) {
  constexpr const char* name = "gradgradcheck";
  const std::vector<Tensor> leaves = own_leaves(name, inputs);
  EnableGradGuard record_ops;
  // The backward as a function of the inputs and of the gradients that come in, with fixed weights
  // that no symmetry cancels.
  std::vector<Tensor> arguments = leaves;
  for (const Tensor& output : floating_outputs(name, f, leaves)) {
    Tensor incoming = empty(output.shape(), {.dtype = output.dtype()});
    with_floating(output.dtype(), [&]<class T>(T) {
      for (Size i = 0; i < incoming.numel(); ++i) {
        incoming.data_ptr<T>()[i] = static_cast<T>(std::sin(1.7 * static_cast<double>(i) + 0.6));
      }
    });
    arguments.push_back(incoming.requires_grad_());
  }
  const std::size_t count = leaves.size();
  auto backward_of_f = [&, count](const std::vector<Tensor>& given) {
    std::vector<Tensor> x(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(count));
    std::vector<Tensor> checked;
    for (std::size_t i = 0; i < count; ++i) {
      if (!leaves[i].requires_grad()) continue;
      if (!x[i].requires_grad()) x[i] = x[i].detach().requires_grad_();
      checked.push_back(x[i]);
    }
    std::vector<Tensor> outputs;
    std::vector<Tensor> incoming;
    std::size_t next = count;
    for (const Tensor& output : floating_outputs(name, f, x)) {
      if (output.requires_grad()) {
        outputs.push_back(output);
        incoming.push_back(given[next]);
      }
      ++next;
    }
    return grad(outputs, checked, {.grad_outputs = incoming, .create_graph = true});
  };
  return gradcheck(backward_of_f, arguments, options);
}

std::ostream& operator<<(std::ostream& out, const GradcheckResult& result) {
  return out << (result.ok ? "gradients agree" : result.message);
}

}  // namespace reel
