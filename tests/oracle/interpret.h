#pragma once

// Runs a program with the tensors of a library, which `L` speaks for.

#include <exception>
#include <utility>

#include "oracle/program.h"

namespace oracle {

template <class L>
class Interpreter {
 public:
  using Tensor = typename L::Tensor;

  explicit Interpreter(const Program& program) : program_(program) {}

  Outcome run() {
    for (const Instruction& in : program_.instructions) {
      std::string error;
      try {
        step(in);
      } catch (const std::exception& e) {
        error = e.what();
        if (error.empty()) error = "an error";
        if (makes_tensor(in.op)) tensors_.push_back({});  // one that is not there
      }
      outcome_.errors.push_back(error);
    }
    try {
      for (const Tensor& x : tensors_) {
        outcome_.tensors.push_back(L::is_defined(x) ? L::look_at(x) : Final{});
      }
      differentiate();
    } catch (const std::exception& e) {
      outcome_.first_error = e.what();
    }
    return std::move(outcome_);
  }

 private:
  struct Missing : std::exception {
    const char* what() const noexcept override { return "an input is not there"; }
  };

  Tensor& at(int i) {
    Tensor& x = tensors_[static_cast<std::size_t>(i)];
    if (!L::is_defined(x)) throw Missing();
    return x;
  }

  void step(const Instruction& in) {
    if (in.op == Op::leaf) {
      const Tensor x =
          L::leaf(program_, static_cast<int>(leaves_.size()), in.numbers, in.number != 0);
      leaves_.push_back(x);
      tensors_.push_back(x);
      return;
    }
    Tensor a = at(in.a);
    Tensor b = in.b >= 0 ? at(in.b) : a;
    if (makes_tensor(in.op)) {
      if (!is_view(in.op)) {
        // So that results are too: in which order a library would lay them out decides what may be a
        // view of them.
        a = a.contiguous();
        b = b.contiguous();
      }
      tensors_.push_back(make(in, a, b));
      if (in.op == Op::as_leaf) leaves_.push_back(tensors_.back());
    } else {
      L::refresh(a);
      L::refresh(b);
      change(in, a, b);
    }
  }

  static Tensor make(const Instruction& in, const Tensor& a, const Tensor& b) {
    const Longs& n = in.numbers;
    switch (in.op) {
      case Op::view:
        return a.view(L::sizes(n));
      case Op::transpose:
        return a.transpose(n[0], n[1]);
      case Op::permute:
        return a.permute(L::sizes(n));
      case Op::narrow:
        return a.narrow(n[0], n[1], n[2]);
      case Op::stride:
        return a.slice(n[0], {}, {}, n[1]);
      case Op::select:
        return a.select(n[0], n[1]);
      case Op::expand:
        return a.expand(L::sizes(n));
      case Op::unsqueeze:
        return a.unsqueeze(n[0]);
      case Op::squeeze:
        return a.squeeze(n[0]);
      case Op::unbind:
        return a.unbind(n[0])[static_cast<std::size_t>(n[1])];
      case Op::split:
        return a.split(n[1], n[0])[static_cast<std::size_t>(n[2])];
      case Op::detach:
        return a.detach();
      case Op::add:
        return a + b;
      case Op::sub:
        return a - b;
      case Op::mul:
        return a * b;
      case Op::div:
        return a / (b * b + 1);
      case Op::scaled:
        return a * in.number;
      case Op::as_leaf:
        return a.detach().clone().requires_grad_();
      case Op::hooked: {
        const Tensor y = a * 2;
        if (y.requires_grad())
          y.register_hook([k = in.number](const Tensor& dy) { return dy * k; });
        return y;
      }
      case Op::tanh:
        return tanh(a);
      case Op::sigmoid:
        return sigmoid(a);
      case Op::sin:
        return sin(a);
      case Op::exp:
        return exp(a);
      case Op::relu:
        return relu(a);
      case Op::square:
        return square(a);
      case Op::clone:
        return a.clone();
      case Op::sum:
        return a.sum({n[0]});
      case Op::amax:
        return a.amax({n[0]});
      case Op::softmax:
        return a.softmax(n[0]);
      case Op::matmul:
        return matmul(a, b);
      case Op::cat:
        return L::cat(a, b);
      case Op::contiguous:
        return a.contiguous();
      default:
        return a.index_select(0, L::index(n));
    }
  }

