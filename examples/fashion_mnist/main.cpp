// The Fashion-MNIST lesson as a program: trains a network to tell garments apart, says how well it
// does on pictures it has not seen, and shows some of them. ./scripts/train builds and runs it.

#include <fmt/format.h>
#include <reel/reel.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <numeric>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "arguments.h"

using namespace reel;
using app::Arguments;

namespace {

const auto process_start = std::chrono::steady_clock::now();

double seconds_since_start() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - process_start).count();
}

/// 784-128-10: the network of the lesson.
auto make_mlp() {
  return nn::Sequential{nn::Flatten{}, nn::Linear{784, 128}, nn::ReLU{}, nn::Linear{128, 10}};
}

/// Two convolutions with 32 and 64 channels, a pool after each, then 3136-128-10.
auto make_cnn() {
  return nn::Sequential{
      nn::Conv2d{.in_channels = 1, .out_channels = 32, .kernel_size = 3, .padding = 1},
      nn::ReLU{},
      nn::MaxPool2d{2},
      nn::Conv2d{.in_channels = 32, .out_channels = 64, .kernel_size = 3, .padding = 1},
      nn::ReLU{},
      nn::MaxPool2d{2},
      nn::Flatten{},
      nn::Linear{3136, 128},
      nn::ReLU{},
      nn::Linear{128, 10},
  };
}

/// Text in a frame, which nobody overlooks; long lines are broken between words.
std::string boxed(const std::string& text) {
  constexpr std::size_t longest = 74;
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string paragraph; std::getline(stream, paragraph);) {
    lines.emplace_back();
    std::istringstream words(paragraph);
    for (std::string word; words >> word;) {
      std::string& line = lines.back();
      if (!line.empty() && line.size() + 1 + word.size() > longest) {
        lines.push_back(word);
      } else {
        if (!line.empty()) line += ' ';
        line += word;
      }
    }
  }
  std::size_t width = 0;
  for (const std::string& line : lines) width = std::max(width, line.size());
  const std::string edge = fmt::format("+{:-<{}}+\n", "", width + 2);
  std::string box = edge;
  for (const std::string& line : lines) box += fmt::format("| {:<{}} |\n", line, width);
  return box + edge;
}

datasets::GarmentSets load(const Arguments& arguments) {
  if (!arguments.drawn) return datasets::fashion_mnist_or_drawn({.root = arguments.data});
  return {.train = datasets::DrawnGarments::train(),
          .test = datasets::DrawnGarments::test(),
          .drawn = true,
          .message =
              "These garments are DRAWN, as --drawn asks; results say nothing about "
              "Fashion-MNIST."};
}

/// Every picture of the test set, counted by what it is and what the network takes it for.
template <class Model>
train::ConfusionMatrix count_predictions(Model& model, const datasets::LabeledImages& data) {
  const nn::EvalGuard evaluation(model);
  const NoGradGuard no_grad;
  train::ConfusionMatrix matrix(10, data.class_names());
  for (auto [images, labels] : DataLoader{data, {.batch_size = 250}}) {
    matrix.add(model(images), labels);
  }
  return matrix;
}

/// Some pictures with what the network takes them for, how sure it is and, where it is wrong, what
/// they are. `labels`: `[N]`; `probabilities`: `[N, 10]`.
void show(const char* title, const std::vector<Size>& chosen, const Tensor& images,
          const Tensor& labels, const Tensor& probabilities,
          const std::vector<std::string>& class_names) {
  if (chosen.empty()) return;
  const auto name = [&](Size cls) { return class_names[static_cast<std::size_t>(cls)]; };
  std::vector<std::string> captions;
  for (const Size i : chosen) {
    const Size taken_for = probabilities[i].argmax().item<Size>(), is = labels[i].item<Size>();
    const double percent = 100 * probabilities[i][taken_for].item();
    captions.push_back(taken_for == is
                           ? fmt::format("{} {:.0f}%", name(is), percent)
                           : fmt::format("{} {:.0f}% ({})", name(taken_for), percent, name(is)));
  }
  const datasets::ShowOptions options{.colors = terminal_colors(), .width = terminal_width()};
  fmt::print("{}\n{}\n", title,
             datasets::show_images(images.index_select(0, tensor(chosen)), captions, options));
}

