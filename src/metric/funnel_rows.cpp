// SPDX-License-Identifier: Apache-2.0
#include "metric/funnel_rows.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

#include "store/part_format.h"

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

FunnelOutcome FunnelRowSearch::search(std::span<const Bits> steps, const RowTimes& times) {
  FunnelOutcome outcome;
  std::uint32_t start = next_row(steps[0], 0);
  if (start == no_row) return outcome;
  outcome.depth = 1;
  if (rules_->steps() > 1) {
    // While no attempt begins anew, only the first event of the second step does anything.
    std::vector<Reached>& second = levels_[0];
    second.clear();
    while (start != no_row) {
      const std::uint32_t row = next_row(steps[1], start + 1);
      if (row == no_row) break;
      const std::uint32_t latest = last_row_before(steps[0], row);
      if (rules_->window->end(times[latest]) >= times[row]) second.push_back({latest, row, 0});
      start = next_row(steps[0], row);
    }
    if (!second.empty()) outcome.depth = 2;
  }
  for (std::size_t k = 2; k < rules_->steps() && outcome.depth == k; ++k) {
    const std::vector<Reached>& from = levels_[k - 2];
    std::vector<Reached>& to = levels_[k - 1];
    to.clear();
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::uint32_t row = next_row(steps[k], from[i].row + 1);
      if (row == no_row) break;
      while (i + 1 < from.size() && from[i + 1].row < row) ++i;
      if (rules_->window->end(times[from[i].start_row]) < times[row]) continue;
      to.push_back({from[i].start_row, row, static_cast<std::uint32_t>(i)});
    }
    if (!to.empty()) outcome.depth = k + 1;
  }
  if (outcome.depth == 1) {
    for (const std::uint64_t word : steps[0]) outcome.attempts += std::popcount(word);
    return outcome;
  }
  std::array<TimestampMs, funnel_steps_max> of_steps;
  const std::vector<Reached>& last = levels_[outcome.depth - 2];
  for (std::size_t i = 0; i < last.size(); ++i) {
    auto at = static_cast<std::uint32_t>(i);
    for (std::size_t k = outcome.depth - 1; k > 0; --k) {
      of_steps[k] = times[levels_[k - 1][at].row];
      at = levels_[k - 1][at].before;
    }
    of_steps[0] = times[last[i].start_row];
    outcome.add({of_steps.data(), outcome.depth});
  }
  return outcome;
}

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
        span_{plan.range.front().from_ms,
              std::min(plan.range.front().to_ms, bound.selection().as_of + 1)},
        bits_(steps_) {
    for (std::uint32_t i = 0; i < bound.snapshot().parts.size(); ++i) {
      pages_.emplace_back(*bound.snapshot().parts[i], bound.matchers(i));
    }
  }

  Result<void> add(std::span<const PersonRun> runs, FunnelTally& tally) {
    HF_TRY(const bool is_done, add_rows(runs, tally));
    if (is_done) return {};
    HF_TRY(const PersonEvents events, reader_.read(runs));
    if (!events.events.empty()) evaluator_.add(WalkedUnit{events, {}}, tally);
    return {};
  }

 private:
  // False where the person's events have to be looked at one by one.
  Result<bool> add_rows(std::span<const PersonRun> runs, FunnelTally& tally) {
    if (runs.size() != 1) return false;
    MatchedPage& page = pages_[runs.front().part];
    if (page.matches_nothing()) return true;
    constexpr std::uint32_t page_rows = part_format::page_rows;
    std::uint32_t first = runs.front().first_row % page_rows;
    std::uint32_t last = first + runs.front().row_count;
    if (last > page_rows) return false;
    HF_CHECK(page.seek(runs.front().first_row / page_rows));
    const RowTimes times = page.row_times();
    if (times[first] < span_.from_ms || times[last - 1] >= span_.to_ms) {
      const std::uint32_t from = times.first_from(span_.from_ms, first, last);
      last = times.first_from(span_.to_ms, first, last);
      first = from;
    }
    if (first >= last || !take(page, 0, first, last)) return true;
    if (has_outlived(times, first, last)) return false;
    const std::size_t exclusions = plan_->query->exclude.size();
    for (std::size_t j = 0; j < exclusions; ++j) {
      if (has_any(page.rows(steps_ + j), first, last)) return false;
    }
    for (std::size_t k = 1; k < steps_; ++k) take(page, k, first, last);
    if (has_ties(times, first, last)) return false;
    views_.assign(bits_.begin(), bits_.end());
    evaluator_.add_outcome(search_.search(views_, times.from(first)), tally);
    return true;
  }

  // Copies the bits of one step so that the person's first row is bit 0; false where none is set.
  bool take(const MatchedPage& page, std::size_t step, std::uint32_t first, std::uint32_t last) {
    const std::uint64_t* rows = page.rows(step);
    std::vector<std::uint64_t>& bits = bits_[step];
    bits.resize((last - first + 63) / 64);
    const std::uint32_t shift = first % 64;
    const std::size_t last_word = (last - 1) / 64;
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < bits.size(); ++i) {
      const std::size_t word = first / 64 + i;
      std::uint64_t value = rows[word] >> shift;
      if (shift != 0 && word < last_word) value |= rows[word + 1] << (64 - shift);
      bits[i] = value;
      any |= value;
    }
    if ((last - first) % 64 != 0) {
      bits.back() &= (std::uint64_t{1} << ((last - first) % 64)) - 1;
    }
    return any != 0;
  }

  static bool has_any(const std::uint64_t* rows, std::uint32_t first, std::uint32_t last) {
    return !for_each_row(
        first, last, [&](std::uint32_t word) { return rows[word]; },
        [](std::uint32_t) { return false; });
  }

  bool has_outlived(const RowTimes& times, std::uint32_t first, std::uint32_t last) const {
    return std::ranges::any_of(plan_->rules.window->outlived(), [&](const Interval& interval) {
      const std::uint32_t at = times.first_from(interval.from_ms, first, last);
      return at != last && times[at] < interval.to_ms;
    });
  }

  // Two rows of one instant that both match a step.
  bool has_ties(const RowTimes& times, std::uint32_t first, std::uint32_t last) const {
    if (!times.has_equal(first, last)) return false;
    std::optional<TimestampMs> before;
    return !for_each_row(
        0, last - first,
        [&](std::uint32_t word) {
          std::uint64_t matched = 0;
          for (const auto& bits : bits_) matched |= bits[word];
          return matched;
        },
        [&](std::uint32_t row) {
          const TimestampMs t = times[first + row];
          if (before == t) return false;
          before = t;
          return true;
        });
  }

  const FunnelPlan* plan_;
  std::size_t steps_;
  FunnelEvaluator evaluator_;
  FunnelRowSearch search_;
  PersonEventReader reader_;
  Interval span_;
  std::vector<MatchedPage> pages_;                // By part.
  std::vector<std::vector<std::uint64_t>> bits_;  // By step, of the person at hand.
  std::vector<Bits> views_;
};

}  // namespace

