#pragma once

#include "fuzz/byte_reader.h"
#include "reel/autograd/state_dict.h"

namespace reel::testing {

/// What a dictionary holds.
using Entries = NamedTensors;

inline Entries entries_of(const StateDict& state) { return {state.begin(), state.end()}; }

/// A dictionary of these entries; of those with one name the last.
StateDict dictionary_of(const Entries& entries);

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
