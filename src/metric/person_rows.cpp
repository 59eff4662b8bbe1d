// SPDX-License-Identifier: Apache-2.0
#include "metric/person_rows.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/byte_bits.h"
#include "base/equal_neighbours.h"
#include "store/part_format.h"
#include "store/row_walk.h"

namespace hf {

PersonRows::PersonRows(const BoundSelection& bound, const Interval& span)
    : bound_(&bound),
      span_(span),
      matchers_(bound.selection().wanted.size()),
      groups_(matchers_ / bits_of_byte + 1),
      bytes_(groups_) {
  for (std::uint32_t i = 0; i < bound.snapshot().parts.size(); ++i) {
    pages_.push_back({.matched{*bound.snapshot().parts[i], bound.matchers(i)}, .bytes{}});
  }
}

Result<void> PersonRows::load(Page& page, const Part& part, std::uint32_t number) {
  page.number = no_page;
  HF_CHECK(page.matched.seek(number));
  page.times = page.matched.row_times();
  const std::uint32_t rows = part.rows_in_page(number);
  const std::size_t words = (rows + 63) / 64;
  equal_.assign(words, 0);
  if (page.times.values == nullptr) {
    find_equal_neighbours({page.times.offsets, rows}, equal_.data());
  } else {
    for (std::uint32_t i = 1; i < rows; ++i) {
      equal_[i / 64] |= std::uint64_t{page.times[i] == page.times[i - 1]} << (i % 64);
    }
  }
  const std::size_t stride = words * 64 + slack;
  page.bytes.resize(groups_ * stride);
  std::array<const std::uint64_t*, bits_of_byte> together;
  for (std::size_t group = 0; group < groups_; ++group) {
    const std::size_t first = group * bits_of_byte;
    const std::size_t count = std::min(bits_of_byte, matchers_ + 1 - first);
    for (std::size_t k = 0; k < count; ++k) {
      together[k] = first + k < matchers_ ? page.matched.rows(first + k) : equal_.data();
    }
    put_bits_together({together.data(), count}, words, page.bytes.data() + group * stride);
  }
  page.number = number;
  return {};
}

Result<PersonRows::Read> PersonRows::read(std::span<const PersonRun> runs) {
  pieces_.clear();
  stretches_.clear();
  rows_ = 0;
  touches_ = false;
  for (const PersonRun& run : runs) {
    if (pages_[run.part].matched.matches_nothing()) continue;
    HF_TRY(const bool is_there, gather(run));
    if (!is_there) return Read::not_told;
  }
  if (pieces_.empty()) return Read::nothing;
  if (pieces_.size() == 1) {
    rows_ = pieces_.front().count;
    stretches_.push_back({pieces_.front().times, 0, rows_});
  } else if (!put_in_order()) {
    return Read::not_told;
  }
  take_apart();
  return Read::rows;
}

Result<bool> PersonRows::gather(const PersonRun& run) {
  constexpr std::uint32_t page_rows = part_format::page_rows;
  const std::uint32_t number = run.first_row / page_rows;
  std::uint32_t first = run.first_row % page_rows;
  std::uint32_t last = first + run.row_count;
  if (last > page_rows) return false;
  Page& page = pages_[run.part];
  if (page.number != number) {
    const bool is_needed = std::ranges::any_of(pieces_, [&](const Piece& piece) {
      return piece.bytes >= page.bytes.data() &&
             piece.bytes < page.bytes.data() + page.bytes.size();
    });
    if (is_needed) return false;
    HF_CHECK(load(page, *bound_->snapshot().parts[run.part], number));
  }
  TimestampMs first_ms = page.times[first];
  TimestampMs last_ms = page.times[last - 1];
  if (first_ms < span_.from_ms || last_ms >= span_.to_ms) {
    const std::uint32_t from = page.times.first_from(span_.from_ms, first, last);
    last = page.times.first_from(span_.to_ms, first, last);
    first = from;
    if (first >= last) return true;
    first_ms = page.times[first];
    last_ms = page.times[last - 1];
  }
  pieces_.push_back({.bytes = page.bytes.data() + first,
                     .stride = page.bytes.size() / groups_,
                     .times = page.times.from(first),
                     .count = last - first,
                     .first_ms = first_ms,
                     .last_ms = last_ms});
  return true;
}

// Parts hold stretches of time, mostly; what came late lies between the rows of others. Of equal
// times any order will do: where it matters there are ties, and they are told.
bool PersonRows::put_in_order() {
  for (std::size_t i = 1; i < pieces_.size(); ++i) {
    for (std::size_t at = i; at > 0 && pieces_[at].first_ms < pieces_[at - 1].first_ms; --at) {
      std::swap(pieces_[at], pieces_[at - 1]);
    }
  }
  std::optional<TimestampMs> end_ms;
  for (std::size_t i = 0; i < pieces_.size();) {
    Piece& piece = pieces_[i];
    if (stretches_.size() == stretches_max) return false;
    touches_ = touches_ || end_ms == piece.first_ms;
    if (i + 1 == pieces_.size() || piece.last_ms <= pieces_[i + 1].first_ms) {
      append(piece, piece.count);
      end_ms = piece.last_ms;
      ++i;
      continue;
    }
    const std::uint32_t count = piece.times.first_from(pieces_[i + 1].first_ms + 1, 0, piece.count);
    append(piece, count);
    end_ms = piece.times[count - 1];
    piece.bytes += count;
    piece.times = piece.times.from(count);
    piece.count -= count;
    piece.first_ms = piece.times[0];
    for (std::size_t at = i; at + 1 < pieces_.size(); ++at) {
      if (pieces_[at].first_ms < pieces_[at + 1].first_ms) break;
      std::swap(pieces_[at], pieces_[at + 1]);
    }
  }
  return true;
}

void PersonRows::append(const Piece& piece, std::uint32_t count) {
  const std::size_t needed = std::size_t{rows_} + count + 2 * slack;
  if (stretch_of_.size() < needed) {
    stretch_of_.resize(2 * needed);
    for (auto& bytes : bytes_) bytes.resize(2 * needed);
  }
  for (std::size_t group = 0; group < groups_; ++group) {
    const std::uint8_t* const from = piece.bytes + group * piece.stride;
    std::uint8_t* const to = bytes_[group].data() + rows_;
    // Of a number that is known the copy is one move; runs are rarely longer.
    constexpr std::uint32_t usual = 16;
    std::memcpy(to, from, usual);
    if (count > usual) std::memcpy(to + usual, from + usual, count - usual);
  }
  const auto stretch = static_cast<std::uint8_t>(stretches_.size());
  std::memset(stretch_of_.data() + rows_, stretch, count);
  // The row before is another now.
  bytes_[groups_ - 1][rows_] &= static_cast<std::uint8_t>(~(1u << (matchers_ % bits_of_byte)));
  stretches_.push_back({piece.times, rows_, count});
  rows_ += count;
}

void PersonRows::take_apart() {
  const bool is_one = stretches_.size() == 1;
  words_ = (std::size_t{rows_} + 63) / 64;
  bits_.resize(groups_ * bits_of_byte * words_);
  for (std::size_t group = 0; group < groups_; ++group) {
    const std::size_t first = group * bits_of_byte;
    const std::uint8_t* const bytes =
        is_one ? pieces_.front().bytes + group * pieces_.front().stride : bytes_[group].data();
    take_bits_apart(bytes, words_, std::min(bits_of_byte, matchers_ + 1 - first),
                    bits_.data() + first * words_);
  }
  if (rows_ % 64 != 0) {
    const std::uint64_t mask = (std::uint64_t{1} << (rows_ % 64)) - 1;
    for (std::size_t k = 0; k <= matchers_; ++k) bits_[(k + 1) * words_ - 1] &= mask;
  }
  bits_[matchers_ * words_] &= ~std::uint64_t{1};
}

bool PersonRows::has_ties() const {
  const auto matched = [&](std::size_t word) {
    std::uint64_t any = 0;
    for (std::size_t k = 0; k < matchers_; ++k) any |= bits_[k * words_ + word];
    return any;
  };
  bool may_have = touches_;
  for (std::size_t w = 0; w < words_ && !may_have; ++w) {
    const std::uint64_t equal = bits_[matchers_ * words_ + w];
    may_have = equal != 0 && (equal & matched(w)) != 0;
  }
  if (!may_have) return false;
  return with_times([&](const auto& times) {
    std::optional<TimestampMs> before;
    return !for_each_row(0, rows_, matched, [&](std::uint32_t row) {
      const TimestampMs t = times[row];
      if (before == t) return false;
      before = t;
      return true;
    });
  });
}

bool PersonRows::has_any_in(const Interval& interval) const {
  return std::ranges::any_of(stretches_, [&](const Stretch& stretch) {
    const std::uint32_t at = stretch.times.first_from(interval.from_ms, 0, stretch.count);
    return at != stretch.count && stretch.times[at] < interval.to_ms;
  });
}

}  // namespace hf
