// SPDX-License-Identifier: Apache-2.0
#include "metric/funnel_search.h"

#include <algorithm>

#include "base/assert.h"
#include "metric/funnel_any_order.h"
#include "metric/funnel_chains.h"
#include "metric/funnel_latest.h"

namespace hf {

FunnelSearch::FunnelSearch(const FunnelRules& rules) : rules_(&rules) {
  HF_ASSERT(rules.steps() >= 1 && rules.steps() <= funnel_steps_max);
  HF_ASSERT(rules.window != nullptr);
  HF_ASSERT(rules.exclusions.size() <= 64);
  if (rules.order == FunnelOrder::any) {
    HF_ASSERT(rules.within.empty());
    any_order_ = std::make_unique<FunnelAnyOrder>(rules);
    return;
  }
  const bool is_ordinary = rules.order == FunnelOrder::ordered && rules.within.empty();
  if (is_ordinary) latest_ = std::make_unique<FunnelLatest>(rules);
  if (!is_ordinary || !rules.exclusions.empty()) chains_ = std::make_unique<FunnelChains>(rules);
}

FunnelSearch::~FunnelSearch() = default;
FunnelSearch::FunnelSearch(FunnelSearch&&) noexcept = default;

FunnelOutcome FunnelSearch::search(std::span<const FunnelEvent> events) {
  if (rules_->holds_values) {
    held_.clear();
    std::ranges::copy_if(events, std::back_inserter(held_), [](const FunnelEvent& event) {
      return event.held != FunnelEvent::no_value;
    });
    events = held_;
  }
  std::optional<TimestampMs> only_start;
  if (rules_->first_only) {
    const std::uint64_t starts =
        rules_->order == FunnelOrder::any ? ~std::uint64_t{0} : std::uint64_t{1};
    const auto first = std::ranges::find_if(
        events, [&](const FunnelEvent& event) { return (event.steps & starts) != 0; });
    if (first == events.end()) return {};
    only_start = first->time_ms;
  }
  if (!rules_->holds_values) return search_alike(events, only_start);

  std::ranges::stable_sort(held_, {}, &FunnelEvent::held);
  FunnelOutcome best;
  for (std::size_t begin = 0; begin < held_.size();) {
    std::size_t end = begin;
    while (end < held_.size() && held_[end].held == held_[begin].held) ++end;
    const FunnelOutcome own =
        search_alike(std::span(held_).subspan(begin, end - begin), only_start);
    if (own.depth > best.depth) {
      best = own;
    } else if (own.depth == best.depth) {
      best.attempts += own.attempts;
      for (std::size_t k = 0; k < best.sums_ms.size(); ++k) best.sums_ms[k] += own.sums_ms[k];
    }
    begin = end;
  }
  best.excluded = best.depth > 0 && best.attempts == 0;
  return best;
}

FunnelOutcome FunnelSearch::search_alike(std::span<const FunnelEvent> events,
                                         std::optional<TimestampMs> only_start) {
  if (any_order_) return any_order_->search(events, only_start);
  const bool is_ordinary =
      latest_ &&
      (rules_->exclusions.empty() ||
       std::ranges::all_of(events, [](const FunnelEvent& event) { return event.excludes == 0; }));
  if (is_ordinary) return latest_->search(events, only_start);
  return chains_->search(events, only_start);
}

}  // namespace hf
