// SPDX-License-Identifier: Apache-2.0
#include "metric/activity.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <thread>

#include "base/bitmap.h"
#include "store/row_walk.h"

namespace hf {
namespace {

constexpr std::uint32_t place_mask = PersonChunk::persons - 1;
constexpr std::size_t runs_ahead = 8;

// Bit i is byte i of the eight, which are 0 or 1: the product brings byte i to bit 56 + i, and no
// two of its other terms meet.
std::uint64_t bits_of(std::uint64_t bytes) {
  static_assert(std::endian::native == std::endian::little);
  return bytes * 0x0102'0408'1020'4080u >> 56;
}

/// The codes of the part's names that the matcher means; nothing where a property decides.
std::optional<std::vector<std::uint32_t>> codes_of(const Activity& activity, const Part& part) {
  if (!activity.where->asks_nothing()) return std::nullopt;
  for (const Matcher::Choice& choice : activity.matcher->choices) {
    if (choice.has_where && !choice.where.asks_nothing()) return std::nullopt;
  }
  std::vector<std::uint32_t> codes;
  for (std::uint32_t code = 0; code < part.names().size(); ++code) {
    if (activity.matcher->names(part.names()[code].name)) codes.push_back(code);
  }
  return codes;
}

/// The entries of owners in [first, end).
std::pair<std::size_t, std::size_t> entries_of(const Postings& postings, PersonOrdinal first,
                                               PersonOrdinal end) {
  const auto begin = std::ranges::lower_bound(postings.owners, first);
  const auto last = std::lower_bound(begin, postings.owners.end(), end);
  return {static_cast<std::size_t>(begin - postings.owners.begin()),
          static_cast<std::size_t>(last - postings.owners.begin())};
}

}  // namespace

Result<ActivityPlan> ActivityPlan::bind(const Snapshot& snapshot,
                                        std::span<const Activity> activities,
                                        const TimeSlots& slots, const Scope& scope) {
  ActivityPlan plan;
  plan.snapshot_ = &snapshot;
  plan.slots_ = &slots;
  plan.index_ = SnapshotIndex::of(snapshot);
  plan.owners_ = plan.index_->owners(snapshot);
  if (scope.context->day_sets) {
    plan.days_ = slots.by_day(*scope.zone).value_or(std::vector<TimeSlots::DayRun>{});
  }
  std::vector<bool> is_read(snapshot.parts.size());
  for (const Activity& activity : activities) {
    std::vector<Source>& sources = plan.sources_.emplace_back();
    std::vector<Moved>& moved = plan.moved_.emplace_back();
    for (std::uint32_t part = 0; part < snapshot.parts.size(); ++part) {
      HF_TRY(Source source, plan.source_of(activity, part, scope));
      if (source.shape == ActivityShape::postings) plan.move_postings(source, moved);
      for (const auto& list : source.postings) plan.events_ += list->owners.size();
      if (source.shape == ActivityShape::rows && !is_read[part]) {
        is_read[part] = true;
        plan.events_ += snapshot.parts[part]->row_count();
      }
      sources.push_back(std::move(source));
    }
    std::ranges::sort(moved, {}, &Moved::person);
  }
  return plan;
}

Result<ActivityPlan::Source> ActivityPlan::source_of(const Activity& activity, std::uint32_t at,
                                                     const Scope& scope) {
  const Part& part = *snapshot_->parts[at];
  const bool is_first_seen = at < snapshot_->first_seen_parts;
  if ((is_first_seen && !activity.first_seen) || part.time_min() > scope.as_of_ms) return Source{};
  const auto codes = codes_of(activity, part);
  if (codes && codes->empty()) return Source{};
  // Sets for a zone that nobody else will ask for are not worth their making.
  const auto has_days = [&] {
    return !days_.empty() && !is_first_seen && part.time_max() <= scope.as_of_ms &&
           (scope.zone->name() == scope.context->default_zone->name() ||
            part.keeps_days_of(*scope.zone));
  };
  if (codes && activity.matcher->is_any_event() && has_days()) {
    HF_TRY(PartDays days, index_->days(*snapshot_, at, *scope.zone));
    if (days.sets == nullptr) return Source{};
    return Source{.shape = ActivityShape::days, .days = std::move(days)};
  }
  if (codes && scope.context->postings &&
      std::ranges::all_of(*codes, [&](std::uint32_t code) { return part.has_postings(code); })) {
    Source source{.shape = ActivityShape::postings};
    for (const std::uint32_t code : *codes) {
      HF_TRY(source.postings.emplace_back(), part.postings(code));
    }
    return source;
  }
  HF_TRY(PageMatcher matcher, PageMatcher::compile(*activity.matcher, *activity.where, part));
  if (matcher.matches_nothing()) return Source{};
  return Source{.shape = ActivityShape::rows, .rows = std::move(matcher)};
}

void ActivityPlan::move_postings(const Source& source, std::vector<Moved>& moved) const {
  const TimeSlots::Lookup find(*slots_);
  for (const auto& list : source.postings) {
    auto from = list->owners.begin();
    for (const auto& [owner, person] : owners_->moved) {
      from = std::lower_bound(from, list->owners.end(), owner);
      for (; from != list->owners.end() && *from == owner; ++from) {
        const auto at = static_cast<std::size_t>(from - list->owners.begin());
        const std::uint16_t slot = find(list->times[at]);
        if (slot != slots_->nowhere()) moved.push_back({person, slot});
      }
    }
  }
}

// One part's rows, for the activities that have nothing better there.
class ActivityBitmaps::RowReader {
 public:
  struct Side {
    std::size_t activity;
    const PageMatcher* matcher;
    bool is_whole;  // Every row matches.
    std::array<std::uint64_t, part_format::page_rows / 64> rows = {};
  };

