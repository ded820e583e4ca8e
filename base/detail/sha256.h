#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "reel/base/export.h"

namespace reel::detail {

/// SHA-256 of a stream of bytes (FIPS 180-4, section 6.2), so that a download can be checked while
/// it is written. Uses the CPU's SHA instructions where it has them.
///
/// **Example**
/// ```cpp
/// Sha256 hash;
/// hash.update("abc", 3);
/// hash.hex();  // "ba7816bf..."
/// ```
class REEL_API Sha256 {
 public:
  Sha256();

  void update(const void* data, std::size_t bytes);

  /// The digest of all bytes so far, as 64 lower-case hex digits; more bytes may follow.
  std::string hex() const;

 private:
  using Blocks = void (*)(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks);

  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> pending_{};
  std::uint64_t bytes_ = 0;
  Blocks compress_;
};

/// The two implementations of the compression of `blocks` 64-byte blocks, for tests to compare.
REEL_API void sha256_blocks_portable(std::uint32_t* state, const std::uint8_t* data,
                                     std::size_t blocks);
REEL_API void sha256_blocks_x86(std::uint32_t* state, const std::uint8_t* data, std::size_t blocks);

/// Whether this CPU runs `sha256_blocks_x86`.
REEL_API bool has_sha_instructions();

/// The digest of `text` as 64 lower-case hex digits.
REEL_API std::string sha256(std::string_view text);

/// The digest of a file's content, read in pieces. Throws `Error` naming `op` and the file when it
/// cannot be read.
REEL_API std::string sha256_of_file(const char* op, const std::string& path);

}  // namespace reel::detail
