// must compile
#include <reel/reel.h>

#include <cstdio>

using namespace reel;

// Every form in which a model, its data and its callbacks may be handed over.
int main() {
  nn::Linear model{2, 3};
  const Tensor x = zeros({4, 2}), y = zeros({4}, {.dtype = int64});
  const TensorDataset set(x, y);
  DataLoader loader(set, {.batch_size = 2});
  train::fit(model, set);
  train::fit(model, loader);
  train::fit(model, DataLoader{set, {.batch_size = 2}});
  train::fit(model, x, y, {.epochs = 1});
  train::fit(model, {x, y}, {.epochs = 1});
  train::evaluate(model, loader);
  train::evaluate(model, x, y);
  train::predict(model, loader);
  train::predict(model, set);

  train::EarlyStopping stopping;
  const auto each_epoch = [](train::Run& run) { std::printf("%g", run.figures()["loss"]); };
  train::Trainer trainer{model,
                         {.loss = nn::CrossEntropyLoss{},
                          .metrics = {train::Accuracy{}, train::TopKAccuracy{.k = 2}},
                          .optimizer = optim::SGD{nn::parameters(model)}}};
  trainer.fit(set, {.epochs = 5,
                    .validation = {x, y},
                    .callbacks = {stopping, each_epoch, train::ClipGradNorm{},
                                  train::LambdaCallback{.batch_end = each_epoch}}});
  trainer.fit(x, y);
  trainer.evaluate(set, {.batch_size = 3});
  trainer.evaluate(x, y);
  trainer.predict(x);
  trainer.predict(set, {.batch_size = 3});
  train::Trainer{model};
}
