#include "reel/optim/lbfgs.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/ops.h"
#include "reel/optim/detail/entries.h"

namespace reel::optim {
namespace {

double product(const Tensor& a, const Tensor& b) { return dot(a, b).item(); }
double largest(const Tensor& x) { return x.numel() == 0 ? 0 : abs(x).max().item(); }

Tensor number(double value) { return full({}, value, {.dtype = float64}); }

}  // namespace

/// A length along the direction: the loss there, its gradient, and its slope along the direction.
struct LBFGS::Point {
  double t;
  double loss;
  Tensor gradient;
  double slope;
};

namespace {

/// Where the cubic through two points, given by losses and slopes, is lowest between `least` and
/// `most` (Nocedal and Wright, 3.59).
template <class Point>
double lowest_of_cubic(const Point& a, const Point& b, double least, double most) {
  const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (least + most) / 2;
  const double d2 = std::sqrt(square);
  const auto& [low, high] = a.t <= b.t ? std::pair(a, b) : std::pair(b, a);
  const double t =
      high.t - (high.t - low.t) * ((high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2));
  return std::min(std::max(t, least), most);
}

template <class Point>
double lowest_of_cubic(const Point& a, const Point& b) {
  return lowest_of_cubic(a, b, std::min(a.t, b.t), std::max(a.t, b.t));
}

}  // namespace

LBFGS::LBFGS(const std::vector<Tensor>& parameters, const LBFGSOptions& options)
    : LBFGS(std::vector<Group>{{parameters, options}}) {}
LBFGS::LBFGS(const std::vector<Group>& groups) : GroupedOptimizer("LBFGS") {
  add_groups(groups);
  const std::vector<Tensor> all = parameters();
  for (const Tensor& p : all) {
    check(p.dtype() == all[0].dtype(), name(), "expected parameters of one dtype, got {} and {}",
          all[0].dtype(), p.dtype());
  }
}

void LBFGS::check_parameter(const Tensor&, const std::string& at) const {
  check(num_groups() == 0, name(), "expected one group of parameters, got another, with {}", at);
}

void LBFGS::take_step() {
  fail(name(),
       "expected a closure, got none\n"
       "help: it evaluates the loss several times in a step: write lbfgs.step([&] {{ "
       "lbfgs.zero_grad(); const Tensor loss = ...; loss.backward(); return loss; }})");
}

// ---- parameters and gradients in a row

Tensor LBFGS::flat_gradient() const {
  std::vector<Tensor> parts;
  for (const Tensor& p : parameters()) {
    const Tensor gradient = p.grad();
    parts.push_back((gradient.defined() ? gradient.detach() : zeros_like(p)).reshape({-1}));
  }
  const Tensor flat = cat(parts);
  return options_of(0).maximize ? -flat : flat;
}

void LBFGS::move(double t, const Tensor& direction) const {
  Size begin = 0;
  for (const Tensor& p : parameters()) {
    const Size end = begin + p.numel();
    p.add_(direction.slice(0, begin, end).reshape(p.shape()) * t);
    begin = end;
  }
}

LBFGS::Value LBFGS::value_of(const Tensor& loss) const {
  return {options_of(0).maximize ? -loss.item() : loss.item(), flat_gradient()};
}

// ---- a step

/// Learns the curvature from the last move, which has led to `gradient`.
void LBFGS::remember(const Tensor& gradient) {
  const Tensor turned = gradient - memory_.prev_flat_grad;
  const Tensor moved = memory_.d * memory_.t;
  const double curvature = product(turned, moved);
  if (curvature <= 1e-10) return;
  if (std::ssize(memory_.old_dirs) >= options_of(0).history_size) {
    memory_.old_dirs.erase(memory_.old_dirs.begin());
    memory_.old_stps.erase(memory_.old_stps.begin());
  }
  memory_.old_dirs.push_back(turned);
  memory_.old_stps.push_back(moved);
  memory_.H_diag = curvature / product(turned, turned);
}

/// Against the gradient, by the two loops over what is remembered.
Tensor LBFGS::direction(const Tensor& gradient) const {
  const auto& [turns, moves] = std::tie(memory_.old_dirs, memory_.old_stps);
  const std::size_t count = turns.size();
  std::vector<double> inverse(count), taken(count);
  Tensor d = -gradient;
  for (std::size_t i = count; i-- > 0;) {
    inverse[i] = 1 / product(turns[i], moves[i]);
    taken[i] = product(moves[i], d) * inverse[i];
    d.sub_(turns[i] * taken[i]);
  }
  d.mul_(memory_.H_diag);
  for (std::size_t i = 0; i < count; ++i) {
    d.add_(moves[i] * (taken[i] - product(turns[i], d) * inverse[i]));
  }
  return d;
}

Tensor LBFGS::take_step(const std::function<Tensor()>& closure) {
  const NoGradGuard no_grad;
  const LBFGSOptions& o = options_of(0);
  const Size max_eval = o.max_eval.value_or(o.max_iter * 5 / 4);
  const auto evaluate = [&] {
    ++memory_.func_evals;
    const EnableGradGuard recorded;
    return closure();
  };

  const Tensor first = evaluate();
  Value now = value_of(first);
  Size evals = 1;
  if (largest(now.gradient) <= o.tolerance_grad) return first;

  for (Size i = 1; i <= o.max_iter; ++i) {
    if (++memory_.n_iter == 1) {
      memory_.d = -now.gradient;
    } else {
      remember(now.gradient);
      memory_.d = direction(now.gradient);
    }
    const Tensor& d = memory_.d;
    memory_.prev_flat_grad = now.gradient;
    memory_.prev_loss = now.loss;
    memory_.t =
        memory_.n_iter == 1 ? std::min(1.0, 1 / abs(now.gradient).sum().item()) * o.lr : o.lr;
    const double slope = product(now.gradient, d);
    if (slope > -o.tolerance_change) break;

    if (o.line_search_fn == LineSearch::strong_wolfe) {
      std::vector<Tensor> start;
      for (const Tensor& p : parameters()) start.push_back(p.detach().clone());
      const auto value_at = [&](double t) {
        move(t, d);
        const Value value = value_of(evaluate());
        const std::vector<Tensor> all = parameters();
        for (std::size_t k = 0; k < all.size(); ++k) all[k].copy_(start[k]);
        return value;
      };
      const Point end =
          search(value_at, {0, now.loss, now.gradient, slope}, memory_.t, max_eval - evals, evals);
      memory_.t = end.t;
      now = {end.loss, end.gradient};
      move(memory_.t, d);
    } else {
      move(memory_.t, d);
      if (i == o.max_iter) break;  // nobody looks at the value there
      now = value_of(evaluate());
      ++evals;
    }
    if (evals >= max_eval || largest(now.gradient) <= o.tolerance_grad ||
        largest(d) * std::abs(memory_.t) <= o.tolerance_change ||
        std::abs(now.loss - memory_.prev_loss) < o.tolerance_change) {
      break;
    }
  }
  return first;
}

/// A length where the strong Wolfe conditions hold: the loss has come down, and the slope is flatter
/// (Nocedal and Wright, algorithms 3.5 and 3.6), or the best found in `max_iter` tries.
LBFGS::Point LBFGS::search(const std::function<Value(double)>& value_at, const Point& from,
                           double t, Size max_iter, Size& evals) const {
  constexpr double c1 = 1e-4, c2 = 0.9;
  const auto point_at = [&](double length) {
    ++evals;
    const Value value = value_at(length);
    return Point{length, value.loss, value.gradient, product(value.gradient, memory_.d)};
  };
  const auto comes_down = [&](const Point& point) {
    return !(point.loss > from.loss + c1 * point.t * from.slope);
  };
  const auto is_flat = [&](const Point& point) {
    return std::abs(point.slope) <= -c2 * from.slope;
  };

  // Goes on until the lowest point lies between the last two.
  Point last = from, now = point_at(t);
  Size iter = 0;
  bool bracketed = false;
  for (; iter < max_iter; ++iter) {
    if (!comes_down(now) || (iter > 1 && now.loss >= last.loss)) {
      bracketed = true;
      break;
    }
    if (is_flat(now)) return now;
    if (now.slope >= 0) {
      bracketed = true;
      break;
    }
    const double next = lowest_of_cubic(last, now, now.t + 0.01 * (now.t - last.t), now.t * 10);
    last = now;
    now = point_at(next);
  }
  std::array<Point, 2> bracket{bracketed ? last : from, now};
  std::size_t low = bracket[0].loss <= bracket[1].loss ? 0 : 1;

  // Narrows the bracket.
  bool stuck = false;
  for (; iter < max_iter; ++iter) {
    const auto [least, most] = std::minmax(bracket[0].t, bracket[1].t);
    if ((most - least) * largest(memory_.d) < options_of(0).tolerance_change) break;
    double length = lowest_of_cubic(bracket[0], bracket[1]);
    // Too near to an end twice, or at it: a tenth away from there.
    const double margin = 0.1 * (most - least);
    if (std::min(most - length, length - least) < margin) {
      if (stuck || length >= most || length <= least) {
        length =
            std::abs(length - most) < std::abs(length - least) ? most - margin : least + margin;
        stuck = false;
      } else {
        stuck = true;
      }
    } else {
      stuck = false;
    }
    const Point point = point_at(length);
    if (!comes_down(point) || point.loss >= bracket[low].loss) {
      bracket[1 - low] = point;
      low = bracket[0].loss <= bracket[1].loss ? 0 : 1;
    } else {
      if (is_flat(point)) return point;
      if (point.slope * (bracket[1 - low].t - bracket[low].t) >= 0) {
        bracket[1 - low] = bracket[low];
      }
      bracket[low] = point;
    }
  }
  return bracket[low];
}

// ---- saving

void LBFGS::save_state(StateDict& state) const {
  if (memory_.func_evals == 0) return;
  const auto key = [](const std::string& what) { return Entries::key(0, what); };
  state[key("func_evals")] = number(static_cast<double>(memory_.func_evals));
  state[key("n_iter")] = number(static_cast<double>(memory_.n_iter));
  if (memory_.n_iter == 0) return;
  state[key("d")] = memory_.d.clone();
  state[key("t")] = number(memory_.t);
  for (std::size_t i = 0; i < memory_.old_dirs.size(); ++i) {
    state[key(fmt::format("old_dirs.{}", i))] = memory_.old_dirs[i].clone();
    state[key(fmt::format("old_stps.{}", i))] = memory_.old_stps[i].clone();
  }
  state[key("H_diag")] = number(memory_.H_diag);
  state[key("prev_flat_grad")] = memory_.prev_flat_grad.clone();
  state[key("prev_loss")] = number(memory_.prev_loss);
}

std::function<void()> LBFGS::read_state(Entries& entries) {
  const auto key = [](const std::string& what) { return Entries::key(0, what); };
  Memory memory;
  memory.func_evals = entries.count(key("func_evals")).value_or(0);
  memory.n_iter = entries.count(key("n_iter")).value_or(0);
  if (memory.n_iter > 0) {
    Size count = 0;
    for (const Tensor& p : parameters()) count += p.numel();
    const DType dtype = parameters()[0].dtype();
    const auto vector = [&](const std::string& what, bool required = true) {
      return entries.tensor(key(what), {count}, dtype, required);
    };
    memory.d = vector("d");
    memory.t = entries.at(key("t"), {}).item();
    for (std::size_t i = 0;; ++i) {
      const Tensor turned = vector(fmt::format("old_dirs.{}", i), false);
      if (!turned.defined()) break;
      memory.old_dirs.push_back(turned);
      memory.old_stps.push_back(vector(fmt::format("old_stps.{}", i)));
    }
    memory.H_diag = entries.at(key("H_diag"), {}).item();
    memory.prev_flat_grad = vector("prev_flat_grad");
    memory.prev_loss = entries.at(key("prev_loss"), {}).item();
  }
  return [this, memory = std::move(memory)] { memory_ = memory; };
}

}  // namespace reel::optim
