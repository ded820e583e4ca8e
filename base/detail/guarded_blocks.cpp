#include "reel/base/detail/guarded_blocks.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace reel::detail {
namespace {

constexpr std::size_t alignment = 64;
constexpr int untouched = 0xff;  // of all bytes: a NaN, whatever the width

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

std::size_t page() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

/// Where a block lies in its pages: as far back as its alignment allows.
struct Layout {
  std::size_t pages;   // bytes, without the page on either side
  std::size_t offset;  // of the block in them

  explicit Layout(std::size_t bytes)
      : pages(round_up(std::max<std::size_t>(bytes, 1), page())),
        offset(pages - round_up(bytes, alignment)) {}
};

void check_untouched(const unsigned char* from, const unsigned char* to, const char* where,
                     std::size_t bytes) {
  const auto* touched = std::find_if(from, to, [](unsigned char c) { return c != untouched; });
  if (touched == to) return;
  std::fprintf(stderr, "[allocate] expected nobody to write %s a block of %zu bytes\n", where,
               bytes);
  std::abort();
}

}  // namespace

void* allocate_guarded(std::size_t bytes) noexcept {
  const Layout layout(bytes);
  void* mapped = mmap(nullptr, layout.pages + 2 * page(), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* first = static_cast<unsigned char*>(mapped) + page();
  mprotect(first - page(), page(), PROT_NONE);
  mprotect(first + layout.pages, page(), PROT_NONE);
  std::memset(first, untouched, layout.pages);
  return first + layout.offset;
}

void deallocate_guarded(void* block, std::size_t bytes) noexcept {
  const Layout layout(bytes);
  auto* begin = static_cast<unsigned char*>(block);
  unsigned char* pages = begin - layout.offset;
  check_untouched(pages, begin, "before", bytes);
  check_untouched(begin + bytes, pages + layout.pages, "behind", bytes);
  munmap(pages - page(), layout.pages + 2 * page());
}

}  // namespace reel::detail
