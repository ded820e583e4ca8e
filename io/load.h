#pragma once

/// @file
/// Models and other tensors, read from a file.

#include <string>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/io/save.h"
#include "reel/nn/module.h"
#include "reel/optim/optimizer.h"

namespace reel::io {

/// Each match of a pattern in a tensor's name is replaced: `{"^module\\.", ""}`.
struct Rename {
  std::string pattern;           ///< an ECMAScript regular expression
  std::string replacement = {};  ///< may take up groups of the pattern: `"layers.$1"`
};

/// What `load` can be told.
struct LoadOptions {
  /// Names must match exactly; else missing and unexpected ones are left alone and returned.
  bool strict = true;
  std::vector<Rename> rename = {};  ///< of the file's names, one after another
};

/// What `load` did beyond filling a model.
struct LoadResult : nn::LoadResult {
  /// Tensors whose type in the file is none of Reel's: `"fc1.weight: BF16 to float32"`.
  std::vector<std::string> converted = {};
};

namespace detail {
REEL_API LoadResult load_tensors(const NamedTensors& targets, const std::string& path,
                                 const LoadOptions& options);
}

/// Fills a module's parameters and buffers with a file's tensors of the same names. The ending of
/// `path` tells the format:
///
/// - `.safetensors`, or `.safetensors.index.json` for a model in several files;
/// - `.pt` and `.pth`, what `torch.save` wrote (of PyTorch 1.6 and later): tensors, numbers and
///   words in dicts and lists. Nothing in it is run; whatever else it names is an error. Keys of
///   nested dicts and places in lists are joined by dots, so that the weights in
///   `{'model': ..., 'epoch': 3}` load with `{.strict = false, .rename = {{"^model\\.", ""}}}`.
/// - `.npz`, of `numpy.savez` or `savez_compressed`, and `.npy`, whose tensor is named as the file.
///   Big-endian arrays and those in Fortran's order are turned on the way.
///
/// Follows `torch.nn.Module.load_state_dict`.
///
/// Types that tensors of Reel do not have are converted, without loss, to the module's dtype:
/// `F16`, `BF16` and `F8_*` to floats, small and unsigned integers to int32 or int64. The result
/// names them.
///
/// Only what the module takes is read. Everything is checked first, and read before anything is
/// changed: when it throws, the module is as it was. Throws one error that lists all missing and
/// unexpected names and all entries whose shape or dtype is not the module's; for a file that is
/// cut off, damaged or of another format; and for renamings that give two tensors one name.
///
/// **Example**
/// ```cpp
/// const auto result = io::load(net, "bert.safetensors", {.strict = false,
///                                                        .rename = {{"^module\\.", ""}}});
/// for (const std::string& name : result.missing) ...
/// ```
template <Model M>
LoadResult load(M& model, const std::string& path, const LoadOptions& options = {}) {
  nn::detail::StateCollector visitor;
  nn::detail::walk(model, visitor);
  return detail::load_tensors(visitor.take(), path, options);
}

/// Gives an optimizer the state that `save` wrote of one of the same kind and groups. Throws, and
/// changes nothing, where `Optimizer::load_state_dict` does.
REEL_API void load(optim::Optimizer& optimizer, const std::string& path);

/// All tensors of a file under their names, in the file's order; numbers are 0-d tensors. Types
/// that tensors of Reel do not have become float32, int32 or int64; `inspect` tells which. Tensors
/// that shared memory when PyTorch saved them share it again.
REEL_API StateDict load_state_dict(const std::string& path, const std::vector<Rename>& rename = {});

/// The only tensor of a file. Throws when there are more, or none.
REEL_API Tensor load_tensor(const std::string& path);

}  // namespace reel::io
