// SPDX-License-Identifier: Apache-2.0
//
// The store as it is lived with: events, links and settings come by the log, in any order; it is
// flushed, left, killed, cut off from power. Whatever was acknowledged is there, once, with the
// person it belongs to.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <tuple>

#include "base/sim_env.h"
#include "identity/person_key.h"
#include "store/store.h"
#include "store/stored_rows.h"
#include "store/trait_reader.h"

namespace hf {
namespace {

using namespace test;
using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string directory = "/data";

/// "u:ann", "a:x": an id with its kind, as a text that sorts.
std::string name_of(const PersonId& id) { return (id.kind == IdKind::user ? "u:" : "a:") + id.id; }

/// Everything that was acknowledged, and what must follow from it, from scratch each time.
class Twin {
 public:
  struct Stored {
    AnyEvent event;
    TimestampMs time = 0;
    std::string owner;
  };
  struct Decision {
    bool linked;
    std::string a;
    std::string b;
    TimestampMs time;
  };
  std::vector<Stored> events;
  std::vector<Stored> purged;  // Gone, but for who is who and who did what first.
  std::vector<Decision> decisions;

  void add(const AnyEvent& event, TimestampMs received) {
    const bool ahead = event.time > received + limits::ahead_ms_max;
    events.push_back({event, ahead ? received : event.time,
                      event.user.empty() ? "a:" + event.anonymous : "u:" + event.user});
  }

  void erase(const std::set<std::string>& ids) {
    const auto is_gone = [&](const Stored& stored) { return ids.contains(stored.owner); };
    std::erase_if(events, is_gone);
    std::erase_if(purged, is_gone);
    std::erase_if(decisions, [&](const Decision& decision) {
      return ids.contains(decision.a) || ids.contains(decision.b);
    });
  }

  void purge(const PurgeRecord& purge) {
    const auto is_gone = [&](const Stored& stored) {
      const std::string& name = stored.event.name;
      const bool named =
          purge.event.empty() ? name != "identify" && name != "alias" : name == purge.event;
      return named && stored.time < purge.before_ms;
    };
    std::ranges::copy_if(events, std::back_inserter(purged), is_gone);
    std::erase_if(events, is_gone);
  }

  /// "user|anonymous|name|previous id" -> the earliest, of what was purged.
  std::map<std::string, TimestampMs> first_seen() const {
    std::map<std::string, TimestampMs> out;
    for (const Stored& stored : purged) {
      const AnyEvent& event = stored.event;
      std::string previous;
      for (const auto& [property, value] : event.properties) {
        if (event.name == "alias" && !event.user.empty() && property == "previous_id")
          previous = canonical_text(value.view());
      }
      const std::string key =
          fmt::format("{}|{}|{}|{}", event.user, event.anonymous, event.name, previous);
      const auto [at, is_new] = out.try_emplace(key, stored.time);
      at->second = std::min(at->second, stored.time);
    }
    return out;
  }

