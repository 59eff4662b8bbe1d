// SPDX-License-Identifier: Apache-2.0
//
// A person is two sets, one byte a period: where it started and where it returned. Three things
// make this fast. An event finds its period in a small table by the high bits of its time, without
// a branch that depends on it (only where a period ends within the table's step is it searched). A
// person adds its whole return set, 16 periods an instruction, to one line of a matrix for each of
// its cohorts. Bytes hold 255 persons, after which they are carried to the wide counts.
#include "metric/retention_sets.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>

#include "base/assert.h"

namespace hf {
namespace {

constexpr std::size_t lane = 16;
using Lane [[gnu::vector_size(lane)]] = std::uint8_t;
constexpr std::size_t table_max = 8192;    // Steps: with two bytes each, well within L1.
constexpr std::int32_t periods_max = 240;  // A byte tells them apart, with room for two marks.
constexpr std::uint8_t ask = 0xff;         // The table cannot say.
constexpr std::uint32_t carry_after = 255;

// Which period a time is in, as a return and as a start.
class PeriodTable {
 public:
  struct Slots {
    std::uint8_t returned;  // Its period; nowhere() outside the grid or after as_of.
    std::uint8_t started;   // The same inside the range, else nowhere().
  };

  PeriodTable(const PeriodGrid& grid, TimestampMs as_of)
      : nowhere_(static_cast<std::uint8_t>(grid.size())) {
    const auto append = [&](TimestampMs from, Slots slots) {
      if (!segments_.empty() && segments_.back().from_ms == from) segments_.pop_back();
      segments_.push_back({from, slots});
    };
    for (const PeriodGrid::Segment& segment : grid.segments()) {
      if (segment.from_ms > as_of) break;
      const bool inside = segment.period >= 0 && segment.period < grid.size();
      const auto period = inside ? static_cast<std::uint8_t>(segment.period) : nowhere_;
      append(segment.from_ms, {period, segment.in_range ? period : nowhere_});
      if (period < grid.rows() && !segment.in_range) starts_are_returns_ = false;
    }
    append(as_of + 1, {nowhere_, nowhere_});

    // The first segment lies before all periods: the table begins with the second.
    base_ = segments_.size() > 1 ? segments_[1].from_ms : 0;
    const auto span = static_cast<std::uint64_t>(segments_.back().from_ms - base_);
    while (span >> shift_ >= table_max) ++shift_;
    scale_ = std::uint64_t{1} << (32 - shift_);
    const std::size_t steps = (span >> shift_) + 1;
    std::uint32_t segment = 0;
    const auto advance_to = [&](TimestampMs t) {
      while (segment + 1 < segments_.size() && segments_[segment + 1].from_ms <= t) ++segment;
      return segment;
    };
    for (std::size_t i = 0; i < steps; ++i) {
      const std::uint32_t first = advance_to(base_ + static_cast<TimestampMs>(i << shift_));
      const std::uint32_t last =
          advance_to(base_ + static_cast<TimestampMs>((i + 1) << shift_) - 1);
      table_.push_back(first == last ? segments_[first].slots : Slots{ask, ask});
      first_segment_.push_back(first);
    }
    // One step more stands for all later times, and for those before the base, which wrap around.
    table_.push_back({ask, ask});
    first_segment_.push_back(0);
    for (const Slots& slots : table_) returned_.push_back(slots.returned);
  }

  // The table by value, for inner loops: bytes are stored there, which may alias anything that has
  // an address, so that members would be read again for each event.
  class Lookup {
   public:
    explicit Lookup(const PeriodTable& table)
        : table_(&table),
          steps_(table.table_.data()),
          last_step_(table.table_.size() - 1),
          base_(table.base_),
          shift_(table.shift_) {}

    [[nodiscard]] Slots operator()(TimestampMs t) const {
      const std::uint64_t step =
          std::min(static_cast<std::uint64_t>(t - base_) >> shift_, last_step_);
      const Slots slots = steps_[step];
      if (slots.returned == ask) [[unlikely]]
        return table_->search(step, t);
      return slots;
    }
    /// True when inside() may be asked for t.
    [[nodiscard]] bool covers(TimestampMs t) const {
      return static_cast<std::uint64_t>(t - base_) >> shift_ < last_step_;
    }

