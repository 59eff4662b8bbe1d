// SPDX-License-Identifier: Apache-2.0
#include "predicate/leaf.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "predicate/behaviour_window.h"
#include "predicate/change.h"
#include "predicate/condition.h"
#include "predicate/system_trait.h"

namespace hf {
namespace {

constexpr std::uint32_t trait_given = 1;
constexpr std::uint32_t trait_holds = 2;

// Times of matches, ascending, and how many of them are before a time that mostly moves on. Where
// clocks are put back, or a month lacks a day, it may move back a little.
class MatchTimes {
 public:
  void clear() {
    times_.clear();
    at_ = 0;
  }
  void add(TimestampMs time_ms) { times_.push_back(time_ms); }
  [[nodiscard]] std::size_t size() const { return times_.size(); }
  [[nodiscard]] std::size_t before(TimestampMs time_ms) {
    while (at_ < times_.size() && times_[at_] < time_ms) ++at_;
    while (at_ > 0 && times_[at_ - 1] >= time_ms) --at_;
    return at_;
  }
  /// Of the first `end`, wherever that is.
  [[nodiscard]] std::size_t not_after(TimestampMs time_ms, std::size_t end) const {
    const auto last = times_.begin() + static_cast<std::ptrdiff_t>(end);
    return static_cast<std::size_t>(std::upper_bound(times_.begin(), last, time_ms) -
                                    times_.begin());
  }

 private:
  std::vector<TimestampMs> times_;
  std::size_t at_ = 0;
};

class TraitState final : public LeafState {
 public:
  explicit TraitState(const Predicate& condition) : missing_holds_(is_negative(condition.op)) {}
  void clear() override { holds_ = missing_holds_; }
  void take(const Moment& moment) override {
    if ((moment.matched & trait_given) != 0) holds_ = (moment.matched & trait_holds) != 0;
  }
  bool holds(TimestampMs) override { return holds_; }

 private:
  bool missing_holds_;
  bool holds_ = false;
};

class DidState final : public LeafState {
 public:
  DidState(const Behaviour& behaviour, const Zone& zone)
      : behaviour_(behaviour), zone_(zone), span_(fixed_span(behaviour, zone)) {}
  void clear() override {
    times_.clear();
    inside_ = 0;
  }
  void take(const Moment& moment) override {
    if (behaviour_.within) {
      times_.add(moment.time_ms);
    } else if (span_.contains(moment.time_ms)) {
      ++inside_;
    }
  }
  bool holds(TimestampMs reference) override {
    if (!behaviour_.within) return behaviour_.count.holds(inside_);
    const std::size_t before = times_.before(earlier(reference, *behaviour_.within, 1, zone_));
    return behaviour_.count.holds(static_cast<std::int64_t>(times_.size() - before));
  }

 private:
  const Behaviour& behaviour_;
  const Zone& zone_;
  TimeSpan span_;
  MatchTimes times_;
  std::int64_t inside_ = 0;
};

// For every step, the latest begin of a sequence that has got that far: whatever window ends at an
// event, none begins later.
class SequenceState final : public LeafState {
 public:
  SequenceState(const Behaviour& behaviour, const Zone& zone)
      : behaviour_(behaviour), zone_(zone), begins_(behaviour.matchers.size()) {}
  void clear() override { std::ranges::fill(begins_, never); }
  void take(const Moment& moment) override {
    for (std::size_t step = begins_.size(); step-- > 0;) {  // An event serves one step.
      if ((moment.matched >> step & 1) == 0) continue;
      begins_[step] = step == 0 ? moment.time_ms : begins_[step - 1];
    }
  }
  bool holds(TimestampMs reference) override {
    if (begins_.back() == never) return false;
    if (!behaviour_.within) return true;
    return begins_.back() >= earlier(reference, *behaviour_.within, 1, zone_);
  }

