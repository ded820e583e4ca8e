#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "reel/base/detail/sha256.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace reel::detail;
using reel::testing::TempFolder;

TEST_CASE("SHA-256 of the examples of FIPS 180 and of NIST") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(
      sha256("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmn"
             "opqrlmnopqrsmnopqrstnopqrstu") ==
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(sha256(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 does not depend on how the bytes are cut into pieces") {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 37);
  const std::string expected = sha256(text);
  for (const std::size_t piece :
       std::initializer_list<std::size_t>{1, 3, 55, 56, 63, 64, 65, 127, 128, 999}) {
    Sha256 hash;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      hash.update(text.data() + at, std::min(piece, text.size() - at));
    }
    CHECK(hash.hex() == expected);
  }
}

TEST_CASE("SHA-256 may be asked for in the middle of a stream") {
  Sha256 hash;
  hash.update("a", 1);
  CHECK(hash.hex() == sha256("a"));
  hash.update("bc", 2);
  CHECK(hash.hex() == sha256("abc"));
}

TEST_CASE("SHA-256 by the CPU's instructions agrees with the portable code") {
  if (!has_sha_instructions()) REEL_SKIP("this CPU has no SHA instructions");
  std::uint8_t data[64 * 5];
  for (std::size_t i = 0; i < sizeof data; ++i) data[i] = static_cast<std::uint8_t>(i * i + 7 * i);
  for (std::size_t blocks = 0; blocks <= 5; ++blocks) {
    std::uint32_t portable[8] = {1, 2, 3, 4, 5, 6, 7, 0xffffffff};
    std::uint32_t x86[8] = {1, 2, 3, 4, 5, 6, 7, 0xffffffff};
    sha256_blocks_portable(portable, data, blocks);
    sha256_blocks_x86(x86, data, blocks);
    CHECK(std::memcmp(portable, x86, sizeof x86) == 0);
  }
}

TEST_CASE("SHA-256 of a file, and of none") {
  const TempFolder folder;
  CHECK(sha256_of_file("op", folder.write("abc", "abc")) == sha256("abc"));
  CHECK(sha256_of_file("op", folder.write("empty", "")) == sha256(""));
  CHECK_ERROR(sha256_of_file("op", folder / "none"),
              "[op] expected a readable file, got \"No such file or directory\" (" + folder.path());
  CHECK_ERROR(sha256_of_file("op", folder.path()), "[op] expected a regular file, got a directory");
}
