#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <new>

#include "reel/base/detail/shared_library.h"
#include "reel/base/fail.h"
#include "reel/datasets/detail/image_file.h"
#include "reel/ops/create/create.h"

namespace reel::datasets::detail {
namespace {

constexpr std::array<unsigned char, 8> magic = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

/// The functions of libpng that are used here.
struct Png {
  decltype(&::png_create_read_struct) create_read_struct = nullptr;
  decltype(&::png_create_write_struct) create_write_struct = nullptr;
  decltype(&::png_create_info_struct) create_info_struct = nullptr;
  decltype(&::png_destroy_read_struct) destroy_read_struct = nullptr;
  decltype(&::png_destroy_write_struct) destroy_write_struct = nullptr;
  decltype(&::png_error) error = nullptr;
  decltype(&::png_get_error_ptr) get_error_ptr = nullptr;
  decltype(&::png_get_io_ptr) get_io_ptr = nullptr;
  decltype(&::png_set_read_fn) set_read_fn = nullptr;
  decltype(&::png_set_write_fn) set_write_fn = nullptr;
  decltype(&::png_set_keep_unknown_chunks) set_keep_unknown_chunks = nullptr;
  decltype(&::png_read_info) read_info = nullptr;
  decltype(&::png_set_scale_16) set_scale_16 = nullptr;
  decltype(&::png_set_expand) set_expand = nullptr;
  decltype(&::png_set_interlace_handling) set_interlace_handling = nullptr;
  decltype(&::png_read_update_info) read_update_info = nullptr;
  decltype(&::png_get_image_width) get_image_width = nullptr;
  decltype(&::png_get_image_height) get_image_height = nullptr;
  decltype(&::png_get_channels) get_channels = nullptr;
  decltype(&::png_get_rowbytes) get_rowbytes = nullptr;
  decltype(&::png_read_image) read_image = nullptr;
  decltype(&::png_read_end) read_end = nullptr;
  decltype(&::png_get_eXIf_1) get_exif = nullptr;
  decltype(&::png_set_IHDR) set_header = nullptr;
  decltype(&::png_set_compression_level) set_compression_level = nullptr;
  decltype(&::png_write_info) write_info = nullptr;
  decltype(&::png_write_image) write_image = nullptr;
  decltype(&::png_write_end) write_end = nullptr;

  /// Loaded by the first call, which `op` names where that fails.
  static const Png& get(const char* op) {
    static const Png png(op);
    return png;
  }

 private:
  explicit Png(const char* op) {
    const reel::detail::SharedLibrary library(op, "libpng16.so.16", "libpng16-16");
    library.find(create_read_struct, "png_create_read_struct");
    library.find(create_write_struct, "png_create_write_struct");
    library.find(create_info_struct, "png_create_info_struct");
    library.find(destroy_read_struct, "png_destroy_read_struct");
    library.find(destroy_write_struct, "png_destroy_write_struct");
    library.find(error, "png_error");
    library.find(get_error_ptr, "png_get_error_ptr");
    library.find(get_io_ptr, "png_get_io_ptr");
    library.find(set_read_fn, "png_set_read_fn");
    library.find(set_write_fn, "png_set_write_fn");
    library.find(set_keep_unknown_chunks, "png_set_keep_unknown_chunks");
    library.find(read_info, "png_read_info");
    library.find(set_scale_16, "png_set_scale_16");
    library.find(set_expand, "png_set_expand");
    library.find(set_interlace_handling, "png_set_interlace_handling");
    library.find(read_update_info, "png_read_update_info");
    library.find(get_image_width, "png_get_image_width");
    library.find(get_image_height, "png_get_image_height");
    library.find(get_channels, "png_get_channels");
    library.find(get_rowbytes, "png_get_rowbytes");
    library.find(read_image, "png_read_image");
    library.find(read_end, "png_read_end");
    library.find(get_exif, "png_get_eXIf_1");
    library.find(set_header, "png_set_IHDR");
    library.find(set_compression_level, "png_set_compression_level");
    library.find(write_info, "png_write_info");
    library.find(write_image, "png_write_image");
    library.find(write_end, "png_write_end");
  }
};

/// libpng reports errors by a jump, which must leave no object behind that has a destructor: what
/// libpng is called from works on this alone.
struct Session {
  const Png& png;
  png_structp state = nullptr;
  png_infop info = nullptr;
  std::jmp_buf at_error = {};
  std::array<char, 128> message = {};

  explicit Session(const Png& functions) : png(functions) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  static void on_error(png_structp state, png_const_charp text) {
    auto& session = *static_cast<Session*>(Png::get("").get_error_ptr(state));
    std::strncpy(session.message.data(), text, session.message.size() - 1);
    std::longjmp(session.at_error, 1);
  }
  // What libpng mends by itself, such as a wrong checksum of a comment.
  static void on_warning(png_structp, png_const_charp) {}
};

struct Reader : Session {
  std::span<const std::byte> file;
  std::size_t at = 0;
  Size height = 0, width = 0, channels = 0;
  Size row_bytes = 0;  // in the file, once inflated

  Reader(const Png& functions, std::span<const std::byte> bytes) : Session(functions), file(bytes) {
    state = png.create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (state != nullptr) info = png.create_info_struct(state);
    if (info == nullptr) {
      png.destroy_read_struct(&state, &info, nullptr);
      throw std::bad_alloc();
    }
  }
  ~Reader() { png.destroy_read_struct(&state, &info, nullptr); }

