#include "reel/optim/elementwise.h"

#include <array>
#include <type_traits>

#include "reel/autograd/detail/array.h"
#include "reel/kernels/sweep.h"
#include "reel/optim/optim.h"

namespace reel::optim {
namespace {

template <class Rule>
using Buffers = typename Rule::template State<detail::Buffer>;

/// Calls `visit(field, member)` for what a rule keeps: buffers and numbers.
template <class State, class Visit>
void for_each_kept(State& state, const Visit& visit) {
  std::size_t field = 0;
  for_each_field(state, [&](std::string_view, auto& member) { visit(field++, member); });
}

template <class Member>
constexpr bool is_buffer = std::is_same_v<std::remove_const_t<Member>, detail::Buffer>;

}  // namespace

template <class Rule>
void Elementwise<Rule>::update(Size group, const Optimizer::Update& update) {
  const Options& options = this->options_of(group);
  Buffers<Rule> state;
  for_each_kept(state, [&]<class Member>(std::size_t field, Member& member) {
    if constexpr (is_buffer<Member>) {
      member.is_new = !update.state[field].defined();
    } else {
      member = update.number(field, member);
    }
  });
  const Rule rule(options, static_cast<double>(update.step), state);

  std::array<kernels::Array, field_count<Buffers<Rule>>> buffers;
  std::size_t count = 0;
  for_each_kept(state, [&]<class Member>(std::size_t field, Member& member) {
    if constexpr (is_buffer<Member>) {
      if (member.used) buffers[count] = reel::detail::writable(update.buffer(field));
      ++count;
    } else {
      update.set_number(field, member);
    }
  });
  bool negate = false;
  if constexpr (requires { options.maximize; }) negate = options.maximize;
  kernels::sweep(rule, reel::detail::writable(update.parameter),
                 reel::detail::readable(update.gradient), std::span(buffers).first(count), negate);
}

template <class Rule>
auto Elementwise<Rule>::state_fields() const -> std::span<const Optimizer::StateField> {
  static const auto fields = [] {
    Buffers<Rule> state;
    const Rule rule(Options{}, 1, state);  // says what it uses
    std::array<Optimizer::StateField, field_count<Buffers<Rule>>> kept;
    for_each_kept(state, [&]<class Member>(std::size_t field, const Member& member) {
      kept[field].name = field_names<Buffers<Rule>>[field];
      if constexpr (is_buffer<Member>) {
        kept[field].required = member.used;
      } else {
        kept[field].shape = detail::number_shape;
      }
    });
    return kept;
  }();
  return fields;
}

template class Elementwise<detail::AdadeltaRule>;
template class Elementwise<detail::AdagradRule>;
template class Elementwise<detail::AdamRule>;
template class Elementwise<detail::AdamaxRule>;
template class Elementwise<detail::AdamWRule>;
template class Elementwise<detail::ASGDRule>;
template class Elementwise<detail::LionRule>;
template class Elementwise<detail::NAdamRule>;
template class Elementwise<detail::RAdamRule>;
template class Elementwise<detail::RMSpropRule>;
template class Elementwise<detail::RpropRule>;
template class Elementwise<detail::SGDRule>;

}  // namespace reel::optim
