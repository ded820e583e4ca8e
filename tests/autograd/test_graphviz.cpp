#include "reel/autograd/graphviz.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a picture of the tape has ops, leaves and arrows the way of the data") {
  const Tensor w = ones({2, 3}, {.requires_grad = true});
  const Tensor x = ones({4, 3});
  const Tensor h = mm(x, t(w));
  const Tensor loss = (h * h).sum();
  const std::string dot = graphviz(loss, {.names = {{"w \"1\"", w}, {"hidden", h}}});
  CHECK(dot.starts_with("digraph tape {\n  graph [rankdir=TB]\n"));
  CHECK(dot.ends_with("}\n"));
  CHECK(count(dot, "[label=\"w \\\"1\\\"\\n[2, 3]\"") == 1);
  CHECK(count(dot, "[label=\"mm = hidden\\n[4, 2]") == 1);
  CHECK(count(dot, "[label=\"sum\\n[]") == 1);
  CHECK(count(dot, "[label=\"mul\\n[4, 2]\\nkeeps 32 bytes\"") == 1);  // h, once
  CHECK(count(dot, "[label=\"transpose\\n[3, 2]\"") == 1);         // keeps nothing
  CHECK(count(dot, " -> ") == 5);  // w t, t mm, mm mul twice, mul sum
}

TEST_CASE("a picture tells what an op keeps until it is freed") {
  const Tensor x = ones({100}, {.dtype = float64, .requires_grad = true});
  const Tensor y = exp(x), loss = y.sum();
  CHECK(count(graphviz(loss), "[label=\"exp\\n[100] float64\\nkeeps 800 bytes\"") == 1);
  CHECK(count(graphviz(loss, {.saved = false}), "keeps") == 0);
  loss.backward();
  CHECK(count(graphviz(loss), "[label=\"exp\\n[100] float64\\nfreed\"") == 1);
  CHECK(graphviz(loss, {.left_to_right = true}).find("rankdir=LR") != std::string::npos);
}

TEST_CASE("an op of several outputs is one in the picture") {
  const Tensor x = ones({2, 3}, {.requires_grad = true});
  const std::vector<Tensor> rows = unbind(x);
  const std::string dot = graphviz(rows[0] * rows[1]);
  CHECK(count(dot, "[label=\"unbind\\n2 outputs\"") == 1);
  CHECK(count(dot, " -> ") == 3);
  CHECK(count(graphviz({rows[0], rows[1].sum()}), "penwidth=2") == 2);
}

TEST_CASE("a picture of a leaf is the leaf, of nothing an error") {
  const Tensor x = ones({2}, {.requires_grad = true});
  CHECK(count(graphviz(x, {.names = {{"x", x}}}), "[label=\"x\\n[2]\"") == 1);
  CHECK_THROWS_WITH_AS((void)graphviz(ones({2})),
                       "[graphviz] expected a tensor that requires grad, got one with no history "
                       "on the tape",
                       Error);
  CHECK_THROWS_WITH_AS((void)graphviz(std::vector<Tensor>{}),
                       "[graphviz] expected at least one tensor, got none", Error);
}
