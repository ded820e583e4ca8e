// Tutorial 1: tensors. Read it beside README.md; every CLAIM is checked when the program runs.

#include <reel/reel.h>

#include <iostream>
#include <vector>

#include "../claim.h"

using namespace reel;

namespace {

void make_tensors() {
  std::cout << "--- Making tensors\n";

  // Values in nested braces. Numbers with a point give float32, whole numbers int64.
  const Tensor matrix = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  std::cout << matrix << "\n";
  CLAIM(matrix.shape() == Shape{2, 3});
  CLAIM(matrix.dim() == 2 && matrix.numel() == 6);
  CLAIM(matrix.dtype() == float32);
  CLAIM(tensor({1, 2, 3}).dtype() == int64);

  // Shapes go in braces, options after them by name.
  const Tensor blank = zeros({2, 3}, {.dtype = float64});
  const Tensor steps = arange(5);
  const Tensor grid = linspace(0, 1, 5);
  std::cout << blank << "\n" << steps << "\n" << grid << "\n";
  CLAIM(steps.dtype() == int64 && grid.dtype() == float32);

  // A tensor of one element gives its number back.
  CLAIM(matrix[1][2].item() == 6.0);
  CLAIM(matrix.sum().item<int>() == 21);

  // Of a vector: a copy.
  const std::vector<float> values{1, 2, 3};
  CLAIM(tensor(values).shape() == Shape{3});
}

void seed_random_numbers() {
  std::cout << "--- Random numbers\n";

  manual_seed(42);
  const Tensor first = randn({2, 3});
  manual_seed(42);
  const Tensor again = randn({2, 3});
  std::cout << first << "\n";
  CLAIM(first.eq(again).all().item<bool>());  // the same seed, the same numbers

  const int threads = get_num_threads();
  Tensor drawn[2];
  for (int i = 0; i < 2; ++i) {
    set_num_threads(i + 1);
    manual_seed(42);
    drawn[i] = randn({100000});
  }
  set_num_threads(threads);
  CLAIM((drawn[0] == drawn[1]).all().item<bool>());  // on one thread and on two
}

void calculate() {
  std::cout << "--- Calculating\n";

  const Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});

  // Element by element; a plain number joins in on either side and never changes the dtype.
  const Tensor y = 2 * x + 1;
  std::cout << y << "\n";
  CLAIM(y.dtype() == float32);
  CLAIM(y[1][0].item() == 9.0);

  // Methods and functions are the same thing.
  CLAIM(x.exp().eq(exp(x)).all().item<bool>());

  // Reductions: over everything, or along a dimension.
  CLAIM(x.sum().item() == 21);
  std::cout << "columns " << x.sum(0) << "\nrows    " << x.mean(1) << "\n";

  // Matrix product: [2, 3] times [3, 2].
  const Tensor product = matmul(x, x.t());
  std::cout << product << "\n";
  CLAIM(product.shape() == Shape{2, 2});
  CLAIM(product[0][0].item() == 14);  // 1*1 + 2*2 + 3*3

  // Together: one behind the other, or along a new dimension.
  const Tensor longer = cat({x, x});
  const Tensor deeper = stack({x, x});
  CLAIM(longer.shape() == Shape{4, 3} && deeper.shape() == Shape{2, 2, 3});
}

void broadcast() {
  std::cout << "--- Broadcasting\n";

  // Shapes are compared from the right. A dimension of size 1, or one that is missing, is repeated.
  const Tensor column = tensor({{0.0}, {10.0}, {20.0}});  // [3, 1]
  const Tensor row = tensor({1.0, 2.0});                  // [2]
  const Tensor table = column + row;                      // [3, 2]
  std::cout << table << "\n";
  CLAIM(table.shape() == Shape{3, 2});
  CLAIM(table[2][1].item() == 22);
  CLAIM(row.expand({3, 2}).strides() == Strides{0, 1});  // repeated without a copy

  // The usual use: give every column mean 0 and variance 1.
  manual_seed(0);
  const Tensor data = 3 * randn({1000, 4}) + 7;
  const Tensor standard = (data - data.mean(0)) / data.std(0);
  CLAIM(standard.mean(0).abs().max().item() < 1e-4);
  CLAIM((standard.std(0) - 1).abs().max().item() < 1e-4);

  // Along the rows the mean must keep its dimension, or shapes would not line up.
  const Tensor centred = data - data.mean(1, true);
  CLAIM(centred.mean(1).abs().max().item() < 1e-4);
}

