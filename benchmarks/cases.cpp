#include "cases.h"

#include <map>
#include <utility>

namespace bench {

namespace {

using Runners = std::map<std::pair<std::string, std::string>, MakeStep>;

/// A function's static, because static initialisers of other files fill it.
Runners& runners() {
  static Runners all;
  return all;
}

using Sizes = std::vector<std::int64_t>;

}  // namespace

std::string Case::name() const {
  std::string name = what;
  if (size != 0) name += "/" + label + ":" + std::to_string(size);
  return name + "/threads:" + std::to_string(threads);
}

std::vector<Case> all_cases(const std::vector<int>& threads) {
  std::vector<Case> cases;
  const auto add = [&](Case c, const Sizes& sizes) {
    for (const std::int64_t size : sizes) {
      for (const int count : threads) {
        c.size = size;
        c.threads = count;
        cases.push_back(c);
      }
    }
  };
  const auto add_batches = [&](const std::string& what, const Sizes& sizes) {
    add({.what = what, .label = "batch"}, sizes);
  };

  add_batches("mlp_train", {1, 32, 64, 256, 1024});
  add_batches("cnn_train", {32, 64, 256});
  add_batches("cnn_by_hand_train", {64});
  add_batches("residual_train", {64});
  add_batches("gpt_train", {8});
  add_batches("lstm_train", {32});
  add_batches("mlp_infer", {1, 32, 1024});
  add_batches("cnn_infer", {1, 32, 256});
  add_batches("cnn_by_hand_infer", {32});

  for (const char* what :
       {"func_call", "func_vjp", "func_jvp", "func_pullback", "func_linear_map"}) {
    add_batches(what, {32});
  }
  for (const char* what :
       {"func_vmap_grad", "func_loop_grad", "func_vmap_grad_small", "func_loop_grad_small"}) {
    add_batches(what, {256});
  }
  for (const char* what : {"func_jacrev", "func_jacfwd", "func_hessian"})
    add({.what = what, .label = "n"}, {4, 64});

  const Sizes elements{1000, 1000000, 10000000};
  for (const char* what : {"add",
                           "mul",
                           "exp",
                           "tanh",
                           "relu",
                           "gelu",
                           "sigmoid",
                           "tanh(ab+c)_backward",
                           "tanh(ab+c)_unfused_backward",
                           "chain8",
                           "chain8_unfused",
                           "add_row",
                           "add_column",
                           "sum",
                           "sum_rows",
                           "sum_columns",
                           "max",
                           "argmax",
                           "softmax",
                           "softmax_backward",
                           "layer_norm_backward",
                           "transpose",
                           "slice_rows",
                           "slice_columns",
                           "sgd_step",
                           "adam_step",
                           "adagrad_step",
                           "rmsprop_step",
                           "lion_step"}) {
    add({.what = what, .label = "n"}, elements);
  }

  add({.what = "matmul", .label = "n"}, {64, 128, 256, 512, 1024, 2048});
  for (const char* shape : {"1x28-32", "32x14-64", "64x32-64"}) {
    const std::string conv = std::string("conv_") + shape;
    add_batches(conv + "_forward", {64});
    add_batches(conv + "_backward", {64});
  }

  // What has one thread only.
  const auto add_one = [&](Case c) {
    c.threads = 1;
    cases.push_back(c);
  };
  for (const char* what : {"op_no_grad", "op_forward", "op_forward_backward"}) {
    add_one({.what = what, .unit = "ns", .per = 2 * scalar_links});
  }
  add_one({.what = "data_loader",
           .label = "batch",
           .size = 64,
           .unit = "ns",
           .per = static_cast<double>(loader_samples)});
  add_one({.what = "start_to_first_step", .unit = "ms", .programs = 3});
  for (const char* what : {"peak_memory_mlp", "peak_memory_cnn"}) {
    add_one({.what = what, .label = "batch", .size = 256, .unit = "MiB", .programs = 1});
  }
  add_one({.what = "libraries_on_disk", .unit = "MiB", .programs = 1});
  add_one({.what = "compile_user_file", .unit = "s", .programs = 3});
  return cases;
}

std::vector<Case> scaling_cases() {
  const std::vector<std::pair<Case, Sizes>> sweeps{
      {{.what = "scaling_batch", .label = "batch"}, {1, 4, 16, 64, 256, 1024, 4096}},
      {{.what = "scaling_width", .label = "width"}, {16, 64, 256, 1024, 4096}},
      {{.what = "scaling_depth", .label = "layers"}, {1, 2, 4, 8, 16, 32, 64}},
      {{.what = "scaling_samples", .label = "samples"}, {640, 2560, 10240, 40960}},
  };
  std::vector<Case> cases;
  for (const auto& [sweep, sizes] : sweeps) {
    for (const std::int64_t size : sizes) {
      cases.push_back(sweep);
      cases.back().size = size;
    }
  }
  return cases;
}

bool add_runner(const std::string& side, const std::string& what, MakeStep make) {
  runners()[{side, what}] = std::move(make);
  return true;
}

bool has_side(const std::string& side) {
  const auto first = runners().lower_bound({side, ""});
  return first != runners().end() && first->first.first == side;
}

Step make_step(const std::string& side, const Case& c) {
  const auto found = runners().find({side, c.what});
  return found == runners().end() ? Step() : found->second(c);
}

}  // namespace bench