/// The first test pictures that the network gets right and the first that it gets wrong.
template <class Model>
void show_predictions(Model& model, const datasets::LabeledImages& data) {
  std::vector<Size> first(static_cast<std::size_t>(std::min<Size>(data.size(), 300)));
  std::iota(first.begin(), first.end(), 0);
  const auto [images, labels] = data.batch(first);
  const Tensor probabilities = softmax(train::predict(model, images), 1);
  const Tensor is_right = probabilities.argmax(1) == labels;

  const Size in_a_row = std::clamp<Size>((terminal_width() + 1) / 29, 1, 4);
  std::vector<Size> right, wrong;
  for (const Size i : first) {
    std::vector<Size>& chosen = is_right[i].template item<bool>() ? right : wrong;
    if (static_cast<Size>(chosen.size()) < in_a_row) chosen.push_back(i);
  }
  show("Recognised, and how sure the network is:", right, images, labels, probabilities,
       data.class_names());
  show("Mistaken, and what it really is:", wrong, images, labels, probabilities,
       data.class_names());
}

template <class Model>
void run(const Arguments& arguments, Model model) {
  const datasets::GarmentSets data = load(arguments);
  if (data.drawn) {
    std::fputs(boxed(data.message).c_str(), stderr);
  } else if (!arguments.quiet) {
    fmt::print("{}\n", data.message);
  }
  if (!arguments.quiet) {
    fmt::print("{}\n", nn::summary(model, std::get<0>(data.train.batch(std::vector<Size>{0})),
                                   {.width = terminal_width()}));
  }

  // Smaller steps from epoch to epoch: about a percent more garments are recognised.
  const train::LearningRateScheduler slow_down{.per_epoch = [&](Size epochs_done) {
    const double done = static_cast<double>(epochs_done) / static_cast<double>(arguments.epochs);
    return arguments.lr * (1 - done);
  }};
  const train::FitOptions options{
      .optimizer = optim::Adam{nn::parameters(model), {.lr = arguments.lr}},
      .epochs = arguments.epochs,
      .batch_size = arguments.batch_size,
      .seed = arguments.seed,
      .callbacks = {slow_down},
      .verbose = arguments.quiet ? train::Verbose::none : train::Verbose::automatic};
  std::optional<profiler::Profile> profile;
  if (!arguments.profile.empty()) {
    profile.emplace();
    profile->write_chrome_trace(arguments.profile);  // a bad path shows now, not after an hour
  }
  const train::History history = train::fit(model, data.train, options);
  if (profile) {
    profile->stop();
    fmt::print("\n{}", profile->table());
    profile->write_chrome_trace(arguments.profile);
    fmt::print("Trace: {}, for ui.perfetto.dev or chrome://tracing\n", arguments.profile);
  }

  const train::ConfusionMatrix matrix = count_predictions(model, data.test);
  if (!arguments.quiet) {
    fmt::print("\n{}\n", matrix.per_class_table(terminal_width()));
    show_predictions(model, data.test);
    fmt::print(
        "{} epochs in {}, {} in all\n", history.epochs(),
        train::readable_seconds(std::reduce(history["seconds"].begin(), history["seconds"].end())),
        train::readable_seconds(seconds_since_start()));
  }
  fmt::print("test accuracy: {:.4f}{}\n", matrix.accuracy(), data.drawn ? " (drawn garments)" : "");
}

/// A full disk or a closed pipe behind standard output is a failure like any other.
void check_written() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw std::runtime_error(
        fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  auto [arguments, exit] = app::parse(argc, argv);
  if (exit) return *exit;
  try {
    const bool is_cnn = arguments.model == "cnn";
    if (arguments.batch_size == 0) arguments.batch_size = is_cnn ? 64 : 32;
    // The mlp's steps are so short that a second thread helps only on a machine with nothing else
    // to do.
    if (arguments.threads == 0) arguments.threads = is_cnn ? get_num_threads() : 1;
    set_num_threads(arguments.threads);
    manual_seed(arguments.seed);
    if (is_cnn) {
      run(arguments, make_cnn());
    } else {
      run(arguments, make_mlp());
    }
    check_written();
  } catch (const std::exception& error) {
    fmt::print(stderr, "reel_train: {}\n", error.what());
    return 1;
  }
}
