#pragma once

// A random program of views, ops in place, reductions, products and hooks, to be run by Reel and by
// libtorch: whatever both can say of it must be the same.

#include <cstdint>
#include <string>
#include <vector>

namespace oracle {

using Long = std::int64_t;
using Longs = std::vector<Long>;

// New tensors: leaves, views, results.
#define ORACLE_MAKES(X)                                                                            \
  X(leaf)                                                                                          \
  X(view)                                                                                          \
  X(transpose)                                                                                     \
  X(permute)                                                                                       \
  X(narrow)                                                                                        \
  X(stride) X(select) X(expand) X(unsqueeze) X(squeeze) X(unbind) X(split) X(detach) X(add) X(sub) \
      X(mul) X(div) X(scaled) X(hooked) X(as_leaf) X(tanh) X(sigmoid) X(sin) X(exp) X(relu)        \
          X(square) X(clone) X(sum) X(amax) X(softmax) X(matmul) X(cat) X(contiguous) X(pick)
// Changes of tensors that are there; `quietly_` while nothing is recorded, `off_tape_` through a view
// made so.
#define ORACLE_CHANGES(X)                                                                       \
  X(add_)                                                                                       \
  X(sub_)                                                                                       \
  X(mul_)                                                                                       \
  X(div_)                                                                                       \
  X(copy_)                                                                                      \
  X(add_number_) X(mul_number_) X(fill_) X(zero_) X(tanh_) X(sigmoid_) X(sin_) X(exp_) X(relu_) \
      X(square_) X(neg_) X(masked_fill_) X(put_mask_) X(put_rows_) X(add_rows_) X(quietly_)     \
          X(off_tape_)

enum class Op {
#define ORACLE_NAME(name) name,
  ORACLE_MAKES(ORACLE_NAME) ORACLE_CHANGES(ORACLE_NAME)
#undef ORACLE_NAME
};
inline bool makes_tensor(Op op) { return op < Op::add_; }
inline bool is_view(Op op) { return op >= Op::view && op <= Op::detach; }

struct Instruction {
  Op op;
  int a = -1, b = -1;  // tensors
  double number = 0;
  Longs numbers = {};
};

/// Tensors are numbered in the order in which instructions make them.
struct Program {
  std::vector<Instruction> instructions;
  std::vector<int> results;  // their weighted sum is differentiated
  // One element of one leaf may be moved.
  int moved_leaf = -1;
  Long moved_element = 0;
  double moved_by = 0;
};

Program make_program(std::uint64_t seed);
/// As code that a person can read.
std::string to_string(const Program& program);

/// The elements of leaf number `i`, the same everywhere but for what is moved.
std::vector<double> values_of_leaf(const Program& program, int i, Long count);
/// Whether the gradients of the program are those of what it computes: nothing in it changes them
/// otherwise, or computes outside the tape.
bool is_plain(const Program& program);
/// A weight for the sum of result number `i`, and the factor of its elements.
double weight(int i);

/// One tensor in the end.
struct Final {
  bool defined = false, requires_grad = false, is_leaf = false;
  Longs shape;
  std::vector<double> values;
};

/// What came of a program.
struct Outcome {
  double loss = 0;
  std::vector<std::string> errors;  // of each instruction, "" where it worked
  std::vector<Final> tensors;
  std::string first_error, second_error;           // of the two derivatives
  std::vector<std::vector<double>> first, second;  // of each leaf; empty where none came
};

Outcome run_reel(const Program& program);
Outcome run_torch(const Program& program);

}  // namespace oracle