 private:
  static constexpr TimestampMs never = std::numeric_limits<TimestampMs>::min();
  const Behaviour& behaviour_;
  const Zone& zone_;
  std::vector<TimestampMs> begins_;  // By step.
};

class FirstState final : public LeafState {
 public:
  FirstState(const Behaviour& behaviour, const Zone& zone) : behaviour_(behaviour), zone_(zone) {}
  void clear() override { first_.reset(); }
  void take(const Moment& moment) override {
    if (!first_) first_ = moment.time_ms;
  }
  bool holds(TimestampMs reference) override {
    if (!first_ || !behaviour_.within) return first_.has_value();
    return *first_ >= earlier(reference, *behaviour_.within, 1, zone_);
  }

 private:
  const Behaviour& behaviour_;
  const Zone& zone_;
  std::optional<TimestampMs> first_;
};

class RegularState final : public LeafState {
 public:
  RegularState(const Behaviour& behaviour, const Zone& zone)
      : behaviour_(behaviour), zone_(zone), period_(one_of(behaviour.unit)) {}
  void clear() override { times_.clear(); }
  void take(const Moment& moment) override { times_.add(moment.time_ms); }
  bool holds(TimestampMs reference) override {
    std::int64_t missing = behaviour_.at_least;
    std::size_t end = times_.size();  // Of matches in this period or an earlier one.
    for (int i = 1; missing > 0 && end > 0 && behaviour_.last - i + 1 >= missing; ++i) {
      const TimestampMs begin = earlier(reference, period_, i, zone_);
      const std::size_t before = times_.not_after(begin, end);
      if (before < end) --missing;
      end = before;
    }
    return missing <= 0;
  }

 private:
  const Behaviour& behaviour_;
  const Zone& zone_;
  Duration period_;
  MatchTimes times_;
};

// Tallies of neighbouring matches, by twos, fours and so on: any stretch is a few of them, and
// nothing is ever taken off a sum, so that none of it is lost.
class TallyTree {
 public:
  void clear() {
    for (auto& level : levels_) level.clear();
  }
  void add(const WindowTally& tally) {
    WindowTally all = tally;
    for (std::size_t level = 0;; ++level) {
      if (level == levels_.size()) levels_.emplace_back();
      levels_[level].push_back(all);
      if (levels_[level].size() % 2 != 0) return;
      all = levels_[level][levels_[level].size() - 2];
      merge(all, levels_[level].back());
    }
  }
  /// Of matches [from, end).
  [[nodiscard]] WindowTally of(std::size_t from, std::size_t end) const {
    WindowTally all;
    while (from < end) {
      const auto fits = static_cast<std::size_t>(std::bit_width(end - from)) - 1;
      const auto level = std::min(static_cast<std::size_t>(std::countr_zero(from)), fits);
      merge(all, levels_[level][from >> level]);
      from += std::size_t{1} << level;
    }
    return all;
  }

 private:
  static void merge(WindowTally& into, const WindowTally& from) {
    into.events += from.events;
    into.sum.add(from.sum);
    into.squares += from.squares;
  }
  std::vector<std::vector<WindowTally>> levels_;  // By level, of 2^level matches each.
};

class ChangeState final : public LeafState {
 public:
  ChangeState(const Behaviour& behaviour, const Zone& zone) : behaviour_(behaviour), zone_(zone) {}
  void clear() override {
    window_.clear();
    before_.clear();
    tallies_.clear();
  }
  void take(const Moment& moment) override {
    WindowTally tally;
    tally.add_event();
    if (moment.has_number) tally.add_value(moment.number);
    window_.add(moment.time_ms);
    before_.add(moment.time_ms);
    tallies_.add(tally);
  }
  bool holds(TimestampMs reference) override {
    const std::size_t middle = window_.before(earlier(reference, *behaviour_.within, 1, zone_));
    const std::size_t begin = before_.before(earlier(reference, *behaviour_.within, 2, zone_));
    return change_holds(behaviour_, tallies_.of(middle, window_.size()),
                        tallies_.of(begin, middle));
  }

