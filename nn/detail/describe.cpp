#include "reel/nn/detail/describe.h"

#include <fmt/ranges.h>

#include "reel/base/fields.h"

namespace reel::nn::detail {

std::string short_type(std::string_view name) {
  if (name.ends_with(')'))
    return name.find("(lambda") != std::string_view::npos ? "lambda" : "function";
  if (name.ends_with('>')) {
    std::size_t begin = name.size();
    int depth = 0;
    do {
      --begin;
      if (name[begin] == '>') ++depth;
      if (name[begin] == '<') --depth;
    } while (begin > 0 && depth > 0);
    if (name.substr(begin).starts_with("<lambda")) return "lambda";
    const std::string_view arguments = name.substr(begin + 1, name.size() - begin - 2);
    name = name.substr(0, begin);
    if (name.ends_with("Nd") && arguments.find_first_not_of("0123456789") == std::string::npos) {
      const std::string_view family = reel::detail::last_word(name.substr(0, name.size() - 2));
      return fmt::format("{}{}d", family, arguments);
    }
  }
  return std::string(reel::detail::last_word(name));
}

std::string show(const Setting& setting) {
  using Kind = Setting::Kind;
  switch (setting.kind) {
    case Kind::boolean:
      return setting.integer != 0 ? "true" : "false";
    case Kind::integer:
      return std::to_string(setting.integer);
    case Kind::floating:
      return fmt::format("{:g}", setting.floating);
    case Kind::text:
      return fmt::format("\"{}\"", setting.text);
    case Kind::sizes:
      return fmt::format("{{{}}}", fmt::join(setting.sizes.begin(), setting.sizes.end(), ", "));
    default:
      return "";
  }
}

}  // namespace reel::nn::detail
