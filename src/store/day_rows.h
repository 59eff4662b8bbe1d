// SPDX-License-Identifier: Apache-2.0
//
// The rows of a part cut by person and local day: questions about which days something was done on
// look at which rows match, and at no time.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "store/day_sets.h"
#include "store/page_cache.h"

namespace hf {

class Part;

/// The rows of one part cut where the person of the directory or the local day changes. Immutable.
struct DayRows final : CachedPage {
  std::vector<std::uint64_t> starts;       ///< Bitmap of the rows that begin a cut; an empty word.
  std::vector<std::uint32_t> cuts_before;  ///< By word of starts: how many begin before it.
  /// Of each cut, its day from first_day on, and the person's place in its PersonChunk.
  std::vector<std::uint32_t> cuts;
  std::vector<std::uint64_t> persons;  ///< Bitmap of the directory's, of whole chunks,
  std::uint32_t first_chunk = 0;       ///< from this one on.
  Day first_day = 0;                   ///< No row is before it,
  Day last_day = 0;                    ///< and none after this one.
  ZoneRules rules;

  /// PersonChunk::words words; nullptr where the chunk has nobody.
  [[nodiscard]] const std::uint64_t* persons_of(std::uint32_t chunk) const {
    const std::size_t at = std::size_t{chunk - first_chunk} * PersonChunk::words;
    return chunk >= first_chunk && at < persons.size() ? persons.data() + at : nullptr;
  }

  static constexpr std::uint32_t place_mask = PersonChunk::persons - 1;
  [[nodiscard]] static std::uint32_t place(std::uint32_t cut) { return cut & place_mask; }
  [[nodiscard]] static std::uint32_t day(std::uint32_t cut) { return cut >> PersonChunk::bits; }

  /// Calls use(cut) for those of which a row of [first, end) is in `rows`, a bitmap of the part's.
  /// Ascending.
  template <class Use>
  void for_each_cut(RowNumber first, RowNumber end, const std::uint64_t* rows, Use&& use) const;
};

/// Reads the times. `rules` are of all of them. Errors: those of Part's readers.
[[nodiscard]] Result<std::shared_ptr<DayRows>> read_day_rows(const Part& part, ZoneRules rules);

// Of 64 rows at a time: what matches within a cut is carried to the cut's last row by an addition.
// Where `inside` has the rows of a cut but the last, adding those of them that match overflows into
// the last one; from word to word that is the sum's carry.
template <class Use>
void DayRows::for_each_cut(RowNumber first, RowNumber end, const std::uint64_t* rows,
                           Use&& use) const {
  if (first >= end) return;
  // Where the caller writes words or numbers, these members could change as far as can be seen.
  const std::uint64_t* const begins = starts.data();
  const std::uint32_t* const before = cuts_before.data();
  const std::uint32_t* const all = cuts.data();
  const std::uint32_t last_word = (end - 1) / 64;
  std::uint64_t matched = rows[first / 64] & ~std::uint64_t{0} << (first % 64);
  unsigned char carry = 0;
  for (std::uint32_t word = first / 64;; matched = rows[++word]) {
    const std::uint64_t begin = begins[word];
    std::uint64_t ends = begin >> 1 | begins[word + 1] << 63;
    if (word == last_word) {
      const std::uint64_t last = std::uint64_t{1} << ((end - 1) % 64);
      matched &= last | (last - 1);
      ends = (ends & (last - 1)) | last;
    }
    const std::uint64_t inside = ~ends;
    std::uint64_t sum = 0;
    const bool over = __builtin_add_overflow(matched & inside, inside, &sum);
    const bool more = __builtin_add_overflow(sum, std::uint64_t{carry}, &sum);
    carry = static_cast<unsigned char>(over || more);
    for (std::uint64_t any = (sum | matched) & ends; any != 0; any &= any - 1) {
      const std::uint64_t up_to = any ^ (any - 1);  // The lowest bit, and all below.
      use(all[before[word] + static_cast<std::uint32_t>(std::popcount(begin & up_to)) - 1]);
    }
    if (word == last_word) return;
  }
}

}  // namespace hf
