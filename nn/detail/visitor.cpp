#include "reel/nn/detail/visitor.h"

#include "reel/base/fail.h"
#include "reel/nn/detail/walk.h"

namespace reel::nn::detail {

std::size_t Visitor::push(std::string_view name) {
  const std::size_t mark = path_.size();
  if (mark > 0) path_ += '.';
  path_ += name;
  return mark;
}

std::size_t Visitor::push(std::size_t index) { return push(std::to_string(index)); }

std::string_view Visitor::name() const {
  const std::string_view path = path_;
  return path.substr(path.rfind('.') + 1);  // npos + 1 is 0: the whole path
}

void check_made(const Bias& bias, const Visitor& visitor) {
  if (bias.wanted() && !bias.defined()) [[unlikely]]
    fail("Bias",
         "expected {} to have been made, got true\n"
         "help: only Reel's layers make their bias; give a tensor, or declare an nn::Parameter",
         visitor.path());
}

}  // namespace reel::nn::detail
