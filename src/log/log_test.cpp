// SPDX-License-Identifier: Apache-2.0
//
// The log on a machine that loses its power, fails and flips bits: what was acknowledged is there,
// in order, once; what cannot be read is told, never passed over.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "base/sim_env.h"
#include "calendar/zone.h"
#include "log/log_reader.h"
#include "log/log_writer.h"

namespace hf {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

constexpr std::uint64_t file_bytes = 1500;  // A few frames a file.
const std::string directory = "/log";

std::string record_of(Offset offset) {
  return fmt::format("record {} {}", offset, std::string(offset * 7 % 40, 'x'));
}

Result<std::unique_ptr<LogWriter>> open_writer(const Env& env, Offset known_end = 1) {
  return LogWriter::open(env, directory, {.file_bytes = file_bytes}, known_end);
}

/// Appends the next `count` records as one frame.
Result<LogWriter::Appended> append(LogWriter& writer, std::size_t count) {
  FrameBuilder frame;
  for (std::size_t i = 0; i < count; ++i) frame.add(record_of(writer.next_offset() + i));
  return writer.append(frame);
}

/// Reads on to the end and checks every record; returns how many.
Result<std::uint64_t> read_all(LogReader& reader) {
  std::uint64_t records = 0;
  while (true) {
    const Offset expected = reader.next_offset();
    HF_TRY(const auto frame, reader.next());
    if (!frame) return records;
    EXPECT_EQ(frame->first, expected);
    Offset offset = frame->first;
    FrameRecords in(frame->payload);
    while (const auto record = in.next()) {
      EXPECT_EQ(*record, record_of(offset));
      ++offset;
      ++records;
    }
    EXPECT_TRUE(in.ok());
    EXPECT_EQ(offset, frame->end);
  }
}

Result<Offset> end_of_log(const Env& env) {
  HF_TRY(LogReader reader, LogReader::open(env, directory, 1));
  HF_TRY(const std::uint64_t records, read_all(reader));
  return records + 1;
}

TEST(Log, GivesBackWhatWasAppendedFromEveryOffsetOn) {
  SimEnv sim(1);
  auto writer = open_writer(sim.env()).value();
  EXPECT_EQ(writer->next_offset(), 1u);
  for (std::size_t i = 0; i < 60; ++i) {
    const Offset first = writer->next_offset();
    const auto appended = append(*writer, 1 + i % 4).value();
    EXPECT_EQ(appended.first, first);
    EXPECT_EQ(appended.end, first + 1 + i % 4);
  }
  EXPECT_GT(list_log_files(sim.env(), directory).value().size(), 3u);
  const Offset end = writer->next_offset();
  for (Offset from = 1; from <= end; ++from) {
    LogReader reader = LogReader::open(sim.env(), directory, from).value();
    EXPECT_LE(reader.next_offset(), from);
    EXPECT_GT(reader.next_offset() + 4, from);
    ASSERT_TRUE(read_all(reader));
    EXPECT_EQ(reader.next_offset(), end);
  }
  // Reopened, the log goes on where it was.
  writer.reset();
  writer = open_writer(sim.env(), end).value();
  EXPECT_EQ(writer->next_offset(), end);
  ASSERT_TRUE(append(*writer, 2));
  EXPECT_EQ(end_of_log(sim.env()).value(), end + 2);
}

TEST(Log, IsFollowedByAReaderAsItGrows) {
  SimEnv sim(1);
  auto writer = open_writer(sim.env()).value();
  LogReader reader = LogReader::open(sim.env(), directory, 1).value();
  EXPECT_EQ(read_all(reader).value(), 0u);
  Rng rng(3);
  for (int i = 0; i < 200; ++i) {
    const std::size_t count = 1 + rng.below(5);
    ASSERT_TRUE(append(*writer, count));
    if (rng.chance(0.3)) {
      ASSERT_TRUE(read_all(reader));
      EXPECT_EQ(reader.next_offset(), writer->next_offset());
    }
    if (rng.chance(0.1)) writer = open_writer(sim.env()).value();
  }
}

TEST(Log, TakesAFrameLargerThanItsFiles) {
  SimEnv sim(1);
  auto writer = open_writer(sim.env()).value();
  for (const std::size_t count : {200u, 1u, 300u, 1u, 1u}) ASSERT_TRUE(append(*writer, count));
  EXPECT_EQ(end_of_log(sim.env()).value(), 504u);
}

TEST(Log, TellsReceivedTimesThatNeverGoBack) {
  SimEnv sim(1);
  const TimestampMs noon = 1'780'000'000'000;
  sim.set_now_ms(noon);
  auto writer = open_writer(sim.env()).value();
  EXPECT_EQ(append(*writer, 1)->received_at_ms, noon);
  sim.set_now_ms(noon - 5'000);
  EXPECT_EQ(append(*writer, 1)->received_at_ms, noon);
  writer = open_writer(sim.env()).value();
  EXPECT_EQ(append(*writer, 1)->received_at_ms, noon);
  ASSERT_TRUE(append(*writer, 100));  // A new file, and nothing in it but its header.
  writer = open_writer(sim.env()).value();
  EXPECT_EQ(append(*writer, 1)->received_at_ms, noon);
  sim.set_now_ms(noon + 5'000);
  EXPECT_EQ(append(*writer, 1)->received_at_ms, noon + 5'000);
}

TEST(Log, RemovesWholeFilesBelowAnOffsetButNeverTheNewest) {
  SimEnv sim(1);
  auto writer = open_writer(sim.env()).value();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(append(*writer, 1));
  const auto files = list_log_files(sim.env(), directory).value();
  ASSERT_GT(files.size(), 3u);
  ASSERT_TRUE(writer->remove_before(files[2] - 1, timestamp_end_ms));
  EXPECT_EQ(writer->first_offset(), files[1]);
  EXPECT_EQ(LogReader::open(sim.env(), directory, files[1] - 1).error().reason, "log_deleted");
  LogReader reader = LogReader::open(sim.env(), directory, files[1]).value();
  EXPECT_EQ(read_all(reader).value(), 101 - files[1]);
  ASSERT_TRUE(writer->remove_before(writer->next_offset(), timestamp_end_ms));
  EXPECT_EQ(list_log_files(sim.env(), directory).value(), (std::vector{files.back()}));
  writer = open_writer(sim.env(), 101).value();
  EXPECT_EQ(writer->next_offset(), 101u);
}

TEST(Log, KeepsFilesWhoseRecordsAreYoung) {
  SimEnv sim(1);
  const TimestampMs noon = 1'780'000'000'000;
  auto writer = open_writer(sim.env()).value();
  std::vector<TimestampMs> ends;  // Of each file, when its last record was received.
  for (int i = 0; i < 100; ++i) {
    sim.set_now_ms(noon + i);
    const std::size_t before = list_log_files(sim.env(), directory)->size();
    ASSERT_TRUE(append(*writer, 1));
    if (list_log_files(sim.env(), directory)->size() > before) ends.push_back(noon + i);
  }
  ASSERT_GT(ends.size(), 3u);
  // File 0 was followed by file 1 at ends[1].
  ASSERT_TRUE(writer->remove_before(writer->next_offset(), ends[1]));
  EXPECT_EQ(list_log_files(sim.env(), directory)->size(), ends.size());
  ASSERT_TRUE(writer->remove_before(writer->next_offset(), ends[1] + 1));
  EXPECT_EQ(list_log_files(sim.env(), directory)->size(), ends.size() - 1);
}

TEST(Log, WithoutRecordsThatAreKnownElsewhereIsDataLoss) {
  SimEnv sim(1);
  ASSERT_TRUE(append(*open_writer(sim.env()).value(), 5));
  EXPECT_TRUE(open_writer(sim.env(), 6));
  const auto refused = open_writer(sim.env(), 7);
  EXPECT_EQ(refused.error().reason, "bad_log");
  EXPECT_EQ(refused.error().message, "/log: the log ends before record 6, but record 6 was there");
  const auto nothing = LogWriter::open(sim.env(), "/empty", {}, 2);
  EXPECT_EQ(nothing.error().code, ErrorCode::data_loss);
}

/// Appends, reopens and removes as `rng` says until an error; tells what was acknowledged.
struct Workload {
  Offset acknowledged_end = 1;
  Offset attempted_end = 1;
  Offset removed_below = 1;

  Result<void> run(const Env& env, Rng& rng, int steps) {
    HF_TRY(auto writer, open_writer(env, acknowledged_end));
    EXPECT_GE(writer->next_offset(), acknowledged_end);
    EXPECT_LE(writer->next_offset(), attempted_end);
    // What an earlier life did not acknowledge but this one found counts from now on.
    acknowledged_end = writer->next_offset();
    for (int i = 0; i < steps; ++i) {
      if (rng.chance(0.1)) {
        removed_below = std::max<Offset>(removed_below, rng.between(1, acknowledged_end));
        HF_CHECK(writer->remove_before(removed_below, timestamp_end_ms));
      }
      if (rng.chance(0.1)) {
        HF_TRY(writer, open_writer(env, acknowledged_end));
      }
      const std::size_t count = 1 + rng.below(rng.chance(0.1) ? 60 : 4);
      attempted_end = acknowledged_end + count;
      HF_TRY(const auto appended, append(*writer, count));
      acknowledged_end = appended.end;
    }
    return {};
  }

  /// Everything acknowledged is there.
  void check(const Env& env) const {
    const Offset from = std::max<Offset>(removed_below, 1);
    if (acknowledged_end == 1 && !env.files.exists(directory)) return;
    auto reader = LogReader::open(env, directory, from);
    ASSERT_TRUE(reader) << reader.error().message;
    const auto records = read_all(*reader);
    ASSERT_TRUE(records) << records.error().message;
    EXPECT_GE(reader->next_offset(), acknowledged_end);
    EXPECT_LE(reader->next_offset(), attempted_end);
    // No gap among the files that are left.
    const auto files = list_log_files(env, directory).value();
    if (files.size() > 1) {
      auto whole = LogReader::open(env, directory, files.front());
      ASSERT_TRUE(whole);
      EXPECT_TRUE(read_all(*whole)) << "a file came back that others did not";
    }
  }
};

TEST(LogCrash, KeepsWhatWasAcknowledgedWhereverThePowerFails) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    SimEnv sim(seed);
    Rng rng(seed);
    Workload workload;
    for (int life = 0; life < 4; ++life) {
      sim.crash_at_call(1 + rng.below(60));
      const auto outcome = workload.run(sim.env(), rng, 25);
      if (!outcome) {
        // Stopped: the power failed while a seal was written, and the append before it was whole.
        EXPECT_THAT(outcome.error().reason, AnyOf("crashed", "log_stopped"));
      }
      if (rng.chance(0.3)) {
        sim.kill();
        // What a process left unsynced is found by the next, which may speak of it; then it must
        // not be lost any more.
        const auto after = workload.run(sim.env(), rng, static_cast<int>(rng.below(3)));
        EXPECT_TRUE(after || sim.crashed());
      }
      sim.crash(rng.next());
      workload.check(sim.env());
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(LogCrash, StopsForGoodAtAFailureAndLosesNothing) {
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    SimEnv sim(n);
    Rng rng(7);
    Workload workload;
    const std::uint64_t before = sim.env().files.exists("/") ? sim.fallible_calls() : 0;
    sim.fail_call(n, n % 2 == 0 ? SimEnv::Fault::io_error : SimEnv::Fault::disk_full);
    const auto outcome = workload.run(sim.env(), rng, 30);
    if (sim.fallible_calls() - before < n) {
      EXPECT_GT(n, 100u);
      break;
    }
    workload.check(sim.env());
    sim.crash(n);
    workload.check(sim.env());
    EXPECT_TRUE(workload.run(sim.env(), rng, 10));
    workload.check(sim.env());
    if (testing::Test::HasFailure()) return;
  }
}

TEST(LogCrash, BuildsNothingOnPagesThatAFailedSyncLost) {
  // The process dies of the failure, the next one finds what is in the page cache, goes on, and
  // then the power fails.
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    SimEnv sim(seed);
    Rng rng(seed);
    Workload workload;
    for (int life = 0; life < 4; ++life) {
      sim.fail_call(1 + rng.below(40), SimEnv::Fault::io_error);
      (void)workload.run(sim.env(), rng, 20);
      if (rng.chance(0.7)) {
        sim.kill();
      } else {
        sim.crash(rng.next());
        workload.check(sim.env());
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(LogCrash, RefusesEverythingAfterAFailedSync) {
  SimEnv sim(1);
  auto writer = open_writer(sim.env()).value();
  ASSERT_TRUE(append(*writer, 1));
  sim.fail_call(2, SimEnv::Fault::io_error);  // The write, then the sync.
  EXPECT_EQ(append(*writer, 1).error().reason, "io_error");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(append(*writer, 1).error().reason, "log_stopped");
  writer = open_writer(sim.env(), 2).value();
  EXPECT_TRUE(append(*writer, 1));
}

TEST(LogCrash, GoesOnWhenAFullDiskHasRoomAgain) {
  SimEnv sim(1);
  auto writer = open_writer(sim.env()).value();
  sim.set_capacity(2 * file_bytes + 100);
  Offset acknowledged = 1;
  while (const auto appended = append(*writer, 1)) acknowledged = appended->end;
  EXPECT_GT(acknowledged, 10u);
  EXPECT_EQ(append(*writer, 1).error().reason, "log_stopped");
  EXPECT_EQ(end_of_log(sim.env()).value(), acknowledged) << "reading goes on";
  sim.set_capacity(1 << 20);
  writer = open_writer(sim.env(), acknowledged).value();
  EXPECT_TRUE(append(*writer, 1));
}

TEST(LogDamage, OfAnyByteIsToldOrHarmless) {
  SimEnv sim(1);
  const Env env = sim.env();
  {
    auto writer = open_writer(env).value();
    for (std::size_t i = 0; i < 30; ++i) ASSERT_TRUE(append(*writer, 1 + i % 3));
  }
  const Offset end = end_of_log(env).value();
  std::uint64_t told = 0;
  std::uint64_t harmless = 0;
  const auto files = list_log_files(env, directory).value();
  for (const Offset first : files) {
    const std::string path = directory + "/" + log_file_name(first);
    const std::string sound = read_file(env, path, 1 << 20).value();
    for (std::size_t at = 0; at < sound.size(); ++at) {
      std::string damaged = sound;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
      ASSERT_TRUE(replace_file(env, path, damaged));
      const auto found = end_of_log(env);
      const auto writer = open_writer(env, 1);
      if (found) {
        EXPECT_EQ(*found, end) << path << " byte " << at;
        EXPECT_EQ(writer.has_value() ? (*writer)->next_offset() : end, end);
        ++harmless;
      } else {
        EXPECT_EQ(found.error().reason, "bad_log");
        EXPECT_THAT(found.error().message, HasSubstr("/log/0000000000"));
        ++told;
      }
      ASSERT_TRUE(replace_file(env, path, sound));
    }
  }
  EXPECT_GT(told, 1'000u);
  EXPECT_GT(harmless, 100u);  // Seals, and the room not yet used.
}

TEST(LogDamage, AMissingFileIsTold) {
  SimEnv sim(1);
  const Env env = sim.env();
  auto writer = open_writer(env).value();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(append(*writer, 1));
  const auto files = list_log_files(env, directory).value();
  ASSERT_TRUE(env.files.remove(directory + "/" + log_file_name(files[1])));
  const auto outcome = end_of_log(env);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message,
              HasSubstr(fmt::format("record {} is missing; the next file begins with record {}",
                                    files[1], files[2])));
}

TEST(LogDamage, AFileOfAnotherNameOrVersionIsRefused) {
  SimEnv sim(1);
  const Env env = sim.env();
  ASSERT_TRUE(append(*open_writer(env).value(), 1));
  const std::string sound = read_file(env, "/log/" + log_file_name(1), 1 << 20).value();
  ASSERT_TRUE(replace_file(env, "/log/" + log_file_name(2), sound));
  EXPECT_THAT(open_writer(env).error().message, HasSubstr("another record than its name"));
  ASSERT_TRUE(env.files.remove("/log/" + log_file_name(2)));
  ASSERT_TRUE(replace_file(env, "/log/" + log_file_name(1), "HFPART01" + sound.substr(8)));
  EXPECT_THAT(open_writer(env).error().message, HasSubstr("not a log file"));
  ASSERT_TRUE(replace_file(env, "/log/notes.txt", "kept"));
  ASSERT_TRUE(replace_file(env, "/log/" + log_file_name(1), sound));
  EXPECT_EQ(end_of_log(env).value(), 2u) << "other names are passed over";
}

TEST(Frame, ThatImitatesALaterOneInItsRecordsIsNotTakenForIt) {
  // What a client sends cannot know the salt of the file.
  SimEnv sim(1);
  const Env env = sim.env();
  auto writer = open_writer(env).value();
  FrameBuilder imitation;
  imitation.add("x");
  const std::string frame(imitation.finish(42, 1'000, 1'700'000'000'000));
  const auto seal = encode_seal(42, 1'000, 500);
  FrameBuilder builder;
  builder.add(frame + std::string(seal.data(), seal.size()));
  ASSERT_TRUE(writer->append(builder));
  // Its tail is torn off: a frame never finished.
  const std::string path = directory + "/" + log_file_name(1);
  std::string bytes = read_file(env, path, 1 << 20).value();
  bytes.resize(bytes.find_last_not_of('\0') - 30);
  ASSERT_TRUE(replace_file(env, path, bytes));
  EXPECT_EQ(open_writer(env).value()->next_offset(), 1u);
}

}  // namespace
}  // namespace hf
