#include <algorithm>

#include "reel/base/fail.h"
#include "reel/datasets/csv.h"
#include "reel/datasets/detail/tar.h"
#include "reel/datasets/detail/whole_file.h"
#include "reel/datasets/idx.h"
#include "reel/datasets/known_sets.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"

namespace reel::datasets {
namespace {

std::vector<std::string> words_of(const char* text) {
  std::vector<std::string> words(1);
  for (; *text != '\0'; ++text) {
    if (*text == ',') {
      words.emplace_back();
    } else {
      words.back() += *text;
    }
  }
  return words;
}

/// How the file of a set is read as a table.
struct TableForm {
  const char* name;
  bool header;
  Size skip_rows;
  const char* columns;  // nullptr: those of the header, or numbers
};

constexpr const char* wine_quality_columns =
    "fixed_acidity,volatile_acidity,citric_acid,residual_sugar,chlorides,free_sulfur_dioxide,"
    "total_sulfur_dioxide,density,ph,sulphates,alcohol,quality";

constexpr TableForm table_forms[] = {
    {"iris", false, 1, "sepal_length,sepal_width,petal_length,petal_width,species"},
    {"wine", false, 1,
     "alcohol,malic_acid,ash,alcalinity_of_ash,magnesium,total_phenols,flavanoids,"
     "nonflavanoid_phenols,proanthocyanins,color_intensity,hue,od280_od315,proline,cultivar"},
    {"breast-cancer", false, 1,
     "mean_radius,mean_texture,mean_perimeter,mean_area,mean_smoothness,mean_compactness,"
     "mean_concavity,mean_concave_points,mean_symmetry,mean_fractal_dimension,radius_error,"
     "texture_error,perimeter_error,area_error,smoothness_error,compactness_error,concavity_error,"
     "concave_points_error,symmetry_error,fractal_dimension_error,worst_radius,worst_texture,"
     "worst_perimeter,worst_area,worst_smoothness,worst_compactness,worst_concavity,"
     "worst_concave_points,worst_symmetry,worst_fractal_dimension,diagnosis"},
    {"banknote", false, 0, "variance,skewness,curtosis,entropy,class"},
    {"sonar", false, 0, nullptr},
    {"wine-quality-red", false, 0, wine_quality_columns},
    {"wine-quality-white", false, 0, wine_quality_columns},
    {"california-housing", true, 0, nullptr},
};

/// The last column, whose numbers or words stand for classes, with the classes' names.
Column named_classes(const Column& column, const std::vector<std::string>& class_names) {
  return column.is_text() ? column : Column(column.name(), column.values(), class_names);
}

/// 64 numbers from 0 to 16 and a class a row.
LabeledImages read_optdigits(const SetInfo& set, Part part, const FetchOptions& options) {
  const std::string path = detail::path_of(set, part == Part::train ? 0 : 1, options);
  const Table table = read_csv(path, {.header = false});
  check(table.columns().size() == 65, "load_images", "expected 65 columns, got {} ({})",
        table.columns().size(), path);
  const Tensor levels = table.drop({"64"}).to_tensor();
  const Tensor pixels = (levels * (255.0 / 16) + 0.5).to(uint8).view({-1, 8, 8});
  return {pixels, table["64"].values(), set.class_names};
}

/// EMNIST's pictures lie on their side, and its classes count from 1.
LabeledImages read_emnist(const SetInfo& set, Part part, const FetchOptions& options) {
  const std::size_t first = part == Part::train ? 0 : 2;
  const Tensor images = read_idx(detail::path_of(set, first, options));
  const std::string path = detail::path_of(set, first + 1, options);
  const Tensor labels = read_idx(path);
  check(images.dim() == 3 && labels.dtype() == uint8, "load_images",
        "expected bytes [N, H, W] and [N], got {} and {} {} ({})", images.shape(), labels.dtype(),
        labels.shape(), path);
  return {images.transpose(1, 2), labels.to(int64) - 1, set.class_names};
}

}  // namespace

LabeledImages detail::read_idx_set(const SetInfo& set, Part part, const FetchOptions& options) {
  const std::size_t first = part == Part::train ? 0 : 2;
  const std::string images = path_of(set, first, options),
                    labels = path_of(set, first + 1, options);
  return {read_idx(images), read_idx(labels), set.class_names};
}

LabeledImages detail::read_cifar(const std::string& path, const std::vector<std::string>& members,
                                 Size label_bytes, const std::vector<std::string>& class_names) {
  constexpr const char* op = "load_images";
  constexpr Size pixels = 3 * 32 * 32;
  const Size record = label_bytes + pixels;
  std::vector<std::string> contents(members.size());
  for (TarReader tar(op, path); tar.next();) {
    const auto at = std::find(members.begin(), members.end(), tar.name());
    if (at != members.end())
      contents[static_cast<std::size_t>(at - members.begin())] = tar.content();
  }
  Size count = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto size = static_cast<Size>(contents[i].size());
    check(size > 0 && size % record == 0, op,
          "expected records of {} bytes in {}, got {} bytes ({})", record, members[i], size, path);
    count += size / record;
  }
  const Tensor images = empty({count, 3, 32, 32}, {.dtype = uint8});
  const Tensor labels = empty({count}, {.dtype = uint8});
  auto* to = images.data_ptr<std::uint8_t>();
  auto* label = labels.data_ptr<std::uint8_t>();
  for (const std::string& content : contents) {
    for (std::size_t at = 0; at < content.size(); at += static_cast<std::size_t>(record)) {
      const auto* from = reinterpret_cast<const std::uint8_t*>(content.data()) + at;
      *label++ = from[label_bytes - 1];
      to = std::copy_n(from + label_bytes, pixels, to);
    }
  }
  return {images, labels, class_names};
}

