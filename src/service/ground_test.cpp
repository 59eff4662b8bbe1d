// SPDX-License-Identifier: Apache-2.0
//
// The whole ground together: log, duplicates, head, parts, compaction, links, erasure, purges,
// imports and backups, on a machine that dies and a disk that lies. What was acknowledged is there
// once, by name; what was taken away is not; a flipped byte is told or does no harm.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "base/forwarding_files.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "service/appender.h"
#include "service/backup.h"
#include "service/import_world.h"
#include "service/restore.h"
#include "service/upkeep.h"
#include "service/verify.h"
#include "store/part_rows.h"

namespace hf {
namespace {

using test::must;
using test::reason_of;
using testing::AnyOf;
using testing::IsEmpty;
using Outcome = Appender::Outcome;

constexpr TimestampMs start_ms = 1'600'000'000'000;
const std::string directory = "/data";

/// How often each message id is seen, by whose event it is: what a query would count.
Result<std::map<std::string, int>> messages(Store& store) {
  HF_TRY(const Snapshot snapshot, store.snapshot());
  std::vector<PartRows> rows;
  for (const auto& part : snapshot.parts) {
    HF_TRY(auto of_part, PartRows::open(part));
    rows.push_back(std::move(of_part));
  }
  std::map<std::string, int> out;
  Result<void> outcome;
  for_each_person(snapshot, 0, snapshot.person_end, [&](PersonOrdinal, auto runs) {
    for (const PersonRun& run : runs) {
      for (RowNumber row = run.first_row; outcome && row < run.first_row + run.row_count; ++row) {
        const auto read = rows[run.part].at(row);
        if (read) {
          ++out[std::string((*read)->event.message_id)];
        } else {
          outcome = std::unexpected(read.error());
        }
      }
    }
  });
  HF_CHECK(outcome);
  return out;
}

/// Everything a question could ask of, as text.
Result<std::string> told(Store& store) {
  HF_TRY(const Snapshot visible, store.snapshot());
  const Snapshot& all = visible.with_first_seen ? *visible.with_first_seen : visible;
  std::vector<PartRows> rows;
  for (const auto& part : all.parts) {
    HF_TRY(auto of_part, PartRows::open(part));
    rows.push_back(std::move(of_part));
  }
  std::string out = fmt::format("{} {} {}\n", store.settings().timezone, store.settings().currency,
                                visible.data_version);
  Result<void> outcome;
  for_each_person(all, 0, all.person_end, [&](PersonOrdinal person, auto runs) {
    for (const PersonRun& run : runs) {
      for (RowNumber row = run.first_row; outcome && row < run.first_row + run.row_count; ++row) {
        const auto read = rows[run.part].at(row);
        if (!read) {
          outcome = std::unexpected(read.error());
          break;
        }
        const EventView& event = (*read)->event;
        out += fmt::format("{} {}|{} {} {} {} {} {} {}", person, event.user_id, event.anonymous_id,
                           event.name, event.time_ms, *event.received_at_ms, event.message_id,
                           event.channel, (*read)->source);
        for (const PropertyView& property : event.properties) {
          out += fmt::format(" {}={}", property.name, canonical_text(property.value));
        }
        out += '\n';
      }
    }
  });
  HF_CHECK(outcome);
  return out;
}

/// One process: a store and its appender, with little room everywhere, so that everything happens.
struct Life {
  static Result<std::unique_ptr<Life>> begin(const Env& env) {
    auto life = std::make_unique<Life>();
    HF_TRY(life->store,
           Store::open(env, directory, Store::Access::own,
                       {.log = {.file_bytes = 3'000, .room_bytes = 700}, .rows_per_part = 40}));
    HF_TRY(life->appender, Appender::open(*life->store, {.table_keys = 16}, false));
    return life;
  }
  std::unique_ptr<Store> store;
  std::unique_ptr<Appender> appender;
};

struct Sent {
  std::string id;
  std::string user;
  TimestampMs time_ms = 0;
};

Result<std::vector<Outcome>> append(Life& life, const std::vector<Sent>& events) {
  for (const Sent& event : events) {
    life.appender->add("app", {.user_id = event.user,
                               .anonymous_id = event.id.size() % 2 == 0 ? "phone" : "",
                               .name = "e",
                               .time_ms = event.time_ms,
                               .message_id = event.id});
  }
  HF_TRY(auto outcomes, life.appender->commit());
  return outcomes;
}

void remove_below(const Env& env, const std::string& path) {
  const auto names = env.files.list(path);
  if (!names) return;
  for (const std::string& name : *names) {
    const std::string below = path + "/" + name;
    if (env.files.list(below)) remove_below(env, below);
    (void)env.files.remove(below);
  }
}

int soak() {
  const char* factor = std::getenv("HOLDFAST_SOAK");  // NOLINT(concurrency-mt-unsafe)
  return factor != nullptr && std::string_view(factor) == "1" ? 20 : 1;
}

/// What clients and people know of what they did.
struct Known {
  std::set<std::string> acknowledged;
  std::set<std::string> gone;      // Erased or purged for sure.
  std::set<std::string> doubtful;  // Either is right: nobody was told.
};

class GroundWorld {
 public:
  explicit GroundWorld(std::uint64_t seed) : sim(seed), rng(seed), next_(clients, 0) {
    sim.set_now_ms(start_ms);
  }

  /// One thing that somebody does; false where the process died of it.
  bool step() {
    switch (rng.below(14)) {
      case 0: return life->store->flush().has_value();
      case 1: return erase();
      case 2: return purge();
      case 3: return link();
      case 4:
        return life->store
            ->compact(rng.chance(0.5) ? Store::CompactionKind::full : Store::CompactionKind::due)
            .has_value();
      case 5: return back_up();
      case 6: sim.advance_ms(rng.between(0, 5)); return true;
      default: return send();
    }
  }

  void die() {
    life = nullptr;
    ++deaths;
    if (rng.chance(0.4)) {
      sim.kill();
    } else {
      sim.crash(rng.next());
    }
    if (!backups_.empty() && rng.chance(0.1)) lose_the_disk();
  }

  void expect_right() {
    const auto found = messages(*life->store);
    ASSERT_TRUE(found) << found.error().message;
    for (const std::string& id : known.acknowledged) {
      ASSERT_TRUE(found->contains(id)) << id << " was acknowledged and is lost";
    }
    for (const auto& [id, count] : *found) {
      ASSERT_EQ(count, 1) << id << " is there twice";
      ASSERT_FALSE(known.gone.contains(id)) << id << " was taken away and is back";
      ASSERT_TRUE(sent_.contains(id)) << id << " was never sent";
    }
  }

  SimEnv sim;
  Rng rng;
  std::unique_ptr<Life> life;
  Known known;
  int deaths = 0;
  int restores = 0;

 private:
  static constexpr int clients = 8;

  bool send() {
    std::vector<Sent> events;
    std::vector<int> senders;
    for (int c = 0; c < clients; ++c) {
      if (rng.chance(0.4)) continue;
      const std::string id = fmt::format("{}-{}", c, next_[c]);
      const Sent event{id, fmt::format("u{}", (c + next_[c]) % 5), start_ms - next_[c]};
      events.push_back(sent_.try_emplace(id, event).first->second);
      senders.push_back(c);
    }
    // Whoever hears nothing sends the same again.
    if (!append(*life, events)) return false;
    for (std::size_t i = 0; i < events.size(); ++i) {
      ++next_[senders[i]];
      if (!known.doubtful.contains(events[i].id)) known.acknowledged.insert(events[i].id);
    }
    return life->appender->maintain().has_value();
  }

  /// What is taken away: for sure where somebody was told so.
  template <class Which>
  void take_away(bool was_told, Which&& which) {
    for (const auto& [id, event] : sent_) {
      if (!which(event)) continue;
      const bool was_acknowledged = known.acknowledged.erase(id) > 0;
      if (known.gone.contains(id)) continue;
      if (was_told && was_acknowledged) {
        known.gone.insert(id);
      } else {
        known.doubtful.insert(id);
      }
    }
  }

  bool erase() {
    const std::string user = fmt::format("u{}", rng.below(5));
    const auto erased = erase_person(*life->store, {IdKind::user, user}, rng.chance(0.5));
    if (!erased && erased.error().reason == "no_person") return true;
    // Those it was linked with went too.
    take_away(erased.has_value(), [&](const Sent& event) {
      if (!erased) return true;
      return std::ranges::any_of(erased->ids, [&](const PersonId& id) {
        return id == PersonId{IdKind::user, event.user};
      });
    });
    return erased.has_value();
  }

  bool purge() {
    if (rng.chance(0.5)) return true;
    const TimestampMs before = start_ms - rng.between(3, 30);
    const bool done = purge_events(*life->store, before, "").has_value();
    take_away(done, [&](const Sent& event) { return event.time_ms < before; });
    return done;
  }

  bool link() {
    const PersonId a{IdKind::user, fmt::format("u{}", rng.below(5))};
    const PersonId b{IdKind::user, fmt::format("u{}", rng.below(5))};
    if (a == b) return true;
    return (rng.chance(0.3) ? link_persons(*life->store, a, b) : unlink_persons(*life->store, a, b))
        .has_value();
  }

  bool back_up() {
    if (rng.chance(0.5)) return true;
    const std::string path = fmt::format("/backup{}", ++backup_count_);
    const Known now = known;
    if (!backup_data(sim.env(), directory, path)) return false;
    backups_[path] = now;
    return true;
  }

  void lose_the_disk() {
    const auto [path, at_backup] = *backups_.rbegin();
    remove_below(sim.env(), directory);
    const auto restored = restore_data(sim.env(), path, directory);
    ASSERT_TRUE(restored) << restored.error().message;
    ++restores;
    // Whatever came after the backup, nobody knows any more.
    for (const auto& [id, event] : sent_) {
      if (!at_backup.acknowledged.contains(id) && !at_backup.gone.contains(id)) {
        known.doubtful.insert(id);
      }
    }
    known.acknowledged = at_backup.acknowledged;
    known.gone = at_backup.gone;
    known.doubtful.insert(at_backup.doubtful.begin(), at_backup.doubtful.end());
    for (const std::string& id : at_backup.acknowledged) known.doubtful.erase(id);
    for (const std::string& id : known.doubtful) {
      known.acknowledged.erase(id);
      known.gone.erase(id);
    }
  }

  std::vector<int> next_;  // The message each client waits for.
  std::map<std::string, Sent> sent_;
  std::map<std::string, Known> backups_;
  int backup_count_ = 0;
};

TEST(GroundCrash, KeepsWhatWasAcknowledgedOnceByName) {
  int deaths = 0;
  int restores = 0;
  const std::uint64_t seeds = 500 * static_cast<std::uint64_t>(soak());
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE(seed);
    GroundWorld world(seed);
    for (int round = 0; round < 70; ++round) {
      if (world.life == nullptr) {
        if (world.rng.chance(0.5)) world.sim.crash_at_call(1 + world.rng.below(400));
        if (world.rng.chance(0.1)) {
          world.sim.fail_call(1 + world.rng.below(400), SimEnv::Fault::io_error);
        }
        auto begun = Life::begin(world.sim.env());
        if (!begun) {
          world.die();
          continue;
        }
        world.life = *std::move(begun);
      }
      if (!world.step() || world.rng.chance(0.05)) world.die();
      if (testing::Test::HasFatalFailure()) return;
      if (world.life != nullptr && world.rng.chance(0.1) && !world.sim.crashed()) {
        // The fault may hit the look itself.
        if (messages(*world.life->store)) world.expect_right();
        if (testing::Test::HasFatalFailure()) return;
      }
    }
    world.life = nullptr;
    world.sim.crash(world.rng.next());
    auto last = Life::begin(world.sim.env());
    ASSERT_TRUE(last) << last.error().message;
    world.life = *std::move(last);
    world.expect_right();
    if (testing::Test::HasFatalFailure()) return;
    world.life = nullptr;
    const auto verified = verify_data(world.sim.env(), directory);
    ASSERT_TRUE(verified) << verified.error().message;
    ASSERT_THAT(verified->damage, IsEmpty());
    deaths += world.deaths;
    restores += world.restores;
  }
  EXPECT_GT(deaths, 1'000);
  EXPECT_GT(restores, 50);
}

/// A directory with every kind of file: several parts, compacted ones, one of first-seen rows, log
/// files, runs of the duplicate index, an import and its rejected rows.
void fill(const Env& env, int events = 120) {
  auto life = must(Life::begin(env));
  const auto send = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      must(append(*life, {{fmt::format("m{}", i), fmt::format("u{}", i % 7), start_ms - i}}));
      must(life->appender->maintain());
    }
  };
  send(0, events / 4);
  must(life->store->flush());
  send(events / 4, events / 2);
  must(life->store->flush());
  must(life->store->compact(Store::CompactionKind::full));
  must(purge_events(*life->store, start_ms - events / 2 + 3, ""));
  must(link_persons(*life->store, {IdKind::user, "u1"}, {IdKind::user, "u2"}));
  must(erase_person(*life->store, {IdKind::user, "u3"}, false));
  test::put_file(
      env, "/in/a.csv",
      "person,event,time,message_id,value\np,e,2026-01-01,i1,1\nbroken\nq,e,2026-01-02,i2,2\n");
  const ImportPlan plan = must(plan_import(env, nullptr, {.files = {"/in/a.csv"}}));
  must(run_import(*life->store, nullptr, plan, {.background_writes = false}));
  send(events / 2, events);
}

std::vector<std::string> files_below(const Env& env, const std::string& path) {
  std::vector<std::string> out;
  for (const std::string& name : must(env.files.list(path))) {
    const std::string below = path + "/" + name;
    if (env.files.list(below)) {
      const auto inner = files_below(env, below);
      out.insert(out.end(), inner.begin(), inner.end());
    } else if (name != "LOCK") {
      out.push_back(below);
    }
  }
  return out;
}

/// The outcome of opening, asking everything, and sending known events again.
struct Look {
  Result<std::string> answer;
  bool takes_a_known_event = false;
};
Look look(const Env& env) {
  auto life = Life::begin(env);
  if (!life) return {std::unexpected(life.error())};
  Look out{told(*(*life)->store)};
  if (!out.answer) return out;
  // The newest and one that is in the runs of the index.
  const auto outcomes = append(**life, {{"m119", "u0", start_ms - 119}, {"m70", "u0", start_ms}});
  if (!outcomes) {
    out.answer = std::unexpected(outcomes.error());
    return out;
  }
  out.takes_a_known_event = std::ranges::count(*outcomes, Outcome::appended) > 0;
  return out;
}

TEST(GroundDamage, AFlippedBitAnywhereIsToldOrHarmless) {
  SimEnv sim(1);
  sim.set_now_ms(start_ms);
  const Env env = sim.env();
  fill(env);
  std::map<std::string, std::string> sound;
  for (const std::string& file : files_below(env, directory)) {
    sound[file] = must(read_file(env, file, 1 << 24));
  }
  const auto put_back = [&] {
    for (const std::string& file : files_below(env, directory)) {
      if (!sound.contains(file)) must(env.files.remove(file));
    }
    for (const auto& [file, bytes] : sound) test::put_file(env, file, bytes);
  };
  const Look undamaged = look(env);
  ASSERT_TRUE(undamaged.answer) << undamaged.answer.error().message;
  ASSERT_FALSE(undamaged.takes_a_known_event);
  std::vector<std::string> files;
  std::set<std::string> kinds;
  for (const auto& [file, bytes] : sound) {
    files.push_back(file);
    kinds.insert(file.substr(0, file.rfind('/')));
  }
  ASSERT_EQ(kinds.size(), 5u);  // Manifest, parts, log, duplicates, rejects.
  Rng rng(7);
  int told_of = 0;
  for (int flip = 0; flip < 10'000; ++flip) {
    put_back();
    const std::string& file = files[rng.below(files.size())];
    std::string bytes = sound[file];
    const std::size_t at = rng.below(bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.below(8)));
    SCOPED_TRACE(fmt::format("byte {} of {}", at, file));
    test::put_file(env, file, bytes);
    const Look damaged = look(env);
    if (!damaged.answer) {
      ++told_of;
      ASSERT_EQ(damaged.answer.error().code, ErrorCode::data_loss)
          << damaged.answer.error().message;
    } else {
      ASSERT_EQ(*damaged.answer, *undamaged.answer);
      ASSERT_FALSE(damaged.takes_a_known_event);
      // What no question reads, verify does.
      if (file.find("/rejects/") != std::string::npos) {
        test::put_file(env, file, bytes);
        ASSERT_FALSE(must(verify_data(env, directory)).damage.empty());
      }
    }
  }
  EXPECT_GT(told_of, 3'000);
}

/// What one process does in a day; the ids that were acknowledged before anything failed.
Result<void> live(const Env& env, std::set<std::string>& acknowledged,
                  std::unique_ptr<Life>& life) {
  HF_TRY(life, Life::begin(env));
  const auto send = [&](int from, int to) -> Result<void> {
    for (int i = from; i < to; ++i) {
      const std::string id = fmt::format("m{}", i);
      HF_CHECK(append(*life, {{id, fmt::format("u{}", i % 4), start_ms + i}}));
      acknowledged.insert(id);
    }
    return life->appender->maintain();
  };
  for (int flush = 0; flush < 4; ++flush) {
    HF_CHECK(send(flush * 10, flush * 10 + 10));
    HF_CHECK(life->store->flush());
  }
  HF_CHECK(life->store->compact(Store::CompactionKind::due));
  HF_CHECK(link_persons(*life->store, {IdKind::user, "u1"}, {IdKind::user, "u2"}));
  HF_CHECK(purge_events(*life->store, start_ms, ""));
  HF_CHECK(send(40, 50));
  HF_CHECK(erase_person(*life->store, {IdKind::user, "nobody"}, true).error().reason == "no_person"
               ? Result<void>{}
               : Result<void>(fail(ErrorCode::unavailable, "io_error", "")));
  HF_CHECK(backup_data(env, directory, "/backup"));
  HF_CHECK(send(50, 60));
  return life->store->compact(Store::CompactionKind::full);
}

/// After a failure: what is open goes on answering, and nothing is lost when it is opened again.
void expect_nothing_lost(const Env& env, const std::set<std::string>& acknowledged,
                         std::unique_ptr<Life>& life) {
  if (life != nullptr) {
    const auto found = messages(*life->store);
    ASSERT_TRUE(found) << found.error().message;
    for (const std::string& id : acknowledged) ASSERT_TRUE(found->contains(id)) << id;
  }
  life = nullptr;
  const auto again = Life::begin(env);
  ASSERT_TRUE(again) << again.error().message;
  const auto found = must(messages(*(*again)->store));
  for (const std::string& id : acknowledged) ASSERT_TRUE(found.contains(id)) << id;
  for (const auto& [id, count] : found) ASSERT_EQ(count, 1) << id;
}

TEST(GroundCrash, ADayCutAtAnyCallLosesNothing) {
  std::uint64_t calls = 0;
  {
    SimEnv sim(1);
    sim.set_now_ms(start_ms);
    std::set<std::string> acknowledged;
    std::unique_ptr<Life> life;
    must(live(sim.env(), acknowledged, life));
    calls = sim.mutating_calls();
  }
  for (std::uint64_t n = 1; n <= calls; ++n) {
    for (const std::uint64_t seed : {3 * n, 3 * n + 1, 3 * n + 2}) {
      SCOPED_TRACE(fmt::format("call {} of {}, seed {}", n, calls, seed));
      SimEnv sim(n);
      sim.set_now_ms(start_ms);
      sim.crash_at_call(n);
      std::set<std::string> acknowledged;
      std::unique_ptr<Life> life;
      (void)live(sim.env(), acknowledged, life);
      life = nullptr;
      sim.crash(seed);
      expect_nothing_lost(sim.env(), acknowledged, life);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(GroundFault, AnyFailingCallIsToldClearlyAndLosesNothing) {
  std::uint64_t calls = 0;
  {
    SimEnv sim(1);
    sim.set_now_ms(start_ms);
    std::set<std::string> acknowledged;
    std::unique_ptr<Life> life;
    must(live(sim.env(), acknowledged, life));
    calls = sim.fallible_calls();
  }
  ASSERT_GT(calls, 400u);
  int untold = 0;
  for (std::uint64_t n = 1; n <= calls; ++n) {
    const auto fault = n % 2 == 0 ? SimEnv::Fault::io_error : SimEnv::Fault::disk_full;
    SCOPED_TRACE(fmt::format("call {} of {}", n, calls));
    SimEnv sim(n);
    sim.set_now_ms(start_ms);
    sim.fail_call(n, fault);
    std::set<std::string> acknowledged;
    std::unique_ptr<Life> life;
    const auto outcome = live(sim.env(), acknowledged, life);
    if (outcome) {
      ++untold;
    } else {
      ASSERT_THAT(outcome.error().reason,
                  AnyOf("io_error", "disk_full", "log_stopped", "manifest_in_doubt"));
    }
    expect_nothing_lost(sim.env(), acknowledged, life);
    if (testing::Test::HasFatalFailure()) return;
  }
  // A seal that could not be written, a compaction in the background of appending, a reader that
  // looks again.
  EXPECT_LT(untold, static_cast<int>(calls) / 3);
}

TEST(GroundFault, AFullDiskStopsAcknowledgingAndNothingElse) {
  int full = 0;
  for (std::uint64_t capacity = 2'000; capacity < 90'000; capacity += 1'500) {
    SCOPED_TRACE(capacity);
    SimEnv sim(capacity);
    sim.set_now_ms(start_ms);
    sim.set_capacity(capacity);
    std::set<std::string> acknowledged;
    std::unique_ptr<Life> life;
    const auto outcome = live(sim.env(), acknowledged, life);
    if (!outcome) {
      ++full;
      ASSERT_THAT(outcome.error().reason, AnyOf("disk_full", "log_stopped", "manifest_in_doubt"));
    }
    if (life != nullptr) {
      const auto found = messages(*life->store);
      ASSERT_TRUE(found) << found.error().message;
      for (const std::string& id : acknowledged) ASSERT_TRUE(found->contains(id)) << id;
    }
    life = nullptr;
    if (const auto reader = Store::open(sim.env(), directory, Store::Access::read)) {
      const auto found = must(messages(**reader));
      for (const std::string& id : acknowledged) ASSERT_TRUE(found.contains(id)) << id;
    } else {
      ASSERT_THAT(acknowledged, IsEmpty());
    }
    sim.set_capacity(1 << 24);
    expect_nothing_lost(sim.env(), acknowledged, life);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(full, 10);
}

/// Refuses whatever changes something, as a disk that is mounted read-only does.
class ReadOnlyFiles final : public test::ForwardingFiles {
 public:
  using ForwardingFiles::ForwardingFiles;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (mode != OpenMode::read) return refused(path);
    return ForwardingFiles::open(path, mode);
  }
  Result<void> rename(const std::string& from, const std::string&) override {
    return refused(from);
  }
  Result<void> remove(const std::string& path) override { return refused(path); }
  Result<void> make_directories(const std::string& path) override {
    return list(path) ? Result<void>{} : refused(path);
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path, std::string_view) override {
    return refused(path);
  }

 private:
  static std::unexpected<Error> refused(const std::string& path) {
    return fail(ErrorCode::permission_denied, "permission_denied", "no permission: " + path);
  }
};

TEST(GroundFault, AReadOnlyDirectoryIsReadAndRefusesTheRest) {
  SimEnv sim(1);
  sim.set_now_ms(start_ms);
  fill(sim.env());
  const std::string expected =
      must(told(*must(Store::open(sim.env(), directory, Store::Access::read))));
  ReadOnlyFiles files(sim.env().files);
  const Env env{.files = files, .clock = sim.env().clock, .random = sim.env().random};
  EXPECT_EQ(must(told(*must(Store::open(env, directory, Store::Access::read)))), expected);
  const auto owner = Store::open(env, directory, Store::Access::own);
  ASSERT_FALSE(owner);
  EXPECT_EQ(owner.error().code, ErrorCode::permission_denied);
  EXPECT_THAT(owner.error().message, testing::HasSubstr(directory));
  EXPECT_EQ(reason_of(verify_data(env, directory)), "permission_denied");
}

}  // namespace
}  // namespace hf
