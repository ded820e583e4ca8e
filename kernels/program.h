#pragma once

#include <array>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/kernels/pointwise.h"

namespace reel::kernels {

/// A chain of elementwise operations over values, numbered in the order in which they come to be:
/// first the inputs, then the results of the instructions.
class Program {
 public:
  using Value = int;
  static constexpr Value none = -1;

  enum class Kind { number, unary, binary, ternary };

  /// One step: `op` is a `Unary`, `Binary` or `Ternary`; a number is `params[0]`.
  struct Instruction {
    Kind kind;
    int op;
    std::array<Value, 3> from;
    std::array<double, 2> params;
  };

  explicit Program(int inputs) : inputs_(inputs) {}

  Value number(double value);
  Value apply(Unary op, Value x, std::array<double, 2> params = {});
  Value apply(Binary op, Value a, Value b, std::array<double, 2> params = {});
  Value apply(Ternary op, Value a, Value b, Value c);

  int inputs() const { return inputs_; }
  const std::vector<Instruction>& instructions() const { return instructions_; }
  bool is_input(Value value) const { return value < inputs_; }
  const Instruction& made_by(Value value) const {
    return instructions_[static_cast<std::size_t>(value - inputs_)];
  }
  Value value_of(std::size_t instruction) const {
    return inputs_ + static_cast<Value>(instruction);
  }

 private:
  Value push(const Instruction& instruction);

  int inputs_;
  std::vector<Instruction> instructions_;
};

/// An input in memory: element i is `data[i % period]`.
struct ProgramInput {
  const void* data = nullptr;
  Size period = 0;
};

/// Where a value of the program goes.
struct ProgramOutput {
  Program::Value value = Program::none;
  void* data = nullptr;
};

/// Computes the outputs for `n` elements of float32 or float64, leaving out what they do not need.
/// A tile of elements goes through all instructions while it is in the L1 cache, so that memory is
/// read once for every input and written once for every output. Outputs must not overlap inputs.
void run_program(const Program& program, DType dtype, Size n,
                 const std::vector<ProgramInput>& inputs,
                 const std::vector<ProgramOutput>& outputs);

}  // namespace reel::kernels
