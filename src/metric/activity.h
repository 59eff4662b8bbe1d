// SPDX-License-Identifier: Apache-2.0
//
// Who did something in which slot of time, as bitmaps of persons: the shape in which retention,
// lifecycle and stickiness are a few ANDs and counts. Each part of a snapshot is read in the
// cheapest shape it has for the question: days of activity, postings of rare names, rows by day, or
// rows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "metric/activity_rows.h"
#include "metric/query_context.h"
#include "metric/time_slots.h"
#include "predicate/matcher.h"
#include "predicate/people.h"
#include "store/snapshot_index.h"

namespace hf {

/// What persons did, and which of it counts. Both pointers outlive it.
struct Activity {
  const Matcher* matcher;
  const Predicate* where;
  bool first_seen = false;  ///< Rows of first-seen parts count too (Snapshot::first_seen_parts).
};

/// How the events of one part are read for one activity.
enum class ActivityShape : std::uint8_t {
  nothing,   ///< None can match.
  days,      ///< Which owners were active on which local days: no event is read.
  counts,    ///< How many events of a name each local day has: none is read, nor whose they are.
  postings,  ///< The lists of names rare enough to have one.
  day_rows,  ///< Which rows match, on days known beforehand: no time is read.
  rows,      ///< Every row.
};
[[nodiscard]] std::string_view to_string(ActivityShape shape);

/// The codes of the part's names that the activity means; nothing where a property decides.
[[nodiscard]] std::optional<std::vector<std::uint32_t>> codes_of(const Activity& activity,
                                                                 const Part& part);

/// What persons did in which slot that lies with other owners, by chunk of persons.
class MovedMarks {
 public:
  struct Mark {
    PersonOrdinal person;
    std::uint16_t slot;  ///< Nowhere: something of the person was looked at.
  };
  MovedMarks() = default;
  MovedMarks(std::vector<Mark> marks, std::uint32_t chunks);
  [[nodiscard]] std::span<const Mark> of(std::uint32_t chunk) const {
    if (marks_.empty()) return {};
    return std::span(marks_).subspan(first_[chunk], first_[chunk + 1] - first_[chunk]);
  }

 private:
  std::vector<Mark> marks_;
  std::vector<std::uint32_t> first_;  // By chunk.
};

/// Activities bound to a snapshot and to slots. Const methods may run concurrently.
class ActivityPlan {
 public:
  struct Scope {
    const Zone* zone;  ///< Outlives the plan, as the rest does.
    TimestampMs as_of_ms;
    const QueryContext* context;
    const PersonBitmap* people = nullptr;       ///< Whose events count; null: everybody's.
    const RowConditions* conditions = nullptr;  ///< Of the predicates of the activities.
  };
  /// All must outlive the plan. Errors: those of Part's readers.
  [[nodiscard]] static Result<ActivityPlan> bind(const Snapshot& snapshot,
                                                 std::span<const Activity> activities,
                                                 const TimeSlots& slots, const Scope& scope);

  struct Source {
    ActivityShape shape = ActivityShape::nothing;
    PartDays days = {};
    std::vector<std::shared_ptr<const Postings>> postings = {};
    std::shared_ptr<const DayRows> day_rows = {};
    std::shared_ptr<const RowBits> matches = {};  ///< Of day_rows and rows.
    MovedMarks moved = {};                        ///< Of postings and rows.
  };

  [[nodiscard]] const Snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] const TimeSlots& slots() const { return *slots_; }
  [[nodiscard]] const OwnerMoves& owners() const { return *owners_; }
  [[nodiscard]] std::span<const TimeSlots::DayRun> days() const { return days_; }
  [[nodiscard]] std::size_t activities() const { return sources_.size(); }
  [[nodiscard]] const Source& source(std::size_t activity, std::uint32_t part) const {
    return sources_[activity][part];
  }
  [[nodiscard]] const PersonBitmap* people() const { return people_; }
  [[nodiscard]] WorkGuard& guard() const { return *guard_; }
  [[nodiscard]] std::uint64_t moved_events() const { return moved_events_; }
  /// What is to be read of a part by rows; nothing where no activity is.
  [[nodiscard]] std::optional<TimedRows> timed_rows(std::uint32_t part) const;
  [[nodiscard]] std::optional<DatedRows> dated_rows(std::uint32_t part) const;
  /// By activity and shape, those that occur.
  [[nodiscard]] std::vector<ReadStep> steps() const;
  /// Rows and postings that will be read.
  [[nodiscard]] std::uint64_t events() const { return events_; }
  /// Of persons, by PersonChunk.
  [[nodiscard]] std::uint32_t chunks() const { return PersonChunk::count(snapshot_->person_end); }

