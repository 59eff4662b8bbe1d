// SPDX-License-Identifier: Apache-2.0
#include "metric/activity.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <thread>

#include "base/assert.h"
#include "base/bitmap.h"

namespace hf {
namespace {

constexpr std::uint32_t place_mask = PersonChunk::persons - 1;

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

std::string_view to_string(ActivityShape shape) {
  switch (shape) {
    case ActivityShape::nothing: return "nothing";
    case ActivityShape::days: return "days";
    case ActivityShape::postings: return "postings";
    case ActivityShape::day_rows: return "day_rows";
    case ActivityShape::rows: return "rows";
  }
  HF_ASSERT(false);
  return {};
}

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
    plan.labels_.push_back(activity.matcher->label);
    std::vector<Source>& sources = plan.sources_.emplace_back();
    std::vector<Moved>& moved = plan.moved_.emplace_back();
    for (std::uint32_t part = 0; part < snapshot.parts.size(); ++part) {
      HF_TRY(Source source, plan.source_of(activity, part, scope));
      if (source.shape == ActivityShape::postings) plan.move_postings(source, moved);
      for (const auto& list : source.postings) plan.events_ += list->owners.size();
      if (source.matcher && !is_read[part]) {
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
  // Days of a zone that nobody else will ask for are not worth their making.
  const bool has_whole_days = !days_.empty() && part.time_max() <= scope.as_of_ms &&
                              (scope.zone->name() == scope.context->default_zone->name() ||
                               part.keeps_days_of(*scope.zone));
  if (codes && activity.matcher->is_any_event() && has_whole_days && !is_first_seen) {
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
  if (has_whole_days) {
    HF_TRY(auto day_rows, part.day_rows(*scope.zone));
    return Source{.shape = ActivityShape::day_rows,
                  .day_rows = std::move(day_rows),
                  .matcher = std::move(matcher)};
  }
  return Source{.shape = ActivityShape::rows, .matcher = std::move(matcher)};
}

std::vector<ReadStep> ActivityPlan::steps() const {
  std::vector<ReadStep> steps;
  for (std::size_t activity = 0; activity < activities(); ++activity) {
    for (const auto shape : {ActivityShape::days, ActivityShape::postings, ActivityShape::day_rows,
                             ActivityShape::rows}) {
      ReadStep step{labels_[activity], to_string(shape)};
      for (std::uint32_t part = 0; part < snapshot_->parts.size(); ++part) {
        const Source& at = source(activity, part);
        if (at.shape != shape) continue;
        ++step.parts;
        for (const auto& list : at.postings) step.events += list->owners.size();
        if (at.matcher) step.events += snapshot_->parts[part]->row_count();
      }
      if (step.parts > 0) steps.push_back(std::move(step));
    }
  }
  return steps;
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

ActivityBitmaps::ActivityBitmaps(const ActivityPlan& plan)
    : plan_(&plan),
      slots_(plan.slots().size()),
      stride_(slots_ + 1),
      words_(plan.activities() * stride_ * PersonChunk::words),
      touched_(plan.activities() * stride_),
      seen_(PersonChunk::words) {
  // One place more takes what lies in no slot; flushed by eights.
  const std::size_t stride = (slots_ + 1 + 7) / 8 * 8;
  marks_.resize(plan.activities() * stride);
  for (std::uint32_t part = 0; part < plan.snapshot().parts.size(); ++part) {
    const Part& of = *plan.snapshot().parts[part];
    TimedRows timed(plan.slots(), part, of);
    std::optional<DatedRows> dated;
    for (std::size_t activity = 0; activity < plan.activities(); ++activity) {
      const ActivityPlan::Source& source = plan.source(activity, part);
      if (source.shape == ActivityShape::rows) timed.sides.add(activity, *source.matcher);
      if (source.shape != ActivityShape::day_rows) continue;
      if (!dated) dated.emplace(plan.days(), part, of, source.day_rows);
      dated->sides.add(activity, *source.matcher);
    }
    if (!timed.sides.empty()) timed_.push_back(std::move(timed));
    if (dated) dated_.push_back(*std::move(dated));
  }
}
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
        case ActivityShape::day_rows:
        case ActivityShape::rows: break;
      }
    }
    const auto moved = plan_->moved(activity);
    for (auto at = std::ranges::lower_bound(moved, first, {}, &ActivityPlan::Moved::person);
         at != moved.end() && at->person - first < PersonChunk::persons; ++at) {
      set(activity, at->slot, at->person - first);
    }
  }
  for (DatedRows& rows : dated_) HF_CHECK(load_rows(rows, chunk));
  for (TimedRows& rows : timed_) HF_CHECK(load_rows(rows, chunk));
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
  const std::size_t at = activity * stride_ + slot;
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
                     touched_[activity * stride_ + slot] = 1;
                     return words_.data() + (activity * stride_ + slot) * PersonChunk::words;
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

// Calls use(position, place, run) for the runs of one part that belong to persons of the chunk;
// `position` is where the run lies in the directory.
template <class Use>
Result<void> ActivityBitmaps::for_each_run(std::uint32_t number, std::uint32_t chunk, Use&& use) {
  const PersonOrdinal first = chunk << PersonChunk::bits;
  const Part& part = *plan_->snapshot().parts[number];
  const auto persons = part.persons();
  const auto offsets = part.row_offsets();
  auto at = static_cast<std::size_t>(std::ranges::lower_bound(persons, first) - persons.begin());
  const MovedRuns* const moved = plan_->snapshot().moved.get();
  std::span<const std::uint32_t> skipped;
  if (moved != nullptr) {
    const auto& positions = moved->skipped[number];
    skipped = {std::ranges::lower_bound(positions, static_cast<std::uint32_t>(at)),
               positions.end()};
  }
  for (; at < persons.size() && persons[at] - first < PersonChunk::persons; ++at) {
    if (!skipped.empty() && skipped.front() == at) {
      skipped = skipped.subspan(1);
      continue;
    }
    HF_CHECK(use(at, persons[at] - first,
                 PersonRun{number, offsets[at], offsets[at + 1] - offsets[at]}));
  }
  if (moved == nullptr) return {};
  for (auto each = std::ranges::lower_bound(moved->runs, first, {}, &MovedRuns::Moved::person);
       each != moved->runs.end() && each->person - first < PersonChunk::persons; ++each) {
    if (each->run.part != number) continue;
    const auto after = std::ranges::upper_bound(offsets, each->run.first_row);
    HF_CHECK(use(static_cast<std::size_t>(after - offsets.begin()) - 1, each->person - first,
                 each->run));
  }
  return {};
}

// Of the cuts [cut, end), which lie on the page that begins with row `base`. The innermost loop, on
// locals alone.
void ActivityBitmaps::mark_cuts(const DatedRows& rows, const PageSides::Side& side,
                                std::uint32_t place, std::size_t cut, std::size_t end,
                                RowNumber base) {
  const RowNumber* const first_rows = rows.cuts().first_rows.data();
  const Day* const days = rows.cuts().days.data();
  const std::uint16_t* const slot_of_day = rows.slots_by_day().data();
  const Day first_day = rows.cuts().first_day;
  const std::uint64_t* const matches = side.rows.data();
  std::uint64_t* const words =
      words_.data() + side.activity * stride_ * PersonChunk::words + place / 64;
  std::uint16_t* const touched = touched_.data() + side.activity * stride_;
  const std::uint64_t bit = std::uint64_t{1} << (place % 64);
  std::uint32_t first = first_rows[cut] - base;
  for (; cut < end; ++cut) {
    const std::uint32_t after = first_rows[cut + 1] - base;
    const std::uint32_t last = after - 1;
    std::uint64_t found = matches[first / 64] >> (first % 64);
    if (first / 64 == last / 64) {
      found &= ~std::uint64_t{0} >> (63 - (last - first));
    } else {
      for (std::uint32_t w = first / 64 + 1; w < last / 64; ++w) found |= matches[w];
      found |= matches[last / 64] << (63 - last % 64);
    }
    first = after;
    if (found == 0) continue;
    const std::size_t slot = slot_of_day[days[cut] - first_day];
    touched[slot] = 1;
    words[slot * PersonChunk::words] |= bit;
  }
}

Result<void> ActivityBitmaps::load_rows(DatedRows& rows, std::uint32_t chunk) {
  constexpr std::uint32_t page_rows = part_format::page_rows;
  const DayRows& cuts = rows.cuts();
  // Of the rows of a position that are in [begin, end), as far as they lie on one page.
  const auto mark = [&](const PageSides::Side& side, std::size_t position, std::uint32_t place,
                        RowNumber begin, RowNumber end) {
    const RowNumber base = begin / page_rows * page_rows;
    // What somebody is, rather than does, holds for none of most persons' rows.
    if (!side.has_match(begin - base, end - base)) return;
    const std::size_t first_cut = cuts.first_cuts[position];
    const std::size_t end_cut = cuts.first_cuts[position + 1];
    if (!side.is_whole && cuts.first_rows[first_cut] == begin && cuts.first_rows[end_cut] == end)
        [[likely]] {
      mark_cuts(rows, side, place, first_cut, end_cut, base);
      return;
    }
    for (std::size_t cut = first_cut; cuts.first_rows[cut] < end; ++cut) {
      const RowNumber from = std::max(cuts.first_rows[cut], begin);
      const RowNumber to = std::min(cuts.first_rows[cut + 1], end);
      if (from >= to || !side.has_match(from - base, to - base)) continue;
      if (const std::size_t slot = rows.slot(cut); slot != slots_) set(side.activity, slot, place);
    }
  };
  const auto read = [&](std::size_t position, std::uint32_t place, RowNumber begin,
                        RowNumber end) -> Result<void> {
    events_scanned_ += end - begin;
    seen_[place / 64] |= std::uint64_t{1} << (place % 64);
    while (begin < end) {
      const std::uint32_t page = begin / page_rows;
      const RowNumber last = std::min(end, (page + 1) * page_rows);
      HF_CHECK(rows.sides.seek(page));
      for (const PageSides::Side& side : rows.sides) mark(side, position, place, begin, last);
      begin = last;
    }
    return {};
  };
  return for_each_run(
      rows.number(), chunk,
      [&](std::size_t position, std::uint32_t place, const PersonRun& run) -> Result<void> {
        return read(position, place, run.first_row, run.first_row + run.row_count);
      });
}

Result<void> ActivityBitmaps::load_rows(TimedRows& rows, std::uint32_t chunk) {
  const std::size_t stride = marks_.size() / plan_->activities();
  const auto add_run = [&](const PersonRun& run, std::uint32_t place) -> Result<void> {
    events_scanned_ += run.row_count;
    const std::size_t word = place / 64;
    const std::uint64_t bit = std::uint64_t{1} << (place % 64);
    seen_[word] |= bit;
    HF_TRY(const bool any, rows.read(run, marks_.data(), stride));
    if (!any) return {};
    std::uint8_t* marks = marks_.data();
    for (const PageSides::Side& side : rows.sides) {
      marks[slots_] = 0;
      for (std::size_t base = 0; base < slots_; base += 8) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, marks + base, sizeof bytes);
        if (bytes == 0) continue;
        for (std::uint64_t bits = bits_of(bytes); bits != 0; bits &= bits - 1) {
          const std::size_t at =
              side.activity * stride_ + base + static_cast<std::size_t>(std::countr_zero(bits));
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

  return for_each_run(
      rows.number(), chunk,
      [&](std::size_t, std::uint32_t place, const PersonRun& run) { return add_run(run, place); });
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
