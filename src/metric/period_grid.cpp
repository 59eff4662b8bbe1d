// SPDX-License-Identifier: Apache-2.0
#include "metric/period_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/assert.h"
#include "calendar/time_text.h"
#include "metric/query_fields.h"

namespace hf {
namespace {

constexpr std::int64_t ms_per_hour = 3'600'000;
constexpr TimestampMs lowest_ms = std::numeric_limits<TimestampMs>::min();

// No event is later than 2100. Periods that would begin beyond this day begin on it, so that
// columns thousands of years ahead cost no arithmetic; they are never begun nor complete.
constexpr Day far_day = static_cast<Day>(timestamp_end_ms / ms_per_day) + 2;
constexpr TimestampMs far_ms = std::int64_t{far_day} * ms_per_day;

std::unexpected<Error> too_many_rows(std::int64_t rows) {
  return fail(ErrorCode::resource_exhausted, "too_many_cells",
              fmt::format("the range has more periods than an answer may have rows ({}): {}",
                          PeriodGrid::rows_max, rows));
}

// The first date of the i-th period, counted from the period that holds `day`.
Day nth_first_day(const Period& period, Day day, WeekStart week_start, std::int64_t i) {
  std::int64_t months = 0;
  std::int64_t days = 0;
  Day anchor = day;
  switch (period.unit) {
    case Period::Unit::day: days = 1; break;
    case Period::Unit::week:
      anchor = start_of_week(day, week_start);
      days = 7;
      break;
    case Period::Unit::month:
      anchor = start_of_month(day);
      months = 1;
      break;
    case Period::Unit::quarter:
      anchor = start_of_quarter(day);
      months = 3;
      break;
    case Period::Unit::year:
      anchor = start_of_year(day);
      months = 12;
      break;
    case Period::Unit::duration:
      // Counted from the anchor each time: 31 January + 1 month + 1 month is 31 March again.
      months = period.duration.months;
      days = period.duration.days;
      break;
    case Period::Unit::hour: HF_ASSERT(false); break;
  }
  if (months * i * 28 + days * i > far_day) return far_day;
  return std::min(far_day,
                  add_months(anchor, static_cast<int>(months * i)) + static_cast<Day>(days * i));
}

}  // namespace

std::int64_t Period::rolling_ms() const {
  switch (unit) {
    case Unit::hour: return ms_per_hour;
    case Unit::day: return ms_per_day;
    case Unit::week: return 7 * ms_per_day;
    case Unit::month: return 30 * ms_per_day;
    case Unit::quarter: return 90 * ms_per_day;
    case Unit::year: return 365 * ms_per_day;
    case Unit::duration:
      return duration.months * 30 * ms_per_day + duration.days * ms_per_day + duration.ms;
  }
  HF_ASSERT(false);
  return 0;
}

Result<Period> parse_period(const Json& query) {
  constexpr auto names =
      std::to_array<std::string_view>({"day", "hour", "week", "month", "quarter", "year"});
  HF_TRY(const auto text, text_field(query, "period", ""));
  if (!text) return Period{};
  if (const auto found = std::ranges::find(names, *text); found != names.end()) {
    return Period{static_cast<Period::Unit>(found - names.begin()), {}};
  }
  if (!text->starts_with('P')) {
    return fail(ErrorCode::invalid_argument, "unknown_value",
                fmt::format("expected {} or a duration as P14D", join_names(names)), "/period");
  }
  auto duration = parse_duration(*text);
  if (!duration) {
    duration.error().pointer = "/period";
    return std::unexpected(std::move(duration).error());
  }
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::invalid_argument, "invalid_duration", std::move(message), "/period");
  };
  if (duration->ms != 0 && (duration->months != 0 || duration->days != 0)) {
    return refuse("a period is either of calendar days and months or of hours, minutes, seconds");
  }
  if (duration->months > 12 * 200 || duration->days > 366 * 200 ||
      duration->ms > 366 * 200 * ms_per_day) {
    return refuse("a period is at most 200 years long");
  }
  return Period{Period::Unit::duration, *duration};
}

Result<PeriodGrid> PeriodGrid::build(const Period& period, const TimeRange& range, const Zone& zone,
                                     WeekStart week_start, std::int32_t look_ahead) {
  PeriodGrid grid;
  const std::vector<Interval> inside = instants_of(range, zone);
  HF_TRY(const auto pieces,
         grid.cut(period, range, inside, zone, week_start, {.ahead = look_ahead}));
  grid.mark_range(pieces, inside);
  if (grid.rows_ > 0 && !inside.empty()) {
    grid.cuts_first_ = inside.front().from_ms > grid.starts_.front();
    grid.cuts_last_ = inside.back().to_ms < grid.ends_[grid.rows_ - 1];
  }
  return grid;
}

Result<PeriodGrid> PeriodGrid::build_whole(const Period& period, const TimeRange& range,
                                           const Zone& zone, WeekStart week_start,
                                           std::int32_t look_back) {
  PeriodGrid grid;
  HF_TRY(const auto pieces,
         grid.cut(period, range, instants_of(range, zone), zone, week_start, {.back = look_back}));
  grid.mark_whole(pieces);
  return grid;
}

