// SPDX-License-Identifier: Apache-2.0
#include "service/workspace.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/forwarding_files.h"
#include "base/guarded.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "log/record.h"
#include "service/import_world.h"
#include "service/workspace_hold.h"

namespace hf {
namespace {

using test::Hold;
using test::must;
using test::reason_of;
using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = Appender::Outcome;
using Outcomes = Result<std::vector<Outcome>>;

const std::string directory = "/data";
constexpr std::int64_t reopen_ms = 50;

template <class Ready>
bool comes_true(Ready&& ready) {
  for (int i = 0; i < 2'000; ++i) {
    if (ready()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

std::unique_ptr<Workspace> opened(SimEnv& sim,
                                  const Workspace::Options& options = {
                                      .duplicates = {.table_keys = 64}, .reopen_ms = reopen_ms}) {
  return must(Workspace::open(sim.env(), directory, options));
}

PreparedEvents events_of(const Workspace& workspace, const std::vector<std::string>& message_ids,
                         std::size_t more_bytes = 0) {
  PreparedEvents events(workspace.hash_key(), "app");
  const std::string padding(more_bytes, 'x');
  const PropertyView property{"padding", {.text = padding}};
  for (const std::string& id : message_ids) {
    events.add({.user_id = "u",
                .name = "e",
                .time_ms = 1'600'000'000'000,
                .message_id = id,
                .properties = {&property, more_bytes > 0 ? 1u : 0u}});
  }
  return events;
}

/// Waits for the outcome of one batch, as one client does.
Outcomes sent(Workspace& workspace, const std::vector<std::string>& message_ids) {
  // Owned by both: the callee may still hold it when we go on.
  const auto outcomes = std::make_shared<std::promise<Outcomes>>();
  HF_CHECK(workspace.submit(events_of(workspace, message_ids),
                            [outcomes](Outcomes of) { outcomes->set_value(std::move(of)); }));
  return outcomes->get_future().get();
}

/// Has it do what is due: look at the time, try to write again.
void once_around(Workspace& workspace) {
  (void)workspace.with_store([](Store&) { return Result<void>(); });
}

/// How often each message id is there.
std::map<std::string, int> messages(const Snapshot& snapshot) {
  std::vector<test::StoredEvent> events;
  for (const auto& part : snapshot.parts) test::read_part(*part, events);
  std::map<std::string, int> out;
  for (const auto& event : events) ++out[event.message_id];
  return out;
}
std::map<std::string, int> messages(Workspace& workspace) {
  return messages(must(workspace.read()).snapshot);
}

TEST(Workspace, TellsEachOfManyThreadsOfItsOwnEventsInOrder) {
  SimEnv sim(1);
  const auto workspace = opened(sim);
  constexpr int thread_count = 8;
  constexpr int batches = 60;
  std::atomic<int> told = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      std::string last = fmt::format("{}-first", t);
      ASSERT_THAT(sent(*workspace, {last}).value(), ElementsAre(Outcome::appended));
      for (int i = 0; i < batches; ++i) {
        const std::string next = fmt::format("{}-{}", t, i);
        ASSERT_THAT(sent(*workspace, {next, last, "", next}).value(),
                    ElementsAre(Outcome::appended, Outcome::duplicate, Outcome::appended,
                                Outcome::duplicate));
        ++told;
        if (i % 10 == 0) {
          // Here by now, and so are all that were told before.
          ASSERT_EQ(messages(*workspace)[next], 1);
        }
        last = next;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(told, thread_count * batches);
  const auto found = messages(*workspace);
  EXPECT_EQ(found.size(), thread_count * (batches + 1) + 1u);
  for (const auto& [id, count] : found) {
    EXPECT_EQ(count, id.empty() ? thread_count * batches : 1) << id;
  }
  once_around(*workspace);  // What is counted is counted after it is told.
  const Workspace::Status status = workspace->status();
  EXPECT_TRUE(status.writable);
  EXPECT_EQ(status.appended, thread_count * (2u * batches + 1));
  EXPECT_EQ(status.duplicates, thread_count * 2u * batches);
  EXPECT_LE(status.groups, thread_count * (batches + 1u));
  EXPECT_EQ(status.waiting_bytes, 0u);
  EXPECT_EQ(status.log_end, status.appended + 1);
}

TEST(Workspace, TakesABatchOfNothing) {
  SimEnv sim(1);
  const auto workspace = opened(sim);
  EXPECT_THAT(sent(*workspace, {}).value(), IsEmpty());
}

TEST(Workspace, WritesWhatWaitsTogether) {
  SimEnv sim(1);
  const auto workspace = opened(sim);
  const std::uint64_t before = workspace->status().groups;
  std::atomic<int> done = 0;
  std::vector<int> order;
  {
    Hold hold(*workspace);
    for (int i = 0; i < 100; ++i) {
      const std::string id = fmt::format("{}", i);
      ASSERT_TRUE(workspace->submit(events_of(*workspace, {id}), [&, i](Outcomes outcomes) {
        EXPECT_THAT(outcomes.value(), ElementsAre(Outcome::appended));
        order.push_back(i);
        ++done;
      }));
    }
    EXPECT_EQ(workspace->status().waiting_groups, 100u);
    sim.advance_ms(1'234);
    EXPECT_EQ(workspace->status().oldest_wait_ms, 1'234);
    EXPECT_EQ(done, 0);
  }
  ASSERT_TRUE(comes_true([&] { return done == 100; }));
  EXPECT_TRUE(std::ranges::is_sorted(order));
  ASSERT_TRUE(comes_true([&] { return workspace->status().groups > before; }));
  EXPECT_EQ(workspace->status().groups, before + 1);
  EXPECT_EQ(workspace->status().oldest_wait_ms, 0);
}

TEST(Workspace, RefusesMoreThanMayWait) {
  SimEnv sim(1);
  const auto workspace =
      opened(sim, {.waiting_bytes_max = 10'000, .group_bytes_max = 3'000, .reopen_ms = reopen_ms});
  std::atomic<int> done = 0;
  const auto count = [&](const Outcomes& outcomes) { done += outcomes.has_value(); };
  int taken = 0;
  {
    Hold hold(*workspace);
    Result<void> outcome;
    const std::vector<std::string> two = {"", ""};
    while ((outcome = workspace->submit(events_of(*workspace, two, 450), count))) {
      ASSERT_LT(++taken, 100);
    }
    EXPECT_EQ(outcome.error().code, ErrorCode::resource_exhausted);
    EXPECT_EQ(outcome.error().reason, "queue_full");
    EXPECT_EQ(taken, 10);
    EXPECT_LE(workspace->status().waiting_bytes, 10'000u);
    EXPECT_GT(workspace->status().waiting_bytes, 9'000u);
  }
  ASSERT_TRUE(comes_true([&] { return done == taken; }));
  EXPECT_EQ(workspace->status().waiting_bytes, 0u);
  // Alone, even the largest is taken.
  ASSERT_TRUE(workspace->submit(events_of(*workspace, {""}, 20'000), count));
  EXPECT_TRUE(comes_true([&] { return done == taken + 1; }));
}

TEST(Workspace, MakesDurableWhatItTookBeforeItEnds) {
  SimEnv sim(1);
  std::set<std::string> appended;
  std::string refusal;
  {
    // Others may ask while it ends, until what it took is written.
    Workspace* const workspace =
        opened(sim, {.group_bytes_max = 100, .reopen_ms = reopen_ms}).release();
    auto hold = std::make_unique<Hold>(*workspace);
    int next = 0;
    const auto submit = [&] {
      const std::string id = fmt::format("{}", next++);
      return workspace->submit(events_of(*workspace, {id}), [&appended, id](Outcomes outcomes) {
        EXPECT_THAT(outcomes.value(), ElementsAre(Outcome::appended));
        EXPECT_TRUE(appended.insert(id).second);
      });
    };
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(submit());
    std::thread ending([workspace] { delete workspace; });
    Result<void> outcome;
    while ((outcome = submit())) std::this_thread::yield();
    refusal = outcome.error().reason;
    EXPECT_EQ(reason_of(workspace->read()), "stopping");
    EXPECT_EQ(reason_of(workspace->with_store([](Store&) { return Result<void>(); })), "stopping");
    hold = nullptr;
    ending.join();
    EXPECT_EQ(appended.size(), static_cast<std::size_t>(next - 1));
  }
  EXPECT_EQ(refusal, "stopping");
  sim.crash(7);
  const auto workspace = opened(sim);
  std::set<std::string> found;
  for (const auto& [id, count] : messages(*workspace)) found.insert(id);
  EXPECT_EQ(found, appended);
}

TEST(Workspace, KeepsItsHashKeyAndWhatItKnows) {
  SimEnv sim(1);
  HashKey hash_key;
  {
    const auto workspace = opened(sim);
    hash_key = workspace->hash_key();
    ASSERT_TRUE(sent(*workspace, {"1", "2"}));
  }
  const auto workspace = opened(sim);
  EXPECT_EQ(workspace->hash_key(), hash_key);
  EXPECT_THAT(sent(*workspace, {"2", "3"}).value(),
              ElementsAre(Outcome::duplicate, Outcome::appended));
  EXPECT_EQ(reason_of(Workspace::open(sim.env(), directory, {})), "locked");
}

TEST(Workspace, LendsItsStoreBetweenTwoGroups) {
  SimEnv sim(1);
  const auto workspace = opened(sim);
  ASSERT_TRUE(sent(*workspace, {"1"}));
  std::uint64_t rows = 0;
  ASSERT_TRUE(workspace->with_store([&](Store& store) {
    rows = store.head_rows();
    return store.flush();
  }));
  EXPECT_EQ(rows, 1u);
  EXPECT_TRUE(comes_true([&] { return workspace->status().parts == 1; }));
  EXPECT_EQ(reason_of(workspace->with_store(
                [](Store&) -> Result<void> { return fail(ErrorCode::not_found, "gone", ""); })),
            "gone");
  EXPECT_TRUE(workspace->status().writable);
  // A question about a workspace in an unknown place cannot be answered; events go on.
  ASSERT_TRUE(workspace->with_store([](Store& store) -> Result<void> {
    FrameBuilder frame;
    frame.add(encode_record(SettingsRecord{.timezone = "Nowhere/None"}));
    HF_CHECK(store.append(frame));
    return {};
  }));
  EXPECT_EQ(reason_of(workspace->read()), "unknown_zone");
  EXPECT_TRUE(sent(*workspace, {"2"}));
}

TEST(Workspace, HasTheNextReadingReadyWhileTheStoreIsInUse) {
  SimEnv sim(1);
  const auto workspace = opened(sim);
  ASSERT_TRUE(sent(*workspace, {"1"}));
  EXPECT_EQ(messages(*workspace).size(), 1u);  // Who asks once may ask again.
  for (int i = 2; i < 5; ++i) {
    ASSERT_TRUE(sent(*workspace, {std::to_string(i)}));
    once_around(*workspace);
    std::promise<void> begun;
    std::promise<void> asked;
    std::thread using_it([&] {
      EXPECT_TRUE(workspace->with_store([&](Store&) {
        begun.set_value();
        EXPECT_EQ(asked.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
        return Result<void>();
      }));
    });
    begun.get_future().wait();
    EXPECT_EQ(messages(*workspace).size(), static_cast<std::size_t>(i));
    asked.set_value();
    using_it.join();
  }
  // What nobody asks for any more is not made.
  sim.advance_ms(10'000);
  ASSERT_TRUE(sent(*workspace, {"5"}));
  const std::weak_ptr<Store> store = workspace->read()->store;
  const auto is_ready = [&] {
    return workspace
        ->with_store([&](Store&) -> Result<void> {
          if (store.use_count() > 1) return {};
          return fail(ErrorCode::not_found, "not_ready", "");
        })
        .has_value();
  };
  EXPECT_TRUE(is_ready());
  sim.advance_ms(10'000);
  once_around(*workspace);
  EXPECT_FALSE(is_ready());
}

// -- a disk that is slow --------------------------------------------------------------------------

/// Of the files of another one those of the log are not synced while the gate is shut.
class SlowFiles final : public test::ForwardingFiles {
 public:
  using ForwardingFiles::ForwardingFiles;

  void set_shut(bool shut) {
    gate_.lock()->is_shut = shut;
    changed_.notify_all();
  }
  /// Until somebody stands before it.
  void wait_for_sync() {
    auto gate = gate_.lock();
    gate.wait(changed_, [](const Gate& g) { return g.waiting > 0; });
  }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    HF_TRY(auto file, ForwardingFiles::open(path, mode));
    if (!path.starts_with(directory + "/log/")) return file;
    return std::unique_ptr<File>(std::make_unique<SlowFile>(*this, std::move(file)));
  }

 private:
  class SlowFile final : public test::ForwardingFile {
   public:
    SlowFile(SlowFiles& owner, std::unique_ptr<File> file)
        : ForwardingFile(std::move(file)), owner_(owner) {}
    Result<void> sync() override {
      owner_.pass();
      return ForwardingFile::sync();
    }

   private:
    SlowFiles& owner_;
  };
  struct Gate {
    bool is_shut = false;
    int waiting = 0;
  };

  void pass() {
    auto gate = gate_.lock();
    ++gate->waiting;
    changed_.notify_all();
    gate.wait(changed_, [](const Gate& g) { return !g.is_shut; });
    --gate->waiting;
  }

  Guarded<Gate> gate_;
  std::condition_variable changed_;
};

TEST(Workspace, HandsOutWhatIsAcknowledgedWhileMoreIsMadeDurable) {
  SimEnv sim(1);
  SlowFiles files(sim.env().files);
  const Env env{files, sim.env().clock, sim.env().random};
  const auto workspace = must(Workspace::open(env, directory, {}));
  ASSERT_TRUE(sent(*workspace, {"1"}));
  files.set_shut(true);
  std::promise<Outcomes> second;
  ASSERT_TRUE(workspace->submit(events_of(*workspace, {"2"}),
                                [&](Outcomes outcomes) { second.set_value(std::move(outcomes)); }));
  auto outcome = second.get_future();
  files.wait_for_sync();
  const auto rows = [&] {
    std::uint64_t count = 0;
    const Workspace::Reading reading = workspace->read().value();
    for (const auto& part : reading.snapshot.parts) count += part->row_count();
    return count;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rows(), 1u);
  // Who would change the store waits for the group.
  std::atomic<bool> changed = false;
  std::thread changing([&] {
    EXPECT_TRUE(workspace->with_store([&](Store&) {
      changed = true;
      return Result<void>();
    }));
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(rows(), 1u);
  EXPECT_FALSE(changed);
  EXPECT_EQ(outcome.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  files.set_shut(false);
  EXPECT_THAT(outcome.get().value(), ElementsAre(Outcome::appended));
  EXPECT_EQ(rows(), 2u);
  changing.join();
  EXPECT_TRUE(changed);
}

// -- a disk that fails ----------------------------------------------------------------------------

TEST(Workspace, AnswersQuestionsWhileTheDiskIsFullAndWritesAgainWhenItIsNot) {
  SimEnv sim(1);
  const auto workspace = opened(sim, {.store = {.log = {.file_bytes = 3'000, .room_bytes = 1'000}},
                                      .duplicates = {.table_keys = 64},
                                      .reopen_ms = reopen_ms});
  std::set<std::string> acknowledged;
  ASSERT_TRUE(sent(*workspace, {"a", "b"}));
  acknowledged = {"a", "b"};
  sim.set_capacity(1);
  std::string unsure;
  for (int i = 0;; ++i) {
    ASSERT_LT(i, 1'000);
    unsure = fmt::format("{}", i);
    const auto outcomes = sent(*workspace, {unsure});
    if (!outcomes) {
      EXPECT_EQ(outcomes.error().code, ErrorCode::unavailable);
      EXPECT_EQ(outcomes.error().reason, "not_writable");
      break;
    }
    acknowledged.insert(unsure);
  }
  for (int round = 0; round < 3; ++round) {
    // Opening the directory anew writes little: it may come to nothing only with the next events.
    EXPECT_EQ(reason_of(sent(*workspace, {unsure})), "not_writable");
    ASSERT_TRUE(comes_true([&] { return !workspace->status().writable; }));
    EXPECT_NE(workspace->status().problem, "");
    EXPECT_EQ(reason_of(sent(*workspace, {unsure})), "not_writable");
    EXPECT_EQ(reason_of(workspace->with_store([](Store&) { return Result<void>(); })),
              "not_writable");
    const auto found = messages(*workspace);
    for (const std::string& id : acknowledged) EXPECT_EQ(found.count(id), 1u) << id;
    sim.advance_ms(reopen_ms);
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
  // What was read before goes on being read, also from a store that is a new one by now.
  const auto before = must(workspace->read());
  sim.set_capacity(std::uint64_t{1} << 30);
  ASSERT_TRUE(comes_true([&] {
    sim.advance_ms(reopen_ms);
    return workspace->status().writable && sent(*workspace, {unsure, "after"}).has_value();
  }));
  EXPECT_EQ(workspace->status().problem, "");
  EXPECT_THAT(sent(*workspace, {"a", unsure, "after"}).value(),
              ElementsAre(Outcome::duplicate, Outcome::duplicate, Outcome::duplicate));
  acknowledged.insert(unsure);
  acknowledged.insert("after");
  const auto found = messages(*workspace);
  EXPECT_EQ(found.size(), acknowledged.size());
  for (const std::string& id : acknowledged) EXPECT_EQ(found.at(id), 1) << id;
  EXPECT_GE(messages(before.snapshot).size(), acknowledged.size() - 2);
}

TEST(Workspace, DoesNotSayThatItCanWriteUntilItHasProofOfIt) {
  SimEnv sim(1);
  std::atomic<int> problems = 0;
  const auto workspace = opened(sim, {.store = {.log = {.file_bytes = 30'000, .room_bytes = 1'000}},
                                      .duplicates = {.table_keys = 64},
                                      .group_bytes_max = 50'000,
                                      .reopen_ms = reopen_ms,
                                      .on_problem = [&](const Error&) { ++problems; }});
  const auto tries_again = [&] {
    sim.advance_ms(reopen_ms);
    for (int i = 0; i < 2; ++i) once_around(*workspace);
  };
  for (const std::uint64_t more : {0, 4'095, 40'000}) {
    SCOPED_TRACE(more);
    ASSERT_TRUE(sent(*workspace, {fmt::format("before {}", more)}));
    problems = 0;
    sim.set_capacity(1);
    for (int i = 0; sent(*workspace, {fmt::format("{} {}", more, i)}); ++i) ASSERT_LT(i, 10'000);
    // All that is on the disk, and less than a group besides.
    std::uint64_t used = 0;
    for (const std::string below : {"", "/log", "/parts", "/duplicates"}) {
      const auto names = sim.env().files.list(directory + below);
      for (const std::string& name : names ? *names : std::vector<std::string>()) {
        const auto file = sim.env().files.open(directory + below + "/" + name, OpenMode::read);
        if (file) used += must((*file)->size());
      }
    }
    sim.set_capacity(used + more);
    for (int i = 0; i < 30; ++i) {
      tries_again();
      ASSERT_FALSE(workspace->status().writable) << i;
      ASSERT_NE(workspace->status().problem, "");
      ASSERT_FALSE(sim.env().files.exists(directory + "/room.tmp"));
    }
    EXPECT_EQ(problems, 1);
    sim.set_capacity(std::uint64_t{1} << 30);
    ASSERT_TRUE(comes_true([&] {
      tries_again();
      return workspace->status().writable;
    }));
    EXPECT_FALSE(sim.env().files.exists(directory + "/room.tmp"));
    EXPECT_TRUE(sent(*workspace, {fmt::format("after {}", more)})) << "it holds";
  }
}

TEST(Workspace, SaysWithoutAnEventThatItCannotSync) {
  SimEnv sim(3);
  const auto workspace = opened(sim);
  ASSERT_TRUE(sent(*workspace, {"1"}));
  sim.fail_call(1, SimEnv::Fault::io_error);
  ASSERT_FALSE(sent(*workspace, {"2"}));
  // Each call that opening and proving make fails once; no try that met one is believed.
  int failed = 0;
  for (std::uint64_t nth = 1; !workspace->status().writable; ++nth) {
    ASSERT_LT(nth, 200u);
    sim.fail_call(nth, SimEnv::Fault::io_error);
    sim.advance_ms(reopen_ms);
    for (int i = 0; i < 2; ++i) once_around(*workspace);
    ++failed;
  }
  EXPECT_GT(failed, 5);
  sim.fail_call(UINT64_MAX, SimEnv::Fault::io_error);  // None any more.
  EXPECT_TRUE(sent(*workspace, {"3"}));
}

TEST(Workspace, RemovesTheProofThatACrashLeft) {
  SimEnv sim(1);
  opened(sim).reset();
  ASSERT_TRUE(sim.env().files.open(directory + "/room.tmp", OpenMode::create));
  opened(sim).reset();
  EXPECT_FALSE(sim.env().files.exists(directory + "/room.tmp"));
}

TEST(Workspace, TellsThoseWhoWaitWhenTheDiskFails) {
  SimEnv sim(1);
  const auto workspace = opened(sim, {.group_bytes_max = 100, .reopen_ms = reopen_ms});
  std::atomic<int> failed = 0;
  {
    Hold hold(*workspace);
    for (int i = 0; i < 20; ++i) {
      const std::string id = fmt::format("{}", i);
      ASSERT_TRUE(workspace->submit(events_of(*workspace, {id}), [&](const Outcomes& outcomes) {
        EXPECT_EQ(reason_of(outcomes), "not_writable");
        ++failed;
      }));
    }
    // A write to the log needs a call or two.
    sim.fail_call(1, SimEnv::Fault::io_error);
  }
  EXPECT_TRUE(comes_true([&] { return failed == 20; }));
  EXPECT_EQ(workspace->status().waiting_bytes, 0u);
  sim.advance_ms(reopen_ms);
  ASSERT_TRUE(comes_true([&] { return workspace->status().writable; }));
  EXPECT_TRUE(sent(*workspace, {"after"}));
}

TEST(Workspace, LosesAndDoublesNothingOnADiskThatFailsNowAndThen) {
  int failures = 0;
  for (std::uint64_t seed = 0; seed < 25; ++seed) {
    SCOPED_TRACE(seed);
    SimEnv sim(seed);
    Rng rng(seed);
    std::set<std::string> acknowledged;
    {
      const auto workspace = opened(sim, {.store = {.log = {.file_bytes = 3'000}},
                                          .duplicates = {.table_keys = 16},
                                          .reopen_ms = reopen_ms});
      for (int i = 0; i < 60; ++i) {
        const std::vector<std::string> ids = {fmt::format("{}-a", i), fmt::format("{}-b", i)};
        if (rng.chance(0.2)) {
          sim.fail_call(1 + rng.below(20),
                        rng.chance(0.5) ? SimEnv::Fault::io_error : SimEnv::Fault::disk_full);
        }
        for (int tries = 0; !sent(*workspace, ids); ++tries) {
          ASSERT_LT(tries, 100);
          ++failures;
          sim.advance_ms(reopen_ms);
          once_around(*workspace);
        }
        acknowledged.insert(ids.begin(), ids.end());
        if (rng.chance(0.1)) {
          (void)workspace->with_store([](Store& store) { return store.flush(); });
        }
      }
    }
    sim.crash(seed);
    const auto workspace = opened(sim);
    const auto found = messages(*workspace);
    EXPECT_EQ(found.size(), acknowledged.size());
    for (const std::string& id : acknowledged) {
      const auto at = found.find(id);
      ASSERT_TRUE(at != found.end()) << id << " was acknowledged and is lost";
      EXPECT_EQ(at->second, 1) << id;
    }
  }
  EXPECT_GT(failures, 50);
}

}  // namespace
}  // namespace hf