void share_memory() {
  std::cout << "--- Views\n";

  // Reshaping, transposing and slicing look at the same numbers in another way: nothing is copied.
  const Tensor x = arange(6);
  const Tensor grid = x.view({2, 3});
  const Tensor turned = grid.t();
  std::cout << grid << "\n" << turned << "\n";
  CLAIM(turned.strides() == Strides{1, 3});

  x[0] += 100;  // seen through every view
  CLAIM(grid[0][0].item<int>() == 100);
  CLAIM(turned[0][0].item<int>() == 100);

  // A view must lie in memory as it is; reshape copies where it cannot.
  try {
    turned.view({6});
    CLAIM(false);
  } catch (const Error&) {
    CLAIM(turned.reshape({6}).numel() == 6);
  }

  const Tensor copy = x.clone();  // numbers of its own
  x[0] += 100;
  CLAIM(copy[0].item<int>() == 100);

  // A handle is not a copy either: both names mean one tensor.
  const Tensor other_name = x;
  CLAIM(other_name.is_same(x));
}

void write() {
  std::cout << "--- Writing\n";

  const Tensor x = arange(6);
  x[0] = 7;
  CLAIM(x[0].item<int>() == 7);
  x[x > 3] = 0;
  CLAIM(x[0].item<int>() == 0 && x[3].item<int>() == 3 && x[5].item<int>() == 0);
  x.slice(0, 1, 3) = tensor({8, 9});
  CLAIM(x[1].item<int>() == 8 && x[2].item<int>() == 9);

  // A name on the left is made to mean something else; no number changes.
  Tensor y = x;
  y = x[1];
  CLAIM(x[0].item<int>() == 0 && y.item<int>() == 8);
}

void pick() {
  std::cout << "--- Picking\n";

  const Tensor x = arange(12).view({3, 4});
  CLAIM(x[1].shape() == Shape{4});                    // row 1
  CLAIM(x[-1][-1].item<int>() == 11);                 // counted from the end
  CLAIM(x.slice(1, 0, 4, 2).shape() == Shape{3, 2});  // columns 0 and 2

  // Numbers, slices, and tensors together, as in NumPy: x[1:, 2].
  const Tensor part = x.index({Slice{1, {}}, 2});
  std::cout << part << "\n";
  CLAIM(part.eq(tensor({6, 10})).all().item<bool>());

  // A mask picks where it is true; a tensor of indices picks rows.
  const Tensor large = x[x > 6];
  const Tensor rows = x[tensor({2, 0})];
  CLAIM(large.numel() == 5);
  CLAIM(rows.shape() == Shape{2, 4});
}

void mix_dtypes() {
  std::cout << "--- Types\n";

  const Tensor whole = tensor({1, 2});       // int64
  const Tensor single = tensor({0.5, 0.5});  // float32
  const Tensor twice = single.to(float64);
  CLAIM((whole + single).dtype() == float32);  // integers give way to floating point
  CLAIM((single + twice).dtype() == float64);  // the wider one wins
  CLAIM((whole / whole).dtype() == float32);   // "/" divides as real numbers do
  CLAIM((single * 0.1).dtype() == float32);    // a C++ number takes part by its kind only
}

void reach_the_numbers() {
  std::cout << "--- From and to C++\n";

  std::vector<float> numbers{1, 2, 3, 4, 5, 6};
  const Tensor borrowed = from_blob(numbers.data(), {2, 3});  // no copy: `numbers` must live on
  borrowed.mul_(10);
  CLAIM(numbers[5] == 60);

  float sum = 0;
  const float* p = borrowed.data_ptr<float>();
  for (Size i = 0; i < borrowed.numel(); ++i) sum += p[i];
  CLAIM(sum == 210);
  const std::vector<float> back(p, p + borrowed.numel());
  CLAIM(back == numbers);
}

void go_wrong() {
  std::cout << "--- Errors\n";

  try {
    zeros({2, 3}) + zeros({4});
    CLAIM(false);
  } catch (const Error& error) {
    std::cout << error.what() << "\n";
  }
}

}  // namespace

int main() {
  make_tensors();
  seed_random_numbers();
  calculate();
  broadcast();
  share_memory();
  write();
  pick();
  mix_dtypes();
  reach_the_numbers();
  go_wrong();
}