   private:
    const PeriodTable* table_;
    const Slots* steps_;
    std::uint64_t last_step_;
    TimestampMs base_;
    int shift_;
  };

  // Periods of returns, for times given as offset * unit from a base. A covered time needs no
  // clamping, and its step is one multiplication, as table and unit are constants of the page.
  class CompactLookup {
   public:
    CompactLookup(const PeriodTable& table, TimestampMs base_ms, std::int64_t unit_ms)
        : table_(&table),
          returned_(table.returned_.data()),
          origin_(static_cast<std::uint64_t>(base_ms - table.base_) * table.scale_),
          factor_(static_cast<std::uint64_t>(unit_ms) * table.scale_),
          base_ms_(base_ms),
          unit_ms_(unit_ms) {}

    [[nodiscard]] std::uint8_t operator()(std::uint32_t offset) const {
      const std::uint64_t step = (origin_ + offset * factor_) >> 32;
      const std::uint8_t period = returned_[step];
      if (period == ask) [[unlikely]]
        return table_->search(step, time_of(offset)).returned;
      return period;
    }
    [[nodiscard]] TimestampMs time_of(std::uint32_t offset) const {
      return base_ms_ + offset * unit_ms_;
    }

   private:
    const PeriodTable* table_;
    const std::uint8_t* returned_;
    std::uint64_t origin_;
    std::uint64_t factor_;
    TimestampMs base_ms_;
    std::int64_t unit_ms_;
  };

  [[nodiscard]] std::uint8_t nowhere() const { return nowhere_; }
  /// True when each time in a row's period is in the range, so that both slots say the same there.
  [[nodiscard]] bool starts_are_returns() const { return starts_are_returns_; }

 private:
  struct Segment {
    TimestampMs from_ms;
    Slots slots;
  };
  // Where a step holds more than one segment: goes on from its first.
  [[nodiscard, gnu::noinline]] Slots search(std::uint64_t step, TimestampMs t) const {
    std::uint32_t segment = first_segment_[step];
    while (segment + 1 < segments_.size() && segments_[segment + 1].from_ms <= t) ++segment;
    return segments_[segment].slots;
  }

