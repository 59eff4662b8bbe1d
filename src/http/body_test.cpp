// SPDX-License-Identifier: Apache-2.0
#include "http/body.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "base/rng.h"

namespace hf::http {
namespace {

constexpr std::size_t bytes_max = std::size_t{8} << 20;
constexpr std::size_t padding = 64;
constexpr std::size_t mebibyte = std::size_t{1} << 20;

// As zlib packs it; `window_bits` above 15 make it gzip, else it is zlib's own form.
std::string packed(std::string_view text, int level = 6, int window_bits = 15 + 16) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Result<std::string> decoded(std::string body, std::string encoding, std::size_t max = bytes_max) {
  Request request;
  request.body = std::move(body);
  if (!encoding.empty()) request.headers.push_back({"content-encoding", std::move(encoding)});
  auto out = decoded_body(request, max, padding);
  if (out) {
    EXPECT_GE(out->capacity(), out->size() + padding);
  }
  return out;
}
std::string reason(const Result<std::string>& result) {
  if (result) return "fine";
  EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
  return std::string(result.error().reason);
}

TEST(Body, IsWhatWasCompressed) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(seed);
    std::string text(rng.below(3) == 0 ? rng.below(4) : rng.below(60'000), ' ');
    const std::uint64_t letters = 1 + rng.below(256);
    for (char& c : text) c = static_cast<char>(rng.below(letters));
    ASSERT_EQ(decoded(packed(text, static_cast<int>(rng.below(10))), "gzip").value(), text) << seed;
  }
}

TEST(Body, IsAsSentWithoutAnEncoding) {
  EXPECT_EQ(decoded("{}", "").value(), "{}");
  EXPECT_EQ(decoded("{}", "identity").value(), "{}");
  EXPECT_EQ(decoded("", "").value(), "");
  // gzip that does not call itself so is what it is.
  EXPECT_EQ(decoded(packed("a"), "").value(), packed("a"));
}

TEST(Body, NamesWhyItCannotBeRead) {
  const std::string whole = packed("a text that is long enough to be cut");
  std::string wrong_sum = whole;
  wrong_sum[wrong_sum.size() - 6] ^= 1;
  const struct {
    std::string name;
    std::string body;
    std::string encoding;
    std::string expected;
  } cases[] = {
      {"gzip", whole, "gzip", "fine"},
      {"by its old name", whole, "x-gzip", "fine"},
      {"nothing", "", "gzip", "bad_gzip"},
      {"no gzip", "{\"a\":1}", "gzip", "bad_gzip"},
      {"zlib's form", packed("a", 6, 15), "gzip", "bad_gzip"},
      {"a bare stream", packed("a", 6, -15), "gzip", "bad_gzip"},
      {"a wrong checksum", wrong_sum, "gzip", "bad_gzip"},
      {"garbage behind", whole + "x", "gzip", "bad_gzip"},
      {"zeros behind", whole + std::string(8, '\0'), "gzip", "bad_gzip"},
      {"two members", whole + whole, "gzip", "bad_gzip"},
      {"another encoding", whole, "br", "unsupported_encoding"},
      {"two encodings", whole, "gzip, gzip", "unsupported_encoding"},
      {"deflate", packed("a", 6, 15), "deflate", "unsupported_encoding"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(reason(decoded(each.body, each.encoding)), each.expected) << each.name;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(reason(decoded(whole.substr(0, size), "gzip")), "bad_gzip") << "cut at " << size;
  }
}

TEST(Body, WithOneByteChangedIsNeverAnotherText) {
  const std::string text = "{\"event\":\"Order Completed\",\"userId\":\"u1\"}";
  const std::string whole = packed(text);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {1, 0x10, 0x80, 0xff}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ change);
      const auto out = decoded(changed, "gzip");
      // Time, system and the like in the header say nothing of the text.
      if (out) {
        EXPECT_EQ(*out, text) << at;
      }
    }
  }
}

TEST(Body, IsNoBomb) {
  const std::string bomb = packed(std::string(std::size_t{64} << 20, '\0'), 9);
  ASSERT_LT(bomb.size(), 100'000u);
  EXPECT_EQ(reason(decoded(bomb, "gzip")), "body_too_large");
  EXPECT_EQ(reason(decoded(bomb, "gzip", std::size_t{1} << 30)), "body_too_large");
}

TEST(Body, MayBeAHundredTimesAsLargeOverAMebibyte) {
  // Up to a mebibyte nobody asks.
  EXPECT_EQ(reason(decoded(packed(std::string(mebibyte, 'a'), 9), "gzip")), "fine");
  EXPECT_EQ(reason(decoded(packed(std::string(mebibyte + 1, 'a'), 9), "gzip")), "body_too_large");
  // Just over a hundredth of noise, the rest is one letter: the packed size decides.
  Rng rng(1);
  std::string text(3 * mebibyte, 'a');
  for (std::size_t i = 0; i < 32'000; ++i) text[i] = static_cast<char>(rng.next());
  std::string body = packed(text, 9);
  ASSERT_GT(body.size() * 100, text.size());
  EXPECT_EQ(reason(decoded(body, "gzip")), "fine");
  for (std::size_t i = 28'000; i < 32'000; ++i) text[i] = 'a';
  body = packed(text, 9);
  while (body.size() * 100 > text.size()) {
    text += std::string(mebibyte, 'a');
    body = packed(text, 9);
  }
  EXPECT_EQ(reason(decoded(body, "gzip")), "body_too_large");
}

TEST(Body, HoldsItsLimitToTheByte) {
  Rng rng(1);
  std::string noise(5'001, '\0');
  for (char& c : noise) c = static_cast<char>(rng.next());
  EXPECT_EQ(reason(decoded(packed(noise.substr(0, 5'000)), "gzip", 5'000)), "fine");
  EXPECT_EQ(reason(decoded(packed(noise), "gzip", 5'000)), "body_too_large");
}

}  // namespace
}  // namespace hf::http
