// SPDX-License-Identifier: Apache-2.0
#include "metric/funnel_rows.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

namespace hf {
namespace {

constexpr std::uint32_t no_row = std::numeric_limits<std::uint32_t>::max();
using Bits = std::span<const std::uint64_t>;

// The first set bit at `from` or later.
std::uint32_t next_row(Bits bits, std::uint32_t from) {
  std::size_t word = from / 64;
  if (word >= bits.size()) return no_row;
  std::uint64_t rest = bits[word] & (~std::uint64_t{0} << (from % 64));
  while (rest == 0) {
    if (++word == bits.size()) return no_row;
    rest = bits[word];
  }
  return static_cast<std::uint32_t>(word * 64) + static_cast<std::uint32_t>(std::countr_zero(rest));
}

// The last set bit before `before`. Requires that there is one.
std::uint32_t last_row_before(Bits bits, std::uint32_t before) {
  std::size_t word = (before - 1) / 64;
  std::uint64_t rest = bits[word] & (~std::uint64_t{0} >> (63 - (before - 1) % 64));
  while (rest == 0) rest = bits[--word];
  return static_cast<std::uint32_t>(word * 64) + 63 -
         static_cast<std::uint32_t>(std::countl_zero(rest));
}

}  // namespace

FunnelRowSearch::FunnelRowSearch(const FunnelRules& rules)
    : rules_(&rules), levels_(rules.steps() - 1) {}

template <class Times>
const FunnelOutcome& FunnelRowSearch::search(std::span<const Bits> steps, const Times& times) {
  FunnelOutcome& outcome = outcome_;
  outcome.depth = 0;
  outcome.attempts = 0;
  std::fill_n(outcome.sums_ms.begin(), rules_->steps(), 0);
  std::uint32_t start = next_row(steps[0], 0);
  if (start == no_row) return outcome;
  outcome.depth = 1;
  if (rules_->steps() > 1 && levels_[0].reached.size() < steps[0].size() * 64) {
    for (Level& level : levels_) level.reached.resize(steps[0].size() * 64);
  }
  if (rules_->steps() > 1) {
    // While no attempt begins anew, only the first event of the second step does anything.
    Level& second = levels_[0];
    second.count = 0;
    while (start != no_row) {
      const std::uint32_t row = next_row(steps[1], start + 1);
      if (row == no_row) break;
      const std::uint32_t latest = last_row_before(steps[0], row);
      const TimestampMs time = times[row];
      const TimestampMs ends = rules_->window->end(times[latest]);
      if (ends >= time) second.reached[second.count++] = {time, ends, row, latest};
      start = next_row(steps[0], row);
    }
    if (second.count > 0) outcome.depth = 2;
  }
  for (std::size_t k = 2; k < rules_->steps() && outcome.depth == k; ++k) {
    const Level& from = levels_[k - 2];
    Level& to = levels_[k - 1];
    to.count = 0;
    for (std::size_t i = 0; i < from.count; ++i) {
      const std::uint32_t row = next_row(steps[k], from.reached[i].row + 1);
      if (row == no_row) break;
      while (i + 1 < from.count && from.reached[i + 1].row < row) ++i;
      const TimestampMs ends = from.reached[i].ends_ms;
      const TimestampMs time = times[row];
      if (ends < time) continue;
      to.reached[to.count++] = {time, ends, row, static_cast<std::uint32_t>(i)};
    }
    if (to.count > 0) outcome.depth = k + 1;
  }
  if (outcome.depth == 1) {
    for (const std::uint64_t word : steps[0]) outcome.attempts += std::popcount(word);
    return outcome;
  }
  const Level& last = levels_[outcome.depth - 2];
  outcome.attempts = static_cast<std::int64_t>(last.count);
  for (std::size_t i = 0; i < last.count; ++i) {
    const Reached* at = &last.reached[i];
    for (std::size_t k = outcome.depth - 2; k > 0; --k) {
      const Reached* const before = &levels_[k - 1].reached[at->before];
      outcome.sums_ms[k] += at->time_ms - before->time_ms;
      at = before;
    }
    outcome.sums_ms[0] += at->time_ms - times[at->before];
  }
  return outcome;
}

template const FunnelOutcome& FunnelRowSearch::search(std::span<const Bits>, const RowTimes&);
template const FunnelOutcome& FunnelRowSearch::search(std::span<const Bits>,
                                                      const PersonRows::Times&);

bool has_funnel_rows(const FunnelPlan& plan) {
  return plan.query->view != FunnelView::trend && plan.rules.order == FunnelOrder::ordered &&
         plan.rules.within.empty() && !plan.rules.holds_values && !plan.rules.first_only &&
         plan.range.size() == 1;
}

namespace {

// One thread's walk.
class FunnelRowWalk {
 public:
  FunnelRowWalk(const BoundSelection& bound, const FunnelPlan& plan, PersonEventReader reader)
      : plan_(&plan),
        steps_(plan.query->steps.size()),
        evaluator_(plan),
        search_(plan.rules),
        reader_(std::move(reader)),
        rows_(bound, {plan.range.front().from_ms,
                      std::min(plan.range.front().to_ms, bound.selection().as_of + 1)}) {}

