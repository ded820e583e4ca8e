#include <doctest/doctest.h>

#include "reel/datasets/compose.h"
#include "reel/datasets/folders.h"
#include "reel/datasets/fsdd.h"
#include "reel/datasets/sampler.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

namespace {

void write_sounds(const TempFolder& folder, const std::vector<std::string>& names,
                  Size sample_rate = 16000) {
  Size frames = 0;
  for (const std::string& name : names) {
    const std::string path = folder.write(name, "");
    write_wav(path, zeros({++frames}), sample_rate);
  }
}

}  // namespace

TEST_CASE("AudioFolder: a folder a class, its sounds in order of their names") {
  const TempFolder folder;
  write_sounds(folder, {"yes/b.wav", "no/a.wav", "yes/a.WAV"});
  const AudioFolder set(folder.path());
  CHECK(set.class_names() == std::vector<std::string>{"no", "yes"});
  CHECK(set.size() == 3);
  const auto [waveform, label] = set.get(1);
  CHECK(waveform.shape() == Shape{1, 3});
  CHECK(label == 1);
  CHECK(set.labels().sum().item<int>() == 2);
  CHECK_ERROR(AudioFolder(folder.path(), {.sample_rate = 8000}).get(0),
              "[AudioFolder] expected a rate of 8000, got 16000 (" + (folder / "no/a.wav"));
  CHECK_ERROR(set.get(-1), "[AudioFolder] expected an index in [0, 3), got -1");
}

TEST_CASE("Speech Commands is split as its lists say") {
  const TempFolder folder;
  write_sounds(folder, {"yes/1_nohash_0.wav", "yes/2_nohash_0.wav", "yes/3_nohash_0.wav",
                        "no/1_nohash_0.wav", "no/2_nohash_1.wav", "_background_noise_/pink.wav"});
  folder.write("validation_list.txt", "yes/2_nohash_0.wav\n");
  folder.write("testing_list.txt", "yes/3_nohash_0.wav\r\nno/2_nohash_1.wav\r\n");
  const std::vector<std::string> words{"no", "yes"};
  const auto paths_of = [&](const AudioFolder& set) {
    CHECK(set.class_names() == words);
    std::vector<std::string> names;
    for (const std::string& path : set.files().paths) {
      names.push_back(path.substr(folder.path().size() + 1));
    }
    return names;
  };
  using Names = std::vector<std::string>;
  CHECK(paths_of(SpeechCommands::train(folder.path())) ==
        Names{"no/1_nohash_0.wav", "yes/1_nohash_0.wav"});
  CHECK(paths_of(SpeechCommands::validation(folder.path())) == Names{"yes/2_nohash_0.wav"});
  CHECK(paths_of(SpeechCommands::test(folder.path())) ==
        Names{"no/2_nohash_1.wav", "yes/3_nohash_0.wav"});
  CHECK(SpeechCommands::test(folder.path()).files().labels == std::vector<Size>{0, 1});
  CHECK_ERROR(SpeechCommands::train(folder / "yes"), "[SpeechCommands] expected a readable file");
}

TEST_CASE("FSDD as published: 2,700 recordings for training, 300 for testing") {
  try {
    FSDD::test({.download = false});
  } catch (const Error& error) {
    if (!contains(error.what(), "no such file (")) throw;
    REEL_SKIP("no fsdd in REEL_DATA or the cache");
  }
  const FSDD train = FSDD::train(), test = FSDD::test();
  CHECK(train.size() == 2700);
  CHECK(test.size() == 300);
  for (const FSDD* set : {&train, &test}) {
    for (Size digit = 0; digit < 10; ++digit) {
      CHECK(eq(set->labels(), digit).sum().item<Size>() == set->size() / 10);
    }
  }
  const Size frames = train.lengths().sum().item<Size>() + test.lengths().sum().item<Size>();
  CHECK(static_cast<double>(frames) / FSDD::sample_rate == doctest::Approx(1312).epsilon(0.01));
  const auto [waveform, digit] = test.get(0);
  CHECK(test.speaker(0) == "george");
  CHECK(digit == 0);
  CHECK(waveform.shape() == Shape{1, test.lengths()[0].item<Size>()});
  CHECK(waveform.abs().max().item<float>() > 0.05F);

  const LengthBatchSampler sampler(train.lengths(), {.batch_size = 32, .seed = 1});
  const std::vector<Size> batch = sampler.batches(0)[0];
  const auto padded = collate_by(train, [](const std::vector<std::tuple<Tensor, Size>>& samples) {
    const auto [waveforms, digits] = unzip(samples);
    return std::tuple{pad_sequence(waveforms, {.dim = 1}), collate(digits)};
  });
  CHECK(std::get<0>(padded.batch(batch)).size(0) == 32);
}
