#include "reel/io/detail/unpickler.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "reel/base/fail.h"

namespace reel::io::detail {
namespace {

/// What a global of a pickle is to a state dict.
enum class Role {
  ordered_dict,
  set,
  size,
  device,
  tensor,           // torch._utils._rebuild_tensor_v2
  typed_tensor,     // the same, with the dtype among the arguments
  parameter,        // a tensor, wrapped
  storage,          // names the type of its elements
  untyped_storage,  // bytes
  dtype
};

constexpr std::size_t arguments_of(Role role) {
  switch (role) {
    case Role::set:
    case Role::size:
    case Role::device:
    case Role::parameter:
      return 1;
    case Role::tensor:
      return 4;
    case Role::typed_tensor:
      return 7;
    default:
      return 0;
  }
}

struct Global {
  std::string_view module;
  std::string_view name;
  Role role;
  const char* stored_as = "";
};

constexpr Global globals[] = {
    {"collections", "OrderedDict", Role::ordered_dict},
    {"__builtin__", "set", Role::set},
    {"builtins", "set", Role::set},
    {"torch", "Size", Role::size},
    {"torch", "device", Role::device},
    {"torch._utils", "_rebuild_tensor_v2", Role::tensor},
    {"torch._utils", "_rebuild_tensor_v3", Role::typed_tensor},
    {"torch._utils", "_rebuild_parameter", Role::parameter},
    {"torch", "DoubleStorage", Role::storage, "F64"},
    {"torch", "FloatStorage", Role::storage, "F32"},
    {"torch", "HalfStorage", Role::storage, "F16"},
    {"torch", "BFloat16Storage", Role::storage, "BF16"},
    {"torch", "LongStorage", Role::storage, "I64"},
    {"torch", "IntStorage", Role::storage, "I32"},
    {"torch", "ShortStorage", Role::storage, "I16"},
    {"torch", "CharStorage", Role::storage, "I8"},
    {"torch", "ByteStorage", Role::storage, "U8"},
    {"torch", "BoolStorage", Role::storage, "BOOL"},
    {"torch.storage", "UntypedStorage", Role::untyped_storage},
    {"torch", "float64", Role::dtype, "F64"},
    {"torch", "float32", Role::dtype, "F32"},
    {"torch", "float16", Role::dtype, "F16"},
    {"torch", "bfloat16", Role::dtype, "BF16"},
    {"torch", "float8_e4m3fn", Role::dtype, "F8_E4M3"},
    {"torch", "float8_e5m2", Role::dtype, "F8_E5M2"},
    {"torch", "float8_e4m3fnuz", Role::dtype, "F8_E4M3FNUZ"},
    {"torch", "float8_e5m2fnuz", Role::dtype, "F8_E5M2FNUZ"},
    {"torch", "float8_e8m0fnu", Role::dtype, "F8_E8M0"},
    {"torch", "int64", Role::dtype, "I64"},
    {"torch", "int32", Role::dtype, "I32"},
    {"torch", "int16", Role::dtype, "I16"},
    {"torch", "int8", Role::dtype, "I8"},
    {"torch", "uint8", Role::dtype, "U8"},
    {"torch", "uint16", Role::dtype, "U16"},
    {"torch", "uint32", Role::dtype, "U32"},
    {"torch", "uint64", Role::dtype, "U64"},
    {"torch", "bool", Role::dtype, "BOOL"},
};

/// The opcodes that `torch.save` writes, with pickle protocols 2 to 5
/// (https://github.com/python/cpython/blob/main/Lib/pickletools.py).
enum class Op : std::uint8_t {
  mark = '(',
  stop = '.',
  pop = '0',
  none = 'N',
  new_true = 0x88,
  new_false = 0x89,
  binint = 'J',
  binint1 = 'K',
  binint2 = 'M',
  long1 = 0x8a,
  binfloat = 'G',
  short_binunicode = 0x8c,
  binunicode = 'X',
  binunicode8 = 0x8d,
  empty_tuple = ')',
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  tuple = 't',
  empty_list = ']',
  append = 'a',
  appends = 'e',
  empty_dict = '}',
  setitem = 's',
  setitems = 'u',
  empty_set = 0x8f,
  additems = 0x90,
  binput = 'q',
  long_binput = 'r',
  memoize = 0x94,
  binget = 'h',
  long_binget = 'j',
  global = 'c',
  stack_global = 0x93,
  reduce = 'R',
  build = 'b',
  binpersid = 'Q',
  proto = 0x80,
  frame = 0x95
};

enum class Kind : std::uint8_t {
  none,
  boolean,
  integer,
  real,
  text,
  tuple,
  list,
  dict,
  global,
  storage,
  tensor
};

constexpr const char* kind_names[] = {"None",     "a bool",    "an integer", "a float",
                                      "a string", "a tuple",   "a list",     "a dict",
                                      "a global", "a storage", "a tensor"};

/// A value's place among all values: a pickle may put one in several containers, or in itself.
using Ref = std::uint32_t;

struct Value {
  Kind kind = Kind::none;
  std::int64_t integer = 0;  // of storages: elements; of tensors: the place in `tensors_`
  double real = 0;
  std::string_view text = {};      // in the pickle; of storages: the key
  const Global* global = nullptr;  // of storages: their class
  std::vector<Ref> items = {};     // of dicts: keys and values in turn
};

class Unpickler {
 public:
  Unpickler(const char* op, std::string_view pickle, const std::string& where)
      : op_(op), in_(pickle), where_(where) {}