  Result<void> add(std::span<const PersonRun> runs, FunnelTally& tally) {
    HF_TRY(const bool is_done, add_rows(runs, tally));
    if (is_done) return evaluator_.outcome();
    HF_TRY(const PersonEvents events, reader_.read(runs));
    if (!events.events.empty()) evaluator_.add(WalkedUnit{events, {}}, tally);
    return evaluator_.outcome();
  }

 private:
  // False where the person's events have to be looked at one by one.
  Result<bool> add_rows(std::span<const PersonRun> runs, FunnelTally& tally) {
    HF_TRY(const PersonRows::Read read, rows_.read(runs));
    if (read != PersonRows::Read::rows) return read == PersonRows::Read::nothing;
    views_.clear();
    for (std::size_t k = 0; k < steps_; ++k) views_.push_back(rows_.matches(k));
    if (!has_any(views_.front())) return true;
    const std::size_t exclusions = plan_->query->exclude.size();
    for (std::size_t j = 0; j < exclusions; ++j) {
      if (has_any(rows_.matches(steps_ + j))) return false;
    }
    if (rows_.has_ties()) return false;
    const auto& outlived = plan_->rules.window->outlived();
    if (std::ranges::any_of(outlived, [&](const Interval& i) { return rows_.has_any_in(i); })) {
      return false;
    }
    rows_.with_times(
        [&](const auto& times) { evaluator_.add_outcome(search_.search(views_, times), tally); });
    return true;
  }

  static bool has_any(Bits bits) {
    return std::ranges::any_of(bits, [](std::uint64_t word) { return word != 0; });
  }

  const FunnelPlan* plan_;
  std::size_t steps_;
  FunnelEvaluator evaluator_;
  FunnelRowSearch search_;
  PersonEventReader reader_;
  PersonRows rows_;
  std::vector<Bits> views_;
};

}  // namespace

Result<GroupedTallies<FunnelTally>> walk_funnel_rows(const BoundSelection& bound,
                                                     const FunnelPlan& plan,
                                                     const SourceRules& rules) {
  struct Worker {
    std::optional<FunnelRowWalk> walk;
    FunnelTally total;
  };
  GroupedTallies<FunnelTally> result{
      .total = FunnelEvaluator(plan).empty_tally(), .groups = {}, .scan = {}};
  std::vector<Worker> workers(std::max(1u, rules.threads));
  for (Worker& worker : workers) worker.total = result.total;
  const auto add = [&](unsigned thread, PersonOrdinal,
                       std::span<const PersonRun> runs) -> Result<void> {
    Worker& own = workers[thread];
    if (!own.walk) {
      HF_TRY(PersonEventReader reader, PersonEventReader::open(bound));
      own.walk.emplace(bound, plan, std::move(reader));
    }
    return own.walk->add(runs, own.total);
  };
  HF_TRY(result.scan, walk_persons(bound.snapshot(), rules, add));
  for (const Worker& worker : workers) result.total.add(worker.total);
  return result;
}

}  // namespace hf
