#include "reel/train/figures.h"

#include <algorithm>

#include "reel/base/fail.h"
#include "reel/train/detail/names.h"

namespace reel::train {

Figures::Figures(std::initializer_list<Figure> figures) {
  for (const Figure& figure : figures) set(figure.name, figure.value);
}

double Figures::operator[](std::string_view name) const {
  const auto found = std::ranges::find(figures_, name, &Figure::name);
  if (found == figures_.end()) detail::fail_unknown("Figures", *this, name);
  return found->value;
}

bool Figures::contains(std::string_view name) const {
  return std::ranges::find(figures_, name, &Figure::name) != figures_.end();
}

void Figures::set(std::string_view name, double value) {
  const auto found = std::ranges::find(figures_, name, &Figure::name);
  if (found != figures_.end()) {
    found->value = value;
  } else {
    figures_.push_back({std::string(name), value});
  }
}

}  // namespace reel::train
