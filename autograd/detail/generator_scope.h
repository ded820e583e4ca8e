#pragma once

#include "reel/autograd/random.h"
#include "reel/base/export.h"

namespace reel::detail {

/// As long as it lives, `default_generator()` of this thread is another one: what draws numbers
/// meanwhile neither disturbs others nor depends on them.
class REEL_API GeneratorScope {
 public:
  explicit GeneratorScope(std::uint64_t seed) : GeneratorScope(Generator::State{seed, 0}) {}
  explicit GeneratorScope(const Generator::State& state);
  ~GeneratorScope();
  GeneratorScope(const GeneratorScope&) = delete;
  GeneratorScope& operator=(const GeneratorScope&) = delete;

 private:
  Generator generator_;
  Generator* outer_;
};

}  // namespace reel::detail
