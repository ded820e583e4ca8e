#include "oracle/program.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <random>

namespace oracle {
namespace {

constexpr const char* names[] = {
#define ORACLE_NAME(name) #name,
    ORACLE_MAKES(ORACLE_NAME) ORACLE_CHANGES(ORACLE_NAME)
#undef ORACLE_NAME
};

Long numel(const Longs& shape) {
  Long n = 1;
  for (const Long size : shape) n *= size;
  return n;
}

template <class List>
auto& at(List& list, Long i) {
  return list[static_cast<std::size_t>(i)];
}

/// Writes instructions that fit the shapes of what is there.
class Writer {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed) {}

  Program write() {
    const int leaves = 2 + below(2);
    for (int i = 0; i < leaves; ++i) add_leaf(i == 0 || below(3) > 0);
    const int length = 4 + below(14);
    for (int i = 0; i < length; ++i) step();
    for (int i = 0; i < 3; ++i) program_.results.push_back(recent());
    return program_;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  double number() { return 0.25 * (1 + below(8)) * (below(2) == 0 ? 1 : -1); }
  const Longs& shape_of(int i) const { return shapes_[static_cast<std::size_t>(i)]; }
  int memory_of(int i) const { return memory_[static_cast<std::size_t>(i)]; }
  int size() const { return static_cast<int>(shapes_.size()); }
  /// Late tensors more often than early ones.
  int recent() { return std::max(below(size()), below(size())); }

  void emit(Instruction instruction, const Longs& shape) {
    const bool views = is_view(instruction.op);
    const bool shares = views || instruction.op == Op::contiguous;
    const std::size_t from = static_cast<std::size_t>(std::max(instruction.a, 0));
    expanded_.push_back(instruction.op == Op::expand || (views && expanded_[from]));
    memory_.push_back(shares ? memory_[from] : size());
    program_.instructions.push_back(std::move(instruction));
    shapes_.push_back(shape);
  }
  void emit(Instruction instruction) { program_.instructions.push_back(std::move(instruction)); }

  void add_leaf(bool requires_grad) {
    Longs shape;
    for (int d = below(4); d > 0; --d) shape.push_back(1 + below(4));
    emit({.op = Op::leaf, .number = requires_grad ? 1. : 0., .numbers = shape}, shape);
  }

  /// Some tensor that broadcasts to the shape of `x`, or -1.
  int fitting(int x) {
    std::vector<int> found;
    for (int i = 0; i < size(); ++i) {
      if (broadcasts(shape_of(i), shape_of(x))) found.push_back(i);
    }
    return found.empty() ? -1 : at(found, below(static_cast<int>(found.size())));
  }
  static bool broadcasts(const Longs& from, const Longs& to) {
    if (from.size() > to.size()) return false;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const Long size = from[from.size() - 1 - i];
      if (size != 1 && size != to[to.size() - 1 - i]) return false;
    }
    return true;
  }

  void step() {
    const int kind = below(20);
    if (kind < 6) {
      view(recent());
    } else if (kind < 10) {
      compute(recent());
    } else if (kind < 19) {
      change(recent());
    } else {
      as_leaf(recent());
    }
  }