 private:
  const Behaviour& behaviour_;
  const Zone& zone_;
  MatchTimes window_;
  MatchTimes before_;  // The same times, with a place of their own.
  TallyTree tallies_;
};

Predicate on_property(const Predicate& trait) {
  Predicate condition = trait;
  condition.kind = Predicate::Kind::property;
  const bool is_order =
      trait.op == Op::lt || trait.op == Op::lte || trait.op == Op::gt || trait.op == Op::gte;
  if (trait.kind != Predicate::Kind::system || !trait.property.starts_with(tier_prefix) ||
      !is_order) {
    return condition;
  }
  // Tiers are ordered by rank, not by name: those that satisfy it are listed.
  const std::optional<std::size_t> bound = tier_rank(trait.values.front().text);
  HF_ASSERT(bound);
  condition.op = Op::in;
  condition.value_is_list = true;
  condition.values.clear();
  for (std::size_t rank = 0; rank < tier_names.size(); ++rank) {
    const bool holds = trait.op == Op::lt    ? rank < *bound
                       : trait.op == Op::lte ? rank <= *bound
                       : trait.op == Op::gt  ? rank > *bound
                                             : rank >= *bound;
    if (holds) condition.values.push_back({.text = std::string(tier_names[rank])});
  }
  if (!condition.values.empty()) return condition;
  Predicate nothing;
  nothing.kind = Predicate::Kind::any;
  return nothing;
}

Predicate is_given(const std::string& trait) {
  Predicate condition;
  condition.kind = Predicate::Kind::property;
  condition.property = trait;
  condition.op = Op::exists;
  return condition;
}

Matcher events_where(std::string_view event, Predicate where) {
  Matcher matcher;
  matcher.choices.push_back(
      {.event = std::string(event), .where = std::move(where), .has_where = true});
  return matcher;
}

}  // namespace

Leaf::Leaf(const Predicate& condition, const Zone& zone) : condition_(&condition), zone_(&zone) {
  if (condition.kind == Predicate::Kind::behaviour) {
    const Behaviour& behaviour = *condition.behaviour;
    for (const Matcher& matcher : behaviour.matchers) {
      wanted_.push_back(
          {.matcher = &matcher, .first_seen = behaviour.kind == Behaviour::Kind::first});
    }
    if (behaviour.kind == Behaviour::Kind::change && behaviour.of == Behaviour::ChangeOf::sum) {
      number_property_ = behaviour.property;
    }
    return;
  }
  HF_ASSERT(condition.kind == Predicate::Kind::trait || condition.kind == Predicate::Kind::system);
  const std::string_view event =
      condition.kind == Predicate::Kind::system ? system_trait_event : trait_event;
  own_matchers_.push_back(events_where(event, is_given(condition.property)));
  own_matchers_.push_back(events_where(event, on_property(condition)));
  for (const Matcher& matcher : own_matchers_) wanted_.push_back({.matcher = &matcher});
}

TimeSpan Leaf::span_looked_at(TimestampMs reference) const {
  if (condition_->kind == Predicate::Kind::behaviour) {
    return hf::span_looked_at(*condition_->behaviour, reference, *zone_);
  }
  return {timestamp_min_ms, reference};
}

std::unique_ptr<LeafState> Leaf::state() const {
  if (condition_->kind != Predicate::Kind::behaviour) {
    return std::make_unique<TraitState>(*condition_);
  }
  const Behaviour& behaviour = *condition_->behaviour;
  switch (behaviour.kind) {
    case Behaviour::Kind::did: return std::make_unique<DidState>(behaviour, *zone_);
    case Behaviour::Kind::sequence: return std::make_unique<SequenceState>(behaviour, *zone_);
    case Behaviour::Kind::first: return std::make_unique<FirstState>(behaviour, *zone_);
    case Behaviour::Kind::regularly: return std::make_unique<RegularState>(behaviour, *zone_);
    case Behaviour::Kind::change: return std::make_unique<ChangeState>(behaviour, *zone_);
  }
  HF_ASSERT(!"a behaviour without a kind");
  return nullptr;
}

}  // namespace hf