  RowReader(const TimeSlots& slots, std::uint32_t number, const Part& part)
      : slots_(&slots),
        bounds_(slots),
        is_covered_(bounds_.covers(part.time_min()) && bounds_.covers(part.time_max())),
        number_(number),
        part_(&part) {}

  void add(std::size_t activity, const PageMatcher& matcher) {
    sides_.push_back({activity, &matcher, matcher.matches_everything()});
  }
  [[nodiscard]] bool is_needed() const { return !sides_.empty(); }
  [[nodiscard]] const Part& part() const { return *part_; }
  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] std::span<const Side> sides() const { return sides_; }

  // marks: a byte a slot and nowhere, `stride` for each side in turn. False where none was set.
  Result<bool> read(const PersonRun& run, std::uint8_t* marks, std::size_t stride) {
    constexpr std::uint32_t page_rows = part_format::page_rows;
    const std::uint32_t first = run.first_row % page_rows;
    if (run.first_row / page_rows == page_ && first + run.row_count <= page_rows) [[likely]] {
      return mark(first, first + run.row_count, marks, stride);
    }
    bool any = false;
    const auto read_page = [&](std::uint32_t page, std::uint32_t from,
                               std::uint32_t to) -> Result<void> {
      if (page != page_) HF_CHECK(seek(page));
      any = mark(from, to, marks, stride) || any;
      return {};
    };
    HF_CHECK(for_each_page(run, read_page));
    return any;
  }

  // Of a run that will be read soon: its times may lie anywhere in memory.
  void fetch(RowNumber first_row, RowNumber end_row) const {
    if (first_row / part_format::page_rows != page_ || times_ != nullptr) return;
    const std::uint32_t first = first_row % part_format::page_rows;
    const std::uint32_t count = std::min(end_row - first_row, fetched_max);
    const bool is_whole = std::ranges::any_of(sides_, &Side::is_whole);
    if (!is_whole && !has_match(first, std::min(first + count, part_format::page_rows))) return;
    for (std::uint32_t i = 0; i < count; i += offsets_per_line) {
      __builtin_prefetch(compact_->offsets.data() + first + i);
    }
  }

 private:
  Result<void> seek(std::uint32_t page) {
    times_ = nullptr;
    HF_TRY(compact_, part_->compact_times(page));
    if (compact_->offsets.empty()) {
      HF_TRY(times_, part_->times(page));
    }
    const std::size_t words = (part_->rows_in_page(page) + 63) / 64;
    for (Side& side : sides_) {
      if (!side.is_whole) HF_CHECK(side.matcher->find(page, std::span(side.rows).first(words)));
    }
    if (times_ == nullptr) find_.emplace(*slots_, compact_->base_ms, compact_->unit_ms);
    page_ = page;
    return {};
  }

