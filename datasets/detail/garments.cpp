#include "reel/datasets/detail/garments.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "reel/base/detail/random_stream.h"
#include "reel/datasets/detail/rasteriser.h"

// Coordinates below are pixels of the 28x28 canvas before the random shift, turn and scale.

namespace reel::datasets::detail {
namespace {

using reel::detail::RandomStream;

constexpr float middle = 14;

/// What a garment is drawn with: its own random numbers, canvas, shade and cloth.
struct Pen {
  RandomStream random;
  Canvas canvas{};
  Canvas::Texture cloth{};
  float level = 0;  // grey of the cloth
  float mark = 0;   // grey of seams, buttons and other details

  float pick(float low, float high) { return random.uniform(low, high); }
  void fill(const Path& outline) { canvas.fill(outline, level, &cloth); }
  void detail(const Path& outline) { canvas.fill(outline, mark); }
  void seam(const Path& path, float width) { canvas.stroke(path, width, mark); }
};

/// Stripes, checks or plain cloth, darker towards the edges as on a photograph.
Canvas::Texture weave(RandomStream& random, float patterned) {
  Canvas::Texture texture;
  const float across_depth = random.chance(patterned) ? random.uniform(0.15F, 0.5F) : 0.0F;
  const float down_depth = random.chance(patterned) ? random.uniform(0.15F, 0.5F) : 0.0F;
  const float across_pitch = random.uniform(0.9F, 2.4F), down_pitch = random.uniform(0.9F, 2.4F);
  const float phase = random.uniform(0, 6.28F);
  const float vignette = random.uniform(0, 0.35F);
  const float light = random.uniform(-0.15F, 0.15F);
  for (std::size_t i = 0; i < texture.across.size(); ++i) {
    const auto at = static_cast<float>(i);
    const float off = (at + 0.5F - middle) / middle;
    texture.across[i] =
        (1 - vignette * off * off + light * off) *
        (1 - across_depth * (std::sin(at * across_pitch + phase) > 0 ? 1.0F : 0.0F));
    texture.down[i] = 1 - down_depth * (std::sin(at * down_pitch + phase) > 0 ? 1.0F : 0.0F);
  }
  return texture;
}

/// The measures of a garment that hangs from the shoulders; half widths count from the middle.
struct Top {
  float top = 2, hem = 26;
  float neck = 3, neck_depth = 2;  // half width, and how far it dips
  float shoulder = 7, shoulder_drop = 2;
  float armpit = 10, chest = 6.5F, waist = 6, hem_half = 6.5F;
  float sleeve = 5, sleeve_angle = 50, cuff = 4;  // length, degrees below the horizontal, width
};

float radians(float degrees) { return degrees * 0.017453293F; }

/// The outline, first down the right side, then up the left: body and both sleeves in one piece.
Path outline_of(const Top& t) {
  const float angle = radians(t.sleeve_angle);
  const Point shoulder{t.shoulder, t.top + t.shoulder_drop};
  const Point outer{shoulder.x + t.sleeve * std::cos(angle),
                    shoulder.y + t.sleeve * std::sin(angle)};
  const Point inner{outer.x - t.cuff * std::sin(angle), outer.y + t.cuff * std::cos(angle)};
  const float waist_y = (t.armpit + t.hem) / 2;
  const auto at = [](float side, Point p) { return Point{middle + side * p.x, p.y}; };

  Path path{at(1, {t.neck, t.top})};
  const auto half = [&](float side, bool down) {
    const Point chest{t.chest, t.armpit}, waist{t.waist, waist_y}, hem{t.hem_half, t.hem};
    if (down) {
      path.line(at(side, shoulder));
      if (t.sleeve > 0) path.line(at(side, outer)).line(at(side, inner));
      path.line(at(side, chest)).curve(at(side, waist), at(side, hem));
    } else {
      path.line(at(side, hem)).curve(at(side, waist), at(side, chest));
      if (t.sleeve > 0) path.line(at(side, inner)).line(at(side, outer));
      path.line(at(side, shoulder));
    }
  };
  half(1, true);
  half(-1, false);
  path.line(at(-1, {t.neck, t.top}));
  path.curve({middle, t.top + 2 * t.neck_depth}, at(1, {t.neck, t.top}));
  return path;
}

void collar(Pen& pen, const Top& t) {
  const float depth = pen.pick(3, 4.5F), width = pen.pick(1.8F, 2.8F);
  for (const float side : {-1.0F, 1.0F}) {
    pen.detail({{middle + side * t.neck, t.top - 0.3F},
                {middle + side * (t.neck + width), t.top + depth * 0.6F},
                {middle + side * 0.6F, t.top + depth + 1}});
  }
}

void front_line(Pen& pen, const Top& t, float from, float width) {
  const float lean = pen.pick(-0.6F, 0.6F);
  pen.seam({{middle + lean, t.top + from}, {middle + lean, t.hem - 0.3F}}, width);
}

void buttons(Pen& pen, const Top& t) {
  const float x = middle + pen.pick(-0.4F, 0.4F), pitch = pen.pick(2.6F, 3.8F);
  for (float y = t.top + t.neck_depth + 2.5F; y < t.hem - 1; y += pitch) {
    pen.detail(
        {{x - 0.6F, y - 0.6F}, {x + 0.6F, y - 0.6F}, {x + 0.6F, y + 0.6F}, {x - 0.6F, y + 0.6F}});
  }
}

void hem_band(Pen& pen, const Top& t) {
  const float y = t.hem - pen.pick(1.2F, 2.2F);
  pen.seam({{middle - t.hem_half, y}, {middle + t.hem_half, y}}, 0.7F);
}

Top short_sleeved(Pen& pen) {
  Top t;
  t.top = pen.pick(1.5F, 3.5F);
  t.hem = pen.pick(24.5F, 27);
  t.neck = pen.pick(2.5F, 4.5F);
  t.neck_depth = pen.pick(0.6F, 3);
  t.shoulder = pen.pick(6, 8);
  t.shoulder_drop = pen.pick(1, 2.4F);
  t.armpit = pen.pick(9.5F, 12);
  t.chest = pen.pick(5.6F, 7.6F);
  t.waist = t.chest + pen.pick(-1.2F, 0.4F);
  t.hem_half = t.chest + pen.pick(-0.8F, 1);
  t.sleeve = pen.pick(3.5F, 6.5F);
  t.sleeve_angle = pen.pick(30, 65);
  t.cuff = pen.pick(3, 4.8F);
  return t;
}

Top long_sleeved(Pen& pen) {
  Top t = short_sleeved(pen);
  t.neck = pen.pick(2.2F, 3.8F);
  t.neck_depth = pen.pick(0.3F, 2.2F);
  t.shoulder = pen.pick(6.4F, 8);
  t.sleeve = pen.pick(15, 20);
  t.sleeve_angle = pen.pick(72, 83);
  t.cuff = pen.pick(2.4F, 3.4F);
  t.armpit = pen.pick(8.5F, 11);
  t.chest = pen.pick(5.2F, 6.8F);
  t.waist = t.chest + pen.pick(-1, 0.5F);
  t.hem_half = t.chest + pen.pick(-0.6F, 0.8F);
  return t;
}

void t_shirt(Pen& pen) {
  Top t = short_sleeved(pen);
  if (pen.random.chance(0.1F)) {  // a tank top
    t.sleeve = 0;
    t.shoulder = t.neck + pen.pick(1.5F, 2.5F);
  }
  pen.fill(outline_of(t));
  if (pen.random.chance(0.45F)) {  // a print on the chest
    const float w = pen.pick(1.5F, 4), h = pen.pick(1.5F, 4), y = pen.pick(10, 16);
    pen.detail(
        {{middle - w, y - h}, {middle + w, y - h}, {middle + w, y + h}, {middle - w, y + h}});
  }
}

void trouser(Pen& pen) {
  const float top = pen.pick(0.8F, 2.5F), hem = pen.pick(25, 27.4F);
  const float waist = pen.pick(3.4F, 5.2F), hip = waist + pen.pick(0.4F, 1.6F);
  const float crotch = pen.pick(8.5F, 12), gap = pen.pick(0.3F, 1.8F);
  const float outer = hip + pen.pick(-0.6F, 1.6F), leg = pen.pick(2.4F, 4.2F);
  const float inner = std::max(outer - leg, gap);
  for (const float side : {-1.0F, 1.0F}) {
    const auto at = [side](float x, float y) { return Point{middle + side * x, y}; };
    pen.fill({at(-0.1F, top), at(waist, top), at(hip, top + 6), at(outer, hem), at(inner, hem),
              at(gap / 2, crotch + 1), at(-0.1F, crotch)});
  }
  if (pen.random.chance(0.6F)) {
    pen.seam({{middle - waist, top + 1.4F}, {middle + waist, top + 1.4F}}, 0.6F);
  }
  if (pen.random.chance(0.4F)) pen.seam({{middle, top + 1.4F}, {middle, crotch}}, 0.6F);
}

void pullover(Pen& pen) {
  const Top t = long_sleeved(pen);
  pen.fill(outline_of(t));
  if (pen.random.chance(0.8F)) hem_band(pen, t);
  if (pen.random.chance(0.65F)) {  // a ribbed or turtle neck
    const float rise = pen.pick(0.4F, 1.8F);
    Path neck{{middle - t.neck, t.top - rise}, {middle - t.neck - 0.4F, t.top + 0.8F}};
    neck.curve({middle, t.top + 2 * t.neck_depth + 1.6F}, {middle + t.neck + 0.4F, t.top + 0.8F});
    neck.line({middle + t.neck, t.top - rise});
    pen.detail(neck);
  }
}

void dress(Pen& pen) {
  Top t = short_sleeved(pen);
  t.top = pen.pick(0.4F, 1.8F);
  t.hem = pen.pick(26, 27.8F);
  t.neck = pen.pick(1.6F, 2.8F);
  t.shoulder = t.neck + pen.pick(1.2F, 2.4F);
  t.shoulder_drop = pen.pick(0.3F, 1);
  t.armpit = pen.pick(6.5F, 9);
  t.chest = pen.pick(3.4F, 5);
  t.waist = pen.pick(1.8F, 4.5F);
  t.hem_half = pen.pick(4, 8.5F);
  t.sleeve = 0;
  if (pen.random.chance(0.3F)) {
    t.sleeve = pen.random.chance(0.5F) ? pen.pick(2, 4) : pen.pick(11, 15);
    t.sleeve_angle = t.sleeve > 5 ? pen.pick(74, 82) : pen.pick(50, 70);
    t.cuff = pen.pick(2, 2.8F);
  }
  if (pen.random.chance(0.2F)) {  // straight and wide, like a long shirt
    t.chest = pen.pick(4.8F, 6);
    t.waist = t.chest + pen.pick(-0.5F, 0.5F);
    t.hem_half = t.chest + pen.pick(-0.4F, 1.2F);
    t.shoulder = pen.pick(4.5F, 6);
  }
  pen.fill(outline_of(t));
  if (pen.random.chance(0.5F)) {  // a belt
    const float y = t.armpit + pen.pick(2.5F, 5);
    pen.seam({{middle - t.chest, y}, {middle + t.chest, y}}, 1);
  }
}

void coat(Pen& pen) {
  Top t = long_sleeved(pen);
  t.hem = pen.pick(26, 27.8F);
  t.hem_half = t.chest + pen.pick(0, 1.6F);
  t.top = pen.pick(0.8F, 2.2F);
  pen.fill(outline_of(t));
  const float opening = pen.pick(3, 9);
  front_line(pen, t, opening, pen.pick(0.6F, 1.3F));
  if (pen.random.chance(0.75F)) {  // lapels
    for (const float side : {-1.0F, 1.0F}) {
      pen.seam({{middle + side * t.neck, t.top},
                {middle + side * 3, t.top + opening * 0.7F},
                {middle, t.top + opening + 1}},
               0.8F);
    }
  }
  if (pen.random.chance(0.6F)) {  // pockets
    const float y = pen.pick(16, 20), slant = pen.pick(-0.5F, 1.2F);
    for (const float side : {-1.0F, 1.0F}) {
      pen.seam({{middle + side * 2.2F, y}, {middle + side * 4.8F, y + slant}}, 0.8F);
    }
  }
}

void shirt(Pen& pen) {
  const bool is_short = pen.random.chance(0.3F);
  const Top t = is_short ? short_sleeved(pen) : long_sleeved(pen);
  pen.fill(outline_of(t));
  if (pen.random.chance(0.9F)) collar(pen, t);
  if (pen.random.chance(0.7F)) front_line(pen, t, 4, pen.pick(0.5F, 0.9F));
  if (pen.random.chance(0.8F)) buttons(pen, t);
  if (pen.random.chance(0.4F)) {  // a breast pocket
    const float x = middle + pen.pick(2, 3), y = pen.pick(10, 12);
    pen.seam({{x, y}, {x + 2.6F, y}, {x + 2.6F, y + 3}, {x, y + 3}, {x, y}}, 0.5F);
  }
}

/// The sole of a shoe whose toe points to the left, from (toe, ground) to (heel, ground).
void sole(Pen& pen, float toe, float heel, float ground, float thickness, float shade) {
  Path path{{toe + 0.4F, ground - thickness}};
  path.line({heel, ground - thickness}).line({heel + 0.2F, ground}).line({toe + 1, ground});
  path.curve({toe - 0.3F, ground}, {toe + 0.4F, ground - thickness});
  pen.canvas.fill(path, shade);
}

void sandal(Pen& pen) {
  const float toe = pen.pick(1, 3), heel = pen.pick(25, 27), ground = pen.pick(20, 23.5F);
  const float rise = pen.random.chance(0.45F) ? pen.pick(3, 9) : pen.pick(0, 1.5F);
  const float back = ground - 1.6F - rise;  // height of the footbed at the heel
  const float thickness = pen.pick(1.2F, 2.4F);
  const float ball = pen.pick(9, 11.5F);
  Path bed{{toe, ground - 1.6F}};
  bed.line({ball, ground - 1.8F}).curve({ball + 5, ground - 2}, {heel, back});
  bed.line({heel, back + thickness})
      .curve({ball + 6, ground}, {ball, ground})
      .line({toe + 0.6F, ground});
  pen.fill(bed);
  if (rise > 2) {
    const float width = pen.pick(0.8F, 3.5F);  // from a stiletto to a block
    pen.fill({{heel - width - 0.6F, back + 1},
              {heel, back + 0.6F},
              {heel - 0.3F, ground},
              {heel - width, ground}});
  }
  const int straps = 1 + static_cast<int>(pen.random.below(3));
  const float width = pen.pick(0.9F, 2);
  for (int i = 0; i < straps; ++i) {
    const float x = toe + 2 + static_cast<float>(i) * pen.pick(2.2F, 3.2F);
    const float height = pen.pick(4, 6.5F) + static_cast<float>(i);
    Path strap{{x, ground - 1.6F}};
    strap.curve({x + 1.2F, ground - height - 2}, {x + 4.5F, ground - height * 0.7F});
    strap.curve({x + 6, ground - height * 0.4F}, {x + 6, ground - 1.8F});
    pen.canvas.stroke(strap, width, pen.level, &pen.cloth);
  }
  if (pen.random.chance(0.75F)) {  // an ankle strap
    const float ankle = back - pen.pick(4.5F, 7.5F);
    Path strap{{heel - 0.6F, back}};
    strap.curve({heel + 0.4F, ankle + 2}, {heel - 1.5F, ankle});
    strap.curve({heel - 4.5F, ankle + 2.4F}, {heel - 8, ankle + 1.2F});
    pen.canvas.stroke(strap, width, pen.level, &pen.cloth);
    if (pen.random.chance(0.5F)) {
      Path link{{heel - 8, ankle + 1.2F}};
      link.curve({heel - 10, ankle + 4}, {ball + 1, ground - 2.4F});
      pen.canvas.stroke(link, width, pen.level, &pen.cloth);
    }
  }
}

void sneaker(Pen& pen) {
  const float toe = pen.pick(0.8F, 2.4F), heel = pen.pick(25.4F, 27), ground = pen.pick(20, 23);
  const float height = pen.random.chance(0.15F) ? pen.pick(12, 15) : pen.pick(7.5F, 11.5F);
  const float top = ground - height;
  const float tongue = pen.pick(14.5F, 17.5F), nose = pen.pick(4, 5.6F);
  Path upper{{toe, ground - 1}};
  upper.curve({toe + 0.4F, ground - nose}, {toe + 5, ground - nose - 0.4F});
  upper.curve({tongue - 5, ground - nose - 1}, {tongue, top - pen.pick(-0.2F, 1)});
  upper.curve({tongue + 3.5F, top + 2.4F}, {heel - 1.2F, top + pen.pick(-0.6F, 1)});
  upper.curve({heel + 0.8F, ground - height / 2}, {heel, ground - 1});
  pen.fill(upper);
  const float shade = pen.random.chance(0.6F) ? pen.pick(190, 255) : pen.mark;
  sole(pen, toe, heel, ground, pen.pick(1.4F, 2.6F), shade);
  if (pen.random.chance(0.7F)) {  // laces
    for (int i = 0; i < 4; ++i) {
      const float x = tongue - 5.5F + 1.7F * static_cast<float>(i);
      const float y = ground - nose - 0.4F - 1.1F * static_cast<float>(i);
      pen.seam({{x, y - 0.4F}, {x + 1.8F, y + 1.4F}}, 0.6F);
    }
  }
  if (pen.random.chance(0.6F)) {  // a swoosh
    Path stripe{{toe + 8, ground - 3.4F}};
    stripe.curve({toe + 14, ground - 2.4F}, {heel - 3, top + pen.pick(3, 5)});
    pen.seam(stripe, pen.pick(0.8F, 1.6F));
  }
}

void bag(Pen& pen) {
  const float half = pen.pick(8, 12.2F), top = pen.pick(9, 13), bottom = pen.pick(22.5F, 26.5F);
  const float narrower = pen.pick(-0.5F, 3), round = pen.pick(0.4F, 4);
  const float reach = half * pen.pick(0.45F, 0.8F), rise = top - pen.pick(1, 3.5F);
  if (pen.random.chance(0.8F)) {  // else a clutch, without a handle
    Path handle{{middle - reach, top + 1}};
    handle.curve({middle - reach, top - rise * 1.1F}, {middle, top - rise});
    handle.curve({middle + reach, top - rise * 1.1F}, {middle + reach, top + 1});
    pen.canvas.stroke(handle, pen.pick(0.9F, 1.9F), pen.level * 0.9F);
  }
  const float upper = half - narrower;
  Path body{{middle - upper + round, top}, {middle + upper - round, top}};
  body.curve({middle + upper, top}, {middle + upper, top + round})
      .line({middle + half, bottom - round});
  body.curve({middle + half, bottom}, {middle + half - round, bottom})
      .line({middle - half + round, bottom});
  body.curve({middle - half, bottom}, {middle - half, bottom - round})
      .line({middle - upper, top + round});
  body.curve({middle - upper, top}, {middle - upper + round, top});
  pen.fill(body);
  if (pen.random.chance(0.6F)) {  // a flap
    Path flap{{middle - upper, top + pen.pick(3, 5)}};
    flap.curve({middle, top + pen.pick(5, 11)}, {middle + upper, top + 4});
    pen.seam(flap, 0.7F);
  }
  if (pen.random.chance(0.6F)) {  // a clasp
    const float y = top + pen.pick(3, 6), w = pen.pick(0.8F, 1.6F);
    pen.detail(
        {{middle - w, y - 1}, {middle + w, y - 1}, {middle + w, y + 1}, {middle - w, y + 1}});
  }
}

void ankle_boot(Pen& pen) {
  const float toe = pen.pick(1, 3), heel = pen.pick(24, 26.6F), ground = pen.pick(24, 27);
  const float top = pen.random.chance(0.2F) ? pen.pick(8, 11) : pen.pick(2, 7.5F),
              front = pen.pick(12, 15.5F), nose = pen.pick(4, 6);
  const float raised = pen.random.chance(0.4F) ? pen.pick(2.5F, 5) : pen.pick(0.8F, 2);
  Path upper{{front, top}};
  upper.line({front + pen.pick(-0.5F, 1), ground - 12});
  upper.curve({front - 2, ground - nose - 2}, {toe + 4, ground - nose});
  upper.curve({toe, ground - nose + 0.8F}, {toe, ground - 1});
  upper.line({heel - 7, ground - 1}).curve({heel - 4, ground - raised}, {heel, ground - raised});
  upper.curve({heel + pen.pick(0, 1.2F), ground - 7},
              {heel - pen.pick(0, 1.5F), top + pen.pick(-0.6F, 0.6F)});
  pen.fill(upper);
  const float block = pen.pick(2.2F, 6);
  pen.fill({{heel - block - 0.6F, ground - raised - 0.4F},
            {heel + 0.1F, ground - raised - 0.4F},
            {heel - 0.2F, ground},
            {heel - block, ground}});
  const float shade = pen.random.chance(0.5F) ? pen.mark : pen.level * 0.6F;
  sole(pen, toe, heel - block, ground, pen.pick(0.9F, 1.6F), shade);
  if (pen.random.chance(0.35F)) {  // a zip
    const float x = pen.pick(19, 22);
    pen.seam({{x, top + 1}, {x - 0.6F, ground - 4}}, 0.6F);
  }
  if (pen.random.chance(0.35F)) {  // laces
    for (float y = top + 2; y < ground - 11; y += 2) {
      pen.seam({{front + 0.4F, y}, {front + 3, y + 0.6F}}, 0.6F);
    }
  }
}

constexpr std::array garments = {t_shirt, trouser, pullover, dress, coat,
                                 sandal,  shirt,   sneaker,  bag,   ankle_boot};

/// Turned, scaled, slanted and shifted a little around the middle of the picture.
Affine random_placement(RandomStream& random, bool mirrored) {
  const float turn = radians(random.uniform(-5, 5));
  const float wide = random.uniform(0.88F, 1.06F) * (mirrored ? -1.0F : 1.0F);
  const float tall = random.uniform(0.88F, 1.04F);
  const float slant = random.uniform(-0.06F, 0.06F);
  Affine t;
  t.a = wide * std::cos(turn);
  t.b = slant - tall * std::sin(turn);
  t.d = wide * std::sin(turn);
  t.e = tall * std::cos(turn);
  t.c = middle - t.a * middle - t.b * middle + random.uniform(-1.5F, 1.5F);
  t.f = middle - t.d * middle - t.e * middle + random.uniform(-1.2F, 1.2F);
  return t;
}

}  // namespace

void draw_garment(std::uint8_t* out, int label, std::uint64_t seed, std::uint64_t index) {
  Pen pen{.random = {seed, index}};
  const bool mirrored = pen.random.chance(0.15F);
  pen.canvas.set_transform(random_placement(pen.random, mirrored));
  pen.level = pen.pick(50, 245);
  const float contrast = pen.pick(35, 120);
  const bool darker = pen.random.chance(0.5F) == (pen.level > 60);
  pen.mark = std::clamp(darker ? pen.level - contrast : pen.level + contrast, 12.0F, 255.0F);
  pen.cloth = weave(pen.random, 0.25F);
  garments[static_cast<std::size_t>(label)](pen);

  std::array<std::uint8_t, garment_bytes> noise;
  for (std::size_t i = 0; i < noise.size(); i += 8) {
    const auto bytes = std::bit_cast<std::array<std::uint8_t, 8>>(pen.random.bits());
    std::copy(bytes.begin(), bytes.end(), noise.begin() + static_cast<std::ptrdiff_t>(i));
  }
  pen.canvas.write(out, noise, pen.pick(0.02F, 0.2F));
}

}  // namespace reel::datasets::detail
