#include "reel/kernels/program.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "reel/kernels/buffer.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

// Elements of a tile: enough to hide the start of a kernel, few enough for a handful of tiles to
// lie in the L1 cache.
constexpr Size tile_bytes = 8192;
constexpr Size tiles_per_thread = 8;

Loop loop_of(const Program::Instruction& step, DType dtype) {
  switch (step.kind) {
    case Program::Kind::unary:
      return find(static_cast<Unary>(step.op), dtype);
    case Program::Kind::binary:
      return find(static_cast<Binary>(step.op), dtype);
    case Program::Kind::slope:
      return find(static_cast<Slope>(step.op), dtype);
    case Program::Kind::number:
      break;
  }
  return nullptr;
}

/// Where a value lies while a tile is worked on.
struct Place {
  enum class At { memory, repeated, slot, number } at = At::slot;
  std::size_t index = 0;  // of the input, the output, the slot or the number
  bool output = false;
};

/// A program with its outputs, made ready: what is computed, and where every value lies.
class Plan {
 public:
  Plan(const Program& program, DType dtype, const std::vector<ProgramInput>& inputs,
       const std::vector<ProgramOutput>& outputs, Size n)
      : program_(program),
        dtype_(dtype),
        item_(item_size(dtype)),
        n_(n),
        inputs_(inputs),
        outputs_(outputs),
        places_(static_cast<std::size_t>(program.inputs()) + program.instructions().size()) {
    find_last_uses();
    place_inputs();
    place_results();
  }

  Size tile() const { return tile_bytes / item_; }

  void run(Size begin, Size end) const {
    const Buffer slots(slot_count_ * static_cast<std::size_t>(tile_bytes));
    for (Size first = begin; first < end; first += tile()) {
      run_tile(first, std::min(tile(), end - first), slots.data<std::byte>());
    }
  }

 private:
  using Value = Program::Value;

  void find_last_uses() {
    last_use_.assign(places_.size(), -1);
    const auto& steps = program_.instructions();
    const int end = static_cast<int>(steps.size());
    for (const ProgramOutput& output : outputs_) last_use_[index(output.value)] = end;
    for (int i = end - 1; i >= 0; --i) {
      const Program::Instruction& step = steps[static_cast<std::size_t>(i)];
      if (last_use_[index(program_.value_of(static_cast<std::size_t>(i)))] < 0) continue;
      for (int k = 0; k < step.arity; ++k) {
        int& last = last_use_[index(step.from[static_cast<std::size_t>(k)])];
        last = std::max(last, i);
      }
    }
  }

