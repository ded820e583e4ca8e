#include "reel/train/options.h"

#include <doctest/doctest.h>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include "reel/train/detail/parts.h"
#include "reel/train/fit.h"
#include "reel/train/metrics/mean_error.h"

using namespace reel;
using namespace reel::train;

namespace {

struct Purpose {
  std::string goal = "loss";
  int tries = 1;
};
struct Pace {
  double speed = 0.5;
};
struct Both {
  std::string goal = "loss";
  int tries = 1;
  double speed = 0.5;
};
struct OneMissing {
  std::string goal = "loss";
  double speed = 0.5;
};
struct OneMore {
  std::string goal = "loss";
  int tries = 1;
  double speed = 0.5;
  bool loud = false;
};
struct OtherType {
  std::string goal = "loss";
  long tries = 1;
  double speed = 0.5;
};
struct OtherName {
  std::string goal = "loss";
  int attempts = 1;
  double speed = 0.5;
};

// A field that is forgotten, in the whole or in a part, does not compile: fit.cpp asserts this of
// the options of fit and evaluate.
static_assert(train::detail::is_made_of<Both, Purpose, Pace>());
static_assert(!train::detail::is_made_of<OneMissing, Purpose, Pace>());
static_assert(!train::detail::is_made_of<OneMore, Purpose, Pace>());
static_assert(!train::detail::is_made_of<OtherType, Purpose, Pace>());
static_assert(!train::detail::is_made_of<OtherName, Purpose, Pace>());

/// How many fields of two options, of the numbers and switches among them, are equal.
template <class Options>
int equal_fields(const Options& a, const Options& b) {
  int equal = 0;
  for_each_field(a, [&](std::string_view name, const auto& field) {
    for_each_field(b, [&](std::string_view other, const auto& value) {
      if constexpr (std::same_as<decltype(field), decltype(value)> &&
                    std::is_trivially_copyable_v<std::remove_cvref_t<decltype(field)>>) {
        if (name != other) return;
        CAPTURE(name);
        CHECK(field == value);
        ++equal;
      }
    });
  });
  return equal;
}

}  // namespace

TEST_CASE("a part takes its fields from the whole, and its defaults for the rest") {
  const Both both{.goal = "accuracy", .tries = 3, .speed = 2};
  const auto purpose = train::detail::part_of<Purpose>(both);
  CHECK(purpose.goal == "accuracy");
  CHECK(purpose.tries == 3);
  CHECK(train::detail::part_of<Pace>(both).speed == 2);
  CHECK(train::detail::part_of<Purpose>(OneMissing{.goal = "accuracy"}).tries == 1);
}

TEST_CASE("what the functions are told reaches the trainer") {
  int warnings = 0;
  const FitOptions options{.loss = nn::MSELoss{},
                           .metrics = {MeanAbsoluteError{}},
                           .epochs = 7,
                           .batch_size = 5,
                           .shuffle = false,
                           .drop_last = true,
                           .seed = 3,
                           .initial_epoch = 2,
                           .callbacks = {[](Run&) {}},
                           .verbose = Verbose::none,
                           .on_warning = [&](const std::string&) { ++warnings; }};
  const TrainerOptions purpose = train::detail::purpose_of(options);
  CHECK_FALSE(purpose.loss.is_default());
  CHECK(purpose.metrics.size() == 1);
  purpose.on_warning("");
  CHECK(warnings == 1);
  const RunOptions run = train::detail::run_of(options);
  CHECK(run.epochs == 7);
  CHECK(run.batch_size == 5);
  CHECK(run.shuffle == false);
  CHECK(run.drop_last);
  CHECK(run.seed == 3U);
  CHECK(run.initial_epoch == 2);
  CHECK(run.callbacks.size() == 1);
  CHECK(run.verbose == Verbose::none);
  CHECK(train::detail::pass_of({.batch_size = 9}).batch_size == 9);
}

TEST_CASE("the functions have the defaults of the trainer") {
  CHECK(equal_fields(train::detail::run_of({}), RunOptions{}) == 7);
  CHECK(equal_fields(train::detail::pass_of({}), PassOptions{}) == 2);
  CHECK(train::detail::purpose_of(FitOptions{}).loss.is_default());
  CHECK(train::detail::purpose_of(EvaluateOptions{}).loss.is_default());
}