  PickledState run(const std::string& root) {
    while (step()) {
    }
    PickledState state;
    Flattening flattening{state};
    flatten(pop(), root, 0, flattening);
    return state;
  }

 private:
  /// A state on its way out of nested containers.
  struct Flattening {
    PickledState& state;
    std::unordered_set<std::string> names = {};
    std::size_t bytes = 0;
  };

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    fail(op_, "{} ({}, offset {})", fmt::format(text, std::forward<Args>(args)...), where_, at_);
  }

  // ---- bytes

  std::string_view take(std::uint64_t bytes) {
    if (bytes > in_.size() - next_)
      refuse("expected {} more bytes of a pickle, got its end", bytes);
    const std::string_view taken = in_.substr(next_, static_cast<std::size_t>(bytes));
    next_ += taken.size();
    return taken;
  }

  /// An unsigned little-endian number.
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    const std::string_view taken = take(bytes);
    std::memcpy(&value, taken.data(), taken.size());
    return value;
  }

  std::string_view line() {
    const std::size_t end = in_.find('\n', next_);
    if (end == in_.npos) refuse("expected a line of a pickle, got its end");
    const std::string_view taken = in_.substr(next_, end - next_);
    next_ = end + 1;
    return taken;
  }

  // ---- values

  Ref push(Value value) {
    const auto ref = static_cast<Ref>(values_.size());
    values_.push_back(std::move(value));
    stack_.push_back(ref);
    return ref;
  }
  void push_items(Kind kind, std::vector<Ref> items) {
    push({.kind = kind, .items = std::move(items)});
  }