  bool mark(std::uint32_t first, std::uint32_t last, std::uint8_t* marks,
            std::size_t stride) const {
    // Most of what is asked of what persons are holds for few of them: then no time is read.
    if (!has_match(first, last)) return false;
    if (times_ != nullptr) {
      return mark_sides(first, last, bounds_, times_->values.data(), marks, stride);
    }
    const std::uint32_t* const offsets = compact_->offsets.data();
    const TimeSlots::CompactLookup find = *find_;
    // Times of a run ascend.
    const bool is_covered = is_covered_ || (bounds_.covers(find.time_of(offsets[first])) &&
                                            bounds_.covers(find.time_of(offsets[last - 1])));
    if (is_covered) [[likely]]
      return mark_sides(first, last, find, offsets, marks, stride);
    const auto find_any = [this](std::uint32_t offset) { return bounds_(find_->time_of(offset)); };
    return mark_sides(first, last, find_any, offsets, marks, stride);
  }

  // Calls use(side, base, bits) for each word of rows of [first, last) with its matches.
  template <class Use>
  static void for_each_word(const Side& side, std::uint32_t first, std::uint32_t last, Use&& use) {
    for (std::uint32_t base = first & ~63u; base < last; base += 64) {
      std::uint64_t bits = side.rows[base / 64];
      if (base < first) bits &= ~std::uint64_t{0} << (first - base);
      if (last - base < 64) bits &= (std::uint64_t{1} << (last - base)) - 1;
      use(base, bits);
    }
  }

  [[nodiscard]] bool has_match(std::uint32_t first, std::uint32_t last) const {
    std::uint64_t any = 0;
    for (const Side& side : sides_) {
      if (side.is_whole) return true;
      for_each_word(side, first, last, [&](std::uint32_t, std::uint64_t bits) { any |= bits; });
    }
    return any != 0;
  }

  // Finders come by value: marks may alias whatever has an address.
  template <class Find, class Time>
  bool mark_sides(std::uint32_t first, std::uint32_t last, Find find, const Time* times,
                  std::uint8_t* marks, std::size_t stride) const {
    for (const Side& side : sides_) {
      if (side.is_whole) {
        mark_rows(times + first, times + last, find, marks);
      } else {
        for_each_word(side, first, last, [&](std::uint32_t base, std::uint64_t bits) {
          mark_matched(times + base, bits, find, marks);
        });
      }
      marks += stride;
    }
    return true;
  }

  // Not inlined, so that the finder stays in registers.
  template <class Find, class Time>
  [[gnu::noinline]] static void mark_rows(const Time* time, const Time* end, Find find,
                                          std::uint8_t* marks) {
    for (; time != end; ++time) marks[find(*time)] = 1;
  }

  // What somebody is, rather than does, holds for many rows in turn, and for none of others'.
  template <class Find, class Time>
  static void mark_matched(const Time* times, std::uint64_t bits, Find find, std::uint8_t* marks) {
    while (bits != 0) {
      const int begin = std::countr_zero(bits);
      const int end = begin + std::countr_one(bits >> begin);
      mark_rows(times + begin, times + end, find, marks);
      if (end == 64) return;
      bits &= ~std::uint64_t{0} << end;
    }
  }

  static constexpr std::uint32_t no_page = 0xffffffff;
  static constexpr std::uint32_t offsets_per_line = 64 / sizeof(std::uint32_t);
  static constexpr std::uint32_t fetched_max = 8 * offsets_per_line;
  const TimeSlots* slots_;
  TimeSlots::Lookup bounds_;
  bool is_covered_;                               // All times of the part are.
  std::optional<TimeSlots::CompactLookup> find_;  // Of the page's compact times.
  std::uint32_t number_;
  const Part* part_;
  std::vector<Side> sides_;
  std::uint32_t page_ = no_page;
  std::shared_ptr<const CompactTimePage> compact_;
  std::shared_ptr<const TimePage> times_;  // Only where the compact ones do not fit.
};

ActivityBitmaps::ActivityBitmaps(const ActivityPlan& plan)
    : plan_(&plan),
      slots_(plan.slots().size()),
      words_(plan.activities() * slots_ * PersonChunk::words),
      touched_(plan.activities() * slots_),
      seen_(PersonChunk::words) {
  // One place more takes what lies in no slot; flushed by eights.
  const std::size_t stride = (slots_ + 1 + 7) / 8 * 8;
  marks_.resize(plan.activities() * stride);
  for (std::uint32_t part = 0; part < plan.snapshot().parts.size(); ++part) {
    RowReader reader(plan.slots(), part, *plan.snapshot().parts[part]);
    for (std::size_t activity = 0; activity < plan.activities(); ++activity) {
      const ActivityPlan::Source& source = plan.source(activity, part);
      if (source.shape == ActivityShape::rows) reader.add(activity, *source.rows);
    }
    if (reader.is_needed()) readers_.push_back(std::move(reader));
  }
}
ActivityBitmaps::~ActivityBitmaps() = default;
ActivityBitmaps::ActivityBitmaps(ActivityBitmaps&&) noexcept = default;

