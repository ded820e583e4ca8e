#include "reel/nn/detail/call.h"

#include "reel/nn/detail/describe.h"
#include "reel/nn/detail/visitor.h"

namespace reel::nn {

constinit thread_local detail::Observer* detail::observer = nullptr;

namespace detail {
namespace {

// Looks for a module inside another.
class Finder final : public Visitor {
 public:
  explicit Finder(const Running& wanted) : wanted_(wanted) {}

  void enter(const ModuleRef& module) override {
    ++depth_;
    if (!name_.empty() || module.address() != wanted_.module() ||
        module.type() != *wanted_.type().type)
      return;
    path_ = module.path();
    name_ = short_type(module.type_name());
    inside_ = depth_;
  }
  void leave(const ModuleRef&) override {
    if (depth_-- == inside_) inside_ = 0;
  }
  void setting(const Setting& setting) override {
    if (!setting.required || depth_ != inside_) return;
    options_ += (options_.empty() ? "" : ", ") + std::string(name()) + "=" + show(setting);
  }

  // "in fc2 (Linear{in_features=784, out_features=10})", empty where it was not found.
  std::string line() const {
    if (name_.empty()) return "";
    const std::string type = options_.empty() ? name_ : name_ + "{" + options_ + "}";
    return path_.empty() ? "in " + type : "in " + path_ + " (" + type + ")";
  }

 private:
  const Running& wanted_;
  int depth_ = 0;
  int inside_ = 0;  // the depth of the module while the walk is in it
  std::string path_, name_, options_;
};

// The line that the outermost module knows about `wanted`; itself it knows.
std::string line_from(const reel::detail::ErrorContext* context, const Running& wanted) {
  if (context == nullptr) return "";
  std::string line = line_from(context->outer, wanted);
  if (!line.empty() || context->kind->describe != describe_running) return line;
  const auto& root = static_cast<const Running&>(*context);
  Finder finder(wanted);
  root.type().walk(root.module(), finder);
  return finder.line();
}

}  // namespace

std::string describe_running(const reel::detail::ErrorContext& newest) {
  return line_from(&newest, static_cast<const Running&>(newest));
}

}  // namespace detail
}  // namespace reel::nn