Result<std::vector<PeriodGrid::Piece>> PeriodGrid::cut(const Period& period, const TimeRange& range,
                                                       std::span<const Interval> inside,
                                                       const Zone& zone, WeekStart week_start,
                                                       Beside beside) {
  const bool by_date = period.unit != Period::Unit::hour && !period.is_exact();
  // Rows that are named by instants need the zone, and a grid outlives the query's mention of it.
  if (!by_date) zone_ = std::make_shared<const Zone>(zone);
  const bool has_dates = range.first_day && range.last_day;  // A skipped date has no instants.
  if (inside.empty() && !(has_dates && by_date)) return std::vector<Piece>{};
  if (by_date) return cut_by_date(period, range, inside, zone, week_start, beside);
  if (period.unit == Period::Unit::hour) return cut_by_hour(inside, zone, beside);
  return cut_exactly(period.duration.ms, inside, beside);
}

Result<std::vector<PeriodGrid::Piece>> PeriodGrid::cut_by_date(
    const Period& period, const TimeRange& range, std::span<const Interval> inside,
    const Zone& zone, WeekStart week_start, Beside beside) {
  // The dates the range touches: by the bound where it is a date, else by its instants.
  Day first = range.first_day.value_or(std::numeric_limits<Day>::max());
  Day last = range.last_day.value_or(std::numeric_limits<Day>::min());
  if (!range.first_day || !range.last_day) {
    for (const Interval& interval : inside) {
      for (const DateRun& run : date_runs(zone, interval.from_ms, interval.to_ms)) {
        if (!range.first_day) first = std::min(first, run.day);
        if (!range.last_day) last = std::max(last, run.day);
      }
    }
  }
  const auto first_day_of = [&](std::int64_t i) {
    return nth_first_day(period, first, week_start, i);
  };
  last_day_ = last;
  std::int64_t rows = 0;
  while (first_day_of(rows) <= last) ++rows;
  if (rows > rows_max) return too_many_rows(rows);
  rows_ = static_cast<std::int32_t>(rows) + beside.back;

  std::vector<Day> first_days;
  for (std::int64_t i = -beside.back; i <= rows + beside.ahead; ++i) {
    first_days.push_back(first_day_of(i));
  }
  for (const Day day : first_days) starts_.push_back(zone.start_of_day(day));
  ends_.assign(starts_.begin() + 1, starts_.end());
  const TimestampMs begin = starts_.front();
  // A zone that turns back over midnight has dates of the last period after that midnight.
  const TimestampMs end = starts_.back() + 2 * ms_per_day;
  starts_.pop_back();

  std::vector<Piece> pieces;
  const std::vector<DateRun> runs = date_runs(zone, begin, end);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto after = std::ranges::upper_bound(first_days, runs[i].day);
    pieces.push_back({runs[i].from_ms, i + 1 < runs.size() ? runs[i + 1].from_ms : end,
                      static_cast<std::int32_t>(after - first_days.begin()) - 1});
  }
  first_days.resize(static_cast<std::size_t>(rows_));
  first_days_ = std::move(first_days);
  return pieces;
}

Result<std::vector<PeriodGrid::Piece>> PeriodGrid::cut_by_hour(std::span<const Interval> inside,
                                                               const Zone& zone, Beside beside) {
  // Keyed by (local date, hour since its first instant): in order, and the same after a zone has
  // turned back.
  using Hour = std::pair<Day, std::int32_t>;
  struct Keyed {
    TimestampMs from_ms;
    TimestampMs to_ms;
    Hour hour;
  };
  // Two days more on each side hold whatever a turned clock moves, and one of them may be a date
  // the zone skipped; a day has at least 20 hours.
  const TimestampMs begin =
      zone.start_of_day(zone.local_day(inside.front().from_ms) - 2 - beside.back / 20);
  const TimestampMs end = inside.back().to_ms + (beside.ahead / 20 + 3) * ms_per_day;
  std::vector<Keyed> keyed;
  const std::vector<DateRun> runs = date_runs(zone, begin, end);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const TimestampMs run_end = i + 1 < runs.size() ? runs[i + 1].from_ms : end;
    const TimestampMs midnight = zone.start_of_day(runs[i].day);
    for (TimestampMs t = runs[i].from_ms; t < run_end;) {
      const std::int64_t hour = (t - midnight) / ms_per_hour;
      const TimestampMs to = std::min(run_end, midnight + (hour + 1) * ms_per_hour);
      keyed.push_back({t, to, {runs[i].day, static_cast<std::int32_t>(hour)}});
      t = to;
    }
  }
  std::vector<Hour> hours;
  for (const Keyed& piece : keyed) hours.push_back(piece.hour);
  std::ranges::sort(hours);
  hours.erase(std::ranges::unique(hours).begin(), hours.end());

  Hour first = hours.back();
  Hour last = hours.front();
  std::size_t next = 0;
  for (const Interval& interval : inside) {
    while (keyed[next].to_ms <= interval.from_ms) ++next;
    for (std::size_t i = next; i < keyed.size() && keyed[i].from_ms < interval.to_ms; ++i) {
      first = std::min(first, keyed[i].hour);
      last = std::max(last, keyed[i].hour);
    }
  }
  const auto index_of = [&](Hour hour) {
    return std::ranges::lower_bound(hours, hour) - hours.begin();
  };
  const std::int64_t rows = index_of(last) - index_of(first) + 1;
  if (rows > rows_max) return too_many_rows(rows);
  rows_ = static_cast<std::int32_t>(rows) + beside.back;
  const std::int64_t first_index = index_of(first) - beside.back;
  HF_ASSERT(first_index >= 0);
  const std::int64_t size = rows_ + beside.ahead;

  starts_.assign(static_cast<std::size_t>(size), std::numeric_limits<TimestampMs>::max());
  ends_.assign(static_cast<std::size_t>(size), lowest_ms);
  std::vector<Piece> pieces;
  for (const Keyed& k : keyed) {
    const std::int64_t index =
        std::clamp<std::int64_t>(index_of(k.hour) - first_index, before, size);
    pieces.push_back({k.from_ms, k.to_ms, static_cast<std::int32_t>(index)});
    if (index < 0 || index >= size) continue;
    starts_[index] = std::min(starts_[index], k.from_ms);
    ends_[index] = std::max(ends_[index], k.to_ms);
  }
  return pieces;
}

