#pragma once

/// @file
/// Models and other tensors, written to a file.

#include <concepts>
#include <string>

#include "reel/autograd/state_dict.h"
#include "reel/io/save_options.h"
#include "reel/nn/module.h"
#include "reel/optim/optimizer.h"

namespace reel {

template <class M>
  requires(!std::derived_from<M, Tensor>)
void save(const M&, ...) = delete;  // a model is written by io::save(net, "net.safetensors")

namespace io {

/// A module: what is neither a tensor, nor a dictionary of them, nor an optimizer.
template <class M>
concept Model =
    nn::Module<M> && !std::derived_from<M, StateDict> && !std::derived_from<M, optim::Optimizer>;

/// Writes the tensors of `state` under their names. The ending of `path` chooses the format:
///
/// - `.safetensors`, which PyTorch, JAX and others read by the package of that name;
/// - `.safetensors.index.json`, several such files beside an index that names them, as large models
///   are published: `model-00001-of-00002.safetensors`, ...;
/// - `.npz`, as `numpy.savez` writes it, and `.npy` for one tensor, whose name is the file's.
///
/// Tensors that share memory are written each for itself, in row-major order.
///
/// The file is written beside and renamed once it is on the disk: a kill, a full disk or a crash
/// leaves the old file or the new one, never half of it. Several files get names that are not
/// taken; those of the old index go when the new one is in its place. Follows
/// `safetensors.torch.save_file`.
///
/// Throws for another ending, an undefined tensor, names that are no UTF-8, several tensors for one
/// `.npy`, metadata that the format has no place for, and where the file cannot be written.
REEL_API void save(const StateDict& state, const std::string& path,
                   const SaveOptions& options = {});

/// Writes a module's parameters and buffers, `nn::state_dict(model)`, under PyTorch's names.
///
/// **Example**
/// ```cpp
/// io::save(net, "net.safetensors");
/// io::load(net, "net.safetensors");
/// ```
template <Model M>
void save(const M& model, const std::string& path, const SaveOptions& options = {}) {
  save(nn::state_dict(model), path, options);
}

/// Writes an optimizer's state, `optimizer.state_dict()`: what it needs to go on.
REEL_API void save(const optim::Optimizer& optimizer, const std::string& path,
                   const SaveOptions& options = {});

/// Writes one tensor, under the name of the file: "mean" in `mean.safetensors`.
REEL_API void save(const Tensor& tensor, const std::string& path, const SaveOptions& options = {});

}  // namespace io
}  // namespace reel
