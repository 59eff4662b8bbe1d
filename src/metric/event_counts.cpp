// SPDX-License-Identifier: Apache-2.0
#include "metric/event_counts.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/parallel.h"
#include "store/row_walk.h"

namespace hf {
namespace {

constexpr std::uint32_t page_rows = part_format::page_rows;
using PageBits = std::array<std::uint64_t, page_rows / 64>;

// Not inlined, so that the finder stays in registers: counts may alias whatever has an address.
template <class Find, class Time>
[[gnu::noinline]] void count_rows(const Time* time, const Time* end, Find find,
                                  std::uint64_t* counts) {
  for (; time != end; ++time) ++counts[find(*time)];
}

template <class Find, class Time>
void count_matched(const Time* times, std::span<const std::uint64_t> words, Find find,
                   std::uint64_t* counts) {
  for (const std::uint64_t bits : words) {
    for_each_bit_run(
        bits, [&](int begin, int end) { count_rows(times + begin, times + end, find, counts); });
    times += 64;
  }
}

// What is to be read of one part row by row.
struct Reading {
  struct Side {
    std::size_t activity;
    PageMatcher matcher;
  };
  std::uint32_t part;
  std::vector<Side> sides;
  std::optional<RowBits> mask;  // The rows that count at all, where not all do.
};

class Counting {
 public:
  Counting(const Snapshot& snapshot, std::span<const Activity> activities, const TimeSlots& slots,
           const ActivityPlan::Scope& scope)
      : snapshot_(&snapshot),
        activities_(activities),
        slots_(&slots),
        scope_(&scope),
        stride_(slots.size() + 1),
        counts_(activities.size() * stride_) {
    if (scope.context->day_sets) {
      days_ = slots.by_day(*scope.zone).value_or(std::vector<TimeSlots::DayRun>{});
    }
  }

  [[nodiscard]] Result<EventCounts> run() {
    steps_.resize(activities_.size());
    HF_CHECK(make_counts());
    const auto parts = static_cast<std::uint32_t>(snapshot_->parts.size());
    for (auto part = static_cast<std::uint32_t>(snapshot_->first_seen_parts); part < parts;
         ++part) {
      HF_CHECK(scope_->context->guard->check());
      HF_CHECK(add_part(part));
    }
    HF_CHECK(read_rows());
    EventCounts out;
    for (std::size_t a = 0; a < activities_.size(); ++a) {
      const auto first = counts_.begin() + static_cast<std::ptrdiff_t>(a * stride_);
      out.events.emplace_back(first, first + static_cast<std::ptrdiff_t>(slots_->size()));
      for (const ReadStep& step : steps_[a]) {
        if (step.parts > 0) out.steps.push_back(step);
      }
    }
    out.events_scanned = events_scanned_;
    return out;
  }

 private:
  static constexpr std::array shapes = {ActivityShape::counts, ActivityShape::postings,
                                        ActivityShape::rows};

  // Counts of a zone that nobody else will ask for are not worth their making.
  [[nodiscard]] bool has_counts(const Part& part) const {
    return !days_.empty() && part.time_max() <= scope_->as_of_ms &&
           scope_->zone->name() == scope_->context->default_zone->name();
  }

  // Those that somebody will ask for, on several threads: they take a while the first time.
  Result<void> make_counts() const {
    std::vector<const Part*> missing;
    std::uint64_t rows = 0;
    for (std::size_t i = snapshot_->first_seen_parts; i < snapshot_->parts.size(); ++i) {
      const Part& part = *snapshot_->parts[i];
      const auto is_named = [&](const Activity& activity) {
        const auto codes = codes_of(activity, part);
        return codes && !codes->empty();
      };
      if (has_counts(part) && all_rows_count(i) && !part.has_day_counts(*scope_->zone) &&
          std::ranges::any_of(activities_, is_named)) {
        missing.push_back(&part);
        rows += part.row_count();
      }
    }
    const auto make = [&](unsigned, std::uint32_t i) -> Result<void> {
      HF_CHECK(scope_->context->guard->check());
      HF_TRY(const auto counts, missing[i]->day_counts(*scope_->zone));
      return {};
    };
    return for_each_item(threads_for(rows), static_cast<std::uint32_t>(missing.size()), make);
  }

