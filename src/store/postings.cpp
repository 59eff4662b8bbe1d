// SPDX-License-Identifier: Apache-2.0
#include "store/postings.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <tuple>

#include "base/assert.h"
#include "base/bytes.h"

namespace hf {
namespace {

using part_format::ColumnRole;
using part_format::page_rows;
using part_format::PageKind;

constexpr int time_bits_max = std::bit_width(static_cast<std::uint64_t>(timestamp_end_ms));

std::unexpected<Error> bad(std::string why) {
  return fail(ErrorCode::data_loss, "bad_part", std::move(why));
}

std::size_t packed_bytes(std::size_t count, int width) {
  return (count * static_cast<std::size_t>(width) + 7) / 8;
}

/// Puts numbers of `width` bits side by side, the lowest bit first.
class BitPacker {
 public:
  BitPacker(ByteWriter& out, int width) : out_(out), width_(width) {}
  void add(std::uint64_t value) {
    bits_ |= value << filled_;  // Fewer than 8 bits wait here, so that time_bits_max more fit.
    for (filled_ += width_; filled_ >= 8; filled_ -= 8, bits_ >>= 8) {
      out_.u8(static_cast<std::uint8_t>(bits_));
    }
  }
  void finish() {
    if (filled_ > 0) out_.u8(static_cast<std::uint8_t>(bits_));
  }

 private:
  ByteWriter& out_;
  int width_;
  int filled_ = 0;
  std::uint64_t bits_ = 0;
};
static_assert(time_bits_max <= 64 - 7);

std::string encode_page(std::span<const RowNumber> rows, std::span<const TimestampMs> times) {
  const auto [low, high] = std::ranges::minmax(times);
  const std::int64_t unit = coarsest_unit(times, low);
  const int width = std::bit_width(static_cast<std::uint64_t>((high - low) / unit));
  ByteWriter out;
  out.signed_varint(low);
  out.varint(static_cast<std::uint64_t>(unit));
  out.u8(static_cast<std::uint8_t>(width));
  BitPacker packer(out, width);
  for (const TimestampMs time : times) packer.add(static_cast<std::uint64_t>((time - low) / unit));
  packer.finish();
  RowNumber expected = 0;
  for (const RowNumber row : rows) {
    HF_ASSERT(row >= expected);
    out.varint(row - expected);
    expected = row + 1;
  }
  return out.take();
}

}  // namespace

std::uint32_t first_posting_code(std::span<const NameInfo> names, RowNumber row_count,
                                 const PostingRule& rule) {
  const std::uint64_t each_max = std::uint64_t{row_count} * rule.each_per_mille;
  const std::uint64_t all_max = std::uint64_t{row_count} * rule.all_per_mille;
  std::uint64_t listed = 0;
  std::size_t code = names.size();
  for (; code > 0; --code) {
    const std::uint64_t count = names[code - 1].count;
    if (count * 1000 > each_max || (listed + count) * 1000 > all_max) break;
    listed += count;
  }
  return static_cast<std::uint32_t>(code);
}

Result<std::vector<PageRef>> write_postings(PageWriter& pages, const PostingRows& list) {
  HF_ASSERT(!list.rows.empty() && list.rows.size() == list.times.size());
  std::vector<PageRef> refs;
  for (std::size_t first = 0; first < list.rows.size(); first += posting_page_entries) {
    const std::size_t count = std::min<std::size_t>(posting_page_entries, list.rows.size() - first);
    HF_TRY(
        const PageRef ref,
        pages.append(PageKind::postings, encode_page(std::span(list.rows).subspan(first, count),
                                                     std::span(list.times).subspan(first, count))));
    refs.push_back(ref);
  }
  return refs;
}

Result<void> read_posting_page(std::string_view payload, std::uint32_t count, RowNumber row_count,
                               const NameInfo& name, PostingRows& list) {
  ByteReader in(payload);
  const std::int64_t base = in.signed_varint();
  const std::uint64_t unit = in.varint();
  const int width = in.u8();
  if (!in.ok() || !is_time_unit(unit) || width > time_bits_max) {
    return bad("postings with an impossible head");
  }
  const TimestampMs time_end = std::min(timestamp_end_ms - 1, name.time_max) + 1;
  if (base < timestamp_min_ms || base < name.time_min || base >= time_end) {
    return bad("postings with a time that their name does not have");
  }
  // Every row takes a byte at least: what follows is allocated by what is there.
  if (count > in.remaining()) return bad("postings shorter than their rows");
  const std::size_t packed_size = packed_bytes(count, width);
  std::string packed(in.bytes(packed_size));
  if (!in.ok()) return bad("postings shorter than their times");
  const std::size_t rest = std::size_t{count} * static_cast<unsigned>(width) % 8;
  if (rest != 0 && static_cast<std::uint8_t>(packed.back()) >> rest != 0) {
    return bad("postings with bits past their last time");
  }
  packed.append(sizeof(std::uint64_t), '\0');  // The last numbers are read eight bytes wide too.

  const auto room =
      static_cast<std::uint64_t>((time_end - 1 - base) / static_cast<std::int64_t>(unit));
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  const std::size_t before = list.times.size();
  list.times.resize(before + count);
  std::uint64_t offset_max = 0;
  for (std::uint64_t i = 0, bit = 0; i < count; ++i, bit += static_cast<unsigned>(width)) {
    const std::uint64_t offset =
        load_le<std::uint64_t>(packed.data() + bit / 8) >> (bit % 8) & mask;
    offset_max = std::max(offset_max, offset);
    list.times[before + i] =
        static_cast<TimestampMs>(static_cast<std::uint64_t>(base) + offset * unit);
  }
  if (offset_max > room) return bad("postings with a time that their name does not have");

  list.rows.reserve(before + count);
  std::uint64_t expected = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t row = expected + in.varint_up_to(row_count - expected);
    if (!in.ok() || row >= row_count) return bad("postings with a row beyond the last");
    if (i == 0 && !list.rows.empty() && row <= list.rows.back()) {
      return bad("postings whose rows do not ascend");
    }
    list.rows.push_back(static_cast<RowNumber>(row));
    expected = row + 1;
  }
  return in.complete() ? Result<void>{} : bad("postings with another length");
}