  std::uint8_t nowhere_;
  bool starts_are_returns_ = true;
  std::vector<Segment> segments_;
  TimestampMs base_ = 0;
  int shift_ = 0;            // At most 30: times span less than 2^43 ms.
  std::uint64_t scale_ = 0;  // 2^(32 - shift_)
  std::vector<Slots> table_;
  std::vector<std::uint8_t> returned_;        // Of the table, alone: half the cache.
  std::vector<std::uint32_t> first_segment_;  // By step.
};

// Bit i is byte i of the eight, which are 0 or 1: the product brings byte i to bit 56 + i, and no
// two of its other terms meet.
std::uint64_t bits_of(const std::uint8_t* bytes) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word * 0x0102'0408'1020'4080u >> 56;
}

// One thread's counting.
class PeriodSets {
 public:
  PeriodSets(const BoundSelection& bound, const RetentionPlan& plan, const PeriodTable& table)
      : bound_(&bound),
        table_(&table),
        first_time_(plan.query->entry == Entry::first_time),
        one_matcher_(bound.selection().wanted.size() == 1),
        rows_(static_cast<std::size_t>(plan.grid.rows())),
        // One slot more takes what lies in no period.
        stride_((static_cast<std::size_t>(plan.grid.size()) + 1 + lane - 1) / lane * lane),
        returned_(stride_),
        started_(stride_),
        narrow_(rows_ * stride_),
        wide_(rows_ * stride_),
        sizes_(rows_) {
    for (std::uint32_t i = 0; i < bound.snapshot().parts.size(); ++i) {
      const auto matchers = bound.matchers(i);
      const Part& part = *bound.snapshot().parts[i];
      parts_.push_back(
          {&part, MatchedPage(part, matchers), one_matcher_ && matchers[0].matches_everything()});
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
  static constexpr std::uint32_t no_page = 0xffffffff;

  struct PartState {
    const Part* part;
    MatchedPage page;
    bool is_whole;  // Every row is both a start and a return.
    // Of a whole part: the page at hand, without offsets where its times do not fit.
    std::uint32_t compact_page = no_page;
    std::shared_ptr<const CompactTimePage> compact = nullptr;
  };

  Result<void> note_run(const PersonRun& run) {
    PartState& part = parts_[run.part];
    if (part.is_whole) {
      const std::uint32_t page = run.first_row / part_format::page_rows;
      const std::uint32_t first = run.first_row % part_format::page_rows;
      if (page == part.compact_page && first + run.row_count <= part.compact->offsets.size() &&
          note_compact(*part.compact, first, first + run.row_count)) [[likely]] {
        return {};
      }
      return note_whole_run(part, run);
    }
    if (part.page.matches_nothing()) return {};
    return for_each_page(
        run, [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) -> Result<void> {
          HF_CHECK(part.page.seek(page));
          note_matched(part.page, first, last);
          return {};
        });
  }

  // A run that begins or crosses a page, or whose times want 64 bits.
  [[gnu::noinline]] Result<void> note_whole_run(PartState& part, const PersonRun& run) {
    return for_each_page(
        run, [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) -> Result<void> {
          if (page != part.compact_page) {
            HF_TRY(part.compact, part.part->compact_times(page));
            part.compact_page = page;
          }
          if (!part.compact->offsets.empty() && note_compact(*part.compact, first, last)) return {};
          HF_CHECK(part.page.seek(page));
          note_all(part.page.times() + first, part.page.times() + last);
          return {};
        });
  }

  // False, and nothing noted, where the table does not cover the times, or starts and returns part.
  bool note_compact(const CompactTimePage& page, std::uint32_t first, std::uint32_t last) {
    const std::uint32_t* offset = page.offsets.data() + first;
    const std::uint32_t* const end = page.offsets.data() + last;
    const PeriodTable::CompactLookup find(*table_, page.base_ms, page.unit_ms);
    const PeriodTable::Lookup bounds(*table_);
    if (!bounds.covers(find.time_of(*offset)) || !bounds.covers(find.time_of(end[-1])))
      return false;
    if (first_time_) {
      note_first(find.time_of(*offset));  // Times ascend.
    } else if (table_->starts_are_returns()) {
      starts_as_returns_ = true;  // add_person() reads the starts off the returns.
    } else {
      return false;
    }
    std::uint8_t* const returned = returned_.data();
    for (; offset != end; ++offset) returned[find(*offset)] = 1;
    return true;
  }

  void note_all(const TimestampMs* time, const TimestampMs* end) {
    const PeriodTable::Lookup find(*table_);
    std::uint8_t* const returned = returned_.data();
    std::uint8_t* const started = started_.data();
    if (first_time_) {
      note_first(*time);  // Times ascend.
      for (; time != end; ++time) returned[find(*time).returned] = 1;
    } else if (table_->starts_are_returns()) {
      // Every start is a return of the same slot: add_person() reads the starts off the returns.
      starts_as_returns_ = true;
      for (; time != end; ++time) returned[find(*time).returned] = 1;
    } else {
      for (; time != end; ++time) {
        const PeriodTable::Slots slots = find(*time);
        returned[slots.returned] = 1;
        started[slots.started] = 1;
      }
    }
  }

  void note_matched(const MatchedPage& page, std::uint32_t first, std::uint32_t last) {
    const PeriodTable::Lookup find(*table_);
    std::uint8_t* const returned = returned_.data();
    std::uint8_t* const started = started_.data();
    const TimestampMs* times = page.times();
    const std::uint64_t* starts = page.rows(0);
    const std::uint64_t* returns = page.rows(one_matcher_ ? 0 : 1);
    for_each_row(
        first, last, [&](std::uint32_t word) { return starts[word]; },
        [&](std::uint32_t row) {
          if (first_time_) {
            note_first(times[row]);
            return false;
          }
          started[find(times[row]).started] = 1;
          return true;
        });
    for_each_row(
        first, last, [&](std::uint32_t word) { return returns[word]; },
        [&](std::uint32_t row) {
          returned[find(times[row]).returned] = 1;
          return true;
        });
  }

  // Equal times lie in the same period, so which of them arrived first does not matter.
  void note_first(TimestampMs t) { first_start_ms_ = std::min(first_start_ms_, t); }

  void add_person() {
    if (first_time_) {
      if (first_start_ms_ != never) {
        const std::uint8_t row = PeriodTable::Lookup(*table_)(first_start_ms_).started;
        returned_[table_->nowhere()] = 0;
        if (row < rows_) add_to_row(row);
      }
      first_start_ms_ = never;
      std::memset(returned_.data(), 0, stride_);
      if (++uncarried_ == carry_after) carry();
      return;
    }
    returned_[table_->nowhere()] = 0;
    started_[table_->nowhere()] = 0;
    const bool both = starts_as_returns_;
    for (std::size_t base = 0; base < rows_; base += 64) {
      std::uint64_t rows = 0;
      for (std::size_t i = 0; i < 64 && base + i < stride_; i += 8) {
        rows |= bits_of(started_.data() + base + i) << i;
        if (both) rows |= bits_of(returned_.data() + base + i) << i;
      }
      if (rows_ - base < 64) rows &= (std::uint64_t{1} << (rows_ - base)) - 1;
      for (; rows != 0; rows &= rows - 1) {
        add_to_row(base + static_cast<std::size_t>(std::countr_zero(rows)));
      }
    }
    std::memset(returned_.data(), 0, stride_);
    std::memset(started_.data(), 0, stride_);
    starts_as_returns_ = false;
    if (++uncarried_ == carry_after) carry();
  }

  void add_to_row(std::size_t row) {
    ++sizes_[row];
    const std::uint8_t* const returned = returned_.data();
    std::uint8_t* const line = narrow_.data() + row * stride_;
    // The whole line, for a count of steps that is the same each time.
    for (std::size_t p = 0; p < stride_; p += lane) {
      Lane sum;
      Lane more;
      std::memcpy(&sum, line + p, lane);
      std::memcpy(&more, returned + p, lane);
      sum += more;
      std::memcpy(line + p, &sum, lane);
    }
  }

  void carry() {
    for (std::size_t i = 0; i < narrow_.size(); ++i) wide_[i] += narrow_[i];
    std::ranges::fill(narrow_, std::uint8_t{0});
    uncarried_ = 0;
  }

  static constexpr TimestampMs never = std::numeric_limits<TimestampMs>::max();

  const BoundSelection* bound_;
  const PeriodTable* table_;
  bool first_time_;
  bool one_matcher_;
  std::size_t rows_;
  std::size_t stride_;
  std::vector<PartState> parts_;

  // Of the present person, a byte a period.
  std::vector<std::uint8_t> returned_;
  std::vector<std::uint8_t> started_;
  bool starts_as_returns_ = false;
  TimestampMs first_start_ms_ = never;

  std::vector<std::uint8_t> narrow_;  // (row, period), since the last carry.
  std::vector<std::int64_t> wide_;
  std::vector<std::int64_t> sizes_;
  std::uint32_t uncarried_ = 0;
};

}  // namespace

bool can_count_period_sets(const RetentionPlan& plan) {
  const RetentionQuery& query = *plan.query;
  return query.window == Window::calendar && query.count_return == CountReturn::exactly &&
         query.aggregate == Aggregate::users && plan.occurrences == 1 && !query.common.breakdown &&
         query.entry != Entry::first_ever && plan.grid.size() <= periods_max &&
         std::ranges::all_of(plan.columns,
                             [](const RetentionColumn& c) { return c.first == c.last; });
}

Result<PeriodSetCounts> count_period_sets(const BoundSelection& bound, const RetentionPlan& plan,
                                          unsigned threads) {
  HF_ASSERT(can_count_period_sets(plan));
  const PeriodTable table(plan.grid, plan.query->common.as_of);
  std::vector<std::unique_ptr<PeriodSets>> ranges(std::max(1u, threads));
  const Result<void> walked = for_each_person_range(
      bound.snapshot(), threads, [&](unsigned range, PersonOrdinal begin, PersonOrdinal end) {
        ranges[range] = std::make_unique<PeriodSets>(bound, plan, table);
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
