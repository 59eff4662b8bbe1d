// SPDX-License-Identifier: Apache-2.0
//
// Test support: a few persons whose events lie in several parts, some with owners whose events are
// theirs by a link, some purged so that only who was first is known; and random conditions on them.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/memory_file.h"
#include "base/rng.h"
#include "calendar/time_text.h"
#include "calendar/zone.h"
#include "predicate/behaviour.h"
#include "predicate/matcher.h"
#include "predicate/people.h"
#include "store/page_cache.h"
#include "store/part_builder.h"
#include "store/person_registry.h"
#include "store/property_reader.h"
#include "store/snapshot.h"

namespace hf::test {

struct PeopleEvent {
  int owner = 0;
  std::string name;
  TimestampMs time_ms = 0;
  std::vector<std::pair<std::string, Scalar>> properties;
  bool is_first_seen = false;
  std::uint32_t part = 0;  // Of the snapshot with first-seen parts.
  RowNumber row = 0;

  [[nodiscard]] std::vector<PropertyView> views() const {
    std::vector<PropertyView> out;
    for (const auto& [property, value] : properties) out.push_back({property, value.view()});
    return out;
  }
};

inline Scalar text_value(std::string text) { return {.text = std::move(text)}; }
inline Scalar number_value(std::int64_t units, int scale = 0) {
  return {.kind = ValueKind::number, .number = Decimal::normalized(units, scale)};
}

inline constexpr int world_owners = 7;

/// Key of the anonymous id "<owner>".
inline Hash128 owner_key(int owner) {
  static const std::vector<Hash128> keys = [] {
    std::vector<Hash128> found;
    for (int i = 0; i < world_owners; ++i) {
      PageCache cache(1 << 20);
      PersonRegistry persons(HashKey{}, 0);
      PartBuilder builder(0);
      builder.add({.anonymous_id = fmt::format("{}", i), .name = "a", .time_ms = 0}, "");
      auto file = std::make_unique<MemoryFile>();
      EXPECT_TRUE(builder.write_to(*file, 0, {}, persons, {}));
      found.push_back(Part::open(std::move(file), "p", cache).value()->id_keys().value()[0].key);
    }
    return found;
  }();
  return keys[static_cast<std::size_t>(owner)];
}

class PeopleWorld {
 public:
  PeopleWorld() : cache_(std::size_t{1} << 26), persons_(HashKey{}, 0) {
    for (int i = 0; i < world_owners; ++i) {
      EXPECT_EQ(persons_.ordinal_of(owner_key(i)), static_cast<PersonOrdinal>(i));
    }
  }

  /// The events of one part, in the order of their arrival. First-seen parts come first. `of`: with
  /// whom each owner's events are laid; empty: its own.
  void add_part(std::vector<PeopleEvent> events, bool is_first_seen, const std::vector<int>& of,
                PostingRule postings) {
    PartBuilder builder(timestamp_end_ms - 1);
    for (std::size_t i = 0; i < events.size(); ++i) {
      PeopleEvent& event = events[i];
      event.part = static_cast<std::uint32_t>(parts_.size());
      event.is_first_seen = is_first_seen;
      // So that its row is found again.
      event.properties.emplace_back("#", number_value(static_cast<std::int64_t>(i)));
      const auto properties = event.views();
      builder.add({.anonymous_id = fmt::format("{}", event.owner),
                   .name = event.name,
                   .time_ms = event.time_ms,
                   .properties = properties},
                  "");
      event.properties.pop_back();
    }
    PartBuilder::Target target{.postings = postings};
    if (!of.empty()) {
      target.canonical = [&](const Hash128& key) {
        for (int i = 0; i < world_owners; ++i) {
          if (owner_key(i) == key) return owner_key(of[static_cast<std::size_t>(i)]);
        }
        return key;
      };
    }
    auto file = std::make_unique<MemoryFile>();
    EXPECT_TRUE(builder.write_to(*file, 0, target, persons_, {}));
    PartRuns part{.part = Part::open(std::move(file), "part", cache_).value()};
    part.owners = std::make_shared<const OwnerRuns>(owner_runs(*part.part).value());
    PropertyReader numbers = PropertyReader::open(*part.part, "#").value();
    for (RowNumber row = 0; row < part.part->row_count(); ++row) {
      const auto value =
          numbers.read(row / part_format::page_rows, row % part_format::page_rows).value();
      events[static_cast<std::size_t>(value.number.units)].row = row;
    }
    first_seen_ += is_first_seen ? 1 : 0;
    parts_.push_back(std::move(part));
    events_.insert(events_.end(), events.begin(), events.end());
  }