Result<std::vector<PeriodGrid::Piece>> PeriodGrid::cut_exactly(std::int64_t length_ms,
                                                               std::span<const Interval> inside,
                                                               Beside beside) {
  const TimestampMs begin = inside.front().from_ms;
  const std::int64_t rows = (inside.back().to_ms - begin + length_ms - 1) / length_ms;
  if (rows > rows_max) return too_many_rows(rows);
  rows_ = static_cast<std::int32_t>(rows) + beside.back;
  std::vector<Piece> pieces;
  for (std::int64_t i = -beside.back; i < rows + beside.ahead; ++i) {
    const TimestampMs from = std::min(far_ms, begin + i * length_ms);
    const TimestampMs to = std::min(far_ms, from + length_ms);
    starts_.push_back(from);
    ends_.push_back(to);
    if (from < to) pieces.push_back({from, to, static_cast<std::int32_t>(i + beside.back)});
  }
  return pieces;
}

void PeriodGrid::append_segment(Segment segment) {
  if (!segments_.empty() && segments_.back().period == segment.period &&
      segments_.back().in_range == segment.in_range) {
    return;
  }
  segments_.push_back(segment);
}

void PeriodGrid::mark_range(std::span<const Piece> pieces, std::span<const Interval> inside) {
  segments_.push_back({lowest_ms, before, false});
  std::size_t next = 0;  // The first interval that ends after the piece begins.
  for (const Piece& piece : pieces) {
    if (piece.period >= 0 && piece.period < size()) {
      ends_[piece.period] = std::max(ends_[piece.period], piece.to_ms);
    }
    TimestampMs from = piece.from_ms;
    while (next < inside.size() && inside[next].to_ms <= from) ++next;
    for (std::size_t i = next; i < inside.size() && inside[i].from_ms < piece.to_ms; ++i) {
      if (from < inside[i].from_ms) append_segment({from, piece.period, false});
      const TimestampMs inside_from = std::max(from, inside[i].from_ms);
      from = std::min(piece.to_ms, inside[i].to_ms);
      append_segment({inside_from, piece.period, true});
    }
    if (from < piece.to_ms) append_segment({from, piece.period, false});
  }
  if (!pieces.empty()) append_segment({pieces.back().to_ms, size(), false});
}

void PeriodGrid::mark_whole(std::span<const Piece> pieces) {
  segments_.push_back({lowest_ms, before, false});
  for (const Piece& piece : pieces) {
    const bool is_row = piece.period >= 0 && piece.period < rows_;
    if (is_row) ends_[piece.period] = std::max(ends_[piece.period], piece.to_ms);
    append_segment({piece.from_ms, piece.period, is_row});
  }
  if (!pieces.empty()) append_segment({pieces.back().to_ms, size(), false});
}

std::string PeriodGrid::label(std::int32_t row) const {
  HF_ASSERT(row >= 0 && row < rows_);
  return zone_ == nullptr ? to_string(first_days_[row]) : format_rfc3339(starts_[row], *zone_);
}

const PeriodGrid::Segment& PeriodGrid::find(TimestampMs t) const {
  return *std::prev(std::ranges::upper_bound(segments_, t, {}, &Segment::from_ms));
}

void SegmentCursor::move(TimestampMs t) {
  // The next segment is the usual case, a search the rest.
  if (t >= to_) {
    place(index_ + 1);
    if (t < to_) return;
  }
  const auto after = std::ranges::upper_bound(*segments_, t, {}, &PeriodGrid::Segment::from_ms);
  place(static_cast<std::size_t>(after - segments_->begin()) - 1);
}

}  // namespace hf