  /// Person (the first of its user ids, or the anonymous id) -> message ids in order. `rank` tells
  /// which of two owners goes first at equal times.
  std::map<std::string, std::vector<std::string>> persons(auto&& rank) const {
    struct Candidate {
      TimestampMs time;
      std::string user;
      auto operator<=>(const Candidate&) const = default;
    };
    std::map<std::string, std::set<Candidate>> candidates;  // Of an anonymous id.
    std::set<std::pair<std::string, std::string>> same;     // User ids.
    const auto counts = [&](const std::string& a, const std::string& b) {
      bool unlinked = false;
      for (const Decision& decision : decisions) {
        if (std::minmax(decision.a, decision.b) == std::minmax(a, b)) unlinked = !decision.linked;
      }
      return !unlinked;
    };
    const auto note = [&](const std::string& other, const std::string& user, TimestampMs time) {
      if (!counts(other, user)) return;
      if (other[0] == 'a')
        candidates[other].insert({time, user});
      else
        same.insert({other, user});
    };
    const auto note_event = [&](const Stored& stored) {
      const AnyEvent& event = stored.event;
      if (event.user.empty()) return;
      const std::string user = "u:" + event.user;
      if (!event.anonymous.empty()) note("a:" + event.anonymous, user, stored.time);
      if (event.name != "alias") return;
      for (const auto& [property, value] : event.properties) {
        const std::string previous = canonical_text(value.view());
        if (property != "previous_id" || previous.empty()) continue;
        note("a:" + previous, user, stored.time);
        note("u:" + previous, user, stored.time);
      }
    };
    std::ranges::for_each(events, note_event);
    std::ranges::for_each(purged, note_event);
    std::map<std::pair<std::string, std::string>, const Decision*> latest;
    for (const Decision& decision : decisions) {
      latest[std::minmax(decision.a, decision.b)] = &decision;
    }
    for (const auto& [pair, decision] : latest) {
      if (!decision->linked) continue;
      const bool a_is_user = decision->a[0] == 'u';
      note(a_is_user ? decision->b : decision->a, a_is_user ? decision->a : decision->b,
           decision->time);
    }
    std::map<std::string, std::string> leader;  // Of user ids, the smallest of their person.
    const auto lead = [&](const std::string& user) {
      return leader.contains(user) ? leader[user] : user;
    };
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& [a, b] : same) {
        const std::string least = std::min(lead(a), lead(b));
        for (const std::string& id : {a, b}) {
          if (lead(id) == least) continue;
          leader[id] = least;
          changed = true;
        }
      }
    }
    std::vector<std::tuple<TimestampMs, std::uint32_t, std::size_t>> order;
    for (std::size_t i = 0; i < events.size(); ++i) {
      order.emplace_back(events[i].time, rank(events[i].owner), i);
    }
    std::ranges::sort(order);
    std::map<std::string, std::vector<std::string>> out;
    for (const auto& [time, owner_rank, i] : order) {
      std::string person = events[i].owner;
      if (person[0] == 'a' && !candidates[person].empty())
        person = candidates[person].begin()->user;
      out[lead(person)].push_back(events[i].event.message_id);
    }
    return out;
  }
};

class World {
 public:
  explicit World(std::uint64_t seed) : rng(seed), sim(seed) { sim.set_now_ms(1'600'000'000'000); }

