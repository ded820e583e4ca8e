#include <doctest/doctest.h>

#include <reel/base/fields.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using reel::field_count;
using reel::field_names;

template <class T>
std::string names() {
  std::string all;
  for (std::size_t i = 0; i < field_count<T>; ++i) {
    if (i > 0) all += ' ';
    all += field_names<T>[i];
  }
  return all;
}

struct Point {
  int x, y;
};

struct NoDefault {
  explicit NoDefault(int);
};

enum class Colour { red, green };

template <class T>
struct Box {
  T content;
  bool sealed = false;
};

struct Tree {
  int value = 0;
  std::vector<Tree> children;
  std::unique_ptr<Tree> parent;
};

struct Sink {  // made from anything callable, as std::function is
  template <class F>
    requires std::is_invocable_v<F, int>
  Sink(F&&) {}
  Sink() = default;
};

struct Many {
  Point start;
  std::vector<Point> path;
  std::array<int, 3> sizes;
  std::array<Point, 2> corners;
  std::map<std::string, Point> by_name;
  std::optional<Point> maybe;
  std::optional<long> maybe_number;
  std::unique_ptr<Point> owned;
  std::shared_ptr<Point> shared;
  std::pair<int, Point> both;
  Box<std::string> label;
  Colour colour = Colour::green;
  std::string text = "text";
  std::function<int(int)> act = [](int i) { return i; };
  int (*plain_function)(int) = nullptr;
  const int fixed = 3;
  const char* words = "words";
  double rate = 0.5;
  std::vector<bool> flags;
  Sink sink;
  Tree tree;
};

struct Required {
  Point first;
  NoDefault second, third;
  int fourth = 4;
};

struct Empty {};

struct WithEmpties {
  Empty first;
  int number;
  Empty last;
};

struct Wide {
  int a01, a02, a03, a04, a05, a06, a07, a08, a09, a10, a11, a12, a13, a14, a15, a16;
  int b01, b02, b03, b04, b05, b06, b07, b08, b09, b10, b11, b12, b13, b14, b15, b16;
  int c01, c02, c03, c04, c05, c06, c07, c08, c09, c10, c11, c12, c13, c14, c15, c16;
  int d01, d02, d03, d04, d05, d06, d07, d08, d09, d10, d11, d12, d13, d14, d15, d16;
};

struct Base {
  int inherited = 7;
};

struct Derived : Base {
  int own = 8;
  REEL_FIELDS(inherited, own)
};

template <class T>
struct TemplateBase {
  T part{};
};

template <class T>
class TemplateDerived : TemplateBase<T> {
  T rest{};
  REEL_FIELDS(this->part, rest)
};

class Private {
 public:
  explicit Private(int secret) : secret_(secret) {}

 private:
  int secret_;
  double more_ = 0.5;
  int left_out_ = 0;
  REEL_FIELDS(secret_, more_)
};

struct References {
  int& target;
  int row[4] = {1, 2, 3, 4};
  REEL_FIELDS(target, row)
};

struct Nothing {
  int unseen = 1;
  REEL_FIELDS()
};

/// A handle that takes in anything, as type-erased callables do.
struct Erased {
  Erased() = default;
  template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, Erased>)
  Erased(T&&) {}
};

struct ErasedFirst {
  Erased erased;
  int number;
};

}  // namespace

TEST_CASE("fields of a plain struct are counted and named") {
  CHECK(field_count<Point> == 2);
  CHECK(names<Point>() == "x y");
  CHECK(field_count<const Point> == 2);
  CHECK(names<const Point>() == "x y");
  CHECK(field_count<Empty> == 0);
  CHECK(names<WithEmpties>() == "first number last");
  CHECK(names<Box<Box<int>>>() == "content sealed");
  CHECK(names<Tree>() == "value children parent");
}

TEST_CASE("every ordinary kind of member is counted and named") {
  CHECK(field_count<Many> == 21);
  CHECK(
      names<Many>() ==
      "start path sizes corners by_name maybe maybe_number owned shared both label colour text act "
      "plain_function fixed words rate flags sink tree");
}

TEST_CASE("members without a default are counted") {
  CHECK(field_count<Required> == 4);
  CHECK(names<Required>() == "first second third fourth");
}

TEST_CASE("a first member that can be made from anything is not taken for a base") {
  CHECK(field_count<ErasedFirst> == 2);
  CHECK(field_names<ErasedFirst>[0] == "erased");
}

TEST_CASE("a struct may have 64 fields") {
  CHECK(field_count<Wide> == 64);
  CHECK(field_names<Wide>[0] == "a01");
  CHECK(field_names<Wide>[63] == "d16");
}

TEST_CASE("local structs are seen, with lists of fields too") {
  struct Local {
    Point here;
    std::vector<Point> there;
  };
  class Secret {
    int inside = 4;
    REEL_FIELDS(inside)
  };
  CHECK(names<Local>() == "here there");
  CHECK(names<Secret>() == "inside");
}

TEST_CASE("fields are visited in order, by reference") {
  Point point{1, 2};
  std::string seen;
  reel::for_each_field(point, [&](std::string_view name, int& value) {
    seen += std::string(name) + "=" + std::to_string(value) + " ";
    value *= 10;
  });
  CHECK(seen == "x=1 y=2 ");
  CHECK(point.x == 10);
  CHECK(point.y == 20);

  const Point fixed{3, 4};
  int sum = 0;
  reel::for_each_field(fixed, [&](std::string_view, const int& value) { sum += value; });
  CHECK(sum == 7);
  CHECK(reel::with_fields(fixed, [](const int& x, const int& y) { return x * y; }) == 12);
}

TEST_CASE("fields are found at compile time") {
  constexpr int product = [] {
    constexpr Point point{3, 4};
    return reel::with_fields(point, [](int x, int y) { return x * y; });
  }();
  static_assert(product == 12);
  static_assert(field_names<Point>[1] == "y");
  CHECK(product == 12);
}

TEST_CASE("REEL_FIELDS lists what reflection cannot see") {
  CHECK(names<Derived>() == "inherited own");
  CHECK(names<TemplateDerived<int>>() == "part rest");
  CHECK(names<Private>() == "secret_ more_");
  CHECK(names<References>() == "target row");
  CHECK(field_count<Nothing> == 0);

  Private object(5);
  double sum = 0;
  reel::for_each_field(object, [&](std::string_view, auto& value) { sum += value; });
  CHECK(sum == doctest::Approx(5.5));
  CHECK(std::is_aggregate_v<Derived>);
}
