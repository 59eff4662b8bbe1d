// SPDX-License-Identifier: Apache-2.0
//
// One person's rows as bits: where they lie in several parts, put in the order of time by copying a
// byte for each row, and never an event. What depends on order alone is then found in the bits, and
// the times of few rows are looked at.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "metric/person_events.h"
#include "metric/time_range.h"

namespace hf {

/// One thread's reader of persons in ascending order.
class PersonRows {
  // Rows that lie together: those from `start` on, until the next stretch.
  struct Stretch {
    RowTimes times;
    std::uint32_t start;
    std::uint32_t count;
  };

 public:
  /// Of rows in `span`. `bound` must outlive it; has at least one matcher.
  PersonRows(const BoundSelection& bound, const Interval& span);

  enum class Read : std::uint8_t {
    nothing,  ///< No row lies in the span.
    rows,
    not_told,  ///< It cannot be done, as when rows of a part lie far apart: take events one by one.
  };
  /// Errors: those of Part's readers.
  [[nodiscard]] Result<Read> read(std::span<const PersonRun> runs);

  // Of the person last read, where there are rows.

  /// Bit i of the words: whether row i matches; bits beyond the last row are 0.
  [[nodiscard]] std::span<const std::uint64_t> matches(std::size_t matcher) const {
    return {bits_.data() + matcher * words_, words_};
  }
  /// True where two rows of one instant both match something: their order is not told.
  [[nodiscard]] bool has_ties() const;
  /// True where a row, matching or not, lies in the interval.
  [[nodiscard]] bool has_any_in(const Interval& interval) const;

  /// Times of rows that lie in several places.
  class Times {
   public:
    explicit Times(const PersonRows& rows)
        : stretches_(rows.stretches_.data()), stretch_of_(rows.stretch_of_.data()) {}
    [[nodiscard]] TimestampMs operator[](std::uint32_t row) const {
      const Stretch& stretch = stretches_[stretch_of_[row]];
      return stretch.times[row - stretch.start];
    }

   private:
    const Stretch* stretches_;
    const std::uint8_t* stretch_of_;
  };
  /// Calls use(times) with what gives the time of a row by times[row].
  template <class Use>
  decltype(auto) with_times(Use&& use) const {
    return stretches_.size() == 1 ? use(stretches_.front().times) : use(Times(*this));
  }

 private:
  // The page of a part that was last asked for, with a byte or more for each row.
  struct Page {
    MatchedPage matched;
    std::uint32_t number = no_page;
    RowTimes times = {};
    std::vector<std::uint8_t> bytes;  // By group of bits_of_byte bits, then row.
  };
  // Rows of a page that are yet to be put in order.
  struct Piece {
    const std::uint8_t* bytes;  // Of its first row, in the first group; the next after a stride.
    std::size_t stride;
    RowTimes times;
    std::uint32_t count;
    TimestampMs first_ms;
    TimestampMs last_ms;
  };

  Result<void> load(Page& page, const Part& part, std::uint32_t number);
  // False where its page took the place of another that is needed too.
  Result<bool> gather(const PersonRun& run);
  bool put_in_order();
  void append(const Piece& piece, std::uint32_t count);
  void take_apart();

  static constexpr std::uint32_t no_page = 0xffffffff;
  static constexpr std::size_t stretches_max = 255;
  static constexpr std::size_t slack = 64;  // Bytes that may be read and written beyond the last.

  const BoundSelection* bound_;
  Interval span_;
  std::size_t matchers_;
  std::size_t groups_;                // The last bit says: of the instant of the row before.
  std::vector<Page> pages_;           // By part.
  std::vector<std::uint64_t> equal_;  // Of the page at hand.
  // Of the person at hand.
  std::vector<Piece> pieces_;
  std::vector<Stretch> stretches_;
  std::vector<std::vector<std::uint8_t>> bytes_;  // By group; where there are several stretches.
  std::vector<std::uint8_t> stretch_of_;          // By row; likewise.
  std::vector<std::uint64_t> bits_;               // By matcher, then word; the last is `equal`.
  std::uint32_t rows_ = 0;
  std::size_t words_ = 0;
  bool touches_ = false;  // The instant of the end of a stretch is that of the next one's start.
};

}  // namespace hf