void ActivityBitmaps::clear() {
  for (std::size_t at = 0; at < touched_.size(); ++at) {
    if (touched_[at] == 0) continue;
    std::fill_n(words_.data() + at * PersonChunk::words, PersonChunk::words, std::uint64_t{0});
    touched_[at] = 0;
  }
  std::ranges::fill(seen_, 0);
}

Result<void> ActivityBitmaps::load(std::uint32_t chunk) {
  clear();
  const PersonOrdinal first = chunk << PersonChunk::bits;
  bool has_days = false;
  for (std::size_t activity = 0; activity < plan_->activities(); ++activity) {
    for (std::uint32_t part = 0; part < plan_->snapshot().parts.size(); ++part) {
      switch (plan_->source(activity, part).shape) {
        case ActivityShape::days:
          load_days(activity, part, chunk);
          has_days = true;
          break;
        case ActivityShape::postings: load_postings(activity, part, chunk); break;
        case ActivityShape::nothing:
        case ActivityShape::rows: break;
      }
    }
    const auto moved = plan_->moved(activity);
    for (auto at = std::ranges::lower_bound(moved, first, {}, &ActivityPlan::Moved::person);
         at != moved.end() && at->person - first < PersonChunk::persons; ++at) {
      set(activity, at->slot, at->person - first);
    }
  }
  for (RowReader& reader : readers_) HF_CHECK(load_rows(reader, chunk));
  const BitmapKernels& kernels = bitmap_kernels();
  if (has_days) {
    for (std::size_t at = 0; at < touched_.size(); ++at) {
      if (touched_[at] == 0) continue;
      kernels.add(seen_.data(), words_.data() + at * PersonChunk::words, PersonChunk::words);
    }
  }
  persons_scanned_ += kernels.count(seen_.data(), seen_.size());
  return {};
}

void ActivityBitmaps::set(std::size_t activity, std::size_t slot, std::uint32_t place) {
  const std::size_t at = activity * slots_ + slot;
  const std::uint64_t bit = std::uint64_t{1} << (place % 64);
  touched_[at] = 1;
  words_[at * PersonChunk::words + place / 64] |= bit;
  seen_[place / 64] |= bit;
}

void ActivityBitmaps::load_days(std::size_t activity, std::uint32_t part, std::uint32_t chunk) {
  const PartDays& days = plan_->source(activity, part).days;
  const auto runs = plan_->days();
  for (const DaySets* sets : {days.sets.get(), days.moved.get()}) {
    if (sets == nullptr) continue;
    const std::uint64_t* const mask =
        sets == days.sets.get() ? plan_->owners().staying(chunk) : nullptr;
    std::size_t run = 0;
    sets->add_each(chunk, sets->first_day(), sets->last_day() + 1, mask,
                   [&](Day day) -> std::uint64_t* {
                     while (run + 1 < runs.size() && runs[run + 1].first <= day) ++run;
                     const std::size_t slot = runs[run].slot;
                     if (slot == slots_) return nullptr;
                     touched_[activity * slots_ + slot] = 1;
                     return words_.data() + (activity * slots_ + slot) * PersonChunk::words;
                   });
  }
}

void ActivityBitmaps::load_postings(std::size_t activity, std::uint32_t part, std::uint32_t chunk) {
  const PersonOrdinal first = chunk << PersonChunk::bits;
  const std::uint64_t* const staying = plan_->owners().staying(chunk);
  const TimeSlots::Lookup find(plan_->slots());
  for (const auto& list : plan_->source(activity, part).postings) {
    const auto [begin, end] = entries_of(*list, first, first + PersonChunk::persons);
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t place = list->owners[i] & place_mask;
      if (staying != nullptr && (staying[place / 64] >> (place % 64) & 1) == 0) continue;
      const std::uint16_t slot = find(list->times[i]);
      if (slot != slots_) set(activity, slot, place);
    }
    events_scanned_ += end - begin;
  }
}