  Result<void> open() {
    leave();
    HF_TRY(store, Store::open(sim.env(), directory, Store::Access::own,
                              {.log = {.file_bytes = 4'000, .room_bytes = 600},
                               .rows_per_part = 25,
                               .head_rows_joined = 8 * static_cast<std::uint32_t>(rng.below(2))}));
    return {};
  }

  void leave() {
    compaction.reset();
    merge.reset();
    flush.reset();
    ran_ = merged_ = flushed_ = false;
    store.reset();
  }

  PersonId any_id() {
    return rng.chance(0.5) ? PersonId{IdKind::user, fmt::format("u{}", rng.below(6))}
                           : PersonId{IdKind::anonymous, fmt::format("a{}", rng.below(5))};
  }

  /// Appends some records as one frame; what may be in the log afterwards goes to `attempted`
  /// before, to `twin` once acknowledged.
  Result<void> append() {
    FrameBuilder frame;
    std::vector<AnyEvent> events;
    std::vector<Twin::Decision> decisions;
    for (std::uint64_t n = 1 + rng.below(6); n > 0; --n) {
      if (rng.chance(0.15)) {
        PersonId a = any_id();
        PersonId b = any_id();
        if (a.kind == b.kind) b = {IdKind::user, fmt::format("u{}", rng.below(6))};
        if (a.kind == IdKind::anonymous && b.kind == IdKind::anonymous) continue;
        if (a == b) continue;
        const bool linked = rng.chance(0.5);
        const TimestampMs time = 1'600'000'000'000 + rng.between(-3, 3);
        if (linked)
          frame.add(encode_record(LinkRecord{a, b, time}));
        else
          frame.add(encode_record(UnlinkRecord{a, b}));
        decisions.push_back({linked, name_of(a), name_of(b), time});
        continue;
      }
      AnyEvent event = any_event(rng);
      if (rng.chance(0.2)) event.name = "identify";
      event.message_id = fmt::format("m{}", next_message_++);
      event.received.reset();
      event.with_view([&](const EventView& view) {
        frame.add(encode_record(EventRecord{rng.chance(0.5) ? "app" : "web", view}));
      });
      events.push_back(std::move(event));
    }
    if (frame.records() == 0) return {};
    attempted = twin;
    const auto take = [&](Twin& to, TimestampMs received) {
      for (const AnyEvent& event : events) to.add(event, received);
      to.decisions.insert(to.decisions.end(), decisions.begin(), decisions.end());
    };
    take(attempted, sim.env().clock.now_ms());
    HF_TRY(const auto appended, store->append(frame));
    take(twin, appended.received_at_ms);
    return {};
  }

  Result<void> erase() {
    EraseRecord record;
    std::set<std::string> names;
    for (std::uint64_t n = 1 + rng.below(3); n > 0; --n) {
      record.ids.push_back(any_id());
      names.insert(name_of(record.ids.back()));
    }
    FrameBuilder frame;
    frame.add(encode_record(record));
    attempted = twin;
    attempted.erase(names);
    HF_CHECK(store->append(frame));
    twin.erase(names);
    return {};
  }

  Result<void> purge() {
    PurgeRecord record{.before_ms = 1'600'000'000'000 + rng.between(-2, 2)};
    if (rng.chance(0.5)) record.event = any_event(rng).name;
    FrameBuilder frame;
    frame.add(encode_record(record));
    attempted = twin;
    attempted.purge(record);
    HF_CHECK(store->append(frame));
    HF_CHECK(store->compact(Store::CompactionKind::clean));
    twin.purge(record);
    return {};
  }

  /// One step of a compaction: other things happen in between.
  Result<void> compact() {
    if (compaction == nullptr) {
      using Kind = Store::CompactionKind;
      const Kind kind = std::array{Kind::due, Kind::full, Kind::clean}[rng.below(3)];
      HF_TRY(compaction, store->begin_compaction(kind));
      return {};
    }
    if (!ran_) {
      HF_CHECK(compaction->run());
      ran_ = true;
      return {};
    }
    ran_ = false;
    HF_CHECK(store->finish_compaction(std::move(compaction)));
    ++compactions;
    return {};
  }

  /// The same of a merge of the head.
  Result<void> merge_head() {
    if (merge == nullptr) {
      merge = store->begin_head_merge();
      return {};
    }
    if (!merged_) {
      merged_ = true;
      return merge->run();
    }
    merged_ = false;
    merges += store->finish_head_merge(std::move(merge)) ? 1 : 0;
    return {};
  }

  /// The same of a flush.
  Result<void> flush_beside() {
    if (flush == nullptr) {
      if (store->head_rows() > 0) {
        HF_TRY(flush, store->begin_flush());
      }
      return {};
    }
    if (!flushed_) {
      flushed_ = true;
      return flush->run();
    }
    flushed_ = false;
    const std::size_t parts = store->manifest().parts.size();
    HF_CHECK(store->finish_flush(std::move(flush)));
    flushes += store->manifest().parts.size() > parts ? 1 : 0;
    return {};
  }

  std::map<std::string, TimestampMs> first_seen(Store& from) {
    std::map<std::string, TimestampMs> out;
    const Snapshot snapshot = from.snapshot().value();
    if (snapshot.with_first_seen == nullptr) return out;
    const Snapshot& seen = *snapshot.with_first_seen;
    std::vector<std::vector<StoredRow>> rows;
    for (const auto& part : seen.parts) rows.push_back(read_rows(*part).value());
    for_each_person(seen, 0, seen.person_end, [&](PersonOrdinal, auto runs) {
      for (const PersonRun& run : runs) {
        if (run.part >= seen.first_seen_parts) continue;
        for (std::uint32_t i = 0; i < run.row_count; ++i) {
          const StoredRow& row = rows[run.part][run.first_row + i];
          const auto previous = row.properties.empty() ? "" : row.properties.begin()->second;
          const std::string key =
              fmt::format("{}|{}|{}|{}", row.user, row.anonymous, row.name, previous);
          const auto [at, is_new] = out.try_emplace(key, row.time);
          at->second = std::min(at->second, row.time);
        }
      }
    });
    return out;
  }

  std::map<std::string, std::vector<std::string>> found(Store& from) {
    Snapshot snapshot = from.snapshot().value();
    std::vector<std::vector<StoredRow>> rows;
    for (const auto& part : snapshot.parts) rows.push_back(read_rows(*part).value());
    std::map<std::string, std::vector<std::string>> out;
    for_each_person(snapshot, 0, snapshot.person_end, [&](PersonOrdinal, auto runs) {
      std::vector<const StoredRow*> of_person;
      for (const PersonRun& run : runs) {
        for (std::uint32_t i = 0; i < run.row_count; ++i) {
          of_person.push_back(&rows[run.part][run.first_row + i]);
        }
      }
      std::ranges::stable_sort(of_person, {}, &StoredRow::time);
      std::string person = "~";
      std::vector<std::string> messages;
      for (const StoredRow* row : of_person) {
        messages.push_back(row->message_id);
        person = std::min(person, row->message_id);
      }
      EXPECT_TRUE(out.emplace(person, std::move(messages)).second);
    });
    return out;
  }

  /// By the smallest message id of each person: whose name stands for a person is no matter here.
  std::map<std::string, std::vector<std::string>> expected(Store& from, const Twin& of) {
    const HashKey key = from.manifest().hash_key;
    PersonRegistry& persons = *from.persons().value();
    const auto by_name = of.persons([&](const std::string& owner) {
      return persons
          .known(
              person_key(key, owner[0] == 'u' ? IdKind::user : IdKind::anonymous, owner.substr(2)))
          .value_or(0);
    });
    std::map<std::string, std::vector<std::string>> out;
    for (const auto& [name, messages] : by_name)
      out[*std::ranges::min_element(messages)] = messages;
    return out;
  }

  /// Message of a person -> trait -> its values with their times, oldest first.
  using Traits = std::map<std::string, std::map<std::string, std::vector<TraitHistory::Entry>>>;

  Traits expected_traits(Store& from) {
    std::map<std::string, const Twin::Stored*> by_message;
    for (const Twin::Stored& stored : twin.events) by_message[stored.event.message_id] = &stored;
    Traits out;
    for (const auto& [person, messages] : expected(from, twin)) {
      for (const std::string& message : messages) {
        const Twin::Stored& stored = *by_message.at(message);
        if (stored.event.name != "identify") continue;
        for (const auto& [property, value] : stored.event.properties) {
          out[person][property].push_back({stored.time, value.kind, canonical_text(value.view())});
        }
      }
    }
    return out;
  }

  Traits traits(Store& from) {
    const Snapshot snapshot = from.snapshot().value();
    std::vector<std::vector<StoredRow>> rows;
    for (const auto& part : snapshot.parts) rows.push_back(read_rows(*part).value());
    Traits out;
    for_each_person(snapshot, 0, snapshot.person_end, [&](PersonOrdinal, auto runs) {
      std::string person = "~";
      for (const PersonRun& run : runs) {
        for (std::uint32_t i = 0; i < run.row_count; ++i) {
          person = std::min(person, rows[run.part][run.first_row + i].message_id);
        }
      }
      const auto histories = traits_of(snapshot, runs).value();
      for (const TraitHistory& history : histories) out[person][history.trait] = history.values;
    });
    return out;
  }

  Rng rng;
  SimEnv sim;
  std::unique_ptr<Store> store;
  std::unique_ptr<Compaction> compaction;
  std::shared_ptr<Head::Merge> merge;
  std::unique_ptr<Flush> flush;
  int compactions = 0;
  int merges = 0;   // Put in place.
  int flushes = 0;  // Likewise, of those that ran beside.
  Twin twin;
  Twin attempted;

 private:
  bool ran_ = false;
  bool merged_ = false;
  bool flushed_ = false;
  int next_message_ = 1'000'000;
};

TEST(LivingStore, ShowsWhatWasAppendedWithWhomItBelongsTo) {
  std::uint64_t flushes = 0;
  std::size_t persons_with_traits = 0;
  int compactions = 0;
  int merges = 0;
  int flushes_beside = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    ASSERT_TRUE(world.open());
    for (int step = 0; step < 90; ++step) {
      if (world.rng.chance(0.5)) {
        ASSERT_TRUE(world.store->snapshot());
        ASSERT_TRUE(world.merge_head());
      }
      switch (world.rng.below(20)) {
        case 0:
          ASSERT_TRUE(world.store->flush());
          ++flushes;
          break;
        case 1: ASSERT_TRUE(world.open()); break;
        case 2: world.sim.advance_ms(world.rng.between(0, 3)); break;
        case 3: {
          const auto found = world.found(*world.store);
          ASSERT_EQ(found, world.expected(*world.store, world.twin)) << "step " << step;
          ASSERT_EQ(world.first_seen(*world.store), world.twin.first_seen()) << "step " << step;
          ASSERT_EQ(world.traits(*world.store), world.expected_traits(*world.store));
          break;
        }
        case 5: ASSERT_TRUE(world.erase()); break;
        case 6:
          if (world.rng.chance(0.5)) {
            ASSERT_TRUE(world.purge());
          }
          break;
        case 7:
        case 8:
        case 9: ASSERT_TRUE(world.compact()); break;
        case 10:
        case 11: ASSERT_TRUE(world.flush_beside()); break;
        case 4: {
          // Another process looks while this one goes on.
          const auto reader = Store::open(world.sim.env(), directory, Store::Access::read).value();
          const auto found = world.found(*reader);
          ASSERT_EQ(found, world.expected(*reader, world.twin)) << "step " << step;
          break;
        }
        default: ASSERT_TRUE(world.append());
      }
    }
    const auto found = world.found(*world.store);
    ASSERT_EQ(found, world.expected(*world.store, world.twin));
    ASSERT_TRUE(world.store->flush());
    ASSERT_EQ(world.store->head_rows(), 0u);
    const auto flushed = world.found(*world.store);
    ASSERT_EQ(flushed, world.expected(*world.store, world.twin));
    ASSERT_TRUE(world.store->compact(Store::CompactionKind::full));
    const auto compacted = world.found(*world.store);
    ASSERT_EQ(compacted, world.expected(*world.store, world.twin));
    ASSERT_EQ(world.first_seen(*world.store), world.twin.first_seen());
    const auto traits = world.traits(*world.store);
    ASSERT_EQ(traits, world.expected_traits(*world.store));
    persons_with_traits += traits.size();
    compactions += world.compactions;
    merges += world.merges;
    flushes_beside += world.flushes;
  }
  EXPECT_GT(flushes, 100u);
  EXPECT_GT(merges, 100);
  EXPECT_GT(flushes_beside, 100);
  EXPECT_GT(persons_with_traits, 400u);
  EXPECT_GT(compactions, 200);
}

