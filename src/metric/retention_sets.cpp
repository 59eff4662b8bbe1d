// SPDX-License-Identifier: Apache-2.0
//
// Times of a person ascend, so an event costs one comparison with the end of the present period;
// only where it has passed is the next one looked up and the period noted. A person then adds its
// return set, one byte a period, to one line of a matrix for each of its cohorts: 16 periods an
// instruction. Bytes hold 255 persons, after which they are carried to the wide counts.
#include "metric/retention_sets.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/assert.h"

namespace hf {
namespace {

constexpr std::int32_t periods_max = 256;
constexpr std::size_t lane = 16;
constexpr std::uint32_t carry_after = 255;

// One thread's counting.
class PeriodSets {
 public:
  PeriodSets(const BoundSelection& bound, const RetentionPlan& plan)
      : bound_(&bound),
        first_time_(plan.query->entry == Entry::first_time),
        one_matcher_(bound.selection().wanted.size() == 1),
        as_of_(plan.query->common.as_of),
        rows_(static_cast<std::size_t>(plan.grid.rows())),
        // One slot more takes what lies in no period, so that the loop need not ask.
        stride_((static_cast<std::size_t>(plan.grid.size()) + 1 + lane - 1) / lane * lane),
        nowhere_(static_cast<std::uint16_t>(plan.grid.size())),
        is_row_member_(rows_ + 1),
        returned_(stride_),
        narrow_(rows_ * stride_),
        wide_(rows_ * stride_),
        sizes_(rows_) {
    for (const PeriodGrid::Segment& segment : plan.grid.segments()) {
      const bool inside = segment.period >= 0 && segment.period < plan.grid.size();
      segments_.push_back(
          {segment.from_ms,
           inside ? static_cast<std::uint16_t>(segment.period) : nowhere_,
           segment.in_range ? static_cast<std::uint16_t>(segment.period)
                            : static_cast<std::uint16_t>(rows_)});
    }
    segments_.push_back({std::numeric_limits<TimestampMs>::max(), nowhere_,
                         static_cast<std::uint16_t>(rows_)});
    for (std::uint32_t i = 0; i < bound.snapshot().parts.size(); ++i) {
      const auto matchers = bound.matchers(i);
      parts_.push_back({MatchedPage(*bound.snapshot().parts[i], matchers),
                        one_matcher_ && matchers[0].matches_everything()});
    }
  }

  Result<void> walk(PersonOrdinal begin, PersonOrdinal end) {
    Result<void> outcome;
    for_each_person(bound_->snapshot(), begin, end,
                    [&](PersonOrdinal, std::span<const PersonRun> runs) {
                      if (!outcome) return;
                      for (const PersonRun& run : runs) {
                        events_scanned += run.row_count;
                        outcome = note_run(run);
                        if (!outcome) return;
                      }
                      ++persons_scanned;
                      add_person();
                    });
    return outcome;
  }

  // Adds to cells (row, k) of `columns` columns; column k is k periods after the row's.
  void add_to(RetentionTally& tally, std::size_t columns) {
    carry();
    for (std::size_t row = 0; row < rows_; ++row) {
      tally.counts[row * columns] += sizes_[row];
      for (std::size_t k = 1; k < columns; ++k) {
        tally.counts[row * columns + k] += wide_[row * stride_ + row + k];
      }
    }
  }

  std::uint64_t events_scanned = 0;
  std::uint64_t persons_scanned = 0;

 private:
  struct Segment {
    TimestampMs from_ms;
    std::uint16_t period;  // nowhere_ outside the grid.
    std::uint16_t row;     // rows_ outside the range.
  };
  struct PartState {
    MatchedPage page;
    bool is_whole;  // Every row is both a start and a return.
  };

  Result<void> note_run(const PersonRun& run) {
    PartState& part = parts_[run.part];
    if (part.page.matches_nothing()) return {};
    constexpr std::uint32_t page_rows = part_format::page_rows;
    std::uint32_t page = run.first_row / page_rows;
    std::uint32_t row = run.first_row % page_rows;
    segment_ = 0;
    until_ = std::numeric_limits<TimestampMs>::min();
    for (std::uint32_t left = run.row_count; left > 0; ++page) {
      HF_CHECK(part.page.seek(page));
      const std::uint32_t end = std::min(page_rows, row + left);
      if (part.is_whole) {
        note_all(part.page.times() + row, part.page.times() + end);
      } else {
        note_matched(part.page, row, end);
      }
      left -= end - row;
      row = 0;
    }
    return {};
  }

  void note_all(const TimestampMs* time, const TimestampMs* end) {
    while (true) {
      while (time != end && *time < until_) ++time;
      if (time == end || *time > as_of_) return;
      enter(*time);
      note_start(*time);
      note_return();
    }
  }

