// SPDX-License-Identifier: Apache-2.0
//
// One pass over the persons for a total, and two for a breakdown: the first finds how large each
// bucket of each dimension is, so that the second keeps tallies only for those an answer shows.
// Who is behind a cell is found by the same passes: a person is in a cell when counting the person
// changes it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "metric/grouping.h"

namespace hf {

/// How a walk treats a unit's events.
struct WalkRules {
  /// Where set, the unit's value is the number of its last event of these bits that has one.
  std::uint64_t trait_bits = 0;
  std::size_t trait_value = 0;           ///< Which value of the selection it is.
  std::span<const GroupBy> groups = {};  ///< Empty: no breakdown.
};

template <class Tally>
struct GroupedTallies {
  struct Group {
    BucketPath bucket;
    Tally tally;
  };
  Tally total;
  std::vector<Group> groups;  ///< As answers show them.
  EventSource::Scan scan;
};

/// One unit behind a cell.
struct CellMember {
  UnitId unit;
  std::int64_t count;  ///< What it adds to the cell.
};

/// What a walk hands an evaluator: the events of one unit that are in one group.
struct WalkedUnit : PersonEvents {
  std::optional<Decimal> trait = {};  ///< WalkRules::trait_bits
  UnitId unit = 0;
  /// The same with those of its events that are in one group.
  [[nodiscard]] WalkedUnit with_events(const PersonEvents& inside) const {
    return {inside, trait, unit};
  }
};

/// An Evaluator has a type Tally with add(const Tally&), and is made once a thread from `plan`:
///   Tally empty_tally() const
///   BucketSize measure(const WalkedUnit&)           what one unit adds to its bucket's size
///   void add(const WalkedUnit&, Tally&)
/// and where these two may fail
///   const Result<void>& outcome() const             asked after each unit
/// Tallies are integers and exact sums: the answer does not depend on how units were split.
template <class Evaluator, class Plan>
class GroupedWalk {
 public:
  using Tally = typename Evaluator::Tally;

  GroupedWalk(const EventSource& source, const Plan& plan, const WalkRules& rules)
      : source_(&source), plan_(&plan), rules_(rules), workers_(source.threads()) {}

  /// `fits` is asked, with the number of groups, before as many tallies are made.
  /// Errors: those of EventSource and of `fits`.
  template <class Fits>
  [[nodiscard]] Result<GroupedTallies<Tally>> tally(Fits&& fits) {
    HF_CHECK(fits(std::size_t{0}));
    if (rules_.groups.size() == 1) {
      HF_TRY(auto at_once, tally_at_once(fits));
      if (at_once) return *std::move(at_once);
    }
    HF_CHECK(rank());
    GroupedTallies<Tally> result{
        .total = Evaluator(*plan_).empty_tally(), .groups = {}, .scan = {}};
    for (Worker& worker : workers_) worker.total.emplace(result.total);
    const auto add = [&](unsigned thread, UnitId unit, const PersonEvents& events) -> Result<void> {
      Worker& worker = this->worker(thread);
      const WalkedUnit all = walked(unit, events);
      worker.evaluator->add(all, *worker.total);
      HF_CHECK(outcome_of(worker));
      if (rules_.groups.empty()) return {};
      const auto add_group = [&](const GroupIds& ids, const PersonEvents& inside) -> Result<void> {
        const auto slots = slots_of(ids);
        if (!slots) return {};
        const WalkedUnit view = all.with_events(inside);
        const BucketSize size = worker.evaluator->measure(view);
        if (!size.present) return {};
        auto at = worker.groups.find(*slots);
        if (at == worker.groups.end()) {
          HF_CHECK(fits(worker.groups.size() + 1));
          at = worker.groups.emplace(*slots, Sized{result.total, {}}).first;
        }
        at->second.size.add(size);
        worker.evaluator->add(view, at->second.tally);
        return outcome_of(worker);
      };
      return worker.split.for_each(rules_.groups, unit, events, source_->guard(), add_group);
    };
    HF_TRY(result.scan, source_->for_each(add));
    Groups groups = std::move(workers_.front().groups);
    for (Worker& worker : workers_) {
      result.total.add(*worker.total);
      if (&worker == &workers_.front()) continue;
      for (auto& [slots, more] : worker.groups) {
        const auto [at, is_new] = groups.try_emplace(slots, Sized{result.total, {}});
        if (is_new) {
          at->second = std::move(more);
        } else {
          at->second.size.add(more.size);
          at->second.tally.add(more.tally);
        }
      }
    }
    HF_CHECK(fits(groups.size()));
    show(std::move(groups), result.groups);
    return result;
  }

