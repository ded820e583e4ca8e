#pragma once

#include <string>
#include <utility>
#include <vector>

#include "fuzz/byte_reader.h"
#include "reel/autograd/tensor.h"

namespace reel::testing {

/// What a dictionary holds.
using Entries = std::vector<std::pair<std::string, Tensor>>;

/// The same entries, each a copy.
Entries copies_of(const Entries& entries);

/// A dictionary of the input's making: entries of `valid` as they are, under another's name, with a
/// damaged name, left out or given twice, and tensors of any dtype, shape, layout and bits.
Entries crafted_entries(ByteReader& input, const Entries& valid);

/// Whether names, dtypes, shapes and bits are equal.
bool same_entries(const Entries& a, const Entries& b);

/// Whether dtypes, shapes and bits are equal.
bool same_tensor(const Tensor& a, const Tensor& b);

}  // namespace reel::testing
