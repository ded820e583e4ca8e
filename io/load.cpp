#include "reel/io/load.h"

#include <regex>
#include <unordered_map>
#include <utility>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/io/detail/formats.h"
#include "reel/nn/detail/compare_state.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"

namespace reel::io {
namespace {

constexpr const char* op = "io::load";

std::unique_ptr<detail::Reader> opened(const std::string& path) {
  return detail::format_of(op, path).read(op, path);
}

/// The names of a file's tensors after renaming.
std::vector<std::string> renamed(const detail::Reader& reader, const std::vector<Rename>& renames,
                                 const std::string& path) {
  constexpr std::size_t longest = 4096;  // std::regex takes stack for every character
  std::vector<std::string> names;
  for (const TensorInfo& tensor : reader.tensors()) names.push_back(tensor.name);
  if (renames.empty()) return names;
  for (const auto& [pattern, replacement] : renames) {
    try {
      const std::regex regex(pattern);
      for (std::string& name : names) {
        check(name.size() <= longest, op,
              "expected names of at most {} bytes to rename, got {} ({})", longest, name.size(),
              path);
        name = std::regex_replace(name, regex, replacement);
      }
    } catch (const std::regex_error& error) {
      fail(op, "expected a regular expression to rename by, got \"{}\": {}", pattern, error.what());
    }
  }
  std::unordered_map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto [before, is_new] = first.emplace(names[i], i);
    check(is_new, op,
          "expected names that differ after renaming, got \"{}\" and \"{}\" as \"{}\" "
          "({})",
          reader.tensors()[before->second].name, reader.tensors()[i].name, names[i], path);
  }
  return names;
}

/// The dtype in which a model takes a file's tensor: what is converted anyway becomes what the
/// model has, where that holds all its values.
DType dtype_for(const Tensor& target, const TensorInfo& tensor) {
  const bool fits = is_floating(target.dtype()) == is_floating(tensor.dtype) &&
                    item_size(target.dtype()) >= item_size(tensor.dtype);
  return tensor.converted && fits ? target.dtype() : tensor.dtype;
}

}  // namespace

LoadResult detail::load_tensors(const NamedTensors& targets, const std::string& path,
                                const LoadOptions& options) {
  const std::unique_ptr<Reader> reader = opened(path);
  const std::vector<std::string> names = renamed(*reader, options.rename, path);
  std::unordered_map<std::string_view, std::size_t> place;
  for (std::size_t i = 0; i < names.size(); ++i) place.emplace(names[i], i);

  std::vector<nn::detail::OfferedTensor> offered;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const TensorInfo& tensor = reader->tensors()[i];
    offered.push_back({names[i], true, tensor.dtype, tensor.shape});
  }
  LoadResult result;
  for (const auto& [name, target] : targets) {
    const auto found = place.find(name);
    if (found == place.end()) continue;
    const TensorInfo& tensor = reader->tensors()[found->second];
    DType& dtype = offered[found->second].dtype;
    dtype = dtype_for(target, tensor);
    if (tensor.converted) {
      result.converted.push_back(
          fmt::format("{}: {} to {}", name, tensor.stored_as, reel::name(dtype)));
    }
  }
  static_cast<nn::LoadResult&>(result) = nn::detail::compare_state(
      op, targets, offered, {.strict = options.strict}, fmt::format(" ({})", path));

  // A file may still fail while it is read: the module changes when all is there.
  std::vector<std::pair<Tensor, Tensor>> loaded;
  for (const auto& [name, target] : targets) {
    const auto found = place.find(name);
    if (found != place.end()) loaded.emplace_back(target, reader->read(found->second));
  }
  const NoGradGuard no_grad;
  for (const auto& [target, values] : loaded) target.copy_(values);
  return result;
}

void load(optim::Optimizer& optimizer, const std::string& path) {
  optimizer.load_state_dict(load_state_dict(path));
}

StateDict load_state_dict(const std::string& path, const std::vector<Rename>& rename) {
  const std::unique_ptr<detail::Reader> reader = opened(path);
  const std::vector<std::string> names = renamed(*reader, rename, path);
  StateDict state;
  for (std::size_t i = 0; i < names.size(); ++i) state[names[i]] = reader->read(i);
  return state;
}

Tensor load_tensor(const std::string& path) {
  const std::unique_ptr<detail::Reader> reader = opened(path);
  const std::size_t count = reader->tensors().size();
  check(count == 1, op,
        "expected a file of one tensor, got {} ({})\n"
        "help: load_state_dict(path) returns all under their names",
        count, path);
  return reader->read(0);
}

}  // namespace reel::io