  // To start a thread takes about as long as to read a few pages.
  [[nodiscard]] unsigned threads_for(std::uint64_t rows) const {
    constexpr std::uint64_t rows_per_thread = 4 * page_rows;
    return static_cast<unsigned>(
        std::min<std::uint64_t>(scope_->context->threads, 1 + rows / rows_per_thread));
  }

  // Whosever they are.
  [[nodiscard]] bool all_rows_count(std::size_t part) const {
    const bool hides = snapshot_->moved != nullptr && snapshot_->moved->hides[part];
    return scope_->people == nullptr && !hides;
  }

  Result<void> add_part(std::uint32_t number) {
    const Part& part = *snapshot_->parts[number];
    if (part.time_min() > scope_->as_of_ms) return {};
    const bool all_count = all_rows_count(number);
    Reading reading{number, {}, std::nullopt};
    for (std::size_t a = 0; a < activities_.size(); ++a) {
      const auto codes = codes_of(activities_[a], part);
      if (codes && codes->empty()) continue;
      if (codes && all_count) {
        HF_TRY(const bool is_added, add_names(a, number, *codes));
        if (is_added) continue;
      }
      HF_TRY(auto matcher, PageMatcher::compile(*activities_[a].matcher, *activities_[a].where,
                                                part, scope_->conditions, number));
      if (matcher.matches_nothing()) continue;
      note(a, ActivityShape::rows, part.row_count());
      reading.sides.push_back({a, std::move(matcher)});
    }
    if (reading.sides.empty()) return {};
    events_scanned_ += part.row_count();
    if (!all_count) reading.mask = rows_of_people(number);
    readings_.push_back(std::move(reading));
    return {};
  }

  // False where the rows themselves are to be read.
  Result<bool> add_names(std::size_t activity, std::uint32_t number,
                         std::span<const std::uint32_t> codes) {
    const Part& part = *snapshot_->parts[number];
    if (has_counts(part)) {
      HF_TRY(const auto counts, part.day_counts(*scope_->zone));
      for (const std::uint32_t code : codes) add_days(activity, counts->of(code));
      note(activity, ActivityShape::counts, 0);
      return true;
    }
    const bool are_listed =
        std::ranges::all_of(codes, [&](std::uint32_t code) { return part.has_postings(code); });
    if (!scope_->context->postings || !are_listed) return false;
    const TimeSlots::Lookup find(*slots_);
    std::uint64_t events = 0;
    for (const std::uint32_t code : codes) {
      HF_TRY(const auto list, part.postings(code));
      const TimestampMs* const times = list->times.data();
      count_rows(times, times + list->times.size(), find, counts_.data() + activity * stride_);
      events += list->times.size();
    }
    note(activity, ActivityShape::postings, events);
    events_scanned_ += events;
    return true;
  }

  void add_days(std::size_t activity, std::span<const DayCounts::Count> counts) {
    std::size_t run = 0;
    for (const DayCounts::Count& count : counts) {
      while (run + 1 < days_.size() && days_[run + 1].first <= count.day) ++run;
      counts_[activity * stride_ + days_[run].slot] += count.rows;
    }
  }

  void note(std::size_t activity, ActivityShape shape, std::uint64_t events) {
    auto& steps = steps_[activity];
    if (steps.empty()) {
      for (const ActivityShape each : shapes) {
        steps.push_back({activities_[activity].matcher->label, to_string(each)});
      }
    }
    ReadStep& step =
        steps[static_cast<std::size_t>(std::ranges::find(shapes, shape) - shapes.begin())];
    ++step.parts;
    step.events += events;
  }

  [[nodiscard]] RowBits rows_of_people(std::uint32_t number) const {
    RowBits rows;
    rows.words.resize((snapshot_->parts[number]->row_count() + 63) / 64);
    for (const VisibleRun& run : visible_runs(*snapshot_, number)) {
      if (scope_->people != nullptr && !scope_->people->contains(run.person)) continue;
      for_each_word(run.first_row, run.first_row + run.row_count,
                    [&](RowNumber base, std::uint64_t mask) { rows.words[base / 64] |= mask; });
    }
    return rows;
  }

