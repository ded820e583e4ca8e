#include "reel/autograd/graphviz.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "reel/autograd/detail/node.h"
#include "reel/autograd/fmt.h"
#include "reel/base/detail/table.h"
#include "reel/base/fail.h"

namespace reel {
namespace {

using detail::Edge;
using detail::Node;
using detail::TensorImpl;

/// Text inside a string of Graphviz's.
std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

/// What is told of a tensor; float32 goes without saying.
std::string described(const Shape& shape, DType dtype) {
  return dtype == float32 ? fmt::format("{}", shape) : fmt::format("{} {}", shape, dtype);
}

class Picture {
 public:
  explicit Picture(const GraphvizOptions& options) : options_(options) {
    for (const auto& [name, tensor] : options.names) {
      if (!tensor.defined()) continue;
      names_[key_of(tensor)] = name;
    }
  }

  void add_root(const Tensor& root) {
    const std::string id = id_of(edge_to(root));
    emphasized_.push_back(id);
  }

  std::string draw() {
    while (next_ < waiting_.size()) {
      const Node& node = *waiting_[next_++];
      const std::string id = ids_.at(&node);
      line("{} [label=\"{}\"]", id, quoted(label(node)));
      for (std::uint32_t i = 0; i < node.edge_count; ++i) {
        const Edge& edge = op_behind(node.edges[i]);
        if (edge.needed()) line("{} -> {}", id_of(edge), id);
      }
    }
    for (const std::string& id : emphasized_) line("{} [penwidth=2]", id);
    return fmt::format(
        "digraph tape {{\n"
        "  graph [rankdir={}]\n"
        "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f4f4f4\", "
        "fontname=\"Helvetica\", fontsize=11]\n"
        "  edge [arrowsize=0.7]\n{}}}\n",
        options_.left_to_right ? "LR" : "TB", lines_);
  }

 private:
  static Edge edge_to(const Tensor& x) {
    Node* node = x.impl().current();
    return {node, node == nullptr ? x.get() : nullptr};
  }
  static const void* key_of(const Tensor& x) {
    const Edge edge = edge_to(x);
    return edge.node != nullptr ? static_cast<const void*>(edge.node) : edge.leaf;
  }

  /// An op of several outputs stands once, not once for each output.
  static const Edge& op_behind(const Edge& edge) {
    return edge.node != nullptr && edge.node->one_of_many ? edge.node->edges[0] : edge;
  }

  std::string label(const Node& node) const {
    std::string text = node.name;
    if (node.epilogue != nullptr) text += fmt::format(", {}", node.epilogue->name);
    if (const auto name = names_.find(&node); name != names_.end()) {
      text += fmt::format(" = {}", name->second);
    }
    if (const auto* many = dynamic_cast<const detail::ManyNode*>(&node)) {
      text += fmt::format("\n{} outputs", many->output_count);
    } else {
      text += fmt::format("\n{}", described(node.shape, node.dtype));
    }
    if (!options_.saved) return text;
    if (node.is_spent()) return text + "\nfreed";
    Size bytes = 0;
    for (const Tensor& tensor : detail::saved_by(node)) {
      bytes += tensor.numel() * item_size(tensor.dtype());
    }
    if (bytes > 0) text += fmt::format("\nkeeps {}", detail::readable_bytes(bytes));
    return text;
  }

  std::string id_of(const Edge& given) {
    const Edge& edge = op_behind(given);
    const void* key = edge.node != nullptr ? static_cast<const void*>(edge.node) : edge.leaf;
    const auto [at, is_new] = ids_.try_emplace(key, fmt::format("n{}", ids_.size()));
    if (!is_new) return at->second;
    if (edge.node != nullptr) {
      waiting_.push_back(edge.node);
    } else {
      const auto name = names_.find(key);
      line("{} [label=\"{}\", fillcolor=\"#cfe3ff\"]", at->second,
           quoted(fmt::format("{}{}", name != names_.end() ? name->second + "\n" : "",
                              described(edge.leaf->shape, edge.leaf->dtype))));
    }
    return at->second;
  }

  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    lines_ += fmt::format("  {}\n", fmt::format(format, std::forward<Args>(args)...));
  }

  const GraphvizOptions& options_;
  std::unordered_map<const void*, std::string> names_;
  std::unordered_map<const void*, std::string> ids_;
  std::vector<const Node*> waiting_;
  std::size_t next_ = 0;
  std::vector<std::string> emphasized_;
  std::string lines_;
};

}  // namespace

std::string graphviz(const std::vector<Tensor>& roots, const GraphvizOptions& options) {
  check(!roots.empty(), "graphviz", "expected at least one tensor, got none");
  Picture picture(options);
  for (const Tensor& root : roots) {
    check(root.requires_grad(), "graphviz",
          "expected a tensor that requires grad, got one with no history on the tape");
    picture.add_root(root);
  }
  return picture.draw();
}

std::string graphviz(const Tensor& root, const GraphvizOptions& options) {
  return graphviz(std::vector<Tensor>{root}, options);
}

}  // namespace reel