  void note_matched(const MatchedPage& page, std::uint32_t first, std::uint32_t last) {
    const TimestampMs* times = page.times();
    const std::uint64_t* starts = page.rows(0);
    const std::uint64_t* returns = page.rows(one_matcher_ ? 0 : 1);
    for_each_row(
        first, last, [&](std::uint32_t word) { return starts[word] | returns[word]; },
        [&](std::uint32_t row) {
          const TimestampMs t = times[row];
          if (t >= until_) {
            if (t > as_of_) return false;
            enter(t);
          }
          if ((starts[row / 64] >> (row % 64) & 1) != 0) note_start(t);
          if ((returns[row / 64] >> (row % 64) & 1) != 0) note_return();
          return true;
        });
  }

  // Moves to the segment of `t`, which is not before the present one's.
  void enter(TimestampMs t) {
    while (segments_[segment_ + 1].from_ms <= t) ++segment_;
    until_ = std::min(segments_[segment_ + 1].from_ms, as_of_ + 1);
  }

  void note_start(TimestampMs t) {
    const Segment& segment = segments_[segment_];
    if (first_time_) {
      // Equal times lie in the same period, so which of them arrived first does not matter.
      if (t < first_start_ms_) {
        first_start_ms_ = t;
        first_row_ = segment.row;
      }
    } else if (is_row_member_[segment.row] == 0) {
      is_row_member_[segment.row] = 1;
      member_rows_.push_back(segment.row);
    }
  }

  void note_return() { returned_[segments_[segment_].period] = 1; }

  void add_person() {
    if (first_time_) {
      if (first_start_ms_ != never) member_rows_.push_back(first_row_);
      first_start_ms_ = never;
    }
    for (const std::uint16_t row : member_rows_) {
      is_row_member_[row] = 0;
      if (row == rows_) continue;
      ++sizes_[row];
      const std::uint8_t* __restrict returned = returned_.data();
      std::uint8_t* __restrict line = narrow_.data() + row * stride_;
      for (std::size_t p = row / lane * lane; p < stride_; p += lane) {
        for (std::size_t i = 0; i < lane; ++i) {
          line[p + i] = static_cast<std::uint8_t>(line[p + i] + returned[p + i]);
        }
      }
    }
    member_rows_.clear();
    std::memset(returned_.data(), 0, stride_);
    if (++uncarried_ == carry_after) carry();
  }

  void carry() {
    for (std::size_t i = 0; i < narrow_.size(); ++i) wide_[i] += narrow_[i];
    std::ranges::fill(narrow_, std::uint8_t{0});
    uncarried_ = 0;
  }

  static constexpr TimestampMs never = std::numeric_limits<TimestampMs>::max();

  const BoundSelection* bound_;
  bool first_time_;
  bool one_matcher_;
  TimestampMs as_of_;
  std::size_t rows_;
  std::size_t stride_;
  std::uint16_t nowhere_;
  std::vector<Segment> segments_;
  std::vector<PartState> parts_;

  // Of the present person; the segment is of its present run.
  std::size_t segment_ = 0;
  TimestampMs until_ = 0;
  TimestampMs first_start_ms_ = never;
  std::uint16_t first_row_ = 0;
  std::vector<std::uint8_t> is_row_member_;
  std::vector<std::uint16_t> member_rows_;
  std::vector<std::uint8_t> returned_;

  std::vector<std::uint8_t> narrow_;  // (row, period), since the last carry.
  std::vector<std::int64_t> wide_;
  std::vector<std::int64_t> sizes_;
  std::uint32_t uncarried_ = 0;
};

}  // namespace

bool can_count_period_sets(const RetentionPlan& plan) {
  const RetentionQuery& query = *plan.query;
  return query.window == Window::calendar && query.count_return == CountReturn::exactly &&
         query.aggregate == Aggregate::users && plan.occurrences == 1 &&
         !query.common.breakdown && query.entry != Entry::first_ever &&
         plan.grid.size() <= periods_max &&
         std::ranges::all_of(plan.columns,
                             [](const RetentionColumn& c) { return c.first == c.last; });
}

Result<PeriodSetCounts> count_period_sets(const BoundSelection& bound, const RetentionPlan& plan,
                                          unsigned threads) {
  HF_ASSERT(can_count_period_sets(plan));
  std::vector<std::unique_ptr<PeriodSets>> ranges(std::max(1u, threads));
  const Result<void> walked = for_each_person_range(
      bound.snapshot(), threads, [&](unsigned range, PersonOrdinal begin, PersonOrdinal end) {
        ranges[range] = std::make_unique<PeriodSets>(bound, plan);
        return ranges[range]->walk(begin, end);
      });
  HF_CHECK(walked);
  PeriodSetCounts counts{RetentionTally(plan), 0, 0};
  for (const auto& range : ranges) {
    range->add_to(counts.tally, plan.columns.size());
    counts.events_scanned += range->events_scanned;
    counts.persons_scanned += range->persons_scanned;
  }
  return counts;
}

}  // namespace hf