  /// The units behind a cell of the total, or of the group with that bucket: those whose adding
  /// changes what `cell` reads from the tally, ascending by unit. Errors: those of EventSource;
  /// not_found/unknown_cell where there is no such group.
  template <class Cell>
  [[nodiscard]] Result<std::vector<CellMember>> members(const BucketPath* bucket, Cell&& cell) {
    HF_CHECK(rank());
    Slots wanted{};
    if (bucket != nullptr) {
      HF_TRY(wanted, slots_of(*bucket));
    }
    for (Worker& worker : workers_) worker.total.emplace(Evaluator(*plan_).empty_tally());
    const auto find = [&](unsigned thread, UnitId unit,
                          const PersonEvents& events) -> Result<void> {
      Worker& worker = this->worker(thread);
      const WalkedUnit all = walked(unit, events);
      const std::int64_t before = cell(*worker.total);
      if (bucket == nullptr) {
        worker.evaluator->add(all, *worker.total);
      } else {
        const auto add_group = [&](const GroupIds& ids,
                                   const PersonEvents& inside) -> Result<void> {
          const auto slots = slots_of(ids);
          if (!slots || *slots != wanted) return {};
          const WalkedUnit view = all.with_events(inside);
          worker.has_group = worker.has_group || worker.evaluator->measure(view).present;
          worker.evaluator->add(view, *worker.total);
          return {};
        };
        HF_CHECK(worker.split.for_each(rules_.groups, unit, events, source_->guard(), add_group));
      }
      HF_CHECK(outcome_of(worker));
      const std::int64_t more = cell(*worker.total) - before;
      if (more != 0) worker.members.push_back({unit, more});
      return {};
    };
    HF_CHECK(source_->for_each(find));
    // Each value alone may be shown where the combination is of nobody.
    const bool has_group = std::ranges::any_of(workers_, &Worker::has_group);
    if (bucket != nullptr && !has_group) return unknown_bucket();
    std::vector<CellMember> all;
    for (const Worker& worker : workers_) {
      all.insert(all.end(), worker.members.begin(), worker.members.end());
    }
    std::ranges::sort(all, {}, &CellMember::unit);
    return all;
  }

 private:
  // By dimension, index into what its ranking shows.
  using Slots = std::array<std::int32_t, dimensions_max>;
  struct Sized {
    Tally tally;
    BucketSize size;
  };
  using Groups = std::map<Slots, Sized>;
  struct Worker {
    std::optional<Evaluator> evaluator;
    GroupSplit split;
    std::array<std::vector<BucketSize>, dimensions_max> sizes;  // By bucket.
    std::optional<Tally> total;
    Groups groups;
    std::vector<CellMember> members;
    bool has_group = false;  // Of whom members() asks.
  };

  Worker& worker(unsigned thread) {
    Worker& own = workers_[thread];
    if (!own.evaluator) own.evaluator.emplace(*plan_);
    return own;
  }

  static Result<void> outcome_of(const Worker& worker) {
    if constexpr (requires { worker.evaluator->outcome(); }) {
      return worker.evaluator->outcome();
    } else {
      return {};
    }
  }

  WalkedUnit walked(UnitId of, const PersonEvents& events) const {
    WalkedUnit unit{events, {}, of};
    if (rules_.trait_bits == 0) return unit;
    for (const PersonEvent& event : events.events) {
      if ((event.matched & rules_.trait_bits) == 0) continue;
      const EventNumber& number = events.number(event, rules_.trait_value);
      if (number.state == NumberState::missing) continue;
      unit.trait.reset();  // The latest value counts, and only where it is a number.
      if (number.state == NumberState::number) unit.trait = number.number;
    }
    return unit;
  }

  // One pass where a dimension has so few buckets that all can be kept, as most have; what is
  // beyond the top is added up afterwards. Nothing where they are more.
  template <class Fits>
  Result<std::optional<GroupedTallies<Tally>>> tally_at_once(Fits&& fits) {
    constexpr std::size_t groups_max = 1024;
    std::atomic<bool> is_over = false;
    const Tally empty = Evaluator(*plan_).empty_tally();
    std::vector<std::map<BucketId, Sized>> kept(workers_.size());
    for (Worker& worker : workers_) worker.total.emplace(empty);
    const auto add = [&](unsigned thread, UnitId unit, const PersonEvents& events) -> Result<void> {
      if (is_over) return {};
      Worker& worker = this->worker(thread);
      const WalkedUnit all = walked(unit, events);
      worker.evaluator->add(all, *worker.total);
      HF_CHECK(outcome_of(worker));
      const auto add_group = [&](const GroupIds& ids, const PersonEvents& inside) -> Result<void> {
        const WalkedUnit view = all.with_events(inside);
        const BucketSize size = worker.evaluator->measure(view);
        if (!size.present) return {};
        std::map<BucketId, Sized>& groups = kept[thread];
        auto at = groups.find(ids.front());
        if (at == groups.end()) {
          if (groups.size() == groups_max || !fits(groups.size() + 1)) {
            is_over = true;
            return {};
          }
          at = groups.emplace(ids.front(), Sized{empty, {}}).first;
        }
        at->second.size.add(size);
        worker.evaluator->add(view, at->second.tally);
        return outcome_of(worker);
      };
      return worker.split.for_each(rules_.groups, unit, events, source_->guard(), add_group);
    };
    HF_TRY(const EventSource::Scan scan, source_->for_each(add));
    if (is_over) {
      for (Worker& worker : workers_) worker.total.reset();
      return std::nullopt;
    }
    GroupedTallies<Tally> result{.total = empty, .groups = {}, .scan = scan};
    for (const Worker& worker : workers_) result.total.add(*worker.total);
    std::vector<BucketSize> sizes(rules_.groups.front().table->size());
    for (const auto& groups : kept) {
      for (const auto& [id, group] : groups) sizes[id].add(group.size);
    }
    rankings_[0] = rank_buckets(*rules_.groups.front().table, sizes, rules_.groups.front().top);
    HF_CHECK(fits(rankings_[0].shown.size()));
    for (const Bucket& bucket : rankings_[0].shown) result.groups.push_back({{bucket}, empty});
    for (const auto& groups : kept) {
      for (const auto& [id, group] : groups) {
        result.groups[static_cast<std::size_t>(rankings_[0].slot(id))].tally.add(group.tally);
      }
    }
    return result;
  }