 private:
  Result<Source> source_of(const Activity& activity, std::uint32_t number, const Scope& scope,
                           std::optional<PageMatcher>& matcher);
  [[nodiscard]] bool is_by_rows(std::uint32_t part) const;
  [[nodiscard]] std::vector<RowMatches> matches(std::uint32_t part, ActivityShape shape) const;
  Result<void> read_rows(std::uint32_t part, std::span<const std::optional<PageMatcher>> matchers,
                         const Zone& zone);
  [[nodiscard]] MovedMarks move_postings(const Source& source) const;
  Result<void> move_rows(std::uint32_t part);

  const Snapshot* snapshot_ = nullptr;
  const TimeSlots* slots_ = nullptr;
  const PersonBitmap* people_ = nullptr;
  WorkGuard* guard_ = nullptr;
  std::vector<std::string> labels_;  // By activity.
  std::shared_ptr<SnapshotIndex> index_;
  std::shared_ptr<const OwnerMoves> owners_;
  std::shared_ptr<const SnapshotIndex::Runs> moved_runs_;  // Null where no rows are read.
  std::vector<TimeSlots::DayRun> days_;       // Empty where slots are not made of days.
  std::vector<std::vector<Source>> sources_;  // By activity, then part.
  std::uint64_t events_ = 0;
  std::uint64_t moved_events_ = 0;
};

/// The bitmaps of one chunk after the other, for one thread.
class ActivityBitmaps {
 public:
  /// The plan must outlive it.
  explicit ActivityBitmaps(const ActivityPlan& plan);

  /// Errors: those of Part's readers.
  [[nodiscard]] Result<void> load(std::uint32_t chunk);

  // Of the chunk last loaded; PersonChunk::words words each.
  [[nodiscard]] std::uint32_t chunk() const { return chunk_; }
  /// Who did it in the slot; nullptr where nobody did.
  [[nodiscard]] const std::uint64_t* slot(std::size_t activity, std::size_t slot) const {
    const std::size_t at = activity * stride_ + slot;
    return touched_[at] != 0 ? words_.data() + at * PersonChunk::words : nullptr;
  }

  // Of all chunks loaded.
  [[nodiscard]] std::uint64_t events_scanned() const { return events_scanned_; }
  [[nodiscard]] std::uint64_t persons_scanned() const { return persons_scanned_; }

 private:
  void clear();
  void load_days(std::size_t activity, std::uint32_t part, std::uint32_t chunk);
  void load_postings(std::size_t activity, std::uint32_t part, std::uint32_t chunk);
  Result<void> load_rows(const DatedRows& rows, std::uint32_t chunk);
  Result<void> load_rows(TimedRows& rows, std::uint32_t chunk);
  template <class Use>
  Result<void> for_each_stretch(std::uint32_t part, std::uint32_t chunk, Use&& use);
  void set(std::size_t activity, std::size_t slot, std::uint32_t place);
  void keep(const std::uint64_t* people);

  const ActivityPlan* plan_;
  std::uint32_t chunk_ = 0;
  std::size_t slots_;
  std::size_t stride_;  // Of bitmaps, an activity: one more takes what lies in no slot.
  std::vector<std::uint64_t> words_;
  std::vector<std::uint16_t> touched_;  // Not bytes, which may alias anything.
  std::vector<std::uint64_t> seen_;     // Whose events were looked at.
  std::vector<DatedRows> dated_;
  std::vector<TimedRows> timed_;
  std::uint64_t events_scanned_ = 0;
  std::uint64_t persons_scanned_ = 0;
};

/// What all threads have looked at.
struct ActivityScan {
  std::uint64_t events = 0;
  std::uint64_t persons = 0;
};
/// Calls work(thread, bitmaps) for every chunk, loaded, on up to `threads` threads, each with its
/// own number from 0 on; chunks in no order. `steps` says about how many bitmaps are gone through
/// for a chunk: what takes less time than starting a thread is done on fewer. Errors: those of
/// Part's readers.
[[nodiscard]] Result<ActivityScan> for_each_chunk(
    const ActivityPlan& plan, std::size_t steps, unsigned threads,
    const std::function<void(unsigned, const ActivityBitmaps&)>& work);

}  // namespace hf
