// Programs of views and writes on small tensors, held against tensors whose elements each know
// their place in memory: what the library makes must have the same elements, share memory where
// views do, and be refused exactly where it makes no sense. Each byte of the input is a decision.

#include "fuzz/view_program.h"

#include "fuzz/byte_reader.h"
#include "fuzz/demand.h"
#include "reel/base/error.h"
#include "reel/ops/ops.h"

using namespace reel;
using namespace reel::testing;

namespace {

/// One tensor, as the library has it and as it is meant.
struct Pair {
  Tensor tensor;
  PlainTensor plain;
};

Shape to_shape(const IntList& sizes) { return Shape(sizes.begin(), sizes.end()); }

void check_pair(const Pair& pair) {
  const Tensor& x = pair.tensor;
  DEMAND(x.shape() == to_shape(pair.plain.shape));
  DEMAND(x.numel() == static_cast<Size>(pair.plain.numel()));
  const detail::Storage& storage = *x.impl().storage;
  const auto* memory = static_cast<const std::byte*>(storage.data);
  std::size_t i = 0;
  bool in_order = true;
  const std::byte* last = nullptr;
  for_coordinates(pair.plain.shape, [&](const IntList& at) {
    Size offset = 0;
    for (Size d = 0; d < x.dim(); ++d) offset += at[static_cast<std::size_t>(d)] * x.strides()[d];
    const std::byte* element = x.impl().data + offset * item_size(x.dtype());
    DEMAND(element >= memory);
    DEMAND(element + sizeof(double) <= memory + storage.bytes);
    DEMAND(*reinterpret_cast<const double*>(element) == pair.plain.value(i++));
    in_order = in_order && (last == nullptr || element == last + sizeof(double));
    last = element;
  });
  DEMAND(x.is_contiguous() == in_order);
  const Tensor copy = x.clone(), packed = x.contiguous();
  DEMAND(packed.is_contiguous());
  for (i = 0; i < pair.plain.numel(); ++i) {
    DEMAND(packed.data_ptr<double>()[i] == pair.plain.value(i));
  }
  DEMAND(eq(copy, packed).all().item<bool>());
}

/// The result, or nothing where the library refuses.
template <class F>
auto attempt(F f) -> std::optional<decltype(f())> {
  try {
    return f();
  } catch (const Error&) {
    return std::nullopt;
  }
}

class Program {
 public:
  Program(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {}

  void run() {
    start();
    for (int steps = 0; steps < 24 && !bytes_.done(); ++steps) {
      step();
      while (pairs_.size() > 12) pairs_.erase(pairs_.begin() + 1);
    }
  }

 private:
  // ---- decisions

  bool chance() { return bytes_.below(2) == 1; }

  /// Mostly small, sometimes where arithmetic goes wrong.
  Int number() {
    const std::uint8_t byte = bytes_.byte();
    if (byte < 224) return byte % 11 - 5;
    constexpr Int most = std::numeric_limits<Int>::max(), least = std::numeric_limits<Int>::min();
    const Int extremes[] = {most,
                            most - 2,
                            most / 2 + 1,
                            least,
                            least + 1,
                            Int{1} << 32,
                            -(Int{1} << 32),
                            Int{1} << 48,
                            most_elements + 1,
                            3689348814741910324,
                            2305843009213693952,
                            Int{1} << 24};
    return extremes[byte % std::size(extremes)];
  }
  std::optional<Int> maybe_number() { return chance() ? std::optional(number()) : std::nullopt; }

  IntList numbers(std::size_t most) {
    IntList list(bytes_.below(most + 1));
    for (Int& one : list) one = number();
    return list;
  }

  /// A shape that fits, most of the time: the factors of `numel` in some order, and ones.
  IntList shape_for(std::size_t numel) {
    if (bytes_.below(4) == 0) return numbers(5);
    IntList shape;
    Int left = static_cast<Int>(numel);
    for (Int factor : {2, 3, 2, 5, 2}) {
      if (left > 0 && left % factor == 0 && chance()) {
        shape.push_back(factor);
        left /= factor;
      }
    }
    shape.push_back(left);
    if (chance()) shape.insert(shape.begin() + static_cast<Int>(bytes_.below(shape.size() + 1)), 1);
    if (chance()) std::reverse(shape.begin(), shape.end());
    if (chance()) shape[bytes_.below(shape.size())] = -1;
    return shape;
  }

  Pair& any() { return pairs_[bytes_.below(pairs_.size())]; }

  // ---- steps

  void start() {
    IntList shape;
    for (std::size_t d = bytes_.below(5); d > 0; --d) {
      shape.push_back(static_cast<Int>((bytes_.below(9) + 2) % 7));
    }
    Pair pair{arange(count(shape), {.dtype = float64}).view(to_shape(shape)),
              {shape, {}, std::make_shared<std::vector<double>>()}};
    for (Int i = 0; i < count(shape); ++i) {
      pair.plain.places.push_back(static_cast<std::size_t>(i));
      pair.plain.memory->push_back(static_cast<double>(i));
    }
    keep(std::move(pair));
  }

  void keep(Pair pair) {
    check_pair(pair);
    // An empty tensor may have a size of 2^48: too many to unbind.
    const auto is_small = [](Int size) { return size <= 64; };
    if (std::ranges::all_of(pair.plain.shape, is_small)) pairs_.push_back(std::move(pair));
  }

  void compare(const Pair& x, std::optional<Tensor> got, Result want) {
    DEMAND(got.has_value() == want.has_value());
    if (!got) return;
    DEMAND((got->impl().storage == x.tensor.impl().storage) == (want->memory == x.plain.memory));
    keep({std::move(*got), std::move(*want)});
  }

  void compare(std::optional<std::vector<Tensor>> got, Results want) {
    DEMAND(got.has_value() == want.has_value());
    if (!got) return;
    DEMAND(got->size() == want->size());
    for (std::size_t i = 0; i < got->size(); ++i) check_pair({(*got)[i], (*want)[i]});
    if (!got->empty()) keep({got->back(), want->back()});
  }

  void step() {
    const Pair x = any();
    const Tensor& t = x.tensor;
    const PlainTensor& p = x.plain;
    switch (bytes_.below(24)) {
      case 0: {
        const IntList shape = shape_for(p.numel());
        return compare(x, attempt([&] { return t.view(to_shape(shape)); }), view(p, shape));
      }
      case 1: {
        const IntList shape = shape_for(p.numel());
        return compare(x, attempt([&] { return t.reshape(to_shape(shape)); }), reshape(p, shape));
      }
      case 2: {
        const Int start = number(), end = number();
        return compare(x, attempt([&] { return t.flatten(start, end); }), flatten(p, start, end));
      }
      case 3:
        return compare(x, t.squeeze(), squeeze(p));
      case 4: {
        const Int dim = number();
        return compare(x, attempt([&] { return t.squeeze(dim); }), squeeze(p, dim));
      }
      case 5: {
        const Int dim = number();
        return compare(x, attempt([&] { return t.unsqueeze(dim); }), unsqueeze(p, dim));
      }
      case 6: {
        const Int a = number(), b = number();
        return compare(x, attempt([&] { return t.transpose(a, b); }), transpose(p, a, b));
      }
      case 7: {
        IntList dims(p.shape.size());
        std::iota(dims.begin(), dims.end(), Int{0});
        for (std::size_t i = 0; i + 1 < dims.size(); ++i) {
          std::swap(dims[i], dims[i + bytes_.below(dims.size() - i)]);
        }
        if (bytes_.below(8) == 0) dims = numbers(5);
        return compare(x, attempt([&] { return t.permute(to_shape(dims)); }), permute(p, dims));
      }
      case 8:
        return expand_some(x);
      case 9: {
        const Int dim = number(), step = number();
        const auto start = maybe_number(), end = maybe_number();
        return compare(x, attempt([&] { return t.slice(dim, start, end, step); }),
                       slice(p, dim, start, end, step));
      }
      case 10: {
        const Int dim = number(), start = number(), length = number();
        return compare(x, attempt([&] { return t.narrow(dim, start, length); }),
                       narrow(p, dim, start, length));
      }
      case 11: {
        const Int dim = number(), index = number();
        return compare(x, attempt([&] { return t.select(dim, index); }), select(p, dim, index));
      }
      case 12: {
        const Int size = number(), dim = number();
        return compare(attempt([&] { return t.split(size, dim); }), split(p, size, dim));
      }
      case 13: {
        const IntList sizes = numbers(4);
        const Int dim = number();
        return compare(attempt([&] { return reel::split(t, sizes, dim); }), split(p, sizes, dim));
      }
      case 14: {
        const Int chunks = number(), dim = number();
        return compare(attempt([&] { return t.chunk(chunks, dim); }), chunk(p, chunks, dim));
      }
      case 15: {
        const Int dim = number();
        return compare(attempt([&] { return t.unbind(dim); }), unbind(p, dim));
      }
      case 16: {
        const auto start = maybe_number(), end = maybe_number();
        const Int step = number();
        Result want = slice(p, 0, start, end, step);
        if (want) want = unsqueeze(*want, 0);
        return compare(x, attempt([&]() -> Tensor {
                         return t.index({None, Slice{start, end, step}, Ellipsis});
                       }),
                       want);
      }
      case 17: {
        const IntList indices = numbers(4);
        const Result want = pick(p, indices);
        return compare(x, attempt([&]() -> Tensor { return t[tensor(indices, {.dtype = int64})]; }),
                       want ? Result(clone(*want)) : want);
      }
      default:
        return write_some(x);
    }
  }

  void expand_some(const Pair& x) {
    IntList shape = x.plain.shape;
    if (bytes_.below(4) == 0) shape = numbers(5);
    for (Int& size : shape) {
      if (size == 1 && chance()) size = number();
    }
    if (chance()) shape.insert(shape.begin(), number());
    const auto want = expanded_shape(x.plain, shape);
    const auto got = attempt([&] { return x.tensor.expand(to_shape(shape)); });
    const bool possible = want && want->size() <= most_dims;
    DEMAND(got.has_value() == possible);
    if (!got) return;
    DEMAND(got->shape() == to_shape(*want));
    DEMAND(got->numel() == count(*want));
    if (count(*want) <= 1024) keep({*got, expand(x.plain, *want)});
  }

  /// Writes by one of the ways there are, and looks at every tensor that may have changed.
  void write_some(const Pair& x) {
    const Tensor& t = x.tensor;
    const PlainTensor& p = x.plain;
    const double value = static_cast<double>(100 + bytes_.byte());
    const Pair& other = any();
    const auto spread = broadcast(p, other.plain);
    switch (bytes_.below(9)) {
      case 0:
        wrote(attempt([&] { return t.fill_(value); }), p, std::vector(p.numel(), value));
        break;
      case 1:
        wrote(attempt([&] { return t.copy_(other.tensor); }), p, spread);
        break;
      case 2: {
        auto sums = spread;
        for (std::size_t i = 0; sums && i < p.numel(); ++i) (*sums)[i] += p.value(i);
        wrote(attempt([&] { return t.add_(other.tensor); }), p, sums);
        break;
      }
      case 3: {
        const Int index = number();
        const Result row = select(p, 0, index);
        if (chance()) {
          wrote(attempt([&]() -> Tensor { return t[index] = value; }), row, value);
        } else {
          wrote(attempt([&]() -> Tensor { return t[index] = other.tensor; }), row,
                row ? broadcast(*row, other.plain) : std::nullopt);
        }
        break;
      }
      case 4: {
        const Int dim = number(), step = number();
        const auto start = maybe_number(), end = maybe_number();
        wrote(attempt([&]() -> Tensor { return t.slice(dim, start, end, step) = value; }),
              slice(p, dim, start, end, step), value);
        break;
      }
      case 5:
        if (!is_writable(p)) {
          DEMAND(!attempt([&]() -> Tensor { return t[t > value - 200] = value; }));
        } else {
          wrote(attempt([&]() -> Tensor { return t[t > value - 200] = value; }),
                above(p, value - 200), value);
        }
        break;
      case 6: {
        const IntList indices = numbers(4);
        const Tensor index = tensor(indices, {.dtype = int64});
        const Result rows = is_writable(p) ? pick(p, indices) : std::nullopt;
        const auto got = attempt([&]() -> Tensor { return t[index] += value; });
        DEMAND(got.has_value() == rows.has_value());
        if (rows) {
          std::vector<double> sums;
          for (std::size_t i = 0; i < rows->numel(); ++i) sums.push_back(rows->value(i) + value);
          write(*rows, sums);
        }
        break;
      }
      case 7: {
        const Int a = number(), b = number();
        wrote(attempt([&]() -> Tensor { return t.transpose(a, b) = other.tensor; }),
              transpose(p, a, b), other.plain);
        break;
      }
      default:
        wrote(attempt([&]() -> Tensor { return t.unsqueeze(0) = t; }), unsqueeze(p, 0), p);
    }
    for (const Pair& pair : pairs_) check_pair(pair);
  }

  /// Does to the plain tensor what the library did, or should have refused.
  void wrote(const std::optional<Tensor>& got, const Result& target,
             const std::optional<std::vector<double>>& values) {
    const bool possible = target && values && is_writable(*target);
    DEMAND(got.has_value() == possible);
    if (possible) write(*target, *values);
  }
  void wrote(const std::optional<Tensor>& got, const Result& target, double value) {
    wrote(got, target,
          target ? std::optional(std::vector<double>(target->numel(), value)) : std::nullopt);
  }
  void wrote(const std::optional<Tensor>& got, const Result& target, const PlainTensor& values) {
    wrote(got, target, target ? broadcast(*target, values) : std::nullopt);
  }

  ByteReader bytes_;
  std::vector<Pair> pairs_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Program(data, size).run();
  return 0;
}
