#pragma once

#include <cstddef>

#include "reel/base/export.h"

namespace reel::nn::detail {

/// Makes the tensors of a layer that were not given, and checks its options and the tensors that
/// were. Specialised for each layer; a tensor's default that follows from other fields stands here.
template <class Layer>
void complete(Layer& layer);

/// The last field of a layer, named `completed`: completes it when all other fields are there,
/// however many of them were given. A copy of a layer is complete already.
///
/// It knows the layer by its own place in it. `= *this` would say the same, but g++ 12 stops with
/// an internal compiler error ("in replace_placeholders_r") where a struct with a destructor, of
/// which any default names another field or `this`, is a temporary in the default of a member that
/// names a field too: `std::vector<nn::Linear> layers{nn::Linear{width, width}};`.
template <class Layer>
class Completed {
 public:
  Completed() { complete(*layer()); }

 private:
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // layers have no virtual bases
  Layer* layer() {
    return reinterpret_cast<Layer*>(reinterpret_cast<char*>(this) - offsetof(Layer, completed));
  }
#pragma GCC diagnostic pop
};

}  // namespace reel::nn::detail