  void view(int x) {
    const Longs shape = shape_of(x);
    const int dims = static_cast<int>(shape.size());
    const int kind = below(13);
    if (kind == 0) return emit({.op = Op::detach, .a = x}, shape);
    if (kind == 1) {
      const Longs to = below(2) == 0 ? Longs{numel(shape)} : Longs{1, numel(shape)};
      return emit({.op = Op::view, .a = x, .numbers = to}, to);
    }
    if (kind == 2) {
      Longs to = shape;
      const int at = below(dims + 1);
      to.insert(to.begin() + at, 1);
      return emit({.op = Op::unsqueeze, .a = x, .numbers = {at}}, to);
    }
    if (dims == 0) return;
    const int d = below(dims);
    Longs to = shape;
    if (kind == 4) {
      const int e = below(dims);
      std::swap(at(to, d), at(to, e));
      return emit({.op = Op::transpose, .a = x, .numbers = {d, e}}, to);
    }
    if (kind == 5) {
      Longs order(static_cast<std::size_t>(dims));
      for (int i = 0; i < dims; ++i) at(order, i) = (i + 1) % dims;
      for (int i = 0; i < dims; ++i) at(to, i) = at(shape, at(order, i));
      return emit({.op = Op::permute, .a = x, .numbers = order}, to);
    }
    if (kind == 6) {
      to.insert(to.begin(), 2);
      return emit({.op = Op::expand, .a = x, .numbers = to}, to);
    }
    if (kind == 7 && at(shape, d) == 1) {
      to.erase(to.begin() + d);
      return emit({.op = Op::squeeze, .a = x, .numbers = {d}}, to);
    }
    if (kind == 8) {
      to.erase(to.begin() + d);
      return emit({.op = Op::unbind, .a = x, .numbers = {d, below(static_cast<int>(at(shape, d)))}},
                  to);
    }
    if (kind == 9) {
      at(to, d) = std::min<Long>(2, at(shape, d));
      return emit({.op = Op::split, .a = x, .numbers = {d, 2, 0}}, to);
    }
    if (kind == 10 && at(shape, d) > 1) {
      at(to, d) = (at(shape, d) + 1) / 2;
      return emit({.op = Op::stride, .a = x, .numbers = {d, 2}}, to);
    }
    if (kind == 11) {
      to.erase(to.begin() + d);
      return emit({.op = Op::select, .a = x, .numbers = {d, below(static_cast<int>(at(shape, d)))}},
                  to);
    }
    const Long start = below(static_cast<int>(at(shape, d)));
    const Long length = 1 + below(static_cast<int>(at(shape, d) - start));
    at(to, d) = length;
    emit({.op = Op::narrow, .a = x, .numbers = {d, start, length}}, to);
  }

  void as_leaf(int x) {
    const Longs shape = shape_of(x);
    emit({.op = Op::as_leaf, .a = x}, shape);
  }

  void compute(int x) {
    const Longs shape = shape_of(x);
    const int dims = static_cast<int>(shape.size());
    constexpr Op unary[] = {Op::tanh,   Op::sigmoid, Op::sin,    Op::exp,        Op::relu,
                            Op::square, Op::clone,   Op::scaled, Op::contiguous, Op::hooked};
    constexpr Op binary[] = {Op::add, Op::sub, Op::mul, Op::div};
    switch (below(7)) {
      case 0:
      case 1:
        return emit({.op = unary[below(10)], .a = x, .number = number()}, shape);
      case 2:
      case 3:
        if (const int y = fitting(x); y >= 0) {
          return emit({.op = binary[below(4)], .a = x, .b = y}, shape);
        }
        return;
      case 4: {
        if (dims == 0) return;
        const int d = below(dims);
        const Op op = below(2) == 0 ? Op::sum : below(2) == 0 ? Op::amax : Op::softmax;
        Longs to = shape;
        if (op != Op::softmax) to.erase(to.begin() + d);
        return emit({.op = op, .a = x, .numbers = {d}}, to);
      }
      case 5: {
        for (int y = 0; dims == 2 && y < size(); ++y) {
          const Longs& other = shape_of(y);
          if (other.size() == 2 && other[0] == shape[1]) {
            return emit({.op = Op::matmul, .a = x, .b = y}, {shape[0], other[1]});
          }
        }
        return;
      }
      default: {
        if (dims == 0) return;
        if (below(2) == 0) {
          Longs to = shape;
          to[0] = 2;
          return emit({.op = Op::pick, .a = x, .numbers = {below(static_cast<int>(shape[0])), 0}},
                      to);
        }
        Longs to = shape;
        to[0] *= 2;
        return emit({.op = Op::cat, .a = x, .b = x}, to);
      }
    }
  }