  Ref top() const {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
      refuse("expected a value on the pickle's stack, got none");
    }
    return stack_.back();
  }
  Ref pop() {
    const Ref ref = top();
    stack_.pop_back();
    return ref;
  }
  std::vector<Ref> pop(std::size_t count) {
    std::vector<Ref> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }
  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) refuse("expected a mark on the pickle's stack, got none");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Ref> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  const Value& as(Kind kind, Ref ref, const char* what) const {
    const Value& value = values_[ref];
    if (value.kind != kind) {
      refuse("expected {} as {}, got {}", name(kind), what, name(value.kind));
    }
    return value;
  }
  static const char* name(Kind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

  /// Appends to the container on top of the stack.
  void extend(Kind kind, const std::vector<Ref>& items) {
    const Ref container = top();
    as(kind, container, "a container to fill");
    if (kind == Kind::dict && items.size() % 2 != 0) refuse("expected keys and values in pairs");
    std::vector<Ref>& held = values_[container].items;
    held.insert(held.end(), items.begin(), items.end());
  }

  void remember(std::uint64_t key) { memo_[key] = top(); }
  void recall(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) refuse("expected memo {} to be set, got none", key);
    stack_.push_back(found->second);
  }

  // ---- opcodes

  /// Carries out one opcode; false at the last.
  bool step() {
    at_ = next_;
    const auto code = static_cast<std::uint8_t>(take(1)[0]);
    switch (static_cast<Op>(code)) {
      case Op::stop:
        return false;
      case Op::proto:
        if (const auto protocol = number(1); protocol < 2 || protocol > 5) {
          refuse("expected pickle protocol 2 to 5, got {}", protocol);
        }
        break;
      case Op::frame:
        take(8);
        break;
      case Op::mark:
        marks_.push_back(stack_.size());
        break;
      case Op::pop:
        pop();
        break;
      case Op::none:
        push({});
        break;
      case Op::new_true:
      case Op::new_false:
        push({.kind = Kind::boolean, .integer = static_cast<Op>(code) == Op::new_true});
        break;
      case Op::binint:
        push_integer(static_cast<std::int32_t>(number(4)));
        break;
      case Op::binint1:
        push_integer(static_cast<std::int64_t>(number(1)));
        break;
      case Op::binint2:
        push_integer(static_cast<std::int64_t>(number(2)));
        break;
      case Op::long1:
        push_long(number(1));
        break;
      case Op::binfloat: {  // big endian, unlike all else
        push({.kind = Kind::real, .real = std::bit_cast<double>(__builtin_bswap64(number(8)))});
        break;
      }
      case Op::short_binunicode:
        push({.kind = Kind::text, .text = take(number(1))});
        break;
      case Op::binunicode:
        push({.kind = Kind::text, .text = take(number(4))});
        break;
      case Op::binunicode8:
        push({.kind = Kind::text, .text = take(number(8))});
        break;
      case Op::empty_tuple:
        push_items(Kind::tuple, {});
        break;
      case Op::tuple1:
      case Op::tuple2:
      case Op::tuple3:
        push_items(Kind::tuple, pop(std::size_t{code} - 0x84));
        break;
      case Op::tuple:
        push_items(Kind::tuple, pop_to_mark());
        break;
      case Op::empty_list:
      case Op::empty_set:
        push_items(Kind::list, {});
        break;
      case Op::append:
        extend(Kind::list, pop(1));
        break;
      case Op::appends:
      case Op::additems:
        extend(Kind::list, pop_to_mark());
        break;
      case Op::empty_dict:
        push_items(Kind::dict, {});
        break;
      case Op::setitem:
        extend(Kind::dict, pop(2));
        break;
      case Op::setitems:
        extend(Kind::dict, pop_to_mark());
        break;
      case Op::binput:
        remember(number(1));
        break;
      case Op::long_binput:
        remember(number(4));
        break;
      case Op::memoize:
        remember(memo_.size());
        break;
      case Op::binget:
        recall(number(1));
        break;
      case Op::long_binget:
        recall(number(4));
        break;
      case Op::global: {
        const std::string_view module = line();
        push_global(module, line());
        break;
      }
      case Op::stack_global: {
        const std::vector<Ref> names = pop(2);
        push_global(as(Kind::text, names[0], "a module's name").text,
                    as(Kind::text, names[1], "a global's name").text);
        break;
      }
      case Op::reduce: {
        const std::vector<Ref> call = pop(2);
        reduce(*as(Kind::global, call[0], "what to call").global,
               as(Kind::tuple, call[1], "arguments").items);
        break;
      }
      case Op::build:
        // What an OrderedDict carries besides its items: the versions of PyTorch's modules.
        pop();
        as(Kind::dict, top(), "what has attributes");
        break;
      case Op::binpersid:
        push_storage(as(Kind::tuple, pop(), "a storage").items);
        break;
      default:
        refuse("expected a pickle of a state dict, got opcode {:#04x}", code);
    }
    return true;
  }

  void push_integer(std::int64_t value) { push({.kind = Kind::integer, .integer = value}); }

  /// An integer in two's complement of any length.
  void push_long(std::uint64_t bytes) {
    if (bytes > 8) refuse("expected integers of at most 8 bytes, got one of {}", bytes);
    const auto unused = static_cast<int>(64 - 8 * bytes);
    const std::uint64_t value = number(static_cast<std::size_t>(bytes));
    push_integer(bytes == 0 ? 0 : static_cast<std::int64_t>(value << unused) >> unused);
  }

  void push_global(std::string_view module, std::string_view name) {
    const auto known = std::ranges::find_if(globals, [&](const Global& global) {
      return global.module == module && global.name == name;
    });
    if (known == std::end(globals)) {
      fail(
          op_,
          "expected tensors, numbers and words in dicts and lists, got {}.{}, which is none and is "
          "not run ({}, offset {})\nhelp: in Python, save the state_dict(), not the object",
          module, name, where_, at_);
    }
    push({.kind = Kind::global, .text = name, .global = known});
  }

  /// ('storage', torch.FloatStorage, '0', 'cpu', 12)
  void push_storage(const std::vector<Ref>& id) {
    if (id.size() != 5 || as(Kind::text, id[0], "an object's kind").text != "storage") {
      refuse("expected a storage's kind, class, key, device and size, got {} values", id.size());
    }
    const Global* type = as(Kind::global, id[1], "a storage's class").global;
    if (type->role != Role::storage && type->role != Role::untyped_storage) {
      refuse("expected a storage's class, got {}.{}", type->module, type->name);
    }
    const std::int64_t numel = as(Kind::integer, id[4], "a storage's size").integer;
    if (numel < 0) refuse("expected a storage of at least 0 elements, got {}", numel);
    push({.kind = Kind::storage,
          .integer = numel,
          .text = as(Kind::text, id[2], "a storage's key").text,
          .global = type});
  }

  void reduce(const Global& callee, const std::vector<Ref>& arguments) {
    const std::size_t needed = arguments_of(callee.role);
    if (arguments.size() < needed) {
      refuse("expected at least {} arguments of {}.{}, got {}", needed, callee.module, callee.name,
             arguments.size());
    }
    switch (callee.role) {
      case Role::ordered_dict:
        if (!arguments.empty()) refuse("expected an OrderedDict without arguments");
        push_items(Kind::dict, {});
        break;
      case Role::set:
        as(Kind::list, arguments[0], "the items of a set");
        stack_.push_back(arguments[0]);
        break;
      case Role::size:
        as(Kind::tuple, arguments[0], "a size");
        stack_.push_back(arguments[0]);
        break;
      case Role::device:
        push({.kind = Kind::text, .text = as(Kind::text, arguments[0], "a device").text});
        break;
      case Role::parameter:
        as(Kind::tensor, arguments[0], "a parameter");
        stack_.push_back(arguments[0]);
        break;
      case Role::tensor:
        push_tensor(arguments[0], nullptr, arguments[1], arguments[2], arguments[3]);
        break;
      case Role::typed_tensor:
        push_tensor(arguments[0], as(Kind::global, arguments[6], "a dtype").global, arguments[1],
                    arguments[2], arguments[3]);
        break;
      default:
        refuse("expected something to call, got {}.{}", callee.module, callee.name);
    }
  }

  Shape numbers(Ref ref, const char* what) const {
    const std::vector<Ref>& items = as(Kind::tuple, ref, what).items;
    if (items.size() > Shape::max_size) {
      refuse("expected at most {} dimensions, got {}", Shape::max_size, items.size());
    }
    Shape result;
    for (const Ref item : items) {
      const std::int64_t value = as(Kind::integer, item, what).integer;
      if (value < 0) refuse("expected {} of at least 0, got {}", what, value);
      result.push_back(value);
    }
    return result;
  }

  void push_tensor(Ref storage_ref, const Global* dtype, Ref offset, Ref size, Ref stride) {
    const Value& storage = as(Kind::storage, storage_ref, "a tensor's storage");
    const bool untyped = storage.global->role == Role::untyped_storage;
    if (dtype == nullptr) dtype = storage.global;
    if (dtype->role != Role::storage && dtype->role != Role::dtype) {
      refuse("expected a tensor's dtype, got {}.{}", dtype->module, dtype->name);
    }
    PickledTensor tensor;
    tensor.storage = storage.text;
    tensor.type = find_stored_type(dtype->stored_as);
    tensor.storage_numel = untyped ? storage.integer / tensor.type->bytes : storage.integer;
    tensor.offset = as(Kind::integer, offset, "a tensor's offset").integer;
    tensor.shape = numbers(size, "sizes");
    tensor.strides = numbers(stride, "strides");
    if (!untyped && std::string_view(storage.global->stored_as) != dtype->stored_as) {
      refuse("expected a storage of {}, got one of {}", dtype->stored_as,
             storage.global->stored_as);
    }
    check_reach(tensor);
    push({.kind = Kind::tensor, .integer = static_cast<std::int64_t>(tensors_.size())});
    tensors_.push_back(std::move(tensor));
  }

  /// Holds a tensor to the elements of its storage.
  void check_reach(const PickledTensor& tensor) const {
    const auto& [storage, numel, type, offset, shape, strides] = tensor;
    if (shape.size() != strides.size()) {
      refuse("expected as many strides as sizes, got {} and {}", strides, shape);
    }
    stored_bytes(op_, *type, shape, fmt::format("({}, offset {})", where_, at_));
    const bool empty = std::ranges::find(shape, 0) != shape.end();
    bool inside = 0 <= offset && offset <= numel - (empty ? 0 : 1);
    Size left = inside ? numel - offset - 1 : 0;  // elements behind the first
    for (Size d = 0; d < shape.size() && inside && !empty; ++d) {
      const Size steps = shape[d] - 1;
      inside = steps == 0 || strides[d] <= left / steps;
      if (inside) left -= steps * strides[d];
    }
    if (!inside) {
      refuse(
          "expected a tensor inside its storage of {} elements, got sizes {}, strides {} and "
          "offset {}",
          numel, shape, strides, offset);
    }
  }

  // ---- out of the containers

  void flatten(Ref ref, const std::string& name, int depth, Flattening& out) const {
    constexpr int deepest = 64;
    if (depth > deepest) refuse("expected containers at most {} deep, got more", deepest);
    const Value& value = values_[ref];
    // What is in several containers is copied out of each; a short pickle can multiply so.
    out.bytes += 1 + name.size() + value.text.size();
    if (out.bytes > 256 * in_.size() + (1 << 16))
      refuse("expected values once each, got some very often");
    const auto inside = [&](std::string_view key) {
      return depth == 0 ? std::string(key) : name + '.' + std::string(key);
    };
    switch (value.kind) {
      case Kind::dict:
        for (std::size_t i = 0; i < value.items.size(); i += 2) {
          const Value& key = values_[value.items[i]];
          if (key.kind != Kind::text && key.kind != Kind::integer) {
            refuse("expected words or integers as keys, got {}", Unpickler::name(key.kind));
          }
          const std::string number = std::to_string(key.integer);
          flatten(value.items[i + 1], inside(key.kind == Kind::text ? key.text : number), depth + 1,
                  out);
        }
        return;
      case Kind::list:
      case Kind::tuple:
        for (std::size_t i = 0; i < value.items.size(); ++i) {
          flatten(value.items[i], inside(std::to_string(i)), depth + 1, out);
        }
        return;
      default:
        break;
    }
    if (!out.names.insert(name).second) {
      refuse("expected each name once, got \"{}\" twice", name);
    }
    auto& entries = out.state.entries;
    switch (value.kind) {
      case Kind::tensor:
        entries.push_back({name, tensors_[static_cast<std::size_t>(value.integer)]});
        break;
      case Kind::boolean:
        entries.push_back({name, value.integer != 0});
        break;
      case Kind::integer:
        entries.push_back({name, value.integer});
        break;
      case Kind::real:
        entries.push_back({name, value.real});
        break;
      case Kind::text:
        out.state.metadata[name] = value.text;
        break;
      case Kind::none:
        out.state.metadata[name] = "None";
        break;
      case Kind::global:
        if (value.global->role == Role::dtype) {
          out.state.metadata[name] = "torch." + std::string(value.text);
          break;
        }
        [[fallthrough]];
      default:
        refuse("expected tensors, numbers and words, got {} as \"{}\"", Unpickler::name(value.kind),
               name);
    }
  }

  const char* op_;
  std::string_view in_;
  const std::string& where_;
  std::size_t next_ = 0;
  std::size_t at_ = 0;  // where the current opcode begins
  std::vector<Value> values_;
  std::vector<Ref> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Ref> memo_;
  std::vector<PickledTensor> tensors_;
};

}  // namespace

PickledState unpickled(const char* op, std::string_view pickle, const std::string& root,
                       const std::string& where) {
  return Unpickler(op, pickle, where).run(root);
}

}  // namespace reel::io::detail
