// SPDX-License-Identifier: Apache-2.0
#include "metric/activity.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/assert.h"
#include "base/bitmap.h"
#include "base/parallel.h"

namespace hf {
namespace {

constexpr std::uint32_t place_mask = PersonChunk::persons - 1;

// A bitmap of a chunk is a step, and so are that many rows.
constexpr std::size_t rows_per_step = 20;

// Starting a thread takes a tenth of the time of so many steps, half a millisecond.
unsigned threads_for(std::size_t steps, unsigned threads) {
  constexpr std::size_t steps_per_thread = 16'384;
  return static_cast<unsigned>(std::min<std::size_t>(threads, 1 + steps / steps_per_thread));
}

// Not inlined, so that all it needs stays in registers. What is in no slot is put beyond the slots.
[[gnu::noinline]] void mark_cuts(const DatedRows& rows, const RowMatches& side, RowNumber first,
                                 RowNumber end, std::uint64_t* words, std::uint16_t* touched) {
  rows.read(side, first, end, [=](std::uint32_t place, std::size_t slot) {
    touched[slot] = 1;
    words[slot * PersonChunk::words + place / 64] |= std::uint64_t{1} << (place % 64);
  });
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

std::string_view to_string(ActivityShape shape) {
  switch (shape) {
    case ActivityShape::nothing: return "nothing";
    case ActivityShape::days: return "days";
    case ActivityShape::counts: return "counts";
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
  plan.people_ = scope.people;
  plan.guard_ = scope.context->guard;
  plan.index_ = SnapshotIndex::of(snapshot);
  plan.owners_ = plan.index_->owners(snapshot);
  if (scope.context->day_sets) {
    plan.days_ = slots.by_day(*scope.zone).value_or(std::vector<TimeSlots::DayRun>{});
  }
  const auto parts = static_cast<std::uint32_t>(snapshot.parts.size());
  std::vector<std::vector<std::optional<PageMatcher>>> matchers(parts);  // Then by activity.
  for (const Activity& activity : activities) {
    plan.labels_.push_back(activity.matcher->label);
    std::vector<Source>& sources = plan.sources_.emplace_back();
    for (std::uint32_t part = 0; part < parts; ++part) {
      auto& matcher = matchers[part].emplace_back();
      HF_TRY(sources.emplace_back(), plan.source_of(activity, part, scope, matcher));
      for (const auto& list : sources.back().postings) plan.events_ += list->owners.size();
    }
  }
  std::uint64_t rows = 0;
  for (std::uint32_t part = 0; part < parts; ++part) {
    const bool is_read = std::ranges::any_of(matchers[part], [](const auto& m) { return !!m; });
    if (is_read) rows += snapshot.parts[part]->row_count();
  }
  if (rows == 0) return plan;
  plan.events_ += rows;
  plan.moved_runs_ = plan.index_->moved_runs(snapshot);
  const auto read = [&](unsigned, std::uint32_t part) {
    return plan.read_rows(part, matchers[part], *scope.zone);
  };
  HF_CHECK(for_each_item(threads_for(rows / rows_per_step, scope.context->threads), parts, read));
  for (std::uint32_t part = 0; part < parts; ++part) {
    if (!plan.is_by_rows(part)) continue;
    for (const MovedRuns::Moved& each : (*plan.moved_runs_)[part]) {
      plan.moved_events_ += each.run.row_count;
    }
  }
  return plan;
}

MovedMarks::MovedMarks(std::vector<Mark> marks, std::uint32_t chunks) {
  if (marks.empty()) return;
  first_.resize(chunks + 2);
  for (const Mark& mark : marks) ++first_[(mark.person >> PersonChunk::bits) + 2];
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  marks_.resize(marks.size());
  for (const Mark& mark : marks) marks_[first_[(mark.person >> PersonChunk::bits) + 1]++] = mark;
}

bool ActivityPlan::is_by_rows(std::uint32_t part) const {
  return std::ranges::any_of(sources_, [&](const auto& s) { return s[part].matches != nullptr; });
}

std::vector<RowMatches> ActivityPlan::matches(std::uint32_t part, ActivityShape shape) const {
  std::vector<RowMatches> out;
  for (std::size_t activity = 0; activity < activities(); ++activity) {
    const Source& at = source(activity, part);
    if (at.shape == shape) out.push_back({activity, at.matches});
  }
  return out;
}

std::optional<TimedRows> ActivityPlan::timed_rows(std::uint32_t part) const {
  auto sides = matches(part, ActivityShape::rows);
  if (sides.empty()) return std::nullopt;
  return TimedRows(*slots_, part, *snapshot_->parts[part], std::move(sides));
}

std::optional<DatedRows> ActivityPlan::dated_rows(std::uint32_t part) const {
  auto sides = matches(part, ActivityShape::day_rows);
  if (sides.empty()) return std::nullopt;
  const auto& cuts = source(sides.front().activity, part).day_rows;
  return DatedRows(days_, part, *snapshot_->parts[part], cuts, std::move(sides));
}

Result<void> ActivityPlan::read_rows(std::uint32_t part,
                                     std::span<const std::optional<PageMatcher>> matchers,
                                     const Zone& zone) {
  for (std::size_t activity = 0; activity < activities(); ++activity) {
    if (!matchers[activity]) continue;
    Source& at = sources_[activity][part];
    HF_TRY(at.matches, find_rows(*snapshot_->parts[part], *matchers[activity]));
    if (at.shape != ActivityShape::day_rows) continue;
    HF_TRY(at.day_rows, snapshot_->parts[part]->day_rows(zone));
  }
  return move_rows(part);
}

// By row, not by person: then the times of each page are looked at once.
Result<void> ActivityPlan::move_rows(std::uint32_t part) {
  const std::vector<MovedRuns::Moved>& runs = (*moved_runs_)[part];
  if (runs.empty()) return {};
  std::vector<std::vector<MovedMarks::Mark>> marks(activities());
  const auto note = [&](PersonOrdinal person, std::size_t activity, std::size_t slot) {
    marks[activity].push_back({person, static_cast<std::uint16_t>(slot)});
  };
  if (std::optional<TimedRows> timed = timed_rows(part)) {
    for (const MovedRuns::Moved& each : runs) {
      HF_CHECK(timed->read(each.run, [&](std::size_t activity, std::size_t slot) {
        note(each.person, activity, slot);
      }));
    }
  }
  if (const std::optional<DatedRows> dated = dated_rows(part)) {
    for (const RowMatches& side : dated->sides()) {
      for (const MovedRuns::Moved& each : runs) {
        const RowNumber first = each.run.first_row;
        dated->read(side, first, first + each.run.row_count, [&](std::uint32_t, std::size_t slot) {
          note(each.person, side.activity, slot);
        });
      }
    }
  }
  for (std::size_t activity = 0; activity < activities(); ++activity) {
    Source& at = sources_[activity][part];
    if (at.matches == nullptr) continue;
    // Whose events were looked at.
    for (const MovedRuns::Moved& each : runs) note(each.person, activity, slots_->nowhere());
    at.moved = MovedMarks(std::move(marks[activity]), chunks());
  }
  return {};
}

Result<ActivityPlan::Source> ActivityPlan::source_of(const Activity& activity, std::uint32_t number,
                                                     const Scope& scope,
                                                     std::optional<PageMatcher>& matcher) {
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
    source.moved = move_postings(source);
    return source;
  }
  HF_TRY(matcher,
         PageMatcher::compile(*activity.matcher, *activity.where, part, scope.conditions, number));
  if (matcher->matches_nothing()) {
    matcher.reset();
    return Source{};
  }
  return Source{.shape = has_whole_days ? ActivityShape::day_rows : ActivityShape::rows};
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
        if (at.matches != nullptr) step.events += snapshot_->parts[part]->row_count();
      }
      if (step.parts > 0) steps.push_back(std::move(step));
    }
  }
  return steps;
}

