#include "reel/io/detail/npy.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>

#include "reel/autograd/detail/batched.h"
#include "reel/base/detail/file.h"
#include "reel/base/fail.h"
#include "reel/ops/shape/view.h"

namespace reel::io::detail {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

/// NumPy's name for a stored type, without the byte order.
struct NpyType {
  std::string_view code;
  std::string_view stored_as;
};
constexpr NpyType npy_types[] = {{"b1", "BOOL"}, {"u1", "U8"},  {"i1", "I8"},  {"i2", "I16"},
                                 {"u2", "U16"},  {"i4", "I32"}, {"u4", "U32"}, {"i8", "I64"},
                                 {"u8", "U64"},  {"f2", "F16"}, {"f4", "F32"}, {"f8", "F64"}};

/// Reads the literal of a Python dict that NumPy writes:
/// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderText {
 public:
  HeaderText(const char* op, std::string_view text, Size offset, const std::string& where)
      : op_(op), text_(text), offset_(offset), where_(where) {}

  NpyHeader parse() {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr") {
        descr();
      } else if (key == "fortran_order") {
        order();
      } else if (key == "shape") {
        shape();
      } else {
        refuse("expected descr, fortran_order and shape, got '{}'", key);
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    peek();
    if (at_ < text_.size()) refuse("expected the end of the header, got {}", next());
    if (!has_descr_ || !has_order_ || !has_shape_) {
      refuse("expected descr, fortran_order and shape, got no {}",
             !has_descr_ ? "descr" : (!has_order_ ? "fortran_order" : "shape"));
    }
    return header_;
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    fail(op_, "{} ({}, offset {})", fmt::format(text, std::forward<Args>(args)...), where_,
         offset_ + static_cast<Size>(at_));
  }

  /// The next character that is no space; 0 at the end.
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  /// The next character, in words.
  std::string next() {
    const char c = peek();
    if (at_ == text_.size()) return "its end";
    return ' ' < c && c <= '~' ? fmt::format("'{}'", c)
                               : fmt::format("byte {:#04x}", static_cast<unsigned char>(c));
  }
  bool accept(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) {
      refuse("expected '{}' in the header, got {}", wanted, next());
    }
  }
  std::string_view string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') refuse("expected words in quotes, got {}", next());
    const std::size_t begin = at_ + 1, end = text_.find(quote, begin);
    if (end == text_.npos) refuse("expected a closing quote, got the end of the header");
    at_ = end + 1;
    return text_.substr(begin, end - begin);
  }

  void descr() {
    if (peek() == '[') refuse("expected numbers as elements, got a record of several");
    const std::string_view descr = string();
    const char order = descr.empty() ? '\0' : descr[0];
    const auto type = std::ranges::find(
        npy_types, descr.substr(std::min<std::size_t>(1, descr.size())), &NpyType::code);
    if (type == std::end(npy_types) ||
        std::string_view("<>|=").find(order) == std::string_view::npos) {
      refuse("expected elements of b1, i1, i2, i4, i8, u1, u2, u4, u8, f2, f4 or f8, got '{}'{}",
             descr, descr.ends_with('O') ? ": Python objects, which are not run" : "");
    }
    header_.type = find_stored_type(type->stored_as);
    header_.big_endian = order == '>' && header_.type->bytes > 1;
    has_descr_ = true;
  }
  void order() {
    peek();
    const std::string_view rest = text_.substr(at_);
    header_.fortran_order = rest.starts_with("True");
    if (!header_.fortran_order && !rest.starts_with("False")) {
      refuse("expected True or False as fortran_order");
    }
    at_ += header_.fortran_order ? 4 : 5;
    has_order_ = true;
  }
  void shape() {
    header_.shape = {};
    expect('(');
    while (!accept(')')) {
      peek();
      Size size = -1;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) refuse("expected sizes below 2^63 as shape");
      if (header_.shape.size() == Shape::max_size) {
        refuse("expected at most {} dimensions, got more", Shape::max_size);
      }
      at_ = static_cast<std::size_t>(end - text_.data());
      header_.shape.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    has_shape_ = true;
  }

  const char* op_;
  std::string_view text_;
  Size offset_;
  const std::string& where_;
  std::size_t at_ = 0;
  NpyHeader header_;
  bool has_descr_ = false, has_order_ = false, has_shape_ = false;
};

void swap_bytes(std::byte* data, Size item, Size bytes) {
  for (Size i = 0; i < bytes; i += item) std::reverse(data + i, data + i + item);
}

class NpyReader final : public Reader {
 public:
  NpyReader(const char* op, const std::string& path) : op_(op), file_(op, path) {
    std::string begin(static_cast<std::size_t>(std::min(file_.size(), longest_npy_header)), '\0');
    begin.resize(file_.read_at(0, begin.data(), begin.size()));
    header_ = parse_npy_header(op, begin, file_.size(), path);
    tensors_.push_back(npy_info(std::filesystem::path(path).stem(), header_));
  }