  void place_inputs() {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (last_use_[i] < 0) continue;
      if (inputs_[i].period == 1 || inputs_[i].period >= n_) {
        places_[i] = {Place::At::memory, i};
      } else {
        places_[i] = {Place::At::repeated, slot_count_++};
      }
    }
  }

  void place_results() {
    std::vector<std::size_t> free;
    const auto& steps = program_.instructions();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Value value = program_.value_of(i);
      if (last_use_[index(value)] < 0) continue;
      Place& place = places_[index(value)];
      if (steps[i].kind == Program::Kind::number) {
        place = {Place::At::number, numbers_.size() / 8};
        numbers_.resize(numbers_.size() + 8);
        std::byte* to = numbers_.data() + numbers_.size() - 8;
        const auto single = static_cast<float>(steps[i].params[0]);
        dtype_ == DType::float32 ? std::memcpy(to, &single, sizeof single)
                                 : std::memcpy(to, steps[i].params.data(), sizeof(double));
        continue;
      }
      // A value that nobody reads after this may be overwritten by it: kernels work in place.
      for (int k = 0; k < steps[i].arity; ++k) {
        const std::size_t from = index(steps[i].from[static_cast<std::size_t>(k)]);
        if (last_use_[from] != static_cast<int>(i) || places_[from].at != Place::At::slot ||
            places_[from].output) {
          continue;
        }
        if (std::find(free.begin(), free.end(), places_[from].index) == free.end())
          free.push_back(places_[from].index);
      }
      const auto output = std::find_if(outputs_.begin(), outputs_.end(),
                                       [&](const ProgramOutput& o) { return o.value == value; });
      if (output != outputs_.end()) {
        place = {Place::At::slot, static_cast<std::size_t>(output - outputs_.begin()), true};
      } else if (!free.empty()) {
        place = {Place::At::slot, free.back()};
        free.pop_back();
      } else {
        place = {Place::At::slot, slot_count_++};
      }
    }
  }

  std::byte* address(Value value, Size first, std::byte* slots) const {
    const Place& place = places_[index(value)];
    if (place.output) return outputs_[place.index].array.bytes() + first * item_;
    switch (place.at) {
      case Place::At::memory: {
        const ProgramInput& input = inputs_[place.index];
        auto* data = const_cast<std::byte*>(input.array.bytes());
        return input.period == 1 ? data : data + first * item_;
      }
      case Place::At::number:
        return const_cast<std::byte*>(numbers_.data()) + place.index * 8;
      default:
        return slots + place.index * static_cast<std::size_t>(tile_bytes);
    }
  }

  bool is_single(Value value) const {
    const Place& place = places_[index(value)];
    return place.at == Place::At::number ||
           (place.at == Place::At::memory && inputs_[place.index].period == 1 && n_ != 1);
  }

  void repeat(const ProgramInput& input, Size first, Size count, std::byte* to) const {
    const std::byte* data = input.array.bytes();
    for (Size done = 0; done < count;) {
      const Size from = (first + done) % input.period;
      const Size part = std::min(count - done, input.period - from);
      std::memcpy(to + done * item_, data + from * item_, static_cast<std::size_t>(part * item_));
      done += part;
    }
  }

  void run_tile(Size first, Size count, std::byte* slots) const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (last_use_[i] >= 0 && places_[i].at == Place::At::repeated)
        repeat(inputs_[i], first, count, address(static_cast<Value>(i), first, slots));
    }
    const auto& steps = program_.instructions();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Value value = program_.value_of(i);
      const Program::Instruction& step = steps[i];
      if (last_use_[index(value)] < 0 || step.kind == Program::Kind::number) continue;
      std::byte* data[max_operands] = {address(value, first, slots)};
      Plane plane{.inner = count};
      plane.inner_stride[0] = 1;
      for (int k = 0; k < step.arity; ++k) {
        const Value from = step.from[static_cast<std::size_t>(k)];
        data[k + 1] = address(from, first, slots);
        plane.inner_stride[k + 1] = is_single(from) ? 0 : 1;
      }
      loop_of(step, dtype_)(data, plane, step.params.data());
    }
    // The same value twice, an input or a number as an output.
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      std::byte* to = outputs_[o].array.bytes() + first * item_;
      const std::byte* from = address(outputs_[o].value, first, slots);
      if (from == to) continue;
      if (is_single(outputs_[o].value)) {
        for (Size i = 0; i < count; ++i)
          std::memcpy(to + i * item_, from, static_cast<std::size_t>(item_));
      } else {
        std::memcpy(to, from, static_cast<std::size_t>(count * item_));
      }
    }
  }

  static std::size_t index(Value value) { return static_cast<std::size_t>(value); }

  const Program& program_;
  DType dtype_;
  Size item_;
  Size n_;
  const std::vector<ProgramInput>& inputs_;
  const std::vector<ProgramOutput>& outputs_;
  std::vector<Place> places_;  // of every value
  std::vector<int> last_use_;  // the last instruction that reads it; -1 where nobody does
  std::vector<std::byte> numbers_;
  std::size_t slot_count_ = 0;
};

}  // namespace

Program::Value Program::push(const Instruction& instruction) {
  instructions_.push_back(instruction);
  return value_of(instructions_.size() - 1);
}

Program::Value Program::number(double value) {
  return push({Kind::number, 0, 0, {none, none, none}, {value}});
}
Program::Value Program::apply(Unary op, Value x, const Params& params) {
  return push({Kind::unary, static_cast<int>(op), 1, {x, none, none}, params});
}
Program::Value Program::apply(Binary op, Value a, Value b) {
  return push({Kind::binary, static_cast<int>(op), 2, {a, b, none}, {}});
}
Program::Value Program::apply(Slope op, Value dy, Value saved, const Params& params) {
  return push({Kind::slope, static_cast<int>(op), 2, {dy, saved, none}, params});
}
Program::Value Program::apply(Slope op, Value dy, Value first, Value second, const Params& params) {
  return push({Kind::slope, static_cast<int>(op), 3, {dy, first, second}, params});
}

void run_program(const Program& program, const std::vector<ProgramInput>& inputs,
                 const std::vector<ProgramOutput>& outputs) {
  if (outputs.empty()) return;
  const Array& first = outputs.front().array;
  const Size n = first.numel();
  if (n == 0) return;
  const Plan plan(program, first.dtype(), inputs, outputs, n);
  const Size tiles = (n + plan.tile() - 1) / plan.tile();
  parallel_for(tiles, tiles_per_thread, [&](Size begin, Size end) {
    plan.run(begin * plan.tile(), std::min(n, end * plan.tile()));
  });
}

}  // namespace reel::kernels