MovedMarks ActivityPlan::move_postings(const Source& source) const {
  std::vector<MovedMarks::Mark> marks;
  const TimeSlots::Lookup find(*slots_);
  for (const auto& list : source.postings) {
    auto from = list->owners.begin();
    for (const auto& [owner, person] : owners_->moved) {
      from = std::lower_bound(from, list->owners.end(), owner);
      for (; from != list->owners.end() && *from == owner; ++from) {
        const auto at = static_cast<std::size_t>(from - list->owners.begin());
        const std::uint16_t slot = find(list->times[at]);
        if (slot != slots_->nowhere()) marks.push_back({person, slot});
      }
    }
  }
  return {std::move(marks), chunks()};
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
  chunk_ = chunk;
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
        case ActivityShape::counts:
        case ActivityShape::day_rows:
        case ActivityShape::rows: break;
      }
      for (const MovedMarks::Mark& mark : plan_->source(activity, part).moved.of(chunk)) {
        set(activity, mark.slot, mark.person - first);
      }
    }
  }
  for (const DatedRows& rows : dated_) HF_CHECK(load_rows(rows, chunk));
  for (TimedRows& rows : timed_) HF_CHECK(load_rows(rows, chunk));
  const BitmapKernels& kernels = bitmap_kernels();
  if (has_days) {
    for (std::size_t at = 0; at < touched_.size(); ++at) {
      if (touched_[at] == 0) continue;
      kernels.add(seen_.data(), words_.data() + at * PersonChunk::words, PersonChunk::words);
    }
  }
  if (const PersonBitmap* const people = plan_->people()) {
    static constexpr std::array<std::uint64_t, PersonChunk::words> nobody{};
    keep(chunk < people->chunks() ? people->chunk(chunk) : nobody.data());
  }
  persons_scanned_ += kernels.count(seen_.data(), seen_.size());
  return {};
}

