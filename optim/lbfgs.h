#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "reel/optim/optimizer.h"

namespace reel::optim {

/// How `LBFGS` finds the length of a step.
enum class LineSearch {
  none,          ///< it is `lr`
  strong_wolfe,  ///< a search that ends where the strong Wolfe conditions hold
  last = strong_wolfe
};

/// Options of `LBFGS`.
struct LBFGSOptions {
  double lr = 1;       ///< the length of a step, or where a search begins
  Size max_iter = 20;  ///< the most moves in a step
  std::optional<Size> max_eval =
      {};                          ///< the most calls of the closure in a step; none: 1.25 max_iter
  double tolerance_grad = 1e-7;    ///< a step ends when no slope is larger
  double tolerance_change = 1e-9;  ///< or when the loss or the parameters change less
  Size history_size = 100;         ///< how many moves the curvature is known from
  LineSearch line_search_fn = LineSearch::none;  ///< how the length of a step is found
  bool maximize = false;                         ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr);
    must.be_above_0(max_iter, max_eval);
    must.be_at_least_0(tolerance_grad, tolerance_change);
    must.be_above_0(history_size);
  }
};

/// Newton's method with a curvature known from the last moves (Nocedal 1980), for a loss of all
/// data without chance. Follows `torch.optim.LBFGS`. A step calls the closure several times:
/// `lbfgs.step(closure)`; it returns the loss before the step.
///
/// There is one group, and all parameters have one dtype. Keeps `2 history_size + 2` numbers for
/// each of a parameter.
///
/// Throws for options that are negative or not finite, for counts of 0, and for a step without a
/// closure.
///
/// **Example**
/// ```cpp
/// optim::LBFGS lbfgs{{x}, {.line_search_fn = optim::LineSearch::strong_wolfe}};
/// lbfgs.step([&] {
///   lbfgs.zero_grad();
///   const Tensor loss = square(x - 1).sum();
///   loss.backward();
///   return loss;
/// });
/// ```
class REEL_API LBFGS final : public GroupedOptimizer<LBFGSOptions> {
 public:
  /// The constructors that say of a wrong call what to write.
  using GroupedOptimizer::GroupedOptimizer;
  /// One group. Throws unless `parameters` are leaves that require grad, at least one and none of
  /// them twice.
  explicit LBFGS(const std::vector<Tensor>& parameters, const LBFGSOptions& options = {});
  /// The one group. Throws when there are more, or none; of its parameters as above.
  explicit LBFGS(const std::vector<Group>& groups);

 private:
  /// What is kept from move to move; vectors have all parameters in a row.
  struct Memory {
    Size func_evals = 0;
    Size n_iter = 0;
    Tensor d;                                // the last direction
    double t = 0;                            // and how far it was gone
    std::vector<Tensor> old_dirs, old_stps;  // differences of gradients, and moves
    double H_diag = 1;
    Tensor prev_flat_grad;
    double prev_loss = 0;
  };
  /// The loss and its gradient, both with the other sign when it is maximized.
  struct Value {
    double loss;
    Tensor gradient;
  };
  struct Point;

  void take_step() override;
  Tensor take_step(const std::function<Tensor()>& closure) override;
  void update(Size, const Update&) override {}
  std::span<const StateField> state_fields() const override { return {}; }
  void check_parameter(const Tensor& parameter, const std::string& at) const override;
  void save_state(StateDict& state) const override;
  std::function<void()> read_state(Entries& entries) override;

  Tensor flat_gradient() const;
  void move(double t, const Tensor& direction) const;
  Value value_of(const Tensor& loss) const;
  void remember(const Tensor& gradient);
  Tensor direction(const Tensor& gradient) const;
  Point search(const std::function<Value(double)>& value_at, const Point& from, double t,
               Size max_iter, Size& evals) const;

  Memory memory_;
};

}  // namespace reel::optim
