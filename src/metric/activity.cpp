// SPDX-License-Identifier: Apache-2.0
#include "metric/activity.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <thread>

#include "base/assert.h"
#include "base/bitmap.h"

namespace hf {
namespace {

constexpr std::uint32_t place_mask = PersonChunk::persons - 1;

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
  }
  for (std::uint32_t part = 0; part < snapshot.parts.size(); ++part) HF_CHECK(plan.move_rows(part));
  for (std::vector<Moved>& moved : plan.moved_) std::ranges::sort(moved, {}, &Moved::person);
  return plan;
}

std::optional<TimedRows> ActivityPlan::timed_rows(std::uint32_t part) const {
  TimedRows rows(*slots_, part, *snapshot_->parts[part]);
  for (std::size_t activity = 0; activity < activities(); ++activity) {
    const Source& at = source(activity, part);
    if (at.shape == ActivityShape::rows) rows.add(activity, *at.matcher);
  }
  if (rows.sides.empty()) return std::nullopt;
  return rows;
}

std::optional<DatedRows> ActivityPlan::dated_rows(std::uint32_t part) const {
  std::optional<DatedRows> rows;
  for (std::size_t activity = 0; activity < activities(); ++activity) {
    const Source& at = source(activity, part);
    if (at.shape != ActivityShape::day_rows) continue;
    if (!rows) rows.emplace(days_, part, *snapshot_->parts[part], at.day_rows);
    rows->sides.add(activity, *at.matcher);
  }
  return rows;
}

// By row, not by person: then each page is looked at once.
Result<void> ActivityPlan::move_rows(std::uint32_t part) {
  if (snapshot_->moved == nullptr) return {};
  std::optional<TimedRows> timed = timed_rows(part);
  std::optional<DatedRows> dated = dated_rows(part);
  if (!timed && !dated) return {};
  std::vector<const MovedRuns::Moved*> runs;
  for (const MovedRuns::Moved& each : snapshot_->moved->runs) {
    if (each.run.part == part) runs.push_back(&each);
  }
  std::ranges::sort(runs, {}, [](const MovedRuns::Moved* each) { return each->run.first_row; });
  for (const MovedRuns::Moved* each : runs) {
    const auto note = [&](std::size_t activity, std::size_t slot) {
      if (slot == slots_->nowhere()) return;
      moved_[activity].push_back({each->person, static_cast<std::uint16_t>(slot)});
    };
    moved_events_ += each->run.row_count;
    moved_[0].push_back({each->person, slots_->nowhere()});  // Whose events were looked at.
    if (timed) HF_CHECK(timed->read(each->run, note));
    if (!dated) continue;
    const auto note_cuts = [&](const PageSides::Side& side, RowNumber base, std::uint32_t from,
                               std::uint32_t to) {
      dated->cuts().for_each_cut(base, from, to, side.rows.data(), [&](std::uint32_t cut) {
        note(side.activity, dated->slots_by_day()[DayRows::day(cut)]);
      });
    };
    const RowNumber first = each->run.first_row;
    HF_CHECK(dated->read(first, first + each->run.row_count, note_cuts));
  }
  return {};
}