TEST(LivingStoreCrash, LosesNothingAcknowledgedWhereverThePowerFails) {
  int cut = 0;
  int flushes = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    for (int life = 0; life < 3; ++life) {
      world.sim.crash_at_call(1 + world.rng.below(80));
      world.attempted = world.twin;
      auto outcome = world.open();
      for (int step = 0; outcome && step < 35; ++step) {
        switch (world.rng.below(16)) {
          case 12:
            outcome = world.merge_head();
            if (outcome) (void)world.store->snapshot();
            break;
          case 13:
          case 14:
          case 15: outcome = world.flush_beside(); break;
          case 0:
          case 1: outcome = world.store->flush(); break;
          case 2: outcome = world.erase(); break;
          case 3: outcome = world.purge(); break;
          case 4:
          case 5:
          case 6: outcome = world.compact(); break;
          default: outcome = world.append();
        }
        if (outcome) world.attempted = world.twin;
      }
      if (!outcome) {
        ++cut;
        EXPECT_THAT(outcome.error().reason, AnyOf("crashed", "log_stopped", "manifest_in_doubt"));
      }
      world.leave();
      if (world.rng.chance(0.3))
        world.sim.kill();
      else
        world.sim.crash(world.rng.next());
      outcome = world.open();
      if (!outcome && world.sim.crashed()) {
        world.sim.crash(world.rng.next());
        outcome = world.open();
      }
      ASSERT_TRUE(outcome) << outcome.error().message;
      // A purge that is in the log is carried out when there is time.
      ASSERT_TRUE(world.store->compact(Store::CompactionKind::clean));
      const auto found = world.found(*world.store);
      const auto acknowledged = world.expected(*world.store, world.twin);
      const auto attempted = world.expected(*world.store, world.attempted);
      ASSERT_THAT(found, AnyOf(acknowledged, attempted));
      if (found != acknowledged) world.twin = world.attempted;
      if (world.rng.chance(0.3)) {
        ASSERT_TRUE(world.store->flush());
      }
      world.leave();
    }
    flushes += world.flushes;
  }
  EXPECT_GT(cut, 300);
  EXPECT_GT(flushes, 50);
}

