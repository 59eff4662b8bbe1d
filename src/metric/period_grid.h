// SPDX-License-Identifier: Apache-2.0
//
// Cuts time into the periods of a query: the rows of its answer, and the periods after them that
// look-ahead needs.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "calendar/date.h"
#include "calendar/zone.h"
#include "metric/time_range.h"

namespace hf {

/// The length of a query's periods.
struct Period {
  enum class Unit : std::uint8_t { day, hour, week, month, quarter, year, duration };
  Unit unit = Unit::day;
  Duration duration = {};  ///< unit duration: calendar months and days, or exact ms.

  /// Hours and durations with a time part are exact; their rows are named by instants.
  [[nodiscard]] bool is_exact() const { return unit == Unit::duration && duration.ms != 0; }
  /// The fixed length a rolling window uses: a day is 24 h, a month 720 h, a year 8760 h.
  [[nodiscard]] std::int64_t rolling_ms() const;
};

/// Reads "day", "hour", .., or an ISO 8601 duration; absent is a day.
/// Errors, invalid_argument with pointer: wrong_type, unknown_value, invalid_duration (also
/// calendar and time mixed, and longer than 200 years).
[[nodiscard]] Result<Period> parse_period(const Json& query);

/// Periods 0 .. size() - 1 in order; the first rows() are those the range touches, behind those
/// before it that were asked for. An instant belongs to a period by its local date (hours: also by
/// the time since that date's first instant), so a period is not always one stretch of time.
class PeriodGrid {
 public:
  static constexpr std::int64_t rows_max = 5000;
  static constexpr std::int32_t before = -1;  ///< The period of instants before the first one.

  /// From `from_ms` until the next segment's, instants are in `period` (`before`, 0 .. size() - 1,
  /// or size() for later) and inside the range or not.
  struct Segment {
    TimestampMs from_ms;
    std::int32_t period;
    bool in_range;
  };

  /// `look_ahead` periods follow the rows. An empty range has no rows.
  /// Errors: resource_exhausted/too_many_cells over rows_max rows.
  [[nodiscard]] static Result<PeriodGrid> build(const Period& period, const TimeRange& range,
                                                const Zone& zone, WeekStart week_start,
                                                std::int32_t look_ahead);

  /// The same of whole periods: all of a row is in range, also what the range itself leaves out of
  /// it. The `look_back` periods before the range's first one are rows too, the first ones.
  [[nodiscard]] static Result<PeriodGrid> build_whole(const Period& period, const TimeRange& range,
                                                      const Zone& zone, WeekStart week_start,
                                                      std::int32_t look_back);

  [[nodiscard]] std::int32_t rows() const { return rows_; }
  [[nodiscard]] std::int32_t size() const { return static_cast<std::int32_t>(starts_.size()); }
  /// The first instant of the period (of dates: of its first date or later).
  [[nodiscard]] TimestampMs start(std::int32_t period) const { return starts_[period]; }
  /// The first instant after all of the period.
  [[nodiscard]] TimestampMs end(std::int32_t period) const { return ends_[period]; }
  /// How answers name the row: its first local date, or its first instant by RFC 3339.
  [[nodiscard]] std::string label(std::int32_t row) const;

  /// The last local date of the row that the range reaches. Requires rows that are named by dates.
  [[nodiscard]] Day last_day(std::int32_t row) const {
    return row + 1 < rows_ ? first_days_[row + 1] - 1 : last_day_;
  }

  /// Ascending; the first begins at the lowest int64.
  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  [[nodiscard]] const Segment& find(TimestampMs t) const;

  /// True when the range begins after the first row does, or ends before the last one does.
  [[nodiscard]] bool cuts_first() const { return cuts_first_; }
  [[nodiscard]] bool cuts_last() const { return cuts_last_; }

 private:
  // A stretch of time inside one period.
  struct Piece {
    TimestampMs from_ms;
    TimestampMs to_ms;
    std::int32_t period;
  };

  // How many periods there are besides those the range touches.
  struct Beside {
    std::int32_t back = 0;
    std::int32_t ahead = 0;
  };

  Result<std::vector<Piece>> cut(const Period& period, const TimeRange& range,
                                 std::span<const Interval> inside, const Zone& zone,
                                 WeekStart week_start, Beside beside);
  Result<std::vector<Piece>> cut_by_date(const Period& period, const TimeRange& range,
                                         std::span<const Interval> inside, const Zone& zone,
                                         WeekStart week_start, Beside beside);
  Result<std::vector<Piece>> cut_by_hour(std::span<const Interval> inside, const Zone& zone,
                                         Beside beside);
  Result<std::vector<Piece>> cut_exactly(std::int64_t length_ms, std::span<const Interval> inside,
                                         Beside beside);
  void mark_range(std::span<const Piece> pieces, std::span<const Interval> inside);
  void mark_whole(std::span<const Piece> pieces);
  void append_segment(Segment segment);

  std::int32_t rows_ = 0;
  std::vector<TimestampMs> starts_;
  std::vector<TimestampMs> ends_;
  std::vector<Day> first_days_;  // Empty where rows are named by instants.
  Day last_day_ = 0;             // Of the range; where rows are named by dates.
  std::vector<Segment> segments_;
  std::shared_ptr<const Zone> zone_;  // Only where rows are named by instants.
  bool cuts_first_ = false;
  bool cuts_last_ = false;
};

/// Follows non-decreasing times through the segments of a grid; going back costs a search.
class SegmentCursor {
 public:
  explicit SegmentCursor(const PeriodGrid& grid) : segments_(&grid.segments()) { place(0); }

  /// The segment of `t`.
  [[nodiscard]] const PeriodGrid::Segment& at(TimestampMs t) {
    if (t < from_ || t >= to_) move(t);
    return (*segments_)[index_];
  }
  /// The first instant after the segment last found.
  [[nodiscard]] TimestampMs next_ms() const { return to_; }

 private:
  void move(TimestampMs t);
  void place(std::size_t index) {
    index_ = index;
    from_ = (*segments_)[index].from_ms;
    to_ = index + 1 < segments_->size() ? (*segments_)[index + 1].from_ms
                                        : std::numeric_limits<TimestampMs>::max();
  }
  const std::vector<PeriodGrid::Segment>* segments_;
  std::size_t index_ = 0;
  TimestampMs from_ = 0;
  TimestampMs to_ = 0;
};

}  // namespace hf
