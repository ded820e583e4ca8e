// Tutorial 5: the Fashion-MNIST lesson, three times. Read it beside README.md; every CLAIM is
// checked when the program runs.

#include <reel/reel.h>

#include <cstdio>
#include <string>

#include "../claim.h"

using namespace reel;

namespace {

struct Lesson {
  datasets::GarmentSets data = datasets::fashion_mnist_or_drawn();
  Size epochs = 2;  // enough to see it learn; ./scripts/train takes five
};

struct Result {
  double first_loss = 0;  // mean over the first epoch
  double accuracy = 0;    // on the test set
};

// ---- First form: layers in a row, and fit

Result in_keras_manner(const Lesson& lesson) {
  std::puts("--- Sequential and fit");
  manual_seed(1);

  nn::Sequential model{nn::Flatten{}, nn::Linear{784, 128}, nn::ReLU{}, nn::Linear{128, 10}};
  const auto history = train::fit(model, lesson.data.train, {.epochs = lesson.epochs});
  const auto result = train::evaluate(model, lesson.data.test);

  // The network's outputs are logits; softmax makes them probabilities.
  const auto [image, label] = lesson.data.test.get(0);
  const Tensor probabilities = softmax(train::predict(model, image.unsqueeze(0)), 1);
  const auto guess = static_cast<std::size_t>(probabilities.argmax(1).item<Size>());
  std::printf("the first test picture: %s, with probability %.2f\n",
              lesson.data.test.class_names()[guess].c_str(), probabilities.max().item());

  // All of them, and which are taken for which.
  const Tensor scores = train::predict(model, lesson.data.test);  // [10000, 10]
  train::ConfusionMatrix matrix(10, lesson.data.test.class_names());
  matrix.add(scores, lesson.data.test.labels());
  std::printf("%s", matrix.table().c_str());
  CLAIM(matrix.accuracy() == result["accuracy"]);

  return {.first_loss = history["loss"][0], .accuracy = result["accuracy"]};
}

// The network of the Keras lesson ends in Softmax. That works, with the loss that takes
// probabilities.
Result ending_in_softmax(const Lesson& lesson) {
  std::puts("--- The same, ending in Softmax");
  manual_seed(1);

  nn::Sequential model{nn::Flatten{}, nn::Linear{784, 128}, nn::ReLU{}, nn::Linear{128, 10},
                       nn::Softmax{}};
  const nn::CrossEntropyLoss from_probabilities{.from_logits = false};
  train::Trainer trainer{model, {.loss = from_probabilities}};
  const auto history = trainer.fit(lesson.data.train, {.epochs = lesson.epochs});
  const auto result = trainer.evaluate(lesson.data.test);
  return {.first_loss = history["loss"][0], .accuracy = result["accuracy"]};
}

// ---- Second form: a struct, and the loop written out

struct Classifier {
  Size hidden = 128;
  nn::Linear fc1{.in_features = 784, .out_features = hidden};
  nn::Linear fc2{.in_features = hidden, .out_features = 10};

  Tensor operator()(const Tensor& images) const { return fc2(relu(fc1(flatten(images, 1)))); }
};

Result written_out(const Lesson& lesson) {
  std::puts("--- A struct and a loop");
  manual_seed(1);

  Result result;
  Classifier net{.hidden = 128};
  optim::Adam adam{nn::parameters(net), {.lr = 1e-3}};
  for (Size epoch = 1; epoch <= lesson.epochs; ++epoch) {
    train::Mean mean_loss;
    for (auto [images, labels] :
         DataLoader{lesson.data.train, {.batch_size = 32, .shuffle = true}}) {
      adam.zero_grad();
      const Tensor loss = nn::cross_entropy(net(images), labels);
      loss.backward();
      adam.step();
      mean_loss.add(loss.item());
    }
    std::printf("epoch %d  loss %.4f\n", static_cast<int>(epoch), mean_loss.value());
    if (epoch == 1) result.first_loss = mean_loss.value();
  }

  const NoGradGuard no_grad;
  Size correct = 0;
  for (auto [images, labels] : DataLoader{lesson.data.test, {.batch_size = 500}}) {
    correct += train::count_correct(net(images), labels).correct;
  }
  result.accuracy = static_cast<double>(correct) / static_cast<double>(lesson.data.test.size());
  return result;
}

// ---- Third form: a small convolutional network

struct ConvNet {
  nn::Conv2d conv1{.in_channels = 1, .out_channels = 16, .kernel_size = 3, .padding = 1};
  nn::Conv2d conv2{.in_channels = 16, .out_channels = 32, .kernel_size = 3, .padding = 1};
  nn::MaxPool2d pool{2};
  nn::Linear fc{32 * 7 * 7, 10};

  Tensor operator()(const Tensor& images) const {
    const Tensor half = pool(relu(conv1(images)));   // [N, 16, 14, 14]
    const Tensor quarter = pool(relu(conv2(half)));  // [N, 32, 7, 7]
    return fc(flatten(quarter, 1));
  }
};

Result convolutional(const Lesson& lesson) {
  std::puts("--- A convolutional network");
  manual_seed(1);

  ConvNet net;
  const auto history = train::fit(
      net, lesson.data.train,
      {.optimizer = optim::Adam{nn::parameters(net), {.lr = 2e-3}}, .epochs = 1, .batch_size = 64});
  const auto result = train::evaluate(net, lesson.data.test);
  return {.first_loss = history["loss"][0], .accuracy = result["accuracy"]};
}

}  // namespace

int main() {
  const Lesson lesson;
  std::printf("%s\n", lesson.data.message.c_str());

  const Result fit = in_keras_manner(lesson);
  const Result softmaxed = ending_in_softmax(lesson);
  const Result loop = written_out(lesson);
  const Result conv = convolutional(lesson);
  std::printf("--- Test accuracy\nfit %.4f  Softmax %.4f  loop %.4f  convolutional %.4f\n",
              fit.accuracy, softmaxed.accuracy, loop.accuracy, conv.accuracy);

  CLAIM(fit.accuracy > 0.84);
  CLAIM(softmaxed.accuracy > 0.84);
  CLAIM(loop.accuracy > 0.84);
  CLAIM(conv.accuracy > 0.85);
  CLAIM(loop.first_loss == fit.first_loss);  // the same network, the same batches
}
