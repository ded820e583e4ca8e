// SHA-256 taken in pieces of any sizes is that of the whole, and the CPU's instructions agree with
// the portable rounds.

#include "reel/base/detail/sha256.h"

#include <cstring>
#include <string>
#include <vector>

#include "fuzz/byte_reader.h"
#include "fuzz/demand.h"

namespace sha = reel::detail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reel::testing::ByteReader input(data, size);
  sha::Sha256 in_pieces;
  std::string whole;
  while (!input.done()) {
    const std::size_t wanted = input.byte();
    const std::string piece = input.text(std::min(wanted, input.left()));
    in_pieces.update(piece.data(), piece.size());
    whole += piece;
    if (piece.size() % 16 == 3) DEMAND(in_pieces.hex() == sha::sha256(whole));
  }
  DEMAND(in_pieces.hex() == sha::sha256(whole));

  if (!sha::has_sha_instructions()) return 0;
  std::uint32_t portable[8] = {}, x86[8] = {};
  std::memcpy(portable, whole.data(), std::min(whole.size(), sizeof portable));
  std::memcpy(x86, portable, sizeof x86);
  const std::vector<std::uint8_t> bytes(whole.begin(), whole.end());
  sha::sha256_blocks_portable(portable, bytes.data(), bytes.size() / 64);
  sha::sha256_blocks_x86(x86, bytes.data(), bytes.size() / 64);
  DEMAND(std::memcmp(portable, x86, sizeof x86) == 0);
  return 0;
}