TEST(LivingStore, KeepsSettingsThroughFlushAndRestart) {
  World world(1);
  ASSERT_TRUE(world.open());
  EXPECT_EQ(world.store->settings(), Settings{});
  const auto set = [&](const SettingsRecord& record) {
    FrameBuilder frame;
    frame.add(encode_record(record));
    ASSERT_TRUE(world.store->append(frame));
  };
  set({.timezone = "Europe/Berlin"});
  set({.currency = "CNY"});
  const Settings expected{.timezone = "Europe/Berlin", .currency = "CNY"};
  EXPECT_EQ(world.store->settings(), expected);
  ASSERT_TRUE(world.open());
  EXPECT_EQ(world.store->settings(), expected);
  ASSERT_TRUE(world.store->flush());
  set({.week_start = WeekStart::sunday});
  ASSERT_TRUE(world.open());
  EXPECT_EQ(world.store->settings().week_start, WeekStart::sunday);
  EXPECT_EQ(world.store->settings().currency, "CNY");
  EXPECT_EQ(
      Store::open(world.sim.env(), directory, Store::Access::read).value()->settings().timezone,
      "Europe/Berlin");
}

TEST(LivingStore, GivesTheSameSnapshotUntilSomethingIsAppended) {
  World world(1);
  ASSERT_TRUE(world.open());
  ASSERT_TRUE(world.append());
  const Snapshot first = world.store->snapshot().value();
  const Snapshot again = world.store->snapshot().value();
  EXPECT_EQ(again.index, first.index);  // And with it what questions found out.
  EXPECT_EQ(again.parts, first.parts);
  ASSERT_TRUE(world.append());
  const Snapshot more = world.store->snapshot().value();
  EXPECT_NE(more.index, first.index);
  EXPECT_GT(more.data_version, first.data_version);
  ASSERT_TRUE(world.store->flush());
  EXPECT_NE(world.store->snapshot().value().parts, more.parts);
}