  // Page by page, on several threads.
  Result<void> read_rows() {
    std::vector<std::pair<const Reading*, std::uint32_t>> pages;
    std::uint64_t rows = 0;
    for (const Reading& reading : readings_) {
      rows += snapshot_->parts[reading.part]->row_count();
      for (std::uint32_t page = 0; page < snapshot_->parts[reading.part]->page_count(); ++page) {
        pages.emplace_back(&reading, page);
      }
    }
    const unsigned threads = threads_for(rows);
    std::vector<std::vector<std::uint64_t>> counts(threads);
    const auto read = [&](unsigned thread, std::uint32_t item) -> Result<void> {
      HF_CHECK(scope_->context->guard->check());
      if (counts[thread].empty()) counts[thread].resize(counts_.size());
      return read_page(*pages[item].first, pages[item].second, counts[thread].data());
    };
    HF_CHECK(for_each_item(threads, static_cast<std::uint32_t>(pages.size()), read));
    for (const auto& each : counts) {
      for (std::size_t i = 0; i < each.size(); ++i) counts_[i] += each[i];
    }
    return {};
  }

  Result<void> read_page(const Reading& reading, std::uint32_t page, std::uint64_t* counts) const {
    const Part& part = *snapshot_->parts[reading.part];
    PageBits bits;
    const std::span<std::uint64_t> words =
        std::span(bits).first((part.rows_in_page(page) + 63) / 64);
    std::shared_ptr<const CompactTimePage> compact;
    std::shared_ptr<const TimePage> times;  // Only where the compact ones do not fit.
    const TimeSlots::Lookup find(*slots_);
    for (const Reading::Side& side : reading.sides) {
      HF_TRY(const bool any, find_matched(reading, side, page, words));
      if (!any) continue;
      if (compact == nullptr) {
        HF_TRY(compact, part.compact_times(page));
        if (compact->offsets.empty()) {
          HF_TRY(times, part.times(page));
        }
      }
      std::uint64_t* const of_side = counts + side.activity * stride_;
      if (times != nullptr) {
        count_matched(times->values.data(), words, find, of_side);
        continue;
      }
      const TimeSlots::CompactLookup in_page(*slots_, compact->base_ms, compact->unit_ms);
      if (find.covers(part.time_min()) && find.covers(part.time_max())) {
        count_matched(compact->offsets.data(), words, in_page, of_side);
      } else {
        const auto find_any = [=](std::uint32_t offset) { return find(in_page.time_of(offset)); };
        count_matched(compact->offsets.data(), words, find_any, of_side);
      }
    }
    return {};
  }

  // Which rows of the page match and count. False where none does.
  Result<bool> find_matched(const Reading& reading, const Reading::Side& side, std::uint32_t page,
                            std::span<std::uint64_t> words) const {
    const std::uint32_t rows = snapshot_->parts[reading.part]->rows_in_page(page);
    if (side.matcher.matches_everything()) {
      std::ranges::fill(words, ~std::uint64_t{0});
      if (rows % 64 != 0) words.back() = (std::uint64_t{1} << rows % 64) - 1;
    } else {
      HF_CHECK(side.matcher.find(page, words));
    }
    if (reading.mask) {
      const std::uint64_t* const mask = reading.mask->words.data() + page * (page_rows / 64);
      for (std::size_t w = 0; w < words.size(); ++w) words[w] &= mask[w];
    }
    return std::ranges::any_of(words, [](std::uint64_t word) { return word != 0; });
  }

  const Snapshot* snapshot_;
  std::span<const Activity> activities_;
  const TimeSlots* slots_;
  const ActivityPlan::Scope* scope_;
  std::vector<TimeSlots::DayRun> days_;  // Empty where slots are not made of days.
  std::size_t stride_;                   // One more than slots: what lies in none.
  std::vector<std::uint64_t> counts_;    // By activity, then slot.
  std::vector<Reading> readings_;
  std::vector<std::vector<ReadStep>> steps_;  // By activity: none, or one for each of shapes.
  std::uint64_t events_scanned_ = 0;
};

}  // namespace

Result<EventCounts> count_events(const Snapshot& snapshot, std::span<const Activity> activities,
                                 const TimeSlots& slots, const ActivityPlan::Scope& scope) {
  return Counting(snapshot, activities, slots, scope).run();
}

}  // namespace hf