Result<void> ActivityBitmaps::load_rows(RowReader& reader, std::uint32_t chunk) {
  const PersonOrdinal first = chunk << PersonChunk::bits;
  const PersonOrdinal end = first + PersonChunk::persons;
  const std::size_t stride = marks_.size() / plan_->activities();
  const auto add_run = [&](const PersonRun& run, std::uint32_t place) -> Result<void> {
    events_scanned_ += run.row_count;
    const std::size_t word = place / 64;
    const std::uint64_t bit = std::uint64_t{1} << (place % 64);
    seen_[word] |= bit;
    HF_TRY(const bool any, reader.read(run, marks_.data(), stride));
    if (!any) return {};
    std::uint8_t* marks = marks_.data();
    for (const RowReader::Side& side : reader.sides()) {
      marks[slots_] = 0;
      for (std::size_t base = 0; base < slots_; base += 8) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, marks + base, sizeof bytes);
        if (bytes == 0) continue;
        for (std::uint64_t bits = bits_of(bytes); bits != 0; bits &= bits - 1) {
          const std::size_t at =
              side.activity * slots_ + base + static_cast<std::size_t>(std::countr_zero(bits));
          touched_[at] = 1;
          words_[at * PersonChunk::words + word] |= bit;
        }
        bytes = 0;
        std::memcpy(marks + base, &bytes, sizeof bytes);
      }
      marks += stride;
    }
    return {};
  };

  const auto persons = reader.part().persons();
  const auto offsets = reader.part().row_offsets();
  auto at = static_cast<std::size_t>(std::ranges::lower_bound(persons, first) - persons.begin());
  const MovedRuns* const moved = plan_->snapshot().moved.get();
  std::span<const std::uint32_t> skipped;
  if (moved != nullptr) {
    const auto& positions = moved->skipped[reader.number()];
    skipped = {std::ranges::lower_bound(positions, static_cast<std::uint32_t>(at)),
               positions.end()};
  }
  for (; at < persons.size() && persons[at] - first < PersonChunk::persons; ++at) {
    if (!skipped.empty() && skipped.front() == at) {
      skipped = skipped.subspan(1);
      continue;
    }
    if (const std::size_t next = at + runs_ahead; next < persons.size()) {
      reader.fetch(offsets[next], offsets[next + 1]);
    }
    HF_CHECK(add_run({reader.number(), offsets[at], offsets[at + 1] - offsets[at]},
                     persons[at] - first));
  }
  if (moved == nullptr) return {};
  for (auto run = std::ranges::lower_bound(moved->runs, first, {}, &MovedRuns::Moved::person);
       run != moved->runs.end() && run->person < end; ++run) {
    if (run->run.part == reader.number()) HF_CHECK(add_run(run->run, run->person - first));
  }
  return {};
}

Result<ActivityScan> for_each_chunk(
    const ActivityPlan& plan, std::size_t steps, unsigned threads,
    const std::function<void(unsigned, const ActivityBitmaps&)>& work) {
  // About half a millisecond's worth: starting a thread costs a tenth of that.
  constexpr std::size_t steps_per_thread = 16'384;
  constexpr std::size_t events_per_step = 20;
  const std::uint32_t chunks = plan.chunks();
  const std::size_t all_steps = steps * chunks + plan.events() / events_per_step;
  const std::size_t count = std::max<std::size_t>(
      1, std::min({std::size_t{threads}, std::size_t{chunks}, 1 + all_steps / steps_per_thread}));

  struct Outcome {
    Result<void> result;
    ActivityScan scan;
  };
  std::vector<Outcome> outcomes(count);
  std::atomic<std::uint32_t> next = 0;
  std::atomic<bool> has_failed = false;
  const auto run = [&](unsigned thread) {
    ActivityBitmaps bitmaps(plan);
    Outcome& outcome = outcomes[thread];
    for (std::uint32_t chunk = next++; chunk < chunks && !has_failed; chunk = next++) {
      outcome.result = bitmaps.load(chunk);
      if (!outcome.result) {
        has_failed = true;
        return;
      }
      work(thread, bitmaps);
    }
    outcome.scan = {bitmaps.events_scanned(), bitmaps.persons_scanned()};
  };
  {
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < count; ++i) others.emplace_back(run, i);
    run(0);
  }
  ActivityScan scan;
  for (const Outcome& outcome : outcomes) {
    HF_CHECK(outcome.result);
    scan.events += outcome.scan.events;
    scan.persons += outcome.scan.persons;
  }
  return scan;
}

}  // namespace hf