  static void change(const Instruction& in, const Tensor& a, const Tensor& b) {
    switch (in.op) {
      case Op::add_:
        a.add_(b);
        break;
      case Op::sub_:
        a.sub_(b);
        break;
      case Op::mul_:
        a.mul_(b);
        break;
      case Op::div_:
        a.div_(b * b + 1);
        break;
      case Op::copy_:
        a.copy_(b);
        break;
      case Op::add_number_:
        a.add_(in.number);
        break;
      case Op::mul_number_:
        a.mul_(in.number);
        break;
      case Op::fill_:
        a.fill_(in.number);
        break;
      case Op::zero_:
        a.zero_();
        break;
      case Op::tanh_:
        a.tanh_();
        break;
      case Op::sigmoid_:
        a.sigmoid_();
        break;
      case Op::sin_:
        L::sin_(a);
        break;
      case Op::exp_:
        a.exp_();
        break;
      case Op::relu_:
        a.relu_();
        break;
      case Op::square_:
        a.square_();
        break;
      case Op::neg_:
        a.neg_();
        break;
      case Op::masked_fill_:
        a.masked_fill_(a.detach() > 0, in.number);
        break;
      case Op::put_mask_:
        a.copy_(where(a.detach() > 0, b, a));
        break;
      case Op::put_rows_:
        L::put_rows(a, L::index(in.numbers), b, false);
        break;
      case Op::add_rows_:
        L::put_rows(a, L::index(in.numbers), b, true);
        break;
      case Op::off_tape_: {
        Tensor view;
        {
          const typename L::NoGradGuard no_grad;
          view = a.unsqueeze(0).squeeze(0);
        }
        view.mul_(b);
        break;
      }
      case Op::quietly_: {
        const typename L::NoGradGuard no_grad;
        a.mul_(in.number);
        break;
      }
      default:
        break;
    }
  }

  void differentiate() {
    std::vector<Tensor> leaves;
    for (const Tensor& x : leaves_) {
      if (L::look_at(x).requires_grad && L::look_at(x).is_leaf) leaves.push_back(x);
    }
    std::vector<Tensor> first;
    try {
      Tensor loss = L::number(0);
      for (std::size_t i = 0; i < program_.results.size(); ++i) {
        const Tensor& x = tensors_[static_cast<std::size_t>(program_.results[i])];
        if (L::is_defined(x)) loss = L::add_weighted(loss, x, weight(static_cast<int>(i)), false);
      }
      outcome_.loss = L::values(loss)[0];
      if (!L::look_at(loss).requires_grad) return;
      L::backward(loss);
      first = take_gradients(leaves, outcome_.first);
    } catch (const std::exception& e) {
      outcome_.first_error = e.what();
      return;
    }
    try {
      Tensor again = L::number(0);
      for (std::size_t i = 0; i < first.size(); ++i) {
        if (L::is_defined(first[i])) {
          again = L::add_weighted(again, first[i], weight(static_cast<int>(i)), true);
        }
      }
      if (!L::look_at(again).requires_grad) return;
      L::backward(again);
      take_gradients(leaves, outcome_.second);
    } catch (const std::exception& e) {
      outcome_.second_error = e.what();
    }
  }

  static std::vector<Tensor> take_gradients(const std::vector<Tensor>& leaves,
                                            std::vector<std::vector<double>>& values) {
    std::vector<Tensor> gradients;
    for (const Tensor& x : leaves) {
      gradients.push_back(L::take_grad(x));
      values.push_back(L::is_defined(gradients.back()) ? L::values(gradients.back())
                                                       : std::vector<double>(L::values(x).size()));
    }
    return gradients;
  }

  const Program& program_;
  Outcome outcome_;
  std::vector<Tensor> tensors_;
  std::vector<Tensor> leaves_;
};

}  // namespace oracle
