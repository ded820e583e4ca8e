#include "reel/datasets/show.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "reel/ops/create/create.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using reel::testing::Environment;

namespace {
const ShowOptions plain{.colors = Colors::none, .unicode = true};
const ShowOptions ascii{.colors = Colors::none, .unicode = false};
}  // namespace

TEST_CASE("show_image draws shades of two rows a line") {
  const Tensor image =
      tensor({{0, 255, 128, 60, 180}, {0, 255, 128, 60, 180}, {255, 0, 0, 0, 0}}, {.dtype = uint8});
  CHECK(show_image(image, plain) == " █▒░▓\n▒    \n");
  CHECK(show_image(image.unsqueeze(0), plain) == show_image(image, plain));
}

TEST_CASE("show_image takes floats in [0, 1] and clips what lies beyond") {
  CHECK(show_image(tensor({{45, 30}, {45, 30}}, {.dtype = uint8}), plain) == "░ \n");
  CHECK(show_image(tensor({{0.0, 1.0, 7.0, -1.0, NAN}}), plain) == " ▒▒  \n");
  CHECK(show_image(tensor({{1.0}, {1.0}}, {.dtype = float64}), plain) == "█\n");
}

TEST_CASE("show_image in colour: upper pixel in front, lower pixel behind") {
  const Tensor image = tensor({{0, 255}, {128, 1}}, {.dtype = uint8});
  CHECK(show_image(image, {.colors = Colors::truecolor, .unicode = true}) ==
        "\x1b[38;2;0;0;0;48;2;128;128;128m▀\x1b[38;2;255;255;255;48;2;1;1;1m▀\x1b[0m\n");
  CHECK(show_image(image, {.colors = Colors::ansi256, .unicode = true}) ==
        "\x1b[38;5;16;48;5;244m▀\x1b[38;5;231;48;5;16m▀\x1b[0m\n");
  const Tensor red = tensor({{{255}}, {{0}}, {{10}}}, {.dtype = uint8});
  CHECK(show_image(red, {.unicode = true}) == "\x1b[38;2;255;0;10;48;2;0;0;0m▀\x1b[0m\n");
}

TEST_CASE("show_image refuses what is no picture") {
  CHECK_ERROR(
      show_image(empty({2, 5, 5})),
      "[show_image] expected a picture of shape [H, W], [1, H, W] or [3, H, W], got [2, 5, 5]");
  CHECK_ERROR(show_image(empty(3)), "got [3]");
  CHECK_ERROR(show_image(tensor({{1, 2}})),
              "[show_image] expected a picture of dtype uint8, float32 or float64, got int64");
}

TEST_CASE("show_images puts pictures side by side with captions") {
  const Tensor images = tensor(
      {{{255, 255}, {255, 255}}, {{0, 0}, {0, 0}}, {{128, 128}, {128, 128}}}, {.dtype = uint8});
  CHECK(show_images(images, {}, plain) == "██    ▒▒\n");
  CHECK(show_images(images.unsqueeze(1), {"a", "long", "é✓x"},
                    {.colors = Colors::none, .width = 7, .unicode = true}) ==
        "██   \na  lo\n▒▒\né✓\n");
  CHECK(show_images(images, {}, {.colors = Colors::none, .width = 2, .unicode = true}) ==
        "██\n  \n▒▒\n");
  CHECK(show_images(empty({0, 2, 2}), {}, plain) == "");
  CHECK_ERROR(show_images(images, {"one"}), "[show_images] expected 3 captions or none, got 1");
  CHECK_ERROR(show_images(empty({2, 2})),
              "[show_images] expected pictures of shape [N, H, W] or [N, C, H, W], got [2, 2]");
}

TEST_CASE("in an ASCII locale pictures are ASCII") {
  const Tensor image =
      tensor({{0, 30, 60, 128, 180, 255}, {0, 30, 60, 128, 180, 255}, {255, 0, 0, 0, 0, 0}},
             {.dtype = uint8});
  CHECK(show_image(image, ascii) == " .:+#@\n+     \n");
  CHECK(show_image(tensor({{0, 255}, {128, 255}}, {.dtype = uint8}),
                   {.colors = Colors::truecolor, .unicode = false}) ==
        "\x1b[48;2;64;64;64m \x1b[48;2;255;255;255m \x1b[0m\n");
  CHECK(show_image(tensor({{0, 255}, {128, 255}}, {.dtype = uint8}),
                   {.colors = Colors::ansi256, .unicode = false}) ==
        "\x1b[48;5;238m \x1b[48;5;231m \x1b[0m\n");

  const Environment c("LC_ALL", "C");
  CHECK_FALSE(ShowOptions{}.unicode);
  const Environment utf8("LC_ALL", "C.utf8");
  CHECK(ShowOptions{}.unicode);
}

TEST_CASE("a picture wider than the terminal is drawn smaller, its caption as wide as that") {
  const Tensor image = tensor(
      {{0, 0, 255, 255, 40}, {0, 0, 255, 255, 40}, {255, 255, 0, 0, 40}, {255, 255, 0, 0, 40}},
      {.dtype = uint8});
  const auto narrow = [](Size width) {
    return ShowOptions{.colors = Colors::none, .width = width, .unicode = true};
  };
  CHECK(show_image(image, narrow(5)) == "  ██░\n██  ░\n");
  CHECK(show_image(image, narrow(4)) == "▒▒░\n");
  CHECK(show_image(image, narrow(3)) == "▒▒░\n");
  CHECK(show_image(image, narrow(1)) == "░\n");
  CHECK(show_image(image, narrow(0)) == show_image(image, narrow(1)));
  CHECK(show_images(image.unsqueeze(0), {"caption"}, narrow(4)) == "▒▒░\ncapt\n");
  CHECK(show_images(image.unsqueeze(0), {"a"}, narrow(4)) == "▒▒░\na  \n");
}

TEST_CASE("a terminal without end has room for all pictures in one row") {
  const Tensor images = zeros({3, 2, 2}, {.dtype = uint8});
  ShowOptions endless = plain;
  endless.width = std::numeric_limits<Size>::max();
  CHECK(show_images(images, {"a", "b", "c"}, endless) == "        \na  b  c \n");
  CHECK(show_image(images[0], endless) == "  \n");
}