namespace {

/// Whose a row is. Rows must not go back.
class OwnerCursor {
 public:
  static Result<OwnerCursor> open(const Part& part) {
    std::vector<SharedRun> shared;
    if (part.has_shared_runs()) {
      HF_TRY(shared, part.shared_runs());
    }
    return OwnerCursor(part, std::move(shared));
  }

  Result<PersonOrdinal> of(RowNumber row) {
    go_to(row);
    while (next_shared_ < shared_.size() && shared_[next_shared_].position < position_) {
      ++next_shared_;
    }
    if (next_shared_ == shared_.size() || shared_[next_shared_].position != position_) {
      return part_.persons()[position_];
    }
    const std::uint32_t page = row / page_rows;
    if (id_codes_ == nullptr || page != page_) {
      HF_TRY(id_codes_, part_.codes(part_.find(ColumnRole::id_code).value(), page));
      page_ = page;
    }
    const std::uint32_t code = id_codes_->codes[row % page_rows];
    const auto& owners = shared_[next_shared_].owners;
    if (code >= owners.size()) {
      return bad(fmt::format("{}: row {}: id that has no owner", part_.path(), row));
    }
    return owners[code].person;
  }

 private:
  OwnerCursor(const Part& part, std::vector<SharedRun> shared)
      : part_(part), shared_(std::move(shared)) {}

  // In ever longer steps: the rows of a rare name are far apart.
  void go_to(RowNumber row) {
    const auto offsets = part_.row_offsets();
    std::size_t step = 1;
    std::size_t low = position_;
    while (low + step < offsets.size() && offsets[low + step] <= row) {
      low += step;
      step *= 2;
    }
    const auto first = offsets.begin() + static_cast<std::ptrdiff_t>(low);
    const auto last =
        offsets.begin() + static_cast<std::ptrdiff_t>(std::min(low + step, offsets.size()));
    position_ =
        static_cast<std::uint32_t>(std::upper_bound(first, last, row) - offsets.begin() - 1);
  }

  const Part& part_;
  std::vector<SharedRun> shared_;
  std::size_t next_shared_ = 0;
  std::uint32_t position_ = 0;
  std::uint32_t page_ = 0;
  std::shared_ptr<const CodePage> id_codes_;  // Of page_.
};

template <class T>
std::vector<T> in_order(const std::vector<T>& values, std::span<const std::uint32_t> order) {
  std::vector<T> out;
  out.reserve(order.size());
  for (const std::uint32_t i : order) out.push_back(values[i]);
  return out;
}

}  // namespace

Result<Postings> with_owners(const Part& part, PostingRows list) {
  Postings out;
  HF_TRY(OwnerCursor cursor, OwnerCursor::open(part));
  out.owners.reserve(list.rows.size());
  for (const RowNumber row : list.rows) {
    HF_TRY(const PersonOrdinal owner, cursor.of(row));
    out.owners.push_back(owner);
  }
  out.rows = std::move(list.rows);
  out.times = std::move(list.times);
  if (!std::ranges::is_sorted(out.owners)) {  // Owners of shared runs lie in no order.
    std::vector<std::uint32_t> order(out.rows.size());
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return out.owners[i]; });
    out.owners = in_order(out.owners, order);
    out.times = in_order(out.times, order);
    out.rows = in_order(out.rows, order);
  }
  out.memory_bytes =
      out.rows.size() * (sizeof(PersonOrdinal) + sizeof(TimestampMs) + sizeof(RowNumber));
  return out;
}

}  // namespace hf
