#include "reel/ops/support/checks.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "reel/ops/ops.h"

using namespace reel;

TEST_CASE("ops that show, index, join and make tensors name themselves when one is missing") {
  const Tensor none, x = ones({2, 2}), mask = x > 0, at = zeros({2, 2}, {.dtype = int64});
  const Tensor row = zeros({2}, {.dtype = int64});
  struct Case {
    std::string op, name;
    std::function<void()> call;
  };
  const Case cases[] = {
      // view.h
      {"view", "input", [&] { view(none, {4}); }},
      {"reshape", "input", [&] { reshape(none, {4}); }},
      {"flatten", "input", [&] { flatten(none); }},
      {"squeeze", "input", [&] { squeeze(none); }},
      {"squeeze", "input", [&] { squeeze(none, 0); }},
      {"unsqueeze", "input", [&] { unsqueeze(none, 0); }},
      {"transpose", "input", [&] { transpose(none, 0, 1); }},
      {"t", "input", [&] { t(none); }},
      {"permute", "input",
       [&] {
         permute(none, {1, 0});
       }},
      {"expand", "input",
       [&] {
         expand(none, {2, 2});
       }},
      {"expand_as", "other", [&] { x.expand_as(none); }},
      {"narrow", "input", [&] { narrow(none, 0, 0, 1); }},
      {"slice", "input", [&] { slice(none, 0); }},
      {"select", "input", [&] { select(none, 0, 0); }},
      {"select", "input", [&] { none[0]; }},
      {"split", "input", [&] { split(none, 1); }},
      {"split", "input",
       [&] {
         split(none, std::vector<Size>{1, 1});
       }},
      {"chunk", "input", [&] { chunk(none, 2); }},
      {"unbind", "input", [&] { unbind(none); }},
      {"contiguous", "input", [&] { contiguous(none); }},
      {"clone", "input", [&] { clone(none); }},
      {"to", "input", [&] { to(none, float64); }},
      {"sum_to_size", "input", [&] { sum_to_size(none, {1}); }},
      // index.h
      {"index", "input", [&] { index(none, {0}); }},
      {"index", "index", [&] { index(x, {none}); }},
      {"index", "index", [&] { x[none]; }},
      {"index_put", "input", [&] { index_put(none, {0}, 1); }},
      {"index_put", "index", [&] { index_put(x, {none}, 1); }},
      {"index_put", "values", [&] { index_put(x, {0}, none); }},
      {"index_put_", "input", [&] { index_put_(none, {0}, 1); }},
      {"index_put_", "index", [&] { index_put_(x, {none}, 1); }},
      {"index_put_", "values", [&] { index_put_(x, {0}, none); }},
      {"index_put_", "values", [&] { x[mask] = none; }},
      {"index_select", "input", [&] { index_select(none, 0, row); }},
      {"index_select", "index", [&] { index_select(x, 0, none); }},
      {"index_add", "input", [&] { index_add(none, 0, row, x); }},
      {"index_add", "index", [&] { index_add(x, 0, none, x); }},
      {"index_add", "source", [&] { index_add(x, 0, row, none); }},
      {"embedding", "input", [&] { embedding(none, x); }},
      {"embedding", "weight", [&] { embedding(row, none); }},
      {"gather", "input", [&] { gather(none, 0, at); }},
      {"gather", "index", [&] { gather(x, 0, none); }},
      {"take_along_dim", "input", [&] { take_along_dim(none, at, 0); }},
      {"take_along_dim", "index", [&] { take_along_dim(x, none, 0); }},
      {"scatter", "input", [&] { scatter(none, 0, at, x); }},
      {"scatter", "index", [&] { scatter(x, 0, none, x); }},
      {"scatter", "source", [&] { scatter(x, 0, at, none); }},
      {"scatter_add", "input", [&] { scatter_add(none, 0, at, x); }},
      {"scatter_add", "index", [&] { scatter_add(x, 0, none, x); }},
      {"scatter_add", "source", [&] { scatter_add(x, 0, at, none); }},
      {"masked_fill", "input", [&] { masked_fill(none, mask, 0); }},
      {"masked_fill", "mask", [&] { masked_fill(x, none, 0); }},
      {"masked_fill", "value", [&] { masked_fill(x, mask, none); }},
      {"masked_select", "input", [&] { masked_select(none, mask); }},
      {"masked_select", "mask", [&] { masked_select(x, none); }},
      {"nonzero", "input", [&] { nonzero(none); }},
      {"one_hot", "labels", [&] { one_hot(none); }},
      {"tril", "input", [&] { tril(none); }},
      {"triu", "input", [&] { triu(none); }},
      // join.h
      {"cat", "each input", [&] { cat({none}); }},
      {"cat", "each input",
       [&] {
         cat({x, none});
       }},
      {"stack", "each input", [&] { stack({none}); }},
      {"stack", "each input",
       [&] {
         stack({x, none});
       }},
      // create.h
      {"full", "value", [&] { full({2}, none); }},
      {"full", "value", [&] { full({2}, none, {.dtype = int64}); }},
      {"empty_like", "like", [&] { empty_like(none); }},
      {"zeros_like", "like", [&] { zeros_like(none); }},
      {"ones_like", "like", [&] { ones_like(none); }},
      {"full_like", "like", [&] { full_like(none, 1); }},
      {"full_like", "value", [&] { full_like(x, none); }},
      {"arange", "end", [&] { arange(none); }},
      {"arange", "start", [&] { arange(none, 2); }},
      {"arange", "end", [&] { arange(0, none); }},
      {"arange", "step", [&] { arange(0, 2, none); }},
      // random.h
      {"rand_like", "like", [&] { rand_like(none); }},
      {"randn_like", "like", [&] { randn_like(none); }},
      {"randint_like", "like", [&] { randint_like(none, 0, 2); }},
      {"bernoulli", "probabilities", [&] { bernoulli(none); }},
      // in place
      {"add_", "input", [&] { none.add_(1); }},
      {"add_", "other", [&] { x.add_(none); }},
      {"sub_", "input", [&] { none.sub_(1); }},
      {"mul_", "other", [&] { x.mul_(none); }},
      {"div_", "input", [&] { none.div_(x); }},
      {"clamp_", "input", [&] { none.clamp_(0, 1); }},
      {"fill_", "input", [&] { none.fill_(1); }},
      {"fill_", "value", [&] { x.fill_(none); }},
      {"zero_", "input", [&] { none.zero_(); }},
      {"copy_", "input", [&] { none.copy_(x); }},
      {"copy_", "source", [&] { x.copy_(none); }},
      {"operator=", "values", [&] { x[0] = none; }},
      {"uniform_", "input", [&] { none.uniform_(); }},
      {"normal_", "input", [&] { none.normal_(); }},
  };
  for (const Case& one : cases) {
    CAPTURE(one.op);
    const std::string text =
        "[" + one.op + "] expected a tensor as " + one.name + ", got an undefined one";
    CHECK_THROWS_WITH_AS(one.call(), doctest::Contains(text.c_str()), Error);
  }
}
