// SPDX-License-Identifier: Apache-2.0
//
// How far one person came in a funnel, and by which of its attempts. Pure: no store, no clock.
//
// An attempt is a choice of events for steps 1 to d, each event for one step, in the order of time;
// among events of one instant any order will do, but where a step has the same matcher as the one
// before it, its event must be later. All of it lies within the window that begins with the first
// step (its last instant included), each step within the window of the one before it, where that
// has one. By the order of the funnel:
//   ordered  other events may come between;
//   strict   the events are consecutive among all given, those of one instant in some order;
//   any      an attempt is where it begins, and its steps are counted as they are first done: its
//            step k is the earliest event with which k different steps can be said to be done.
//
// The person's depth is that of its longest attempts. Which of them count, for times and means:
//   1. An attempt is spoiled by an excluded event later than its event of step a (`after_step`)
//      and earlier than that of step b (`before_step`) or, where it did not come so far, until the
//      attempt cannot go on (the end of its window, or of the one of its last step). A person
//      whose longest attempts are all spoiled is excluded.
//   2. Of attempts that end at the same time and are not spoiled up to there, only those with the
//      latest start are looked at; then those that were spoiled afterwards go.
//   3. Of what is left, an attempt counts unless it contains another one: one that starts no
//      earlier and ends no later.
//   4. Each start and end counts once, with the earliest time of the second step, then of the
//      third, ..
// The later of two starts is the one whose window ends later; that differs only where clocks
// change and months end. So a person who looked ten times, then bought, has one attempt, from its
// last look; one who did so twice has two.
//
// With values held constant, the events of each value are searched by themselves, and the best of
// the values count.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "metric/window_ends.h"

namespace hf {

enum class FunnelOrder : std::uint8_t { ordered, strict, any };

inline constexpr std::size_t funnel_steps_max = 30;

struct FunnelEvent {
  static constexpr std::uint32_t no_value = std::numeric_limits<std::uint32_t>::max();

  TimestampMs time_ms;
  std::uint64_t steps;         ///< Bit k: matches step k + 1.
  std::uint64_t excludes = 0;  ///< Bit j: matches exclusion j.
  std::uint32_t held = 0;      ///< Of the values held constant; no_value: part of no attempt.
  bool may_start = true;       ///< Of an instant: whether an attempt may begin in it.
};

struct FunnelRules {
  struct Exclusion {
    std::size_t after_step;  ///< From 1; less than before_step.
    std::size_t before_step;
  };

  FunnelOrder order = FunnelOrder::ordered;
  /// By step: the first step with the same matcher, from 0. As many as there are steps, 1 to
  /// funnel_steps_max.
  std::vector<std::size_t> same_as;
  std::shared_ptr<const WindowEnds> window;  ///< From the first step; never null.
  /// By step, for the step after it; nullptr: none. Empty: none at all. Not with order any.
  std::vector<std::shared_ptr<const WindowEnds>> within;
  std::vector<Exclusion> exclusions;  ///< At most 64.
  bool holds_values = false;
  /// Only attempts from the person's first event (of one instant) that can begin one.
  bool first_only = false;

  [[nodiscard]] std::size_t steps() const { return same_as.size(); }
};

/// Where an attempt begins; the later start is the greater one.
struct FunnelStart {
  TimestampMs ends_ms = std::numeric_limits<TimestampMs>::min();  ///< The window's last instant.
  TimestampMs begins_ms = 0;
  friend auto operator<=>(const FunnelStart&, const FunnelStart&) = default;
};

struct FunnelOutcome {
  std::size_t depth = 0;      ///< Steps reached; 0: no attempt.
  bool excluded = false;      ///< Nothing below counts.
  std::int64_t attempts = 0;  ///< Those that count.
  /// Of the attempts that count: the sum of times from step k to k + 1 (from 0), k + 1 < depth.
  std::array<std::int64_t, funnel_steps_max> sums_ms = {};

  [[nodiscard]] bool counts() const { return depth > 0 && !excluded; }
  /// Counts an attempt with the times of its steps; requires as many as `depth`.
  void add(std::span<const TimestampMs> times) {
    ++attempts;
    for (std::size_t k = 0; k + 1 < times.size(); ++k) sums_ms[k] += times[k + 1] - times[k];
  }
  friend bool operator==(const FunnelOutcome&, const FunnelOutcome&) = default;
};

class FunnelLatest;
class FunnelChains;
class FunnelAnyOrder;

/// One thread's searcher; keeps its memory from one person to the next.
///
/// Time grows with events times steps, also where thousands lie at one instant, memory with steps
/// (exclusions, windows within, strict and any order: with events). In any order, where events
/// match several different steps, time also grows with the number of different sets of steps they
/// match.
class FunnelSearch {
 public:
  /// `rules` must outlive it.
  explicit FunnelSearch(const FunnelRules& rules);
  ~FunnelSearch();
  FunnelSearch(FunnelSearch&&) noexcept;

  /// Of one person's events by time. Events that match nothing are needed with order strict alone.
  [[nodiscard]] FunnelOutcome search(std::span<const FunnelEvent> events);

 private:
  FunnelOutcome search_alike(std::span<const FunnelEvent> events,
                             std::optional<TimestampMs> only_start);

  const FunnelRules* rules_;
  std::unique_ptr<FunnelLatest> latest_;
  std::unique_ptr<FunnelChains> chains_;
  std::unique_ptr<FunnelAnyOrder> any_order_;
  std::vector<FunnelEvent> held_;
};

}  // namespace hf