  void belong(Belonging belonging) { belonging_ = std::move(belonging); }

  [[nodiscard]] Snapshot snapshot() const {
    const auto of_parts = [&](std::size_t first, std::size_t first_seen) {
      const std::span<const PartRuns> runs = std::span(parts_).subspan(first);
      Snapshot snapshot;
      for (const PartRuns& part : runs) snapshot.parts.push_back(part.part);
      snapshot.belonging = std::make_shared<const Belonging>(belonging_);
      snapshot.moved = find_moved_runs(runs, belonging_);
      snapshot.person_end = persons_.next();
      snapshot.first_seen_parts = first_seen;
      return snapshot;
    };
    Snapshot snapshot = of_parts(first_seen_, 0);
    if (first_seen_ > 0) {
      snapshot.with_first_seen = std::make_shared<const Snapshot>(of_parts(0, first_seen_));
    }
    return snapshot;
  }
  [[nodiscard]] std::uint32_t first_seen_parts() const { return first_seen_; }

  /// By person, in the order time, owner, arrival; those whose events are nobody's left out.
  [[nodiscard]] std::map<PersonOrdinal, std::vector<PeopleEvent>> histories() const {
    std::vector<PeopleEvent> sorted = events_;
    std::ranges::stable_sort(sorted, [](const PeopleEvent& a, const PeopleEvent& b) {
      return std::tuple(a.time_ms, a.owner) < std::tuple(b.time_ms, b.owner);
    });
    std::map<PersonOrdinal, std::vector<PeopleEvent>> out;
    for (PeopleEvent& event : sorted) {
      const PersonOrdinal person = belonging_.person(static_cast<PersonOrdinal>(event.owner));
      if (person != Belonging::nobody) out[person].push_back(std::move(event));
    }
    return out;
  }

