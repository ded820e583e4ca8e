#include "reel/nn/detail/visitor.h"

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

}  // namespace reel::nn::detail
