// SPDX-License-Identifier: Apache-2.0
//
// Funnels in order with all that FunnelLatest does not know: windows from step to step, excluded
// events, and strict order.
//
// Per number of steps done it keeps the attempts that could still be the ones that count. One with
// a later start that can wait at least as long does whatever another one can, so the other goes;
// of one start all are kept, since the earliest is wanted and may be the first to wait too long.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "metric/funnel_search.h"
#include "metric/instant_reach.h"

namespace hf {

class FunnelChains {
 public:
  /// `rules` must outlive it; requires order ordered or strict.
  explicit FunnelChains(const FunnelRules& rules);

  /// `only_start`: the only instant at which an attempt may begin.
  [[nodiscard]] FunnelOutcome search(std::span<const FunnelEvent> events,
                                     std::optional<TimestampMs> only_start);

 private:
  using Link = std::int32_t;  // Index into links_, or none.
  static constexpr Link none = -1;
  // The event of one step, and the one of the step before it.
  struct Step {
    TimestampMs time_ms;
    Link before;
  };
  struct Waiting {
    TimestampMs until_ms;  // The next step comes no later.
    Link last;
  };
  // Attempts of one start that have done the same number of steps, by their last step's time.
  struct Chains {
    FunnelStart start;
    std::vector<Waiting> waiting;
    std::size_t first = 0;  // Those before it have waited too long.
  };
  struct Attempt {
    FunnelStart start;
    Link last = none;
    std::size_t level = 0;
  };
  // An attempt of `depth_` steps that counts if nothing spoils it and no other lies within it.
  struct Candidate {
    FunnelStart start;
    TimestampMs closes_ms;  // The last instant at which it could go on.
    Link last;
    bool spoiled = false;
  };

  void pass(std::span<const FunnelEvent> events, std::optional<TimestampMs> only_start,
            bool spoils);
  void pass_instant(std::span<const FunnelEvent> events, bool may_start, std::uint64_t excludes);
  std::optional<Attempt> choose(std::size_t level, TimestampMs t);
  bool is_spoiled(std::size_t from, std::size_t to, std::uint64_t excludes) const;
  void spoil(TimestampMs t, std::uint64_t excludes);
  Link link(const Attempt& from, std::size_t to, TimestampMs t);
  void keep(std::size_t level, const FunnelStart& start, Waiting waiting);
  void record(std::size_t level, const FunnelStart& start, Waiting waiting);
  FunnelOutcome outcome() const;

  const FunnelRules* rules_;
  InstantReach reach_;
  std::vector<std::vector<Chains>> levels_;  // By steps done; [0] is not used.
  std::vector<Step> links_;
  std::array<std::optional<Attempt>, funnel_steps_max> bases_ = {};  // By steps done.
  std::array<Link, funnel_steps_max> linked_ = {};  // By base: where its steps at this instant are.
  std::vector<Candidate> candidates_;               // By the time they end.
  std::size_t open_ = 0;                            // Candidates from here on can be spoiled.
  std::size_t depth_ = 0;
  bool spoils_ = false;  // Excluded events are heeded, and depth_ is known.
};

}  // namespace hf
