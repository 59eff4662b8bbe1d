// SPDX-License-Identifier: Apache-2.0
#include "metric/grouping.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <unordered_map>

#include "base/assert.h"
#include "metric/key_reader.h"
#include "metric/person_keys.h"

namespace hf {
namespace {

const BucketSet missing_set{BucketTable::missing};
constexpr std::uint32_t events_between_checks = 4096;

GroupBy::How how_of(const Dimension& dimension, const GroupRules& rules) {
  switch (dimension.attribution) {
    case Attribution::first_touch: return GroupBy::How::first_touch;
    case Attribution::last_touch: return GroupBy::How::last_touch;
    case Attribution::step: return GroupBy::How::step;
    default:
      return rules.first_event_bits != 0 ? GroupBy::How::first_event : GroupBy::How::each_event;
  }
}

}  // namespace

Result<std::vector<GroupBy>> bind_breakdown(const Snapshot& snapshot, const PeopleScope& scope,
                                            std::span<const Dimension> breakdown,
                                            const GroupRules& rules, EventSelection& selection) {
  std::vector<GroupBy> bound;
  for (const Dimension& dimension : breakdown) {
    GroupBy& by = bound.emplace_back();
    by.table = std::make_shared<BucketTable>();
    by.top = dimension.top;
    if (dimension.by != Dimension::By::property) {
      by.how = GroupBy::How::person;
      HF_TRY(by.persons, find_person_keys(snapshot, scope, dimension, *by.table));
      continue;
    }
    by.how = how_of(dimension, rules);
    by.bits = by.how == GroupBy::How::first_event ? rules.first_event_bits : rules.event_bits;
    if (by.how == GroupBy::How::each_event) by.bits |= rules.beside_bits;
    if (by.how == GroupBy::How::step) {
      by.step = dimension.step;
      by.bits = std::uint64_t{1} << (by.step - 1);
    }
    by.key = selection.keys.size();
    selection.keys.push_back({dimension.name, by.bits, by.table.get()});
  }
  return bound;
}

std::unexpected<Error> unknown_bucket() {
  return fail(ErrorCode::not_found, "unknown_cell", "the answer has no group of this bucket",
              "/members/cell/bucket");
}

std::unexpected<Error> too_many_combinations() {
  return fail(
      ErrorCode::resource_exhausted, "too_many_cells",
      fmt::format("lists put something into more combinations of buckets than there may be: "
                  "{} of one event or person, {} of all events of a person",
                  combinations_max, unit_combinations_max));
}

// Finds the buckets of each dimension that are the same for all events; true where they all are.
Result<bool> GroupSplit::settle(std::span<const GroupBy> dimensions, UnitId unit,
                                const PersonEvents& events) {
  bool all = true;
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    const GroupBy& by = dimensions[d];
    const BucketSet*& set = sets_[d];
    set = &missing_set;
    const auto key_of = [&](const PersonEvent& event) { return events.key(event, by.key); };
    const auto is_asked = [&](const PersonEvent& event) { return (event.matched & by.bits) != 0; };
    const auto is_touch = [&](const PersonEvent& event) {
      return is_asked(event) && !key_of(event)->empty() && !is_missing(*key_of(event));
    };
    const auto take = [&](auto&& range, auto&& wanted) {
      const auto found = std::ranges::find_if(range, wanted);
      if (found != range.end()) set = key_of(*found);
    };
    switch (by.how) {
      case GroupBy::How::person: set = &by.persons->of(unit); break;
      case GroupBy::How::step: break;  // StepSplit puts its own there.
      case GroupBy::How::first_event: take(events.events, is_asked); break;
      case GroupBy::How::first_touch: take(events.events, is_touch); break;
      case GroupBy::How::last_touch: take(events.events | std::views::reverse, is_touch); break;
      case GroupBy::How::each_event:
        // Most properties say the same of a person each time: then there is nothing to sort.
        set = events.events.empty() ? nullptr : key_of(events.events.front());
        for (const PersonEvent& event : events.events) {
          const BucketSet* const own = key_of(event);
          if (set == nullptr || own == nullptr || (own != set && *own != *set)) {
            set = nullptr;
            break;
          }
        }
        break;
    }
    all = all && set != nullptr;
  }
  if (all) HF_CHECK(multiply(dimensions.size()));
  return all;
}

// All combinations of the sets at hand.
Result<void> GroupSplit::multiply(std::size_t dimensions) {
  std::size_t count = 1;  // Of so few buckets as a table may have, three times do not overflow.
  for (std::size_t d = 0; d < dimensions; ++d) count *= sets_[d]->size();
  if (count > combinations_max) return too_many_combinations();
  products_.assign(1, GroupIds{});
  for (std::size_t d = 0; d < dimensions; ++d) {
    const BucketSet& set = *sets_[d];
    if (set.size() == 1) {
      for (GroupIds& ids : products_) ids[d] = set.front();
      continue;
    }
    std::vector<GroupIds> more;
    for (const GroupIds& ids : products_) {
      for (const BucketId id : set) {
        more.push_back(ids);
        more.back()[d] = id;
      }
    }
    products_ = std::move(more);
  }
  return {};
}

Result<void> GroupSplit::sort(std::span<const GroupBy> dimensions, const PersonEvents& events,
                              WorkGuard& guard) {
  order_.clear();
  const auto settled = sets_;
  for (std::uint32_t i = 0; i < events.events.size(); ++i) {
    const PersonEvent& event = events.events[i];
    bool is_in = true;
    for (std::size_t d = 0; d < dimensions.size(); ++d) {
      sets_[d] = settled[d] != nullptr ? settled[d] : events.key(event, dimensions[d].key);
      is_in = is_in && sets_[d] != nullptr;
    }
    if (!is_in) continue;
    HF_CHECK(multiply(dimensions.size()));
    if (order_.size() + products_.size() > events.events.size() + unit_combinations_max)
      return too_many_combinations();
    for (const GroupIds& ids : products_) order_.emplace_back(ids, i);
    if (i % events_between_checks == 0) HF_CHECK(guard.check());
  }
  std::ranges::sort(order_);
  return {};
}

}  // namespace hf