TEST(LivingStore, KeepsWhatComesWhileAFlushRunsBeside) {
  World world(1);
  ASSERT_TRUE(world.open());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(world.append());
  auto flush = world.store->begin_flush().value();
  FrameBuilder frame;
  frame.add(encode_record(SettingsRecord{.currency = "CNY"}));
  ASSERT_TRUE(world.store->append(frame));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(world.append());  // Links among them.
  ASSERT_TRUE(flush->run());
  const auto rows = world.store->head_rows();
  const auto written = flush->output().rows;
  const auto data_version = world.store->snapshot()->data_version;
  ASSERT_TRUE(world.store->finish_flush(std::move(flush)));
  EXPECT_GT(written, 0u);
  EXPECT_EQ(world.store->head_rows(), rows - written);
  EXPECT_EQ(world.store->snapshot()->data_version, data_version);
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(world.store->settings().currency, "CNY");
    const auto found = world.found(*world.store);
    EXPECT_EQ(found, world.expected(*world.store, world.twin));
    ASSERT_TRUE(world.open());
  }
}

TEST(LivingStore, DropsAFlushThatRanBesideAnErasure) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    World world(seed);
    ASSERT_TRUE(world.open());
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(world.append());
    auto flush = world.store->begin_flush().value();
    const bool ran_before = seed % 2 == 0;
    if (ran_before) {
      ASSERT_TRUE(flush->run());
    }
    ASSERT_TRUE(world.erase());
    if (!ran_before) {
      ASSERT_TRUE(flush->run());
    }
    const std::string file = flush->output().file;
    EXPECT_TRUE(world.sim.env().files.exists(directory + "/parts/" + file));
    ASSERT_TRUE(world.store->finish_flush(std::move(flush)));
    EXPECT_FALSE(world.sim.env().files.exists(directory + "/parts/" + file));
    const auto found = world.found(*world.store);
    EXPECT_EQ(found, world.expected(*world.store, world.twin));
  }
}

TEST(LivingStore, RefusesToGoOnWithoutItsLog) {
  World world(1);
  ASSERT_TRUE(world.open());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(world.append());
  ASSERT_TRUE(world.store->flush());
  world.leave();
  const auto files = world.sim.env().files.list("/data/log").value();
  for (const std::string& file : files) {
    ASSERT_TRUE(world.sim.env().files.remove("/data/log/" + file));
  }
  const auto opened = world.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "bad_log");
  const auto reading = Store::open(world.sim.env(), directory, Store::Access::read);
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace hf