  static void take(png_structp state, png_bytep to, std::size_t count) {
    const Png& png = Png::get("");
    auto& reader = *static_cast<Reader*>(png.get_io_ptr(state));
    if (count > reader.file.size() - reader.at) png.error(state, "the end of the file");
    std::memcpy(to, reader.file.data() + reader.at, count);
    reader.at += count;
  }

  /// Up to the first pixels; false after an error.
  bool read_header() {
    if (setjmp(at_error) != 0) return false;
    // Texts, colour profiles and the like are not looked at: some are compressed.
    png.set_keep_unknown_chunks(state, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png.set_keep_unknown_chunks(state, PNG_HANDLE_CHUNK_AS_DEFAULT,
                                reinterpret_cast<png_const_bytep>("eXIf"), 1);
    png.set_read_fn(state, this, take);
    png.read_info(state, info);
    row_bytes = static_cast<Size>(png.get_rowbytes(state, info));
    png.set_scale_16(state);
    png.set_expand(state);  // palettes, few bits, transparent colours
    png.set_interlace_handling(state);
    png.read_update_info(state, info);
    height = png.get_image_height(state, info);
    width = png.get_image_width(state, info);
    channels = png.get_channels(state, info);
    return true;
  }

  bool read_pixels(png_bytepp rows) {
    if (setjmp(at_error) != 0) return false;
    png.read_image(state, rows);
    png.read_end(state, info);
    return true;
  }

  int orientation() {
    png_uint_32 bytes = 0;
    png_bytep exif = nullptr;
    if (setjmp(at_error) != 0 || png.get_exif(state, info, &bytes, &exif) == 0) return 1;
    return exif_orientation({reinterpret_cast<const std::byte*>(exif), bytes});
  }
};

struct Writer : Session {
  std::vector<std::byte> file;

  explicit Writer(const Png& functions) : Session(functions) {
    state = png.create_write_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (state != nullptr) info = png.create_info_struct(state);
    if (info == nullptr) {
      png.destroy_write_struct(&state, &info);
      throw std::bad_alloc();
    }
  }
  ~Writer() { png.destroy_write_struct(&state, &info); }

  bool append(png_const_bytep from, std::size_t count) {
    try {
      const auto* bytes = reinterpret_cast<const std::byte*>(from);
      file.insert(file.end(), bytes, bytes + count);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  static void put(png_structp state, png_bytep from, std::size_t count) {
    const Png& png = Png::get("");
    if (!static_cast<Writer*>(png.get_io_ptr(state))->append(from, count)) {
      png.error(state, "no memory");
    }
  }
  static void flush(png_structp) {}

  bool write(Size height, Size width, int color_type, int compression_level, png_bytepp rows) {
    if (setjmp(at_error) != 0) return false;
    png.set_write_fn(state, this, put, flush);
    png.set_compression_level(state, compression_level);
    png.set_header(state, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height),
                   8, color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE,
                   PNG_FILTER_TYPE_BASE);
    png.write_info(state, info);
    png.write_image(state, rows);
    png.write_end(state, info);
    return true;
  }
};

std::vector<png_bytep> rows_of(const Tensor& pixels) {
  std::vector<png_bytep> rows(static_cast<std::size_t>(pixels.size(0)));
  const Size row_bytes = pixels.size(1) * pixels.size(2);
  png_bytep at = pixels.data_ptr<std::uint8_t>();
  for (png_bytep& row : rows) {
    row = at;
    at += row_bytes;
  }
  return rows;
}

}  // namespace

bool is_png(std::span<const std::byte> file) {
  return file.size() >= magic.size() && std::memcmp(file.data(), magic.data(), magic.size()) == 0;
}

DecodedImage decode_png(const char* op, const ImageFile& file) {
  Reader reader(Png::get(op), file.bytes);
  const auto damaged = [&] {
    fail(op, "expected an intact PNG file, got \"{}\" ({}, offset {})", reader.message.data(),
         file.name, reader.at);
  };
  if (!reader.read_header()) damaged();
  // Deflate packs at most 258 bytes into 2 bits: 1032 to 1.
  const auto held = static_cast<Size>(file.bytes.size());
  check(reader.height * reader.row_bytes / 1032 <= held, op,
        "expected a file large enough for {} x {} pixels, got one of only {} bytes ({}, offset 16)",
        reader.width, reader.height, held, file.name);
  DecodedImage image{empty({reader.height, reader.width, reader.channels}, {.dtype = uint8})};
  std::vector<png_bytep> rows = rows_of(image.pixels);
  if (!reader.read_pixels(rows.data())) damaged();
  image.orientation = reader.orientation();
  return image;
}

std::vector<std::byte> encode_png(const char* op, const Tensor& pixels, int compression_level) {
  constexpr std::array<int, 5> color_types = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                              PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  Writer writer(Png::get(op));
  std::vector<png_bytep> rows = rows_of(pixels);
  if (!writer.write(pixels.size(0), pixels.size(1),
                    color_types[static_cast<std::size_t>(pixels.size(2))], compression_level,
                    rows.data())) {
    fail(op, "expected a picture that libpng writes, got \"{}\"", writer.message.data());
  }
  return std::move(writer.file);
}

}  // namespace reel::datasets::detail