  /// `y`, or a copy where it shares memory with another tensor, `x`: what libtorch makes of that
  /// hangs on the order in which it goes over the elements.
  int apart(int x, int y) {
    if (x == y || memory_of(x) != memory_of(y)) {
      return y;
    }
    emit({.op = Op::clone, .a = y}, Longs(shape_of(y)));
    return size() - 1;
  }

  void change(int x) {
    const Longs shape = shape_of(x);
    constexpr Op unary[] = {Op::tanh_,       Op::sigmoid_, Op::sin_,  Op::exp_,
                            Op::relu_,       Op::square_,  Op::neg_,  Op::add_number_,
                            Op::mul_number_, Op::fill_,    Op::zero_, Op::masked_fill_,
                            Op::quietly_};
    constexpr Op binary[] = {Op::add_, Op::sub_,  Op::mul_,      Op::mul_,
                             Op::div_, Op::copy_, Op::put_mask_, Op::off_tape_};
    const int kind = below(8);
    if (expanded_[static_cast<std::size_t>(x)]) {  // which libtorch sometimes lets pass
      return emit({.op = Op::mul_number_, .a = x, .number = number()});
    }
    if (kind < 3) return emit({.op = unary[below(13)], .a = x, .number = number()});
    if (kind < 7) {
      if (const int y = fitting(x); y >= 0) {
        emit({.op = binary[below(8)], .a = x, .b = apart(x, y)});
      }
      return;
    }
    if (shape.empty()) return;
    // rows i and 0 of x become, or get added, what broadcasts to them
    const Op op = below(2) == 0 ? Op::put_rows_ : Op::add_rows_;
    const Long i = below(static_cast<int>(shape[0]));
    if (op == Op::put_rows_ && i == 0) return;  // twice the same: whose value stays is open
    const int y = fitting(x);
    if (y < 0 || (shape_of(y).size() == shape.size() && shape_of(y)[0] > 1)) return;
    emit({.op = op, .a = x, .b = apart(x, y), .numbers = {i, 0}});
  }

  std::mt19937_64 random_;
  Program program_;
  std::vector<Longs> shapes_;
  std::vector<int> memory_;     // which tensors share theirs
  std::vector<bool> expanded_;  // whether elements may share theirs
};

}  // namespace

Program make_program(std::uint64_t seed) { return Writer(seed * 0x9e3779b97f4a7c15 + 1).write(); }

std::string to_string(const Program& program) {
  std::string text;
  int made = 0;
  for (std::size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& in = program.instructions[i];
    const bool is_new = makes_tensor(in.op);
    const std::string left = is_new ? fmt::format("t{} = ", made++) : "";
    text += fmt::format("{:3} {}{}(", i, left, names[static_cast<int>(in.op)]);
    if (in.a >= 0) text += fmt::format("t{}", in.a);
    if (in.b >= 0) text += fmt::format(", t{}", in.b);
    text += fmt::format("; {} {})\n", in.number, in.numbers);
  }
  return text + fmt::format("    differentiate {}\n", program.results);
}

bool is_plain(const Program& program) {
  return std::none_of(program.instructions.begin(), program.instructions.end(),
                      [](const Instruction& in) {
                        return in.op == Op::detach || in.op == Op::hooked || in.op == Op::as_leaf ||
                               in.op == Op::quietly_;
                      });
}

std::vector<double> values_of_leaf(const Program& program, int i, Long count) {
  std::mt19937_64 random(static_cast<std::uint64_t>(i) + 17);
  std::vector<double> values;
  for (Long k = 0; k < count; ++k) {
    values.push_back(static_cast<double>(random() % 2000) / 1000 - 1 +
                     1e-4 * static_cast<double>(i));
  }
  if (i == program.moved_leaf) {
    values[static_cast<std::size_t>(program.moved_element)] += program.moved_by;
  }
  return values;
}

double weight(int i) { return 1 + 0.375 * i; }

}  // namespace oracle
