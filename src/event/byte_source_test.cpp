// SPDX-License-Identifier: Apache-2.0
#include "event/byte_source.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/rng.h"

namespace hf {
namespace {

std::string any_bytes(std::size_t size) {
  Rng rng(7);
  std::string bytes;
  while (bytes.size() < size) bytes += std::to_string(rng.below(1000)) + ",";
  bytes.resize(size);
  return bytes;
}

std::string gzip(std::string_view text) {
  z_stream stream = {};
  HF_ASSERT(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = text.size();
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = out.size();
  HF_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view text, int window_log = 0) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  std::string out(ZSTD_compressBound(text.size()) + 32, '\0');
  ZSTD_inBuffer in = {text.data(), text.size(), 0};
  ZSTD_outBuffer room = {out.data(), out.size(), 0};
  // In two steps, so that the window is not shrunk to the known size.
  HF_ASSERT(ZSTD_compressStream2(context, &room, &in, ZSTD_e_flush) == 0);
  HF_ASSERT(ZSTD_compressStream2(context, &room, &in, ZSTD_e_end) == 0);
  out.resize(room.pos);
  ZSTD_freeCCtx(context);
  return out;
}

Result<std::string> read_all(ByteSource& source, std::size_t block = 1000) {
  std::string text;
  std::vector<char> out(block);
  for (;;) {
    HF_TRY(const std::size_t n, source.read(out));
    if (n == 0) return text;
    text.append(out.data(), n);
  }
}

Result<std::string> read_all(std::string bytes, std::size_t block = 1000) {
  return read_all(*ByteSource::from_bytes(std::move(bytes)), block);
}

TEST(ByteSource, ReadsPlainGzipAndZstdAlike) {
  for (const std::size_t size : {0, 1, 3, 1000, 1'000'000}) {
    const std::string text = any_bytes(size);
    for (const std::size_t block : {1, 7, 100'000}) {
      if (size / block > 100'000) continue;
      EXPECT_EQ(read_all(text, block), text);
      EXPECT_EQ(read_all(gzip(text), block), text);
      EXPECT_EQ(read_all(zstd(text), block), text);
    }
  }
}

TEST(ByteSource, JoinsConcatenatedMembersAndFrames) {
  const std::string a = any_bytes(300'000);
  EXPECT_EQ(read_all(gzip(a) + gzip("") + gzip("b")), a + "b");
  EXPECT_EQ(read_all(gzip(a) + gzip("b") + std::string(513, '\0')), a + "b");
  EXPECT_EQ(read_all(zstd(a) + zstd("") + zstd("b")), a + "b");
  const std::string skippable = {'\x5D', '\x2A', '\x4D', '\x18', 3, 0, 0, 0, 'x', 'y', 'z'};
  EXPECT_EQ(read_all(skippable + zstd(a) + skippable + zstd("b")), a + "b");
}

TEST(ByteSource, ReadsZstdWindowsUpTo128MiB) {
  const std::string text = any_bytes(1000);
  EXPECT_EQ(read_all(zstd(text, 27)), text);
  const auto wider = read_all(zstd(text, 28));
  ASSERT_FALSE(wider);
  EXPECT_EQ(wider.error().reason, "window_too_large");
}

TEST(ByteSource, RefusesTruncatedInputWhereverItEnds) {
  const std::string text = any_bytes(500);
  for (const std::string& bytes : {gzip(text), zstd(text)}) {
    for (std::size_t size = 4; size < bytes.size(); ++size) {
      const auto read = read_all(bytes.substr(0, size));
      ASSERT_FALSE(read) << size;
      EXPECT_EQ(read.error().code, ErrorCode::data_loss);
      EXPECT_EQ(read.error().message,
                "compressed input is truncated at byte " + std::to_string(size));
    }
  }
}

TEST(ByteSource, NeverTakesDamagedInputForWhole) {
  const std::string text = any_bytes(500);
  for (const std::string& good : {gzip(text), zstd(text)}) {
    for (std::size_t at = 4; at < good.size(); ++at) {
      std::string bytes = good;
      bytes[at] ^= 0x10;
      const auto read = read_all(bytes);
      // A gzip header holds bytes of no meaning.
      EXPECT_TRUE(!read || *read == text) << at;
    }
  }
}

TEST(ByteSource, RefusesWhatFollowsCompressedInput) {
  EXPECT_FALSE(read_all(gzip("a") + "b"));
  EXPECT_FALSE(read_all(gzip("a") + std::string(3, '\0') + gzip("b")));
  EXPECT_FALSE(read_all(zstd("a") + "b"));
}

TEST(ByteSource, HandsOutWhatCameBeforeTheDamageAndStaysFailed) {
  const std::string text = any_bytes(1'000'000);
  for (std::string bytes : {gzip(text), zstd(text)}) {
    bytes.resize(bytes.size() / 2);
    const auto source = ByteSource::from_bytes(bytes);
    std::vector<char> out(2'000'000);
    const auto first = source->read(out);
    ASSERT_TRUE(first);
    EXPECT_GT(*first, 100'000u);
    EXPECT_EQ(std::string_view(out.data(), *first), text.substr(0, *first));
    EXPECT_FALSE(source->read(out));
    EXPECT_FALSE(source->read(out));
  }
}

TEST(ByteSource, SkipsAndCounts) {
  const std::string text = any_bytes(400'000);
  for (const std::string& bytes : {text, gzip(text), zstd(text)}) {
    const auto source = ByteSource::from_bytes(bytes);
    EXPECT_EQ(source->total(), bytes.size());
    ASSERT_TRUE(source->skip(2));
    ASSERT_TRUE(source->skip(299'998));
    EXPECT_EQ(read_all(*source), text.substr(300'000));
    EXPECT_EQ(source->consumed(), bytes.size());
    const auto beyond = ByteSource::from_bytes(bytes)->skip(text.size() + 1);
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error().reason, "source_too_short");
    EXPECT_TRUE(ByteSource::from_bytes(bytes)->skip(text.size()));
  }
}

TEST(ByteSource, ReadsFilesThroughEnv) {
  const Env env = real_env();
  const std::string path = testing::TempDir() + "byte_source_test.csv.gz";
  const std::string text = any_bytes(400'000);
  for (const std::string& bytes : {text, gzip(text), std::string()}) {
    ASSERT_TRUE(replace_file(env, path, bytes));
    const auto source = ByteSource::open_file(env, path);
    ASSERT_TRUE(source);
    EXPECT_EQ(read_all(**source), bytes.empty() ? "" : text);
    EXPECT_EQ((*source)->consumed(), bytes.size());
  }
  ASSERT_TRUE(env.files.remove(path));
  const auto missing = ByteSource::open_file(env, path);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace hf