 private:
  PageCache cache_;
  PersonRegistry persons_;
  Belonging belonging_;
  std::vector<PartRuns> parts_;
  std::uint32_t first_seen_ = 0;
  std::vector<PeopleEvent> events_;
};

/// Where clocks change, months lack days, and nowhere in particular.
inline constexpr std::array world_anchors = {"2026-03-29T01:00", "2025-10-26T01:00",
                                             "2006-10-29T02:31", "2026-03-31T06:00",
                                             "2024-02-29T00:00", "2026-06-10T12:00"};
inline constexpr std::array world_zones = {"UTC", "Europe/London", "America/St_Johns",
                                           "Australia/Lord_Howe"};

class AnyPeople {
 public:
  explicit AnyPeople(Rng& rng) : rng_(rng) {
    zone_ = Zone::load(real_env(), world_zones[rng.below(world_zones.size())]).value();
    anchor_ = parse_time(world_anchors[rng.below(world_anchors.size())], {}, *Zone::utc()).value();
    constexpr TimestampMs steps[] = {20 * 60'000, 6 * 3'600'000, ms_per_day, 11 * ms_per_day};
    step_ = steps[rng.below(std::size(steps))];
  }

  [[nodiscard]] const Zone& zone() const { return *zone_; }
  /// Within a `where`, conditions on what a person did too.
  void nest_behaviours(bool nest) { nests_behaviours_ = nest; }
  TimestampMs time() {
    // At times as long ago as windows reach back, so that their begins matter, also where these go
    // back: after an hour that comes twice, or at the end of a month.
    constexpr TimestampMs days_ago[] = {0, 0, 0, 0, 1, 28, 31, 60};
    return anchor_ - days_ago[rng_.below(std::size(days_ago))] * ms_per_day +
           step_ * rng_.between(-8, 8) + (rng_.chance(0.7) ? 0 : rng_.between(-1, 1));
  }

  void fill(PeopleWorld& world) {
    constexpr PostingRule rules[] = {{1000, 1000}, {0, 0}, {400, 600}};
    const std::uint64_t first_seen = rng_.chance(0.4) ? 1 + rng_.below(2) : 0;
    const std::uint64_t parts = first_seen + rng_.below(4);
    for (std::uint64_t i = 0; i < parts; ++i) {
      std::vector<PeopleEvent> events;
      for (std::uint64_t n = 1 + rng_.below(20); n > 0; --n)
        events.push_back(event(i < first_seen));
      world.add_part(std::move(events), i < first_seen,
                     rng_.chance(0.4) ? any_belonging() : std::vector<int>{},
                     rules[rng_.below(std::size(rules))]);
    }
    if (rng_.chance(0.4)) return;
    Belonging belonging;
    for (const int person : any_belonging()) {
      belonging.of.push_back(static_cast<PersonOrdinal>(person));
    }
    if (rng_.chance(0.3)) belonging.of[3 + rng_.below(world_owners - 3)] = Belonging::nobody;
    world.belong(std::move(belonging));
  }

  Matcher names() {
    Matcher out;
    for (auto n = rng_.between(1, 2); n > 0; --n) {
      out.choices.push_back({.event = any_of("*", "a", "b", "identify"), .where = {}});
    }
    return out;
  }

  /// `at_event`: one may be asked about an event at hand.
  Predicate predicate(int depth, bool at_event) {
    if (depth > 0 && rng_.chance(0.4)) {
      Predicate out;
      out.kind = static_cast<Predicate::Kind>(rng_.below(3));
      const bool is_negation = out.kind == Predicate::Kind::negation;
      const bool is_any = out.kind == Predicate::Kind::any;
      for (auto n = is_negation ? 1 : rng_.between(is_any ? 1 : 0, 3); n > 0; --n) {
        out.children.push_back(predicate(depth - 1, at_event));
      }
      return out;
    }
    if (at_event && rng_.chance(0.3)) return on_value(Predicate::Kind::property, any_of("p", "q"));
    if (rng_.chance(0.2)) {
      Predicate out = on_value(Predicate::Kind::trait, "plan");
      out.at_event = at_event && rng_.chance(0.5);
      return out;
    }
    if (rng_.chance(0.2)) return system();
    Predicate out;
    out.kind = Predicate::Kind::behaviour;
    out.behaviour = std::make_shared<const Behaviour>(behaviour(depth));
    return out;
  }

 private:
  template <class... T>
  std::string any_of(T... choices) {
    const std::array<const char*, sizeof...(T)> all = {choices...};
    return all[rng_.below(all.size())];
  }

  PeopleEvent event(bool is_first_seen) {
    PeopleEvent event;
    event.owner = static_cast<int>(rng_.below(world_owners));
    event.name = any_of("a", "a", "a", "b", "b", "c", "identify", "hf:trait");
    event.time_ms = time();
    if (is_first_seen) return event;
    const auto give = [&](const char* property, Scalar value) {
      if (rng_.chance(0.7)) event.properties.emplace_back(property, std::move(value));
    };
    give("p", value());
    give("q", value());
    give("v", rng_.chance(0.2) ? text_value("many") : number_value(rng_.between(-3, 9), 1));
    give("plan", value());
    give("stage", text_value(any_of("active", "dormant")));
    give("tier.main", text_value(any_of("bronze", "silver", "gold", "wooden")));
    return event;
  }

  Scalar value() {
    return rng_.chance(0.5) ? text_value(any_of("x", "y", "1")) : number_value(rng_.between(0, 2));
  }

  std::vector<int> any_belonging() {
    std::vector<int> of(world_owners);
    for (int i = 0; i < world_owners; ++i) {
      of[static_cast<std::size_t>(i)] =
          i < 3 || rng_.chance(0.5) ? i : static_cast<int>(rng_.below(3));
    }
    return of;
  }

  Predicate plain_where() {
    if (rng_.chance(0.6)) return on_value(Predicate::Kind::property, any_of("p", "q"));
    if (rng_.chance(0.3)) return system();
    Predicate out = on_value(Predicate::Kind::trait, "plan");
    out.at_event = rng_.chance(0.5);
    return out;
  }

  Predicate on_value(Predicate::Kind kind, std::string property) {
    constexpr Op ops[] = {Op::eq, Op::ne, Op::lt, Op::gte, Op::exists, Op::not_exists, Op::in};
    Predicate out;
    out.kind = kind;
    out.property = std::move(property);
    out.op = ops[rng_.below(std::size(ops))];
    if (out.op == Op::exists || out.op == Op::not_exists) return out;
    out.values.push_back(value());
    if (out.op == Op::in) {
      out.values.push_back(value());
      out.value_is_list = true;
    }
    return out;
  }

  Predicate system() {
    Predicate out;
    out.kind = Predicate::Kind::system;
    if (rng_.chance(0.3)) {
      out.property = "stage";
      out.values.push_back(text_value("active"));
      return out;
    }
    constexpr Op ops[] = {Op::eq, Op::ne, Op::lt, Op::lte, Op::gt, Op::gte};
    out.property = "tier.main";
    out.op = ops[rng_.below(std::size(ops))];
    out.values.push_back(text_value(any_of("bronze", "silver", "gold")));
    return out;
  }

  Matcher matcher(int depth) {
    Matcher out;
    for (auto n = rng_.between(1, 2); n > 0; --n) {
      Matcher::Choice choice;
      choice.event = any_of("*", "a", "a", "b", "b", "c", "identify", "unheard of");
      choice.has_where = rng_.chance(0.3);
      if (choice.has_where) {
        choice.where = depth > 0 && nests_behaviours_ ? predicate(depth - 1, true) : plain_where();
      }
      out.choices.push_back(std::move(choice));
    }
    return out;
  }

  Duration duration() {
    const Duration some[] = {{.ms = 20 * 60'000}, {.ms = 40 * 60'000},          {.days = 1},
                             {.days = 3},         {.days = 1, .ms = 3'600'000}, {.days = 30},
                             {.months = 1},       {.months = 1, .days = 1},     {.months = 24}};
    return some[rng_.below(std::size(some))];
  }

  TimeBound bound() {
    TimeBound out;
    if (rng_.chance(0.5)) {
      out.day = zone_->local_day(time());
    } else {
      out.instant = time();
    }
    return out;
  }

  Behaviour behaviour(int depth) {
    Behaviour out;
    out.kind = static_cast<Behaviour::Kind>(rng_.below(5));
    out.matchers.push_back(matcher(depth));
    if (rng_.chance(0.6)) out.within = duration();
    switch (out.kind) {
      case Behaviour::Kind::did:
        if (rng_.chance(0.7)) out.count.min = rng_.between(0, 4);
        if (rng_.chance(0.4)) out.count.max = rng_.between(0, 4);
        if (!out.within && rng_.chance(0.6)) out.from = bound();
        if (!out.within && rng_.chance(0.6)) out.to = bound();
        break;
      case Behaviour::Kind::sequence:
        for (auto n = rng_.between(0, 2); n > 0; --n) out.matchers.push_back(matcher(depth));
        break;
      case Behaviour::Kind::first: break;
      case Behaviour::Kind::regularly:
        out.within.reset();
        out.unit = static_cast<Behaviour::PeriodUnit>(rng_.below(5));
        out.last = rng_.between(1, 6);
        out.at_least = rng_.between(1, out.last);
        break;
      case Behaviour::Kind::change:
        if (!out.within) out.within = duration();
        if (rng_.chance(0.5)) out.of = Behaviour::ChangeOf::sum;
        if (out.of == Behaviour::ChangeOf::sum) out.property = "v";
        if (rng_.chance(0.4)) out.benchmark = Decimal::normalized(rng_.between(1, 30), 1);
        constexpr Op ops[] = {Op::lt, Op::lte, Op::gt, Op::gte};
        out.op = ops[rng_.below(std::size(ops))];
        out.significant = rng_.chance(0.3);
        out.ratio = Decimal::normalized(rng_.between(0, 8), rng_.chance(0.5) ? 1 : 0);
        break;
    }
    return out;
  }

  Rng& rng_;
  std::shared_ptr<const Zone> zone_;
  TimestampMs anchor_ = 0;
  TimestampMs step_ = 1;
  bool nests_behaviours_ = true;
};

}  // namespace hf::test
