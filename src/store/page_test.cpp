// SPDX-License-Identifier: Apache-2.0
#include "store/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/bytes.h"
#include "base/decimal.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "calendar/zone.h"

namespace hf {
namespace {

using part_format::PageKind;
using ::testing::HasSubstr;

constexpr std::int64_t int64_min = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();

/// Rows with or without a value, and the values of those that have one.
struct Numbers {
  std::vector<std::optional<std::int64_t>> rows;
  std::int8_t scale = 0;
  std::vector<std::uint8_t> scales;  // Of the rows that have a value, or empty.

  [[nodiscard]] std::string encoded() const {
    std::vector<std::uint8_t> present;
    std::vector<std::int64_t> values;
    for (const auto& row : rows) {
      present.push_back(row.has_value());
      if (row) values.push_back(*row);
    }
    if (values.size() == rows.size()) present.clear();
    return encode_numbers(static_cast<std::uint32_t>(rows.size()), present, values, scale, scales);
  }
};

Numbers any_numbers(Rng& rng) {
  Numbers numbers;
  const auto rows =
      static_cast<std::size_t>(rng.chance(0.9) ? rng.between(1, 300) : rng.between(1, 20'000));
  const double density = std::array{0.0, 0.001, 0.05, 0.5, 0.99, 1.0}[rng.below(6)];
  const bool has_scales = rng.chance(0.3);
  numbers.scale = static_cast<std::int8_t>(has_scales ? 0 : rng.between(0, Decimal::scale_max));
  // Ranges at and around each width.
  const std::int64_t range = std::array<std::int64_t, 9>{
      0, 1, 255, 256, 65'535, 65'536, 4'294'967'295, 4'294'967'296, int64_max}[rng.below(9)];
  const std::int64_t low = std::array<std::int64_t, 5>{0, -range / 2, int64_min, 1'600'000'000'000,
                                                       int64_max - range}[rng.below(5)];
  const std::int64_t high = low > int64_max - range ? int64_max : low + range;
  for (std::size_t i = 0; i < rows; ++i) {
    if (!rng.chance(density)) {
      numbers.rows.emplace_back();
      continue;
    }
    numbers.rows.emplace_back(rng.chance(0.1)   ? low
                              : rng.chance(0.1) ? high
                                                : rng.between(low, high));
    if (has_scales) numbers.scales.push_back(static_cast<std::uint8_t>(rng.between(0, 9)));
  }
  return numbers;
}

TEST(NumbersPage, GivesBackEveryPresenceWidthAndScale) {
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const Numbers numbers = any_numbers(rng);
    const auto decoded =
        decode_numbers(numbers.encoded(), static_cast<std::uint32_t>(numbers.rows.size()));
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_EQ(decoded->values.size(), numbers.rows.size());
    const bool all = std::ranges::all_of(numbers.rows, [](auto& row) { return row.has_value(); });
    ASSERT_EQ(decoded->present.empty(), all);
    if (numbers.scales.empty()) {
      ASSERT_TRUE(decoded->scales.empty());
      ASSERT_EQ(decoded->scale, numbers.scale);
    }
    std::size_t value = 0;
    for (std::size_t i = 0; i < numbers.rows.size(); ++i) {
      const bool has = all || (decoded->present[i / 64] >> (i % 64) & 1) != 0;
      ASSERT_EQ(has, numbers.rows[i].has_value());
      ASSERT_EQ(decoded->values[i], numbers.rows[i].value_or(0));
      if (has && !numbers.scales.empty()) {
        ASSERT_EQ(decoded->scales[i], numbers.scales[value]);
      }
      value += has;
    }
  }
}

TEST(NumbersPage, TakesTheWidthItsRangeNeeds) {
  const auto size_of = [](std::int64_t low, std::int64_t high) {
    return (Numbers{.rows = std::vector<std::optional<std::int64_t>>{low, high}}).encoded().size();
  };
  const std::size_t head = size_of(7, 7);
  EXPECT_EQ(size_of(7, 7 + 255), head + 2);
  EXPECT_EQ(size_of(7, 7 + 256), head + 4);
  EXPECT_EQ(size_of(7, 7 + 65'535), head + 4);
  EXPECT_EQ(size_of(7, 7 + 65'536), head + 8);
  EXPECT_EQ(size_of(7, 7 + 4'294'967'295), head + 8);
  EXPECT_EQ(size_of(7, 7 + 4'294'967'296), head + 16);
  EXPECT_EQ(size_of(int64_min, int64_max), head + 16 + 9) << "the minimum takes 10 bytes then";
}

// Changes some bytes and cuts or lengthens a little: mostly near the head, where meaning is dense.
std::string damaged(Rng& rng, std::string bytes) {
  for (std::uint64_t n = rng.below(4) + 1; n > 0 && !bytes.empty(); --n) {
    const auto end = static_cast<std::uint64_t>(bytes.size());
    const std::size_t at = rng.below(rng.chance(0.5) ? std::min<std::uint64_t>(end, 12) : end);
    bytes[at] = static_cast<char>(rng.chance(0.5) ? rng.next() : bytes[at] ^ (1 << rng.below(8)));
  }
  if (rng.chance(0.3)) bytes.resize(rng.below(bytes.size() + 9));
  return bytes;
}

TEST(NumbersPage, DecodesDamagedBytesToDataLossOrToSoundValues) {
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const Numbers numbers = any_numbers(rng);
    if (numbers.rows.size() > 300) continue;
    const auto rows = static_cast<std::uint32_t>(rng.chance(0.9) ? std::ssize(numbers.rows)
                                                                 : rng.between(1, 500));
    const auto decoded = decode_numbers(damaged(rng, numbers.encoded()), rows);
    if (!decoded) {
      ++refused;
      ASSERT_EQ(decoded.error().code, ErrorCode::data_loss);
      ASSERT_EQ(decoded.error().reason, "bad_part");
      continue;
    }
    ASSERT_EQ(decoded->values.size(), rows);
    ASSERT_TRUE(decoded->scales.empty() || decoded->scales.size() == rows);
    ASSERT_TRUE(decoded->present.empty() || decoded->present.size() == (rows + 63) / 64);
    ASSERT_GE(decoded->scale, 0);
    ASSERT_LE(decoded->scale, Decimal::scale_max);
    for (const std::uint8_t scale : decoded->scales) ASSERT_LE(scale, Decimal::scale_max);
  }
  EXPECT_GT(refused, 5'000);
}

/// Times of some persons, cut from a longer column: the first row may continue a person.
struct Times {
  std::vector<TimestampMs> times;
  std::vector<std::uint32_t> run_starts;
};

Times any_times(Rng& rng) {
  Times out;
  const std::int64_t unit =
      std::array<std::int64_t, 5>{1, 1'000, 60'000, 3'600'000, ms_per_day}[rng.below(5)];
  const auto rows = static_cast<std::uint32_t>(rng.between(1, 200));
  const TimestampMs base = rng.chance(0.2) ? 0 : rng.between(0, 20'000) * ms_per_day;
  const std::int64_t steps =
      std::min<std::int64_t>(rng.between(0, rng.chance(0.1) ? timestamp_end_ms : 300),
                             (timestamp_end_ms - 1 - base) / unit);
  TimestampMs before = base;
  for (std::uint32_t row = 0; row < rows; ++row) {
    if (rng.chance(0.2)) {
      out.run_starts.push_back(row);
      before = base;
    }
    const std::int64_t room = base + steps * unit - before;
    before += rng.between(0, rng.chance(0.5) ? 0 : room / unit) * unit;
    out.times.push_back(before);
  }
  return out;
}

TEST(TimesPage, GivesBackEveryTime) {
  for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const Times page = any_times(rng);
    const auto decoded =
        decode_times(encode_times(page.times, page.run_starts),
                     static_cast<std::uint32_t>(page.times.size()), page.run_starts);
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_EQ(*decoded, page.times);
    const auto compact =
        decode_compact_times(encode_times(page.times, page.run_starts),
                             static_cast<std::uint32_t>(page.times.size()), page.run_starts);
    ASSERT_TRUE(compact) << compact.error().message;
    const TimestampMs span = *std::ranges::max_element(page.times) - compact->base_ms;
    if (span / compact->unit_ms > 0xffffffff) {
      ASSERT_TRUE(compact->offsets.empty());
      continue;
    }
    ASSERT_EQ(compact->offsets.size(), page.times.size());
    for (std::size_t i = 0; i < page.times.size(); ++i) {
      ASSERT_EQ(compact->base_ms + compact->offsets[i] * compact->unit_ms, page.times[i]);
    }
  }
}

TEST(TimesPage, HoldsTheFirstAndTheLastTimeThereIs) {
  const std::vector<TimestampMs> times = {timestamp_min_ms, timestamp_end_ms - 1};
  const std::vector<std::uint32_t> starts = {0};
  const std::string page = encode_times(times, starts);
  EXPECT_EQ(decode_times(page, 2, starts).value(), times);
  EXPECT_TRUE(decode_compact_times(page, 2, starts)->offsets.empty()) << "more than 32 bits";
}

TEST(TimesPage, TakesAByteARowWhereTimesAreWholeDaysApart) {
  const std::vector<TimestampMs> times = {0, 3 * ms_per_day, 100 * ms_per_day};
  const std::vector<std::uint32_t> starts = {0};
  EXPECT_EQ(encode_times(times, starts).size(), 2 + 1 + 4 + 3u);
}

TEST(TimesPage, DecodesDamagedBytesToDataLossOrToTimesInOrderAndInRange) {
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const Times page = any_times(rng);
    const auto rows = static_cast<std::uint32_t>(page.times.size());
    const std::string bytes = damaged(rng, encode_times(page.times, page.run_starts));
    const auto decoded = decode_times(bytes, rows, page.run_starts);
    ASSERT_EQ(decode_compact_times(bytes, rows, page.run_starts).has_value(), decoded.has_value());
    if (!decoded) {
      ++refused;
      ASSERT_EQ(decoded.error().code, ErrorCode::data_loss);
      continue;
    }
    ASSERT_EQ(decoded->size(), rows);
    for (std::uint32_t row = 0; row < rows; ++row) {
      ASSERT_GE((*decoded)[row], timestamp_min_ms);
      ASSERT_LT((*decoded)[row], timestamp_end_ms);
      const bool starts = std::ranges::binary_search(page.run_starts, row);
      if (row > 0 && !starts) {
        ASSERT_GE((*decoded)[row], (*decoded)[row - 1]);
      }
    }
  }
  EXPECT_GT(refused, 1'000);
}

TEST(TimesPage, RefusesStepsThatWrapAround) {
  ByteWriter page;
  page.u8(0);
  page.u8(1);
  page.signed_varint(1'000);
  page.varint(1);
  page.varint(0);
  page.varint(UINT64_MAX - 499);  // 500 back.
  const std::vector<std::uint32_t> starts = {0};
  EXPECT_FALSE(decode_times(page.str(), 2, starts));
  EXPECT_FALSE(decode_compact_times(page.str(), 2, starts));
}

/// A page as it lies in a file.
std::string written(PageKind kind, std::string_view payload) {
  SimEnv sim(1);
  const auto file = sim.env().files.open("/f", OpenMode::create).value();
  PageWriter writer(*file);
  EXPECT_TRUE(writer.append_raw("before"));
  const auto ref = writer.append(kind, payload);
  EXPECT_EQ(ref->offset, 6u);
  EXPECT_EQ(writer.offset(), 6u + ref->stored_bytes);
  EXPECT_TRUE(writer.flush());
  return read_file(sim.env(), "/f", 1 << 30)->substr(6);
}

TEST(Page, GivesBackItsPayload) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::string payload(rng.below(rng.chance(0.1) ? 3'000'000 : 3'000), 'x');
    const std::uint64_t noise = rng.below(3);  // None, some, all.
    for (char& c : payload) {
      if (rng.chance(static_cast<double>(noise) / 2)) c = static_cast<char>(rng.next());
    }
    for (const PageKind kind : {PageKind::numbers, PageKind::ids}) {
      const std::string stored = written(kind, payload);
      ASSERT_LE(stored.size(), payload.size() + 60) << "incompressible bytes stay as they are";
      const auto decoded = decode_page(stored, kind);
      ASSERT_TRUE(decoded) << decoded.error().message;
      ASSERT_EQ(*decoded, payload);
    }
  }
}

TEST(Page, OfPersonalDataReservesKeyNonceAndTag) {
  const std::string plain = written(PageKind::numbers, "abc");
  const std::string personal = written(PageKind::dictionary, "abc");
  EXPECT_EQ(plain.size(), 16u + 3);
  EXPECT_EQ(personal.size(), 16u + 44 + 3);
}

TEST(Page, NoticesEveryFlippedBitEveryCutAndAnotherKind) {
  Rng rng(2);
  for (const PageKind kind : {PageKind::numbers, PageKind::texts}) {
    for (const std::string& payload : {std::string("short"), std::string(500, 'z')}) {
      const std::string stored = written(kind, payload);
      for (std::size_t bit = 0; bit < stored.size() * 8; ++bit) {
        std::string flipped = stored;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        ASSERT_EQ(decode_page(flipped, kind).error().code, ErrorCode::data_loss) << bit;
      }
      for (std::size_t size = 0; size < stored.size(); ++size) {
        ASSERT_EQ(decode_page(stored.substr(0, size), kind).error().code, ErrorCode::data_loss);
      }
      ASSERT_FALSE(decode_page(stored + "x", kind));
      ASSERT_FALSE(decode_page(stored, PageKind::persons));
    }
  }
}

// The same page with a header field changed and a right checksum: what only a faulty or newer
// writer makes.
std::string with_header(std::string stored, std::size_t at, std::string_view bytes) {
  stored.replace(at, bytes.size(), bytes);
  const std::size_t checksum_at = 12;
  const std::uint32_t checksum =
      crc32c(std::string_view(stored).substr(16), crc32c(std::string_view(stored).substr(0, 12)));
  store_le(stored.data() + checksum_at, checksum);
  return stored;
}

TEST(Page, RefusesHeadersNoWriterOfThisVersionMakes) {
  const std::string raw = written(PageKind::numbers, "abcd");
  const std::string packed = written(PageKind::numbers, std::string(1'000, 'a'));
  const auto refusal = [](const std::string& stored) {
    const auto decoded = decode_page(stored, PageKind::numbers);
    return decoded ? "accepted" : decoded.error().message;
  };
  EXPECT_EQ(refusal(with_header(raw, 0, "\x02")), "accepted");
  EXPECT_THAT(refusal(with_header(raw, 1, "\x02")), HasSubstr("codec"));
  EXPECT_THAT(refusal(with_header(raw, 2, "\x01")), HasSubstr("newer version"));
  EXPECT_THAT(refusal(with_header(raw, 4, "\x05")), HasSubstr("length"));
  EXPECT_THAT(refusal(with_header(raw, 8, "\x05")), HasSubstr("length"));
  EXPECT_THAT(refusal(with_header(packed, 4, "\xff\xff\xff\x0f")), HasSubstr("another length"))
      << "allocates nothing by the header's word alone";
  EXPECT_THAT(refusal(with_header(packed, 4, "\xff\xff\xff\xff")), HasSubstr("too large"));
  EXPECT_THAT(refusal(with_header(packed, 30, "????")), HasSubstr("damaged"));
}

}  // namespace
}  // namespace hf
