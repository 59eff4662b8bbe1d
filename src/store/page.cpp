// SPDX-License-Identifier: Apache-2.0
#include "store/page.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/site.h"
#include "calendar/zone.h"

namespace hf {
namespace {

using part_format::Codec;
using part_format::Encoding;
using part_format::PageKind;
using part_format::Presence;

constexpr std::size_t plain_header_bytes = 16;
constexpr std::size_t envelope_bytes = 4 + 24 + 16;  // Key id, nonce, tag.
constexpr int zstd_level = 1;
constexpr std::size_t write_bytes = 1 << 20;

bool is_personal(PageKind kind) {
  return (static_cast<std::uint8_t>(kind) & part_format::personal_bit) != 0;
}

std::unexpected<Error> bad_page(const char* why) {
  return fail(ErrorCode::data_loss, "bad_part", why);
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

int offset_width(std::uint64_t range) {
  if (range == 0) return 0;
  if (range <= 0xff) return 1;
  if (range <= 0xffff) return 2;
  if (range <= 0xffffffff) return 4;
  return 8;
}

template <class T>
void append_offsets(std::string& out, std::span<const std::int64_t> values, std::int64_t minimum) {
  const std::size_t start = out.size();
  out.resize(start + values.size() * sizeof(T));
  char* to = out.data() + start;
  for (const std::int64_t value : values) {
    const T offset =
        static_cast<T>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(minimum));
    std::memcpy(to, &offset, sizeof(T));
    to += sizeof(T);
  }
}

template <class T>
void read_offsets(const char* from, std::span<std::int64_t> values, std::int64_t minimum) {
  for (std::int64_t& value : values) {
    value = static_cast<std::int64_t>(static_cast<std::uint64_t>(minimum) + load_le<T>(from));
    from += sizeof(T);
  }
}

}  // namespace

Result<void> PageWriter::append_raw(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() < write_bytes ? Result<void>{} : flush();
}

Result<void> PageWriter::flush() {
  if (buffer_.empty()) return {};
  HF_CHECK(file_.write_at(flushed_, as_bytes(buffer_)));
  flushed_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<PageRef> PageWriter::append(PageKind kind, std::string_view payload) {
  HF_ASSERT(payload.size() <= page_payload_max);
  std::string compressed;
  std::size_t n = payload.size();
  if (compress_) {
    compressed.resize(ZSTD_compressBound(payload.size()));
    n = ZSTD_compress(compressed.data(), compressed.size(), payload.data(), payload.size(),
                      zstd_level);
    HF_ASSERT(!ZSTD_isError(n));
  }
  const bool smaller = n + n / 16 < payload.size();  // Not worth a decompression otherwise.
  const std::string_view stored = smaller ? std::string_view(compressed.data(), n) : payload;

  ByteWriter header;
  header.u8(static_cast<std::uint8_t>(kind));
  header.u8(static_cast<std::uint8_t>(smaller ? Codec::zstd : Codec::raw));
  header.fixed<std::uint16_t>(0);
  header.fixed(static_cast<std::uint32_t>(payload.size()));
  header.fixed(static_cast<std::uint32_t>(stored.size()));
  if (is_personal(kind)) header.bytes(std::string(envelope_bytes, '\0'));  // Key 0: not encrypted.
  header.fixed(crc32c(stored, crc32c(header.str())));

  const PageRef ref{offset(), static_cast<std::uint32_t>(header.size() + stored.size())};
  buffer_ += header.str();
  HF_CHECK(append_raw(stored));
  return ref;
}

Result<std::string> decode_page(std::string_view stored, PageKind kind) {
  const std::size_t header_bytes = plain_header_bytes + (is_personal(kind) ? envelope_bytes : 0);
  if (stored.size() < header_bytes) return bad_page("page shorter than its header");
  ByteReader header(stored.substr(0, header_bytes));
  const std::uint8_t found_kind = header.u8();
  const std::uint8_t codec = header.u8();
  const auto reserved = header.fixed<std::uint16_t>();
  const auto payload_bytes = header.fixed<std::uint32_t>();
  const auto stored_bytes = header.fixed<std::uint32_t>();
  std::uint32_t key_id = 0;
  if (is_personal(kind)) {
    key_id = header.fixed<std::uint32_t>();
    (void)header.bytes(envelope_bytes - sizeof key_id);
  }
  const auto checksum = header.fixed<std::uint32_t>();
  const std::string_view payload = stored.substr(header_bytes);
  if (stored_bytes != payload.size()) return bad_page("page length differs from its header");
  if (HF_SITE("store.page.checksum") &&
      checksum != crc32c(payload, crc32c(stored.substr(0, header_bytes - sizeof checksum)))) {
    return bad_page("page checksum (CRC-32C) does not match");
  }
  if (found_kind != static_cast<std::uint8_t>(kind)) return bad_page("page of another kind");
  if (reserved != 0 || key_id != 0) return bad_page("page written by a newer version");
  if (payload_bytes > page_payload_max) return bad_page("page payload too large");
  if (codec == static_cast<std::uint8_t>(Codec::raw)) {
    if (payload_bytes != payload.size()) return bad_page("raw page with another payload length");
    return std::string(payload);
  }
  if (codec != static_cast<std::uint8_t>(Codec::zstd)) return bad_page("unknown page codec");
  // The frame states its own size: check before allocating what the header claims.
  if (ZSTD_getFrameContentSize(payload.data(), payload.size()) != payload_bytes) {
    return bad_page("compressed page states another length");
  }
  std::string out(payload_bytes, '\0');
  const std::size_t n = ZSTD_decompress(out.data(), out.size(), payload.data(), payload.size());
  if (ZSTD_isError(n) || n != payload_bytes) return bad_page("compressed page is damaged");
  return out;
}

std::string encode_numbers(std::uint32_t rows, std::span<const std::uint8_t> present,
                           std::span<const std::int64_t> values, std::int8_t scale,
                           std::span<const std::uint8_t> scales) {
  HF_ASSERT(present.empty() ? values.size() == rows : present.size() == rows);
  HF_ASSERT(scales.empty() || scales.size() == values.size());
  ByteWriter out;
  const std::size_t bitmap_bytes = (rows + 7) / 8;
  const Presence presence = present.empty()                    ? Presence::all
                            : values.size() * 2 < bitmap_bytes ? Presence::list
                                                               : Presence::bitmap;
  out.u8(static_cast<std::uint8_t>(presence));
  out.u8(static_cast<std::uint8_t>(Encoding::fixed));
  out.u8(static_cast<std::uint8_t>(scale));
  out.u8(scales.empty() ? 0 : 1);
  out.varint(values.size());
  if (presence == Presence::bitmap) {
    std::string bits(bitmap_bytes, '\0');
    for (std::uint32_t row = 0; row < rows; ++row) {
      bits[row / 8] = static_cast<char>(bits[row / 8] | (present[row] << (row % 8)));
    }
    out.bytes(bits);
  } else if (presence == Presence::list) {
    std::uint32_t expected = 0;
    for (std::uint32_t row = 0; row < rows; ++row) {
      if (present[row] == 0) continue;
      out.varint(row - expected);
      expected = row + 1;
    }
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const std::int64_t minimum = values.empty() ? 0 : *low;
  const std::uint64_t range =
      values.empty() ? 0 : static_cast<std::uint64_t>(*high) - static_cast<std::uint64_t>(minimum);
  out.signed_varint(minimum);
  const int width = offset_width(range);
  out.u8(static_cast<std::uint8_t>(width));
  switch (width) {
    case 1: append_offsets<std::uint8_t>(out.mutable_str(), values, minimum); break;
    case 2: append_offsets<std::uint16_t>(out.mutable_str(), values, minimum); break;
    case 4: append_offsets<std::uint32_t>(out.mutable_str(), values, minimum); break;
    case 8: append_offsets<std::uint64_t>(out.mutable_str(), values, minimum); break;
    default: break;
  }
  for (const std::uint8_t s : scales) out.u8(s);
  return out.take();
}

Result<DecodedNumbers> decode_numbers(std::string_view payload, std::uint32_t rows) {
  ByteReader in(payload);
  const std::uint8_t presence = in.u8();
  const std::uint8_t encoding = in.u8();
  const auto scale = static_cast<std::int8_t>(in.u8());
  const std::uint8_t has_scales = in.u8();
  const std::uint64_t count = in.varint();
  if (!in.ok() || encoding != static_cast<std::uint8_t>(Encoding::fixed) || count > rows ||
      scale < 0 || scale > Decimal::scale_max || has_scales > 1) {
    return bad_page("numbers page with an impossible head");
  }
  DecodedNumbers out;
  out.scale = scale;
  if (presence == static_cast<std::uint8_t>(Presence::bitmap)) {
    const std::string_view bits = in.bytes((rows + 7) / 8);
    if (!in.ok()) return bad_page("numbers page ends in its bitmap");
    out.present.assign((rows + 63) / 64, 0);
    std::memcpy(out.present.data(), bits.data(), bits.size());
    if (rows % 64 != 0 && (out.present.back() >> (rows % 64)) != 0) {
      return bad_page("numbers page with a value beyond its last row");
    }
  } else if (presence == static_cast<std::uint8_t>(Presence::list)) {
    out.present.assign((rows + 63) / 64, 0);
    std::uint64_t row = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      row += in.varint();
      if (!in.ok() || row >= rows) return bad_page("numbers page with a value beyond its last row");
      out.present[row / 64] |= std::uint64_t{1} << (row % 64);
      ++row;
    }
  } else if (presence != static_cast<std::uint8_t>(Presence::all)) {
    return bad_page("numbers page with an unknown presence");
  }
  std::uint64_t found = rows;
  if (!out.present.empty()) {
    found = 0;
    for (const std::uint64_t word : out.present)
      found += static_cast<unsigned>(std::popcount(word));
  }
  if (found != count) return bad_page("numbers page with another number of values");

  const std::int64_t minimum = in.signed_varint();
  const std::uint8_t width = in.u8();
  if (width != 0 && width != 1 && width != 2 && width != 4 && width != 8) {
    return bad_page("numbers page with an impossible width");
  }
  const std::string_view offsets = in.bytes(count * width);
  const std::string_view scales = in.bytes(has_scales != 0 ? count : 0);
  if (!in.complete()) return bad_page("numbers page with another length");
  for (const char s : scales) {
    if (s < 0 || s > Decimal::scale_max) return bad_page("numbers page with an impossible scale");
  }
  std::vector<std::int64_t> values(count, minimum);
  switch (width) {
    case 1: read_offsets<std::uint8_t>(offsets.data(), values, minimum); break;
    case 2: read_offsets<std::uint16_t>(offsets.data(), values, minimum); break;
    case 4: read_offsets<std::uint32_t>(offsets.data(), values, minimum); break;
    case 8: read_offsets<std::uint64_t>(offsets.data(), values, minimum); break;
    default: break;
  }
  if (out.present.empty()) {
    out.values = std::move(values);
    out.scales.assign(scales.begin(), scales.end());
    return out;
  }
  out.values.assign(rows, 0);
  if (!scales.empty()) out.scales.assign(rows, 0);
  std::size_t next = 0;
  for (std::size_t word = 0; word < out.present.size(); ++word) {
    for (std::uint64_t bits = out.present[word]; bits != 0; bits &= bits - 1) {
      const std::size_t row = word * 64 + static_cast<unsigned>(std::countr_zero(bits));
      out.values[row] = values[next];
      if (!scales.empty()) out.scales[row] = static_cast<std::uint8_t>(scales[next]);
      ++next;
    }
  }
  return out;
}

bool is_time_unit(std::uint64_t unit_ms) {
  return std::ranges::find(time_units_ms, static_cast<std::int64_t>(unit_ms)) !=
         std::end(time_units_ms);
}

std::int64_t coarsest_unit(std::span<const TimestampMs> times, TimestampMs base_ms) {
  const std::int64_t* unit = std::begin(time_units_ms);
  for (const TimestampMs time : times) {
    while ((time - base_ms) % *unit != 0) ++unit;
  }
  return *unit;
}

std::string encode_times(std::span<const TimestampMs> times,
                         std::span<const std::uint32_t> run_starts) {
  HF_ASSERT(!times.empty());
  const TimestampMs base = *std::min_element(times.begin(), times.end());
  const std::int64_t unit = coarsest_unit(times, base);
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(Presence::all));
  out.u8(static_cast<std::uint8_t>(Encoding::run_deltas));
  out.signed_varint(base);
  out.varint(static_cast<std::uint64_t>(unit));
  auto next_start = run_starts.begin();
  TimestampMs before = base;
  for (std::uint32_t row = 0; row < times.size(); ++row) {
    const bool starts = next_start != run_starts.end() && *next_start == row;
    if (starts) ++next_start;
    if (starts || row == 0) before = base;
    HF_ASSERT(times[row] >= before);
    out.varint(static_cast<std::uint64_t>((times[row] - before) / unit));
    before = times[row];
  }
  return out.take();
}

namespace {

struct TimesHead {
  TimestampMs base_ms;
  std::int64_t unit_ms;
};

Result<TimesHead> read_times_head(ByteReader& in, std::uint32_t rows) {
  const std::uint8_t presence = in.u8();
  const std::uint8_t encoding = in.u8();
  const std::int64_t base = in.signed_varint();
  const std::uint64_t unit = in.varint();
  if (!in.ok() || presence != static_cast<std::uint8_t>(Presence::all) ||
      encoding != static_cast<std::uint8_t>(Encoding::run_deltas) || !is_time_unit(unit)) {
    return bad_page("times page with an impossible head");
  }
  if (base < timestamp_min_ms || base >= timestamp_end_ms) {
    return bad_page("times page with an impossible base");
  }
  if (rows > in.remaining()) return bad_page("times page shorter than its rows");
  return TimesHead{base, static_cast<std::int64_t>(unit)};
}

/// Calls put(row, offset from the base in units) for each row, and returns the largest offset: no
/// time is beyond timestamp_end_ms.
template <class Put>
Result<std::uint64_t> read_time_offsets(ByteReader& in, const TimesHead& head, std::uint32_t rows,
                                        std::span<const std::uint32_t> run_starts, Put&& put) {
  auto next_start = run_starts.begin();
  std::uint64_t offset = 0;
  std::uint64_t offset_max = 0;
  std::uint64_t delta_bits = 0;  // Checked once for all rows.
  for (std::uint32_t row = 0; row < rows; ++row) {
    if (next_start != run_starts.end() && *next_start == row) {
      ++next_start;
      offset = 0;
    }
    const std::uint64_t delta = in.varint();
    offset += delta;
    delta_bits |= delta;
    offset_max = std::max(offset_max, offset);
    put(row, offset);
  }
  if (!in.complete()) return bad_page("times page with another length");
  // Steps this small cannot have wrapped the sum around, page_rows of them.
  constexpr std::uint64_t step_max = std::uint64_t{1} << 43;
  static_assert(timestamp_end_ms * 2 <= step_max && part_format::page_rows <= 1u << 20);
  const auto room =
      static_cast<std::uint64_t>((timestamp_end_ms - 1 - head.base_ms) / head.unit_ms);
  if (delta_bits > step_max || offset_max > room) {
    return bad_page("times page with a time outside 1970 to 2100");
  }
  return offset_max;
}

}  // namespace

Result<std::vector<TimestampMs>> decode_times(std::string_view payload, std::uint32_t rows,
                                              std::span<const std::uint32_t> run_starts) {
  ByteReader in(payload);
  HF_TRY(const TimesHead head, read_times_head(in, rows));
  std::vector<TimestampMs> times(rows);
  const auto base = static_cast<std::uint64_t>(head.base_ms);
  const auto unit = static_cast<std::uint64_t>(head.unit_ms);
  HF_CHECK(
      read_time_offsets(in, head, rows, run_starts, [&](std::uint32_t row, std::uint64_t offset) {
        times[row] = static_cast<TimestampMs>(base + offset * unit);
      }));
  return times;
}

Result<CompactTimes> decode_compact_times(std::string_view payload, std::uint32_t rows,
                                          std::span<const std::uint32_t> run_starts) {
  ByteReader in(payload);
  HF_TRY(const TimesHead head, read_times_head(in, rows));
  CompactTimes out{.base_ms = head.base_ms, .unit_ms = head.unit_ms};
  out.offsets.resize(rows);
  HF_TRY(
      const std::uint64_t offset_max,
      read_time_offsets(in, head, rows, run_starts, [&](std::uint32_t row, std::uint64_t offset) {
        out.offsets[row] = static_cast<std::uint32_t>(offset);
      }));
  if (offset_max > 0xffffffff) out.offsets.clear();
  return out;
}

}  // namespace hf