void ActivityBitmaps::keep(const std::uint64_t* people) {
  for (std::size_t at = 0; at < touched_.size(); ++at) {
    if (touched_[at] == 0) continue;
    std::uint64_t* const set = words_.data() + at * PersonChunk::words;
    for (std::size_t w = 0; w < PersonChunk::words; ++w) set[w] &= people[w];
  }
  for (std::size_t w = 0; w < PersonChunk::words; ++w) seen_[w] &= people[w];
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

Result<void> ActivityBitmaps::load_rows(const DatedRows& rows, std::uint32_t chunk) {
  const std::uint64_t* const persons = rows.cuts().persons_of(chunk);
  if (persons == nullptr) return {};
  // Those whose rows lie with others are seen where these are marked.
  const BitmapKernels& kernels = bitmap_kernels();
  if (const std::uint64_t* const staying = plan_->owners().staying(chunk)) {
    kernels.add_masked(seen_.data(), persons, staying, PersonChunk::words);
  } else {
    kernels.add(seen_.data(), persons, PersonChunk::words);
  }
  const auto offsets = rows.part().row_offsets();
  return for_each_stretch(
      rows.number(), chunk, [&](std::size_t at, std::size_t end) -> Result<void> {
        events_scanned_ += offsets[end] - offsets[at];
        for (const RowMatches& side : rows.sides()) {
          const std::size_t first = side.activity * stride_;
          mark_cuts(rows, side, offsets[at], offsets[end],
                    words_.data() + first * PersonChunk::words, touched_.data() + first);
        }
        return {};
      });
}

Result<void> ActivityBitmaps::load_rows(TimedRows& rows, std::uint32_t chunk) {
  const auto persons = rows.part().persons();
  const auto offsets = rows.part().row_offsets();
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
  const std::size_t all_steps = steps * plan.chunks() + plan.events() / rows_per_step;
  std::vector<std::optional<ActivityBitmaps>> bitmaps(threads_for(all_steps, threads));
  const auto run = [&](unsigned thread, std::uint32_t chunk) -> Result<void> {
    HF_CHECK(plan.guard().check());
    if (!bitmaps[thread]) bitmaps[thread].emplace(plan);
    HF_CHECK(bitmaps[thread]->load(chunk));
    work(thread, *bitmaps[thread]);
    return {};
  };
  HF_CHECK(for_each_item(static_cast<unsigned>(bitmaps.size()), plan.chunks(), run));
  ActivityScan scan{.events = plan.moved_events()};
  for (const auto& each : bitmaps) {
    if (!each) continue;
    scan.events += each->events_scanned();
    scan.persons += each->persons_scanned();
  }
  return scan;
}

}  // namespace hf
