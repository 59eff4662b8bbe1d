// SPDX-License-Identifier: Apache-2.0
#include "log/duplicate_run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/bytes.h"
#include "log/duplicate_world.h"

namespace hf {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

using Options = DuplicateIndex::Options;

const std::string& directory = duplicates_directory;

TEST(DuplicateIndexOpen, TakesNoNameButItsOwn) {
  const OffsetRange range{1, 100};
  const std::string name = "00000000000000000001-00000000000000000100.run";
  EXPECT_EQ(duplicate_run_name(range), name);
  EXPECT_EQ(parse_duplicate_run_name(name), range);
  const OffsetRange last{UINT64_MAX - 1, UINT64_MAX};
  EXPECT_EQ(parse_duplicate_run_name(duplicate_run_name(last)), last);
  for (const std::string_view bad : {
           "",
           ".run",
           "1-100.run",
           "00000000000000000100-00000000000000000100.run",
           "00000000000000000100-00000000000000000001.run",
           "00000000000000000001-00000000000000000100.RUN",
           "00000000000000000001_00000000000000000100.run",
           "0000000000000000000a-00000000000000000100.run",
           "+0000000000000000001-00000000000000000100.run",
           "00000000000000000001-99999999999999999999.run",
       }) {
    EXPECT_EQ(parse_duplicate_run_name(bad), std::nullopt) << bad;
  }
  SimEnv sim(1);
  (void)must(DuplicateIndex::open(sim.env(), directory, {}));
  put(sim.env(), "notes.txt", "not ours");
  must(DuplicateIndex::open(sim.env(), directory, {}));
  put(sim.env(), "1-2.run", "");
  const auto opened = DuplicateIndex::open(sim.env(), directory, {});
  ASSERT_EQ(reason_of(opened), "bad_duplicates");
  EXPECT_EQ(opened.error().message, "/data/duplicates/1-2.run: offset 0: no name of a run");
  must(DuplicateIndex::discard(sim.env(), directory));
  EXPECT_THAT(must(sim.env().files.list(directory)), ElementsAre("notes.txt"));
  must(DuplicateIndex::discard(sim.env(), "/nowhere"));
}

// The filter.

TEST(DuplicateFilter, LetsThroughAsManyAbsentKeysAsTheorySays) {
  constexpr std::size_t n = 200'000;
  DuplicateFilter filter(DuplicateFilter::blocks_for(n));
  for (const Hash128& key : uniform_keys(1, n)) filter.add(key);
  for (int halvings = 0; halvings < 3; ++halvings) {
    for (const Hash128& key : uniform_keys(1, n)) ASSERT_TRUE(filter.may_hold(key));
    // The keys of a block are Poisson distributed; each sets one of 64 bits of each of 8 words.
    const double mean = static_cast<double>(n) / static_cast<double>(filter.blocks().size());
    double expected = 0;
    for (int keys = 0; keys < 1'000; ++keys) {
      const double probability = std::exp(keys * std::log(mean) - mean - std::lgamma(keys + 1));
      expected += probability * std::pow(1 - std::pow(1 - 1.0 / 64, keys), 8);
    }
    constexpr int trials = 1'000'000;
    int passed = 0;
    Rng rng(2);
    for (int i = 0; i < trials; ++i) passed += filter.may_hold(uniform_key(rng)) ? 1 : 0;
    const double rate = static_cast<double>(passed) / trials;
    EXPECT_NEAR(rate, expected, 5 * std::sqrt(expected / trials));
    EXPECT_LT(rate, halvings == 0 ? 0.0025 : halvings == 1 ? 0.06 : 0.5);
    filter.halve();
  }
}

TEST(DuplicateFilter, IsReadInTheSizeThatIsWanted) {
  SimEnv sim(1);
  must(sim.env().files.make_directories(directory));
  const std::vector<Hash128> keys = [] {
    auto sorted = uniform_keys(1, 3'000);
    std::ranges::sort(sorted);
    return sorted;
  }();
  const auto writer = must(DuplicateRunWriter::open(
      sim.env(), directory, {.range = {1, 2}, .complete_from = 1, .keys = keys.size()}));
  for (const Hash128& key : keys) must(writer->add(key));
  FilteredDuplicateRun written = must(writer->finish());
  const auto run = must(DuplicateRun::open(sim.env(), directory, {1, 2}));
  EXPECT_EQ(written.filter.bytes(), DuplicateRun::memory_bytes_for(3'000) - run->memory_bytes());
  for (std::uint64_t bytes = written.filter.bytes();; bytes /= 2) {
    const DuplicateFilter read = must(run->read_filter(bytes + 63));
    ASSERT_EQ(read.bytes(), written.filter.bytes());
    ASSERT_TRUE(std::ranges::equal(std::as_bytes(read.blocks()),
                                   std::as_bytes(std::as_const(written.filter).blocks())));
    must(run->verify(sim.env(), read));
    if (!written.filter.can_halve()) break;
    written.filter.halve();
  }
  const DuplicateFilter none = must(run->read_filter(63));
  EXPECT_EQ(none.bytes(), 0u);
  EXPECT_TRUE(none.may_hold(all_ones));
}

// Damage.

class DuplicateDamage : public testing::Test {
 protected:
  DuplicateDamage() : sim_(1) {
    const auto index = must(DuplicateIndex::open(sim_.env(), directory, options_));
    for (std::uint64_t i = 0; i < 3; ++i) {
      const std::vector<Hash128> keys = uniform_keys(i, 400);
      index->add(keys, 1 + i * 400, 401 + i * 400, first_ms);
      keys_.insert(keys_.end(), keys.begin(), keys.end());
      must(index->flush());
    }
    names_ = must(sim_.env().files.list(directory));
    for (const std::string& name : names_) whole_.push_back(bytes_of(sim_.env(), name));
    // Absent keys next to present ones, and any.
    for (const Hash128& key : keys_) others_.push_back({key.high, key.low ^ 1});
    for (const Hash128& key : uniform_keys(9, 400)) others_.push_back(key);
  }

  /// Opens the index, reads all of it, and returns what was complained about: nothing if every
  /// check was passed. Answers given without complaint must be right.
  std::string complaint() {
    const Env env = sim_.env();
    const auto note = [&](const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::data_loss) << error.message;
      EXPECT_EQ(error.reason, "bad_duplicates");
      EXPECT_THAT(error.message, StartsWith(directory + '/'));
      EXPECT_THAT(error.message, HasSubstr(".run: offset "));
      return error.message;
    };
    const auto index = DuplicateIndex::open(env, directory, options_);
    if (!index) return note(index.error());
    for (const bool is_known : {true, false}) {
      const std::vector<Hash128>& keys = is_known ? keys_ : others_;
      for (std::size_t at = 0; at < keys.size(); at += 8) {
        const auto some = std::span(keys).subspan(at, 8);
        std::array<bool, 8> known;
        const auto found = (*index)->find(some, known);
        if (!found) {
          (void)note(found.error());
        } else {
          for (const bool one : known) EXPECT_EQ(one, is_known);
        }
      }
    }
    // A merge must not pass damage on.
    const auto verified = (*index)->verify();
    if (auto merge = (*index)->begin_merge()) {
      const auto merged = merge->run();
      if (!merged) (void)note(merged.error());
    }
    return verified ? "" : note(verified.error());
  }

  [[nodiscard]] std::string flipped(std::size_t file, std::size_t bit) const {
    std::string bytes = whole_[file];
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    return bytes;
  }

  Options options_{.window_ms = 10'000, .table_keys = 400};
  SimEnv sim_;
  std::vector<Hash128> keys_;
  std::vector<Hash128> others_;
  std::vector<std::string> names_;
  std::vector<std::string> whole_;
};

TEST_F(DuplicateDamage, IsNotThereBeforeItIsDone) {
  EXPECT_EQ(complaint(), "");
  ASSERT_THAT(whole_, SizeIs(3));
  ASSERT_EQ(whole_[0].size(), 3 * 4096 + 16 * 64 + 2 * 4u);
}

// Read with nothing but what docs/format/duplicates.md says.
TEST_F(DuplicateDamage, IsDoneToAFileThatIsAsItsFormatPageSays) {
  const std::string& bytes = whole_[1];
  const auto number = [&](std::size_t at) { return load_le<std::uint64_t>(&bytes[at]); };
  const auto crc = [&](std::size_t at) { return load_le<std::uint32_t>(&bytes[at]); };
  const std::string_view view = bytes;
  EXPECT_EQ(view.substr(0, 16), std::string_view("HFDUPE01\1\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(names_[1], fmt::format("{:020}-{:020}.run", number(16), number(24)));
  EXPECT_EQ(number(32), 1u);
  EXPECT_EQ(number(40), static_cast<std::uint64_t>(first_ms));
  EXPECT_EQ(number(48), static_cast<std::uint64_t>(first_ms));
  EXPECT_EQ(number(56), 400u);
  const std::uint64_t blocks = number(64);
  const std::size_t filter_at = 3 * 4096;
  const std::size_t fences_at = filter_at + blocks * 64;
  ASSERT_EQ(bytes.size(), fences_at + 2 * 4);
  EXPECT_EQ(crc(72), crc32c(view.substr(fences_at, 8)));
  EXPECT_EQ(crc(76), crc32c(view.substr(filter_at, blocks * 64)));
  EXPECT_EQ(crc(4092), crc32c(view.substr(0, 4092)));
  std::vector<Hash128> keys(keys_.begin() + 400, keys_.begin() + 800);
  std::ranges::sort(keys);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::size_t at = 4096 + i / 255 * 4096 + i % 255 * 16;
    EXPECT_EQ((Hash128{number(at), number(at + 8)}), keys[i]);
    if (i % 255 == 0) {
      EXPECT_EQ(crc(fences_at + i / 255 * 4), keys[i].high >> 32);
    }
    const auto block = static_cast<std::uint64_t>(static_cast<long double>(keys[i].low) *
                                                  static_cast<long double>(blocks) * 0x1p-64L);
    for (unsigned word = 0; word < 8; ++word) {
      EXPECT_TRUE(number(filter_at + block * 64 + word * 8) >> (keys[i].high >> 6 * word) % 64 & 1);
    }
  }
}

TEST_F(DuplicateDamage, IsNoticedWhateverByteIsAnother) {
  Rng rng(1);
  for (std::size_t at = 0; at < whole_[1].size(); ++at) {
    // Every byte of header's fields, filter and page keys; of the long rest every seventh.
    if (at >= 128 && at < 3 * 4096 && at % 7 != 0) continue;
    SCOPED_TRACE(fmt::format("byte {} of {}", at, whole_[1].size()));
    put(sim_.env(), names_[1], flipped(1, at * 8 + rng.below(8)));
    ASSERT_THAT(complaint(), HasSubstr(names_[1]));
    ASSERT_FALSE(HasFailure());
  }
}

TEST_F(DuplicateDamage, IsNoticedWhereverAFileIsCutOffOrLengthened) {
  for (std::size_t size = 0; size < whole_[1].size(); size += size % 4096 < 4 ? 1 : 97) {
    SCOPED_TRACE(size);
    put(sim_.env(), names_[1], std::string_view(whole_[1]).substr(0, size));
    ASSERT_NE(complaint(), "");
  }
  put(sim_.env(), names_[1], whole_[1] + '\0');
  EXPECT_THAT(complaint(), HasSubstr("length of the file differs"));
}

TEST_F(DuplicateDamage, IsNoticedWhereABlockReadsAsZerosOrAsAnotherOne) {
  for (std::size_t at = 0; at < whole_[1].size(); at += 512) {
    SCOPED_TRACE(at);
    const std::size_t n = std::min<std::size_t>(512, whole_[1].size() - at);
    std::string bytes = whole_[1];
    bytes.replace(at, n, n, '\0');
    put(sim_.env(), names_[1], bytes);
    ASSERT_EQ(complaint() == "", bytes == whole_[1]);
  }
  // Whole pages, each sound by itself.
  std::string bytes = whole_[1];
  bytes.replace(4096, 4096, whole_[1], 8192, 4096);
  put(sim_.env(), names_[1], bytes);
  EXPECT_THAT(complaint(), HasSubstr("offset 4096: page checksum"));
  bytes = whole_[1];
  bytes.replace(4096, 4096, whole_[0], 4096, 4096);
  put(sim_.env(), names_[1], bytes);
  EXPECT_THAT(complaint(), HasSubstr("offset 4096: page checksum"));
  put(sim_.env(), names_[1], whole_[0]);
  EXPECT_THAT(complaint(), HasSubstr("offset 0: header of another run"));
}

TEST_F(DuplicateDamage, IsNoticedWhenARunIsMissingUnlessItIsTheNewest) {
  for (std::size_t missing = 0; missing < 3; ++missing) {
    must(sim_.env().files.remove(directory + '/' + names_[missing]));
    const auto index = DuplicateIndex::open(sim_.env(), directory, options_);
    if (missing == 2) {
      // Then the log from there on is to be added again, and the loss is made good.
      ASSERT_TRUE(index);
      EXPECT_EQ((*index)->flushed_end(), 801u);
    } else {
      ASSERT_EQ(reason_of(index), "bad_duplicates");
      EXPECT_EQ(index.error().message,
                fmt::format("{}/{}: offset 0: runs are missing between the records 1 and 1201",
                            directory, names_[2]));
    }
    put(sim_.env(), names_[missing], whole_[missing]);
  }
  EXPECT_EQ(complaint(), "");
}

TEST_F(DuplicateDamage, SaysWhereItIs) {
  const std::string path = directory + '/' + names_[1];
  const auto complaint_about = [&](std::size_t byte) {
    put(sim_.env(), names_[1], flipped(1, byte * 8));
    return complaint();
  };
  EXPECT_EQ(complaint_about(0), path + ": offset 0: no run of message keys");
  EXPECT_EQ(complaint_about(8), path + ": offset 0: unknown version");
  EXPECT_EQ(complaint_about(50), path + ": offset 0: header checksum (CRC-32C) does not match");
  EXPECT_EQ(complaint_about(5'000), path + ": offset 4096: page checksum (CRC-32C) does not match");
  EXPECT_EQ(complaint_about(3 * 4096 + 9),
            path + ": offset 12288: filter checksum (CRC-32C) does not match");
  EXPECT_EQ(complaint_about(3 * 4096 + 16 * 64),
            path + ": offset 13312: checksum (CRC-32C) of the page keys does not match");
  put(sim_.env(), names_[1], "HFDUPE01");
  EXPECT_EQ(complaint(), path + ": offset 0: file too short to be a run");
}

TEST_F(DuplicateDamage, OfAFaultyWriterIsNoticedByVerify) {
  const Env env = sim_.env();
  // With right checksums: keys out of order, another fence, a key the filter does not let pass.
  const auto page_crc = [](std::string& bytes, std::uint64_t page) {
    const std::size_t at = (1 + page) * 4096;
    const std::uint32_t seed = crc32c(std::string_view(bytes).substr(16, 16));
    const auto number = std::as_bytes(std::span(&page, 1));
    store_le(&bytes[at + 4092],
             crc32c(std::string_view(bytes).substr(at, 4092), crc32c(number, seed)));
  };
  std::string bytes = whole_[1];
  page_crc(bytes, 0);
  ASSERT_EQ(bytes, whole_[1]);  // As the format page says.
  std::swap_ranges(&bytes[4096], &bytes[4096 + 16], &bytes[4096 + 160]);
  page_crc(bytes, 0);
  put(env, names_[1], bytes);
  EXPECT_THAT(reason_of(must(DuplicateIndex::open(env, directory, options_))->verify()),
              "bad_duplicates");
  bytes = whole_[1];
  bytes[8192] = static_cast<char>(bytes[8192] ^ 1);  // The lowest bit of a key's upper half.
  page_crc(bytes, 1);
  put(env, names_[1], bytes);
  EXPECT_THAT(must(DuplicateIndex::open(env, directory, options_))->verify().error().message,
              HasSubstr("key missing in the filter"));
  bytes = whole_[1];
  bytes[13'312] = static_cast<char>(bytes[13'312] ^ 1);
  store_le(&bytes[72], crc32c(std::string_view(bytes).substr(13'312, 8)));
  store_le(&bytes[4092], crc32c(std::string_view(bytes).substr(0, 4092)));
  put(env, names_[1], bytes);
  EXPECT_THAT(must(DuplicateIndex::open(env, directory, options_))->verify().error().message,
              HasSubstr("page begins with another key than was noted"));
}

}  // namespace
}  // namespace hf
