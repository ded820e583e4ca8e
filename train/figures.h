#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/base/export.h"

namespace reel::train {

/// A named number: "loss", 0.4312.
struct Figure {
  std::string name;  ///< under which it is found and shown
  double value = 0;  ///< NaN where there was nothing to count
};

/// Numbers under their names, in the order in which they came.
///
/// **Example** `const double loss = run.figures()["loss"];`
class REEL_API Figures {
 public:
  Figures() = default;
  /// Of two under one name the later counts.
  Figures(std::initializer_list<Figure> figures);

  /// Throws `[Figures] expected one of "loss", "accuracy", got "acuracy"`.
  double operator[](std::string_view name) const;
  /// Whether there is a number of that name.
  bool contains(std::string_view name) const;
  /// Adds a number, or replaces the one of this name.
  void set(std::string_view name, double value);

  /// How many numbers there are.
  Size size() const { return static_cast<Size>(figures_.size()); }
  /// Whether there is none.
  bool empty() const { return figures_.empty(); }
  std::vector<Figure>::const_iterator begin() const { return figures_.begin(); }
  std::vector<Figure>::const_iterator end() const { return figures_.end(); }

 private:
  std::vector<Figure> figures_;
};

}  // namespace reel::train
