#include "reel/nn/detail/call.h"

#include "reel/nn/detail/describe.h"
#include "reel/nn/detail/visitor.h"

namespace reel::nn {

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

  bool found() const { return !name_.empty(); }
  // "fc2 (Linear)"
  std::string short_name() const { return at_path(name_); }
  // "fc2 (Linear{in_features=784, out_features=10})"
  std::string full_name() const {
    return at_path(options_.empty() ? name_ : name_ + "{" + options_ + "}");
  }

 private:
  std::string at_path(const std::string& type) const {
    return path_.empty() ? type : path_ + " (" + type + ")";
  }

  const Running& wanted_;
  int depth_ = 0;
  int inside_ = 0;  // the depth of the module while the walk is in it
  std::string path_, name_, options_;
};

// What the outermost module that knows `wanted` knows about it; itself it knows.
Finder find_from(const reel::detail::ErrorContext* context, const Running& wanted) {
  if (context == nullptr) return Finder(wanted);
  Finder finder = find_from(context->outer, wanted);
  if (finder.found() || context->kind->describe != describe_running) return finder;
  const auto& root = static_cast<const Running&>(*context);
  root.type().walk(root.module(), finder);
  return finder;
}

}  // namespace

std::string describe_running(const reel::detail::ErrorContext& newest) {
  const Finder finder = find_from(&newest, static_cast<const Running&>(newest));
  return finder.found() ? "in " + finder.full_name() : "";
}

void LayerRange::begin(const Running& running) {
  reel::detail::begin_event(reel::detail::EventKind::range,
                            find_from(&running, running).short_name());
}

}  // namespace detail
}  // namespace reel::nn
