#pragma once

// Internal: types and options of modules as text, for summaries and error messages.

#include <string>
#include <string_view>

#include "reel/nn/detail/visitor.h"

namespace reel::nn::detail {

/// "Block" from "(anonymous namespace)::Block<reel::nn::Linear>", "Net" from "main()::Net", "Conv2d"
/// from "reel::nn::ConvNd<2>".
std::string short_type(std::string_view name);

/// The value of an option, as `784`, `{3, 5}` or `"same"`.
std::string show(const Setting& setting);

}  // namespace reel::nn::detail
