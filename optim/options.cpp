#include "reel/optim/options.h"

#include "reel/base/fail.h"

namespace reel::optim::detail {
namespace {

std::string text_of(const Shown& option) {
  std::vector<std::string> values;
  for (const std::optional<double>& value : option.values) {
    values.push_back(
        value.has_value() ? fmt::format("{}", reel::detail::without_sign_of_nan(*value)) : "none");
  }
  return values.size() == 1 ? values[0] : fmt::format("{{{}}}", fmt::join(values, ", "));
}

}  // namespace

void throw_not_held(const NumberSource& source, const std::string& name, double value,
                    const char* expected) {
  fail(source.op, "expected {} as \"param_groups.{}.{}\", got {}", expected, source.group, name,
       value);
}

void throw_no_groups(const char* optimizer) {
  fail(optimizer, "expected at least one group of parameters, got none");
}

void throw_out_of_limits(const char* optimizer, const char* expected, const Shown& option) {
  fail(optimizer, "expected {}, got {}", fmt::format(fmt::runtime(expected), option.name),
       text_of(option));
}

void throw_do_not_go_together(const char* optimizer, const char* expected,
                              std::initializer_list<Shown> options) {
  std::string got;
  std::size_t left = options.size();
  for (const Shown& option : options) {
    --left;
    got += fmt::format("{} {}{}", option.name, text_of(option),
                       left == 0   ? ""
                       : left == 1 ? " and "
                                   : ", ");
  }
  fail(optimizer, "expected {}, got {}", expected, got);
}

}  // namespace reel::optim::detail
