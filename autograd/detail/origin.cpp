#include "reel/autograd/detail/origin.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mutex>
#include <unordered_map>

#include "reel/autograd/detail/node.h"
#include "reel/autograd/fmt.h"
#include "reel/base/detail/error_context.h"
#include "reel/base/detail/stack_trace.h"

namespace reel::detail {
namespace {

struct Origin {
  StackTrace stack;
  std::string layer;
};

struct Origins {
  std::mutex mutex;
  std::unordered_map<const Node*, Origin> of;
};

Origins& origins() {
  static auto* all = new Origins;  // nodes may die after everything else
  return *all;
}

}  // namespace

void keep_origin(Node& node) {
  Origin origin{StackTrace::here(), describe_context()};
  Origins& all = origins();
  const std::lock_guard lock(all.mutex);
  all.of.insert_or_assign(&node, std::move(origin));
  node.has_origin = true;
}

void forget_origin(const Node& node) noexcept {
  Origins& all = origins();
  const std::lock_guard lock(all.mutex);
  all.of.erase(&node);
}

std::string describe_origin(const Node& node) {
  std::vector<std::string> inputs;
  for (std::uint32_t i = 0; i < node.edge_count; ++i) {
    const Edge& edge = node.edges[i];
    if (edge.needed()) {
      inputs.push_back(
          fmt::format("{}", edge.node != nullptr ? edge.node->shape : edge.leaf->shape));
    } else {
      inputs.emplace_back("one without a gradient");
    }
  }
  std::string text = fmt::format("\n  its inputs: {}", fmt::join(inputs, ", "));
  if (!node.has_origin) {
    return text +
           "\nhelp: with a DetectAnomalyGuard also around forward this names the line that called";
  }
  Origin origin;
  {
    Origins& all = origins();
    const std::lock_guard lock(all.mutex);
    origin = all.of.at(&node);
  }
  if (!origin.layer.empty()) text += "\n  " + origin.layer;
  const std::string caller = origin.stack.caller_outside("reel::");
  if (!caller.empty()) text += "\n  recorded by " + caller;
  return text;
}

}  // namespace reel::detail
