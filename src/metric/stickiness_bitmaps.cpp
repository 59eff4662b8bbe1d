// SPDX-License-Identifier: Apache-2.0
#include "metric/stickiness_bitmaps.h"

#include <bit>
#include <memory>

#include "metric/period_sets.h"

namespace hf {
namespace {

constexpr PersonSet nobody{};

// Who was active in each window of `length` days, day after day. Days lie in blocks of `length`; a
// window is the end of one block and the beginning of the next, whose unions are both kept (van
// Herk, "A fast algorithm for local minimum and maximum filters", 1992, and Gil and Werman, 1993).
class SlidingUnion {
 public:
  explicit SlidingUnion(std::int32_t length)
      : length_(length), suffixes_(static_cast<std::size_t>(length)) {}

  // Calls use(day, persons active in the window that ends with it) for each day.
  template <class Use>
  void for_each(const PeriodSets& days, Use&& use) {
    const BitmapKernels& kernels = bitmap_kernels();
    const auto set_of = [&](std::int32_t day) {
      return days[day] == nullptr ? nobody.data() : days[day];
    };
    bool has_suffixes = false;
    for (std::int32_t block = 0; block < days.end(); block += length_) {
      PersonSet prefix{};
      const std::int32_t end = std::min(block + length_, days.end());
      for (std::int32_t day = block; day < end; ++day) {
        // Of the block before, what the window still reaches.
        const std::int32_t rest = day - block + 1;
        const std::uint64_t* const before = has_suffixes && rest < length_
                                                ? suffixes_[static_cast<std::size_t>(rest)].data()
                                                : nobody.data();
        use(day, kernels.add_and_count(prefix.data(), set_of(day), before, PersonChunk::words));
      }
      if (end - block < length_) break;
      for (std::int32_t i = length_ - 1; i > 0; --i) {
        const std::uint64_t* const after =
            i + 1 < length_ ? suffixes_[static_cast<std::size_t>(i) + 1].data() : nobody.data();
        kernels.unite(suffixes_[static_cast<std::size_t>(i)].data(), set_of(block + i), after,
                      PersonChunk::words);
      }
      has_suffixes = true;
    }
  }

 private:
  std::int32_t length_;
  std::vector<PersonSet> suffixes_;  // [i]: of the block before, from its day i on.
};

// One thread's counting.
class StickinessCounter {
 public:
  StickinessCounter(const StickinessPlan& plan, const ActivityPlan& activity)
      : plan_(&plan),
        slots_(&activity.slots()),
        active_(0, plan.grid.rows()),
        digits_(static_cast<std::size_t>(std::bit_width(plan.rows()))),
        wau_(StickinessPlan::wau_days),
        l28_(StickinessPlan::l28_days),
        mau_(StickinessPlan::mau_days),
        tally(plan) {}

  void count(const ActivityBitmaps& bitmaps) {
    active_.load(bitmaps, *slots_, 0, !plan_->query->over_time);
    if (plan_->query->over_time) {
      count_over_time();
    } else {
      count_histogram();
    }
  }

 private:
  void count_over_time() {
    for (std::int32_t day = 0; day < active_.end(); ++day) {
      if (active_[day] == nullptr) continue;
      tally.dau[static_cast<std::size_t>(day)] +=
          static_cast<std::int64_t>(bitmap_kernels().count(active_[day], PersonChunk::words));
    }
    const auto add_to = [&](std::vector<std::int64_t>& counts) {
      return [&](std::int32_t day, std::uint64_t persons) {
        if (day < plan_->look_back) return;
        counts[static_cast<std::size_t>(day - plan_->look_back)] +=
            static_cast<std::int64_t>(persons);
      };
    };
    wau_.for_each(active_, add_to(tally.wau));
    l28_.for_each(active_, add_to(tally.l28));
    mau_.for_each(active_, add_to(tally.mau));
  }

  void count_histogram() {
    for (PersonSet& digit : digits_) digit.fill(0);
    PersonSet anybody{};
    for (std::int32_t period = 0; period < active_.end(); ++period) {
      const std::uint64_t* const set = active_[period];
      if (set == nullptr) continue;
      bitmap_kernels().add(anybody.data(), set, anybody.size());
      PersonSet carry;
      std::copy_n(set, carry.size(), carry.data());
      for (PersonSet& digit : digits_) {
        if (!bitmap_kernels().add_digit(digit.data(), carry.data(), carry.size())) break;
      }
    }
    for (std::size_t word = 0; word < anybody.size(); ++word) {
      for (std::uint64_t rest = anybody[word]; rest != 0; rest &= rest - 1) {
        const int place = std::countr_zero(rest);
        std::size_t periods = 0;
        for (std::size_t i = 0; i < digits_.size(); ++i) {
          periods |= (digits_[i][word] >> place & 1) << i;
        }
        ++tally.histogram[periods];
      }
    }
  }

  const StickinessPlan* plan_;
  const TimeSlots* slots_;
  PeriodSets active_;
  std::vector<PersonSet> digits_;  // How many periods each person was active in, bit by bit.
  SlidingUnion wau_;
  SlidingUnion l28_;
  SlidingUnion mau_;

 public:
  StickinessTally tally;
};

}  // namespace

std::optional<TimeSlots> stickiness_slots(const StickinessPlan& plan) {
  const StickinessQuery& query = *plan.query;
  if (!query.common.breakdown.empty() || !query.common.unit.empty() || !query.per_interval.is_any())
    return std::nullopt;
  return TimeSlots::build(plan.grid, query.common.as_of, [&](const PeriodGrid::Segment& segment) {
    return segment.period >= 0 && segment.period < plan.grid.rows() && segment.in_range;
  });
}

Result<StickinessCounts> count_stickiness(const StickinessPlan& plan, const ActivityPlan& activity,
                                          unsigned threads) {
  std::vector<std::unique_ptr<StickinessCounter>> counters(std::max(1u, threads));
  for (auto& counter : counters) counter = std::make_unique<StickinessCounter>(plan, activity);
  HF_TRY(const ActivityScan scan, for_each_chunk(activity, 8 * activity.slots().size(), threads,
                                                 [&](unsigned thread, const ActivityBitmaps& sets) {
                                                   counters[thread]->count(sets);
                                                 }));
  StickinessCounts counts{StickinessTally(plan), scan};
  for (const auto& counter : counters) counts.tally.add(counter->tally);
  return counts;
}

}  // namespace hf
