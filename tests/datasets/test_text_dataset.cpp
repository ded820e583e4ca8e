#include "reel/datasets/text_dataset.h"

#include <doctest/doctest.h>

#include "reel/datasets/data_loader.h"
#include "reel/ops/create/create.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

namespace {

std::vector<Size> values_of(const Tensor& t) {
  return std::vector<Size>(t.data_ptr<Size>(), t.data_ptr<Size>() + t.numel());
}

}  // namespace

TEST_CASE("Characters number the characters of a text in order of their code points") {
  const std::string text = "b\u00e4a\u20ac\U0001F600b";
  const Characters characters(text);
  CHECK(characters.size() == 5);
  CHECK(values_of(characters.encode(text)) == std::vector<Size>{1, 2, 0, 3, 4, 1});
  CHECK(characters.decode(characters.encode(text)) == text);
  CHECK(characters.decode(tensor({4, 0}, {.dtype = uint8})) == "\U0001F600a");
  CHECK(Characters("").size() == 0);
  CHECK_ERROR(characters.encode("abc"),
              "[encode] expected characters that were in the text at first, got U+0063");
  CHECK_ERROR(characters.decode(tensor({5})), "[decode] expected numbers in [0, 5), got 5");
  CHECK_ERROR(characters.decode(tensor({-1})), "got -1");
  CHECK_ERROR(characters.decode(tensor({1.0})), "expected integers [N], got float32 [1]");
}

TEST_CASE("what is no UTF-8 is an error with its offset") {
  // A lone continuation, an overlong form, a surrogate, one beyond Unicode, one cut off.
  for (const std::string& bytes :
       {std::string("\x80"), std::string("\xc0\xaf"), std::string("\xe0\x80\xaf"),
        std::string("\xed\xa0\x80"), std::string("\xf4\x90\x80\x80"), std::string("\xe2\x82"),
        std::string("\xff")}) {
    CHECK_ERROR(Characters("ab" + bytes), "[Characters] expected text in UTF-8, got byte ");
    CHECK_ERROR(Characters("ab" + bytes), "at offset 2");
  }
}

TEST_CASE("TextDataset cuts windows, and the same windows one token further on") {
  const TextDataset set(arange(10), {.length = 3});
  CHECK(set.size() == 3);
  const auto [input, target] = set.get(2);
  CHECK(values_of(input) == std::vector<Size>{6, 7, 8});
  CHECK(values_of(target) == std::vector<Size>{7, 8, 9});
  CHECK(TextDataset(arange(9), {.length = 3}).size() == 2);
  CHECK(TextDataset(arange(4), {.length = 3}).size() == 1);
  const TextDataset overlapping(arange(10), {.length = 3, .stride = 1});
  CHECK(overlapping.size() == 7);
  CHECK(values_of(overlapping.get(6)[1]) == std::vector<Size>{7, 8, 9});
  for (auto [inputs, targets] : DataLoader{set, {.batch_size = 3}}) {
    CHECK(inputs.shape() == Shape{3, 3});
    CHECK(targets.shape() == Shape{3, 3});
  }
  CHECK(TextDataset(tensor({1, 2, 3}, {.dtype = uint8}), {.length = 1}).get(0)[0].dtype() == int64);
  CHECK_ERROR(TextDataset(arange(3), {.length = 3}),
              "[TextDataset] expected more than 3 tokens, got 3");
  CHECK_ERROR(TextDataset(ones(3), {.length = 1}), "expected integers [N] as tokens, got float32");
  CHECK_ERROR(TextDataset(arange(3), {.length = 0}), "expected length > 0 and stride >= 0, got 0");
  CHECK_ERROR(TextDataset(arange(3), {.length = 1, .stride = -1}), "got 1 and -1");
  CHECK_ERROR(set.get(3), "[TextDataset] expected an index in [0, 3), got 3");
}