  // Which buckets of each dimension are shown.
  Result<void> rank() {
    if (rules_.groups.empty()) return {};
    const auto measure = [&](unsigned thread, UnitId unit,
                             const PersonEvents& events) -> Result<void> {
      Worker& worker = this->worker(thread);
      const WalkedUnit all = walked(unit, events);
      for (std::size_t d = 0; d < rules_.groups.size(); ++d) {
        std::vector<BucketSize>& sizes = worker.sizes[d];
        const auto measure_group = [&](const GroupIds& ids,
                                       const PersonEvents& inside) -> Result<void> {
          const BucketId id = ids.front();
          if (sizes.size() <= id) sizes.resize(id + 1);
          sizes[id].add(worker.evaluator->measure(all.with_events(inside)));
          return outcome_of(worker);
        };
        HF_CHECK(worker.split.for_each(rules_.groups.subspan(d, 1), unit, events, source_->guard(),
                                       measure_group));
      }
      return {};
    };
    HF_CHECK(source_->for_each(measure));
    for (std::size_t d = 0; d < rules_.groups.size(); ++d) {
      std::vector<BucketSize> all(rules_.groups[d].table->size());
      for (const Worker& worker : workers_) {
        for (std::size_t id = 0; id < worker.sizes[d].size(); ++id) {
          all[id].add(worker.sizes[d][id]);
        }
      }
      rankings_[d] = rank_buckets(*rules_.groups[d].table, all, rules_.groups[d].top);
      // A value with which nothing counts may count with another's: of fewer events a person may
      // have just one, and a first one in the range.
      if (rules_.groups.size() > 1) rankings_[d].add_absent_to_other();
    }
    return {};
  }

  std::optional<Slots> slots_of(const GroupIds& ids) const {
    Slots slots{};
    for (std::size_t d = 0; d < rules_.groups.size(); ++d) {
      slots[d] = rankings_[d].slot(ids[d]);
      if (slots[d] == BucketRanking::none) return std::nullopt;
    }
    return slots;
  }

  Result<Slots> slots_of(const BucketPath& path) const {
    HF_ASSERT(path.size() == rules_.groups.size());
    Slots slots{};
    for (std::size_t d = 0; d < path.size(); ++d) {
      const auto& shown = rankings_[d].shown;
      const auto at = std::ranges::find(shown, path[d]);
      if (at == shown.end()) return unknown_bucket();
      slots[d] = static_cast<std::int32_t>(at - shown.begin());
    }
    return slots;
  }

  BucketPath path_of(const Slots& slots) const {
    BucketPath path;
    for (std::size_t d = 0; d < rules_.groups.size(); ++d) {
      path.push_back(rankings_[d].shown[static_cast<std::size_t>(slots[d])]);
    }
    return path;
  }

  // Those without any `other` first; by size, then bucket.
  void show(Groups groups, std::vector<typename GroupedTallies<Tally>::Group>& shown) const {
    struct Ordered {
      std::ptrdiff_t others;
      std::int64_t size;
      BucketPath path;
      Sized* group;
    };
    std::vector<Ordered> order;
    for (auto& [slots, group] : groups) {
      BucketPath path = path_of(slots);
      const auto others = std::ranges::count(path, Bucket::Kind::other, &Bucket::kind);
      order.push_back({others == 0 ? 0 : 1, group.size.size, std::move(path), &group});
    }
    std::ranges::sort(order, [](const Ordered& a, const Ordered& b) {
      if (a.others != b.others) return a.others < b.others;
      return a.size != b.size ? a.size > b.size : a.path < b.path;
    });
    for (Ordered& each : order) {
      shown.push_back({std::move(each.path), std::move(each.group->tally)});
    }
  }

  const EventSource* source_;
  const Plan* plan_;
  WalkRules rules_;
  std::array<BucketRanking, dimensions_max> rankings_;  // By dimension.
  std::vector<Worker> workers_;
};

}  // namespace hf