Result<GroupedTallies<FunnelTally>> walk_funnel_rows(const BoundSelection& bound,
                                                     const FunnelPlan& plan,
                                                     const SourceRules& rules) {
  struct Worker {
    std::optional<FunnelRowWalk> walk;
    FunnelTally total;
    EventSource::Scan scan;
  };
  const unsigned threads = std::max(1u, rules.threads);
  GroupedTallies<FunnelTally> result{
      .total = FunnelEvaluator(plan).empty_tally(), .groups = {}, .scan = {}};
  std::vector<Worker> workers(threads);
  for (Worker& worker : workers) worker.total = result.total;
  const std::vector<PersonOrdinal> bounds = split_persons(bound.snapshot(), threads * 16);
  const auto items = static_cast<std::uint32_t>(bounds.size() - 1);
  rules.guard->expect(items);
  const auto walk_range = [&](unsigned thread, std::uint32_t item) -> Result<void> {
    HF_CHECK(rules.guard->check());
    Worker& own = workers[thread];
    if (!own.walk) {
      HF_TRY(PersonEventReader reader, PersonEventReader::open(bound));
      own.walk.emplace(bound, plan, std::move(reader));
    }
    Result<void> outcome;
    for_each_person(bound.snapshot(), bounds[item], bounds[item + 1],
                    [&](PersonOrdinal person, std::span<const PersonRun> runs) {
                      if (!outcome) return;
                      if (rules.people != nullptr && !rules.people->contains(person)) return;
                      ++own.scan.persons;
                      for (const PersonRun& run : runs) own.scan.events += run.row_count;
                      outcome = own.walk->add(runs, own.total);
                    });
    rules.guard->advance(1);
    return outcome;
  };
  HF_CHECK(for_each_item(threads, items, walk_range));
  for (const Worker& worker : workers) {
    result.total.add(worker.total);
    result.scan.events += worker.scan.events;
    result.scan.persons += worker.scan.persons;
  }
  return result;
}

}  // namespace hf