LabeledImages load_images(std::string_view name, Part part, const FetchOptions& options) {
  const SetInfo& set = set_info(name);
  const bool train = part == Part::train;
  if (name == "cifar10" || name == "cifar100") {
    const std::string path = detail::path_of(set, 0, options);
    if (name == "cifar100") {
      return detail::read_cifar(
          path, {train ? "cifar-100-binary/train.bin" : "cifar-100-binary/test.bin"}, 2,
          set.class_names);
    }
    std::vector<std::string> members = {"cifar-10-batches-bin/test_batch.bin"};
    if (train) {
      members.clear();
      for (int i = 1; i <= 5; ++i) {
        members.push_back(fmt::format("cifar-10-batches-bin/data_batch_{}.bin", i));
      }
    }
    return detail::read_cifar(path, members, 1, set.class_names);
  }
  if (name == "optdigits") return read_optdigits(set, part, options);
  if (name == "emnist-letters") return read_emnist(set, part, options);
  check(set.files.size() == 4, "load_images", "expected a set of pictures, got \"{}\": {}", name,
        set.title);
  return detail::read_idx_set(set, part, options);
}

Table load_table(std::string_view name, const FetchOptions& options) {
  const SetInfo& set = set_info(name);
  const auto form =
      std::find_if(std::begin(table_forms), std::end(table_forms),
                   [&](const TableForm& candidate) { return candidate.name == name; });
  check(form != std::end(table_forms), "load_table",
        "expected a set that is a table, got \"{}\": {}", name, set.title);
  ReadCsvOptions csv{.header = form->header, .skip_rows = form->skip_rows};
  if (form->columns != nullptr) csv.names = words_of(form->columns);
  if (name == "sonar") {
    for (int band = 1; band <= 60; ++band) csv.names.push_back(fmt::format("band_{}", band));
    csv.names.emplace_back("object");
  }
  const Table table = read_csv(detail::path_of(set, 0, options), csv);
  if (set.class_names.empty()) return table;
  std::vector<Column> columns = table.columns();
  columns.back() = named_classes(columns.back(), set.class_names);
  return Table(std::move(columns));
}

std::string load_text(std::string_view name, const FetchOptions& options) {
  const SetInfo& set = set_info(name);
  check(set.folder == "text", "load_text", "expected a set that is a text, got \"{}\": {}", name,
        set.title);
  return detail::whole_file("load_text", detail::path_of(set, 0, options));
}

}  // namespace reel::datasets