  Tensor read(std::size_t) const override {
    const auto read = [&](Size offset, std::byte* to, Size bytes) {
      const std::size_t got =
          file_.read_at(header_.bytes + offset, to, static_cast<std::size_t>(bytes));
      check(static_cast<Size>(got) == bytes, op_,
            "expected {} bytes of elements, got the end of the file after {} ({})",
            tensors_[0].bytes, offset + static_cast<Size>(got), file_.path());
    };
    return npy_tensor(op_, header_, read, file_.path());
  }

 private:
  const char* op_;
  reel::detail::InputFile file_;
  NpyHeader header_;
};

}  // namespace

NpyHeader parse_npy_header(const char* op, std::string_view begin, Size file_bytes,
                           const std::string& where) {
  // Magic number, version 1 to 3, and the length of the text in 2 bytes, from version 2 on in 4.
  const bool known =
      begin.starts_with(magic) && begin.size() >= 8 && begin[6] >= 1 && begin[6] <= 3;
  check(known, op, "expected a NumPy array, version 1 to 3, got another file ({}, offset 0)",
        where);
  const std::size_t length_bytes = begin[6] == 1 ? 2 : 4, text_begin = 8 + length_bytes;
  std::uint32_t length = 0;
  if (begin.size() >= text_begin) std::memcpy(&length, begin.data() + 8, length_bytes);
  check(begin.size() >= text_begin && length <= begin.size() - text_begin, op,
        "expected a header of {} bytes, got {} ({}, offset 8)", length,
        begin.size() - std::min(begin.size(), text_begin), where);

  NpyHeader header =
      HeaderText(op, begin.substr(text_begin, length), static_cast<Size>(text_begin), where)
          .parse();
  header.bytes = static_cast<Size>(text_begin + length);
  const Size bytes = stored_bytes(op, *header.type, header.shape,
                                  fmt::format("({}, offset {})", where, text_begin));
  check(file_bytes - header.bytes == bytes, op,
        "expected {} bytes for {} of {}, got {} ({}, offset {})", bytes, header.shape,
        header.type->name, file_bytes - header.bytes, where, header.bytes);
  return header;
}

std::string npy_header(const StoredType& type, const Shape& shape) {
  const auto npy = std::ranges::find(npy_types, type.name, &NpyType::stored_as);
  std::string sizes;
  for (const Size size : shape) sizes += fmt::format("{}, ", size);
  if (shape.size() > 1) sizes.resize(sizes.size() - 2);
  if (shape.size() == 1) sizes.pop_back();
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 type.bytes == 1 ? '|' : '<', npy->code, sizes);
  constexpr std::size_t before = 10, multiple = 64;  // so that the elements can be mapped
  while ((before + text.size() + 1) % multiple != 0) text += ' ';
  text += '\n';
  const auto length = static_cast<std::uint16_t>(text.size());
  std::string header(magic);
  header += std::string("\1\0", 2);
  header += std::string(reinterpret_cast<const char*>(&length), 2);
  return header + text;
}

TensorInfo npy_info(std::string name, const NpyHeader& header) {
  return tensor_info(std::move(name), *header.type, header.shape);
}

Tensor npy_tensor(const char* op, const NpyHeader& header, const ReadBytes& read,
                  const std::string& where) {
  const auto read_little_endian = [&](Size offset, std::byte* to, Size bytes) {
    read(offset, to, bytes);
    if (header.big_endian) swap_bytes(to, header.type->bytes, bytes);
  };
  if (!header.fortran_order) {
    return filled(op, *header.type, header.shape, read_little_endian, where);
  }
  Shape turned = header.shape;
  std::reverse(turned.begin(), turned.end());
  Dims back;
  for (Size dim = turned.size(); dim-- > 0;) back.push_back(dim);
  return filled(op, *header.type, turned, read_little_endian, where).permute(back).contiguous();
}

std::unique_ptr<Reader> read_npy(const char* op, const std::string& path) {
  return std::make_unique<NpyReader>(op, path);
}

void write_npy(const char* op, const std::string& path, const StateDict& state,
               const SaveOptions&) {
  check(state.size() == 1, op,
        "expected one tensor for a .npy file, got {} ({})\nhelp: a .npz file holds several",
        state.size(), path);
  const Tensor whole = state.begin()->second.detach().contiguous();
  reel::detail::check_not_batched(op, whole);
  const std::string header = npy_header(stored_type_of(whole.dtype()), whole.shape());
  reel::detail::OutputFile file(op, path);
  file.write(header.data(), header.size());
  file.write(whole.impl().data, static_cast<std::size_t>(whole.numel() * item_size(whole.dtype())));
  file.commit();
}

}  // namespace reel::io::detail
