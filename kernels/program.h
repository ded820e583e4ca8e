#pragma once

#include <array>
#include <vector>

#include "reel/kernels/array.h"
#include "reel/kernels/pointwise.h"

namespace reel::kernels {

/// A chain of elementwise operations over values, numbered in the order in which they come to be:
/// first the inputs, then the results of the instructions.
class Program {
 public:
  using Value = int;
  static constexpr Value none = -1;

  enum class Kind { number, unary, binary, slope };
  using Params = std::array<double, 3>;

  /// One step: `op` is a `Unary`, `Binary` or `Slope` of `arity` values; a number is `params[0]`.
  struct Instruction {
    Kind kind;
    int op;
    int arity;
    std::array<Value, 3> from;
    Params params;
  };

  explicit Program(int inputs) : inputs_(inputs) {}

  Value number(double value);
  Value apply(Unary op, Value x, const Params& params = {});
  Value apply(Binary op, Value a, Value b);
  Value apply(Slope op, Value dy, Value saved, const Params& params = {});
  Value apply(Slope op, Value dy, Value first, Value second, const Params& params = {});

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

/// An input: element i of the loop is element `i % period` of the array, in memory order.
struct ProgramInput {
  ConstArray array;
  Size period = 0;
};

/// Where a value of the program goes.
struct ProgramOutput {
  Program::Value value = Program::none;
  Array array;
};

/// Computes the outputs, which lie alike and densely, of float32 or float64, leaving out what they
/// do not need. A tile of elements goes through all instructions while it is in the L1 cache, so
/// that memory is read once for every input and written once for every output. Outputs must not
/// overlap inputs.
void run_program(const Program& program, const std::vector<ProgramInput>& inputs,
                 const std::vector<ProgramOutput>& outputs);

}  // namespace reel::kernels