Result<ActivityPlan::Source> ActivityPlan::source_of(const Activity& activity, std::uint32_t number,
                                                     const Scope& scope) {
  const Part& part = *snapshot_->parts[number];
  const bool is_first_seen = number < snapshot_->first_seen_parts;
  if ((is_first_seen && !activity.first_seen) || part.time_min() > scope.as_of_ms) return Source{};
  const auto codes = codes_of(activity, part);
  if (codes && codes->empty()) return Source{};
  // Days of a zone that nobody else will ask for are not worth their making.
  const bool has_whole_days = !days_.empty() && part.time_max() <= scope.as_of_ms &&
                              (scope.zone->name() == scope.context->default_zone->name() ||
                               part.keeps_days_of(*scope.zone));
  if (codes && activity.matcher->is_any_event() && has_whole_days && !is_first_seen) {
    HF_TRY(PartDays days, index_->days(*snapshot_, number, *scope.zone));
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
  for (std::uint32_t part = 0; part < plan.snapshot().parts.size(); ++part) {
    if (auto timed = plan.timed_rows(part)) timed_.push_back(*std::move(timed));
    if (auto dated = plan.dated_rows(part)) dated_.push_back(*std::move(dated));
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

// Calls use(first, end) for stretches of positions in the part's directory that lie with the
// chunk's persons and belong to them.
template <class Use>
Result<void> ActivityBitmaps::for_each_stretch(std::uint32_t part, std::uint32_t chunk, Use&& use) {
  const PersonOrdinal first = chunk << PersonChunk::bits;
  const auto persons = plan_->snapshot().parts[part]->persons();
  const auto position_of = [&](PersonOrdinal person) {
    const auto at = std::ranges::lower_bound(persons, person) - persons.begin();
    return static_cast<std::size_t>(at);
  };
  std::size_t from = position_of(first);
  const std::size_t end = position_of(first + PersonChunk::persons);
  if (const MovedRuns* const moved = plan_->snapshot().moved.get()) {
    const auto& skipped = moved->skipped[part];
    for (auto at = std::ranges::lower_bound(skipped, static_cast<std::uint32_t>(from));
         at != skipped.end() && *at < end; ++at) {
      if (from < *at) HF_CHECK(use(from, std::size_t{*at}));
      from = *at + 1;
    }
  }
  return from < end ? use(from, end) : Result<void>{};
}

// The innermost loop, on locals alone. What is in no slot is put beyond the slots.
void ActivityBitmaps::mark_cuts(const DatedRows& rows, const PageSides::Side& side, RowNumber base,
                                std::uint32_t from, std::uint32_t to) {
  const std::uint16_t* const slot_of_day = rows.slots_by_day().data();
  std::uint64_t* const words = words_.data() + side.activity * stride_ * PersonChunk::words;
  std::uint16_t* const touched = touched_.data() + side.activity * stride_;
  rows.cuts().for_each_cut(base, from, to, side.rows.data(), [=](std::uint32_t cut) {
    const std::size_t slot = slot_of_day[DayRows::day(cut)];
    const std::uint32_t place = DayRows::place(cut);
    touched[slot] = 1;
    words[slot * PersonChunk::words + place / 64] |= std::uint64_t{1} << (place % 64);
  });
}

Result<void> ActivityBitmaps::load_rows(DatedRows& rows, std::uint32_t chunk) {
  const auto persons = rows.sides.part().persons();
  const auto offsets = rows.sides.part().row_offsets();
  const auto mark = [&](const PageSides::Side& side, RowNumber base, std::uint32_t from,
                        std::uint32_t to) { mark_cuts(rows, side, base, from, to); };
  const auto read_stretch = [&](std::size_t at, std::size_t end) -> Result<void> {
    events_scanned_ += offsets[end] - offsets[at];
    for (std::size_t i = at; i < end; ++i) {
      const std::uint32_t place = persons[i] & place_mask;
      seen_[place / 64] |= std::uint64_t{1} << (place % 64);
    }
    return rows.read(offsets[at], offsets[end], mark);
  };
  return for_each_stretch(rows.number(), chunk, read_stretch);
}

Result<void> ActivityBitmaps::load_rows(TimedRows& rows, std::uint32_t chunk) {
  const auto persons = rows.sides.part().persons();
  const auto offsets = rows.sides.part().row_offsets();
  return for_each_stretch(
      rows.number(), chunk, [&](std::size_t at, std::size_t end) -> Result<void> {
        events_scanned_ += offsets[end] - offsets[at];
        for (; at < end; ++at) {
          const std::uint32_t place = persons[at] & place_mask;
          seen_[place / 64] |= std::uint64_t{1} << (place % 64);
          HF_CHECK(rows.read(
              {rows.number(), offsets[at], offsets[at + 1] - offsets[at]},
              [&](std::size_t activity, std::size_t slot) { set(activity, slot, place); }));
        }
        return {};
      });
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
  ActivityScan scan{.events = plan.moved_events()};
  for (const Outcome& outcome : outcomes) {
    HF_CHECK(outcome.result);
    scan.events += outcome.scan.events;
    scan.persons += outcome.scan.persons;
  }
  return scan;
}

}  // namespace hf
