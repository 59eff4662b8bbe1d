// SPDX-License-Identifier: Apache-2.0
//
// Each trouble is made for real, in a directory that the real store and appender wrote.
#include "service/doctor.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/sim_env.h"
#include "event/any_events.h"
#include "log/duplicate_run.h"
#include "service/appender.h"
#include "service/import.h"
#include "service/plain_state_file.h"
#include "service/verify.h"

namespace hf {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using enum FindingReason;

const std::string directory = "/data";
constexpr Store::Options small_files = {.log = {.file_bytes = 4'000}};

/// A directory that was written to for a while, and the tools to spoil it.
class Doctor : public testing::Test {
 protected:
  /// Parts, a log of several files of which some are in parts, and runs of message keys.
  void fill() {
    const auto store = own();
    const auto appender = Appender::open(*store, {.table_keys = 16}).value();
    for (int i = 0; i < 60; ++i) append(*store, *appender, i % 20 == 10);
  }

  void append(Store& store, Appender& appender, bool flush) {
    for (int n = 0; n < 3; ++n) {
      test::any_event(rng_).with_view([&](const EventView& view) { appender.add("app", view); });
    }
    ASSERT_TRUE(appender.commit());
    ASSERT_TRUE(appender.maintain());
    if (flush) {
      ASSERT_TRUE(store.flush());
    }
  }

  std::unique_ptr<Store> own() {
    return Store::open(env(), directory, Store::Access::own, small_files).value();
  }
  Manifest manifest() { return decode_manifest(read(directory + "/MANIFEST")).value(); }

  Env env() { return sim_.env(); }
  std::string read(const std::string& path) { return read_file(env(), path, 1 << 26).value(); }
  void write(const std::string& path, std::string_view bytes) {
    ASSERT_TRUE(replace_file(env(), path, bytes)) << path;
  }
  void remove(const std::string& path) { ASSERT_TRUE(env().files.remove(path)) << path; }
  void flip(const std::string& path, std::size_t at) {
    std::string bytes = read(path);
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
    write(path, bytes);
  }
  /// Gives the 64 bytes of a header another version, its checksum right.
  void age(const std::string& path, std::uint16_t version) {
    std::string bytes = read(path);
    store_le(bytes.data() + 8, version);
    store_le(bytes.data() + 60, crc32c(std::string_view(bytes).substr(0, 60)));
    write(path, bytes);
  }
  std::vector<std::string> files(const std::string& below) {
    std::vector<std::string> out;
    const auto names = env().files.list(directory + "/" + below).value();
    for (const std::string& name : names) {
      out.push_back(fmt::format("{}/{}/{}", directory, below, name));
    }
    return out;
  }
  /// The number of the log file that holds the first record that is not in parts.
  std::size_t first_needed_file() {
    const auto firsts = list_log_files(env(), directory + "/log").value();
    const auto after = std::ranges::upper_bound(firsts, manifest().log_end);
    return static_cast<std::size_t>(after - firsts.begin()) - 1;
  }

  Diagnosis look(const DiagnosisOptions& options = {}) {
    const std::uint64_t changes = sim_.mutating_calls();
    const Diagnosis diagnosis = diagnose(env(), directory, options);
    EXPECT_TRUE(options.deep || sim_.mutating_calls() == changes) << "it only looks";
    return diagnosis;
  }
  /// What there is beyond facts.
  static std::vector<FindingReason> troubles(const Diagnosis& diagnosis) {
    std::vector<FindingReason> out;
    for (const Finding& finding : diagnosis.findings) {
      if (severity_of(finding.reason) != Severity::fine) out.push_back(finding.reason);
    }
    return out;
  }
  std::vector<FindingReason> troubles() { return troubles(look()); }
  static const Finding& find(const Diagnosis& diagnosis, FindingReason reason) {
    const auto found = std::ranges::find(diagnosis.findings, reason, &Finding::reason);
    EXPECT_NE(found, diagnosis.findings.end()) << to_string(reason);
    static const Finding none = {};
    return found == diagnosis.findings.end() ? none : *found;
  }
  static bool has(const Diagnosis& diagnosis, FindingReason reason) {
    return std::ranges::find(diagnosis.findings, reason, &Finding::reason) !=
           diagnosis.findings.end();
  }

  SimEnv sim_{1};
  Rng rng_{3};
};

TEST_F(Doctor, FindsNothingWrongWithASoundDirectory) {
  fill();
  const Diagnosis found = look({.open_files_max = 1'024});
  std::vector<FindingReason> reasons;
  for (const Finding& finding : found.findings) reasons.push_back(finding.reason);
  EXPECT_THAT(reasons,
              ElementsAre(directory_private, no_writer, disk_ample, manifest_sound, parts_listed,
                          log_read, message_keys_read, clock_right, open_files_ample, version));
  EXPECT_EQ(found.worst(), Severity::fine);
  EXPECT_TRUE(found.has_data());

  const Manifest manifest = this->manifest();
  std::uint64_t events = 0;
  for (const PartEntry& part : manifest.parts) events += part.rows;
  EXPECT_EQ(find(found, parts_listed).number("files"), manifest.parts.size());
  EXPECT_EQ(find(found, parts_listed).number("events"), events);
  const Finding& log = find(found, log_read);
  const auto verified = verify_data(env(), directory).value();
  EXPECT_EQ(log.number("files"), verified.log_files);
  EXPECT_EQ(log.number("end") - log.number("first"), verified.log_records);
  EXPECT_EQ(log.number("pending_records"), log.number("end") - manifest.log_end);
  EXPECT_GT(log.number("pending_records"), 0u);
  EXPECT_GT(log.number("kept_bytes"), 0u);
  EXPECT_LT(log.number("kept_bytes"), log.number("bytes"));
  const Finding& keys = find(found, message_keys_read);
  EXPECT_EQ(keys.number("keys"), verified.duplicate_keys);
  EXPECT_LT(keys.number("unread_records"), 30u);
  EXPECT_EQ(find(found, clock_right).text("timezone"), "UTC");
  EXPECT_EQ(find(found, version).text("program"), HOLDFAST_VERSION);
}

TEST_F(Doctor, TellsWhereThereIsNoData) {
  EXPECT_THAT(troubles(), ElementsAre(no_directory));
  EXPECT_FALSE(look().has_data());
  write(directory, "a file");
  EXPECT_THAT(troubles(), ElementsAre(no_data_directory));
  remove(directory);
  ASSERT_TRUE(env().files.make_directories(directory + "/parts"));
  EXPECT_THAT(troubles(), ElementsAre(no_data_directory));
  EXPECT_FALSE(look().has_data());
  write(directory + "/BACKUP", "");
  write(directory + "/parts/00000001.part", "");
  EXPECT_THAT(troubles(), ElementsAre(is_backup));
  EXPECT_FALSE(look().has_data());
}

TEST_F(Doctor, TellsWhoMayReadAndWrite) {
  fill();
  sim_.set_access(directory, {.open_to_others = true});
  EXPECT_THAT(troubles(), ElementsAre(directory_open));
  sim_.set_access(directory + "/MANIFEST", {.open_to_others = true});
  EXPECT_THAT(troubles(), ElementsAre(data_open));
  sim_.set_access(directory, {});
  EXPECT_THAT(troubles(), IsEmpty()) << "what lies in a private directory is private";
  sim_.set_access(directory + "/log", {.writable = false});
  sim_.set_access(directory + "/parts", {.writable = false});
  const Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(not_writable));
  EXPECT_EQ(find(found, not_writable).text("path"), "/data/parts");
  sim_.set_access(directory + "/MANIFEST", {.readable = false});
  EXPECT_THAT(troubles(), ElementsAre(not_readable, not_writable));
}

// Whatever call fails, the rest is looked at, and the worst that is told is that.
TEST_F(Doctor, TellsWhatCannotBeRead) {
  fill();
  const std::uint64_t before = sim_.fallible_calls();
  (void)look();
  const std::uint64_t calls = sim_.fallible_calls() - before;
  int told = 0;
  for (std::uint64_t n = 1; n <= calls; ++n) {
    SCOPED_TRACE(n);
    sim_.fail_call(n, SimEnv::Fault::io_error);
    const Diagnosis found = look();
    for (const FindingReason trouble : troubles(found)) EXPECT_EQ(trouble, unreadable);
    if (!has(found, unreadable)) continue;
    ++told;
    EXPECT_THAT(find(found, unreadable).text("what"), HasSubstr("I/O error"));
  }
  EXPECT_GT(told, 50);
}

TEST_F(Doctor, LooksBesideAWriterAndNamesIt) {
  fill();
  const auto store = own();
  write(directory + "/parts/99999999.part.tmp", "being written");
  write(directory + "/MANIFEST.tmp", "being written");
  const Diagnosis found = look();
  EXPECT_THAT(troubles(found), IsEmpty());
  EXPECT_THAT(find(found, written_by).text("holder"), StartsWith("process "));
}

TEST_F(Doctor, IsNotMisledByAWriter) {
  fill();
  std::atomic<bool> stop = false;
  std::atomic<int> looks = 0;
  std::thread writing([&] {
    const auto store = own();
    const auto appender = Appender::open(*store, {.table_keys = 16}).value();
    // As long as it takes to be looked at a few times, however slow the build is.
    for (int i = 0; (i < 400 || looks < 5) && !testing::Test::HasFatalFailure(); ++i) {
      append(*store, *appender, i % 7 == 3);
      sim_.advance_ms(3'600'000);  // So that old log files and runs go.
    }
    stop = true;
  });
  std::set<FindingReason> told;
  do {
    for (const FindingReason trouble : troubles(diagnose(env(), directory))) told.insert(trouble);
    ++looks;
  } while (!stop);
  writing.join();
  told.erase(many_small_parts);
  EXPECT_THAT(told, IsEmpty()) << to_string(*told.begin());
  EXPECT_GT(looks, 3);
}

TEST_F(Doctor, MeasuresTheDisk) {
  fill();
  std::uint64_t largest = 0;
  for (const PartEntry& part : manifest().parts) largest = std::max(largest, part.bytes);
  const std::uint64_t log_file = LogWriter::Options().file_bytes;
  sim_.set_capacity(log_file * 2);
  const Diagnosis found = look();
  EXPECT_EQ(find(found, disk_ample).number("needed_bytes"), 2 * largest + log_file);
  EXPECT_EQ(find(found, disk_ample).number("reserve_bytes"), log_file / 10);
  EXPECT_EQ(find(found, disk_ample).number("total_bytes"), 2 * log_file);
  EXPECT_LT(find(found, disk_ample).number("free_bytes"), 2 * log_file);
  sim_.set_capacity(log_file + log_file / 20);
  EXPECT_THAT(troubles(), ElementsAre(disk_nearly_full));
  sim_.set_capacity(log_file / 2);
  EXPECT_THAT(troubles(), ElementsAre(disk_full));
}

TEST_F(Doctor, TellsAMissingDamagedOrNewerManifest) {
  fill();
  const std::string path = directory + "/MANIFEST";
  const std::string sound = read(path);
  remove(path);
  Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(manifest_missing));
  EXPECT_EQ(find(found, manifest_missing).number("files"),
            files("parts").size() + files("log").size());
  EXPECT_TRUE(found.has_data());
  {
    const auto restoring = env().files.lock(directory + "/LOCK", "process 7, a restore");
    found = look();
    EXPECT_THAT(troubles(found), ElementsAre(manifest_to_come));
    EXPECT_EQ(find(found, manifest_to_come).text("holder"), "process 7, a restore");
  }
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{17}, std::size_t{30}, sound.size() / 2}) {
    write(path, sound);
    flip(path, at);
    EXPECT_THAT(troubles(), ElementsAre(manifest_damaged)) << at;
  }
  write(path, sound.substr(0, sound.size() / 2));
  EXPECT_THAT(troubles(), ElementsAre(manifest_damaged));
  write(path, "");
  EXPECT_THAT(troubles(), ElementsAre(manifest_damaged));
  std::string newer = sound;
  newer[std::string_view("holdfast manifest ").size()] = '2';
  write(path, newer);
  found = look();
  EXPECT_THAT(troubles(found), ElementsAre(manifest_newer));
  EXPECT_EQ(find(found, manifest_newer).number("version"), 2u);
  write(path, sound);
  write(path + ".tmp", sound);
  EXPECT_THAT(troubles(), ElementsAre(left_over_manifest));
}

TEST_F(Doctor, TellsWhatIsWrongWithParts) {
  fill();
  const PartEntry entry = manifest().parts.at(1);
  const std::string path = directory + "/parts/" + entry.file;
  const std::string sound = read(path);
  remove(path);
  Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(part_missing));
  EXPECT_EQ(find(found, part_missing).text("path"), path);
  EXPECT_EQ(find(found, part_missing).number("events"), entry.rows);
  write(path, sound.substr(0, sound.size() - 1));
  found = look();
  EXPECT_THAT(troubles(found), ElementsAre(part_size));
  EXPECT_EQ(find(found, part_size).number("bytes"), sound.size() - 1);
  EXPECT_EQ(find(found, part_size).number("expected_bytes"), sound.size());
  for (const std::size_t at :
       {std::size_t{9}, std::size_t{70}, sound.size() - 40, sound.size() - 2}) {
    write(path, sound);
    flip(path, at);
    found = look();
    EXPECT_THAT(troubles(found), ElementsAre(part_damaged)) << at;
    EXPECT_THAT(find(found, part_damaged).text("what"), StartsWith(path + ": ")) << at;
  }
  write(path, sound);
  age(path, 2);
  found = look();
  EXPECT_THAT(troubles(found), ElementsAre(part_newer));
  EXPECT_EQ(find(found, part_newer).number("version"), 2u);

  write(path, sound);
  Manifest other = manifest();
  ++other.parts.at(1).rows;
  write(directory + "/MANIFEST", encode_manifest(other));
  EXPECT_THAT(troubles(), ElementsAre(part_damaged));
  other = manifest();
  --other.parts.at(1).rows;
  other.next_person = 1;
  write(directory + "/MANIFEST", encode_manifest(other));
  EXPECT_THAT(find(look(), part_damaged).text("what"), HasSubstr("a person beyond"));
}

TEST_F(Doctor, TellsWhereCompactionIsBehind) {
  fill();
  Manifest other = manifest();
  const PartEntry part = other.parts.front();
  while (other.parts.size() < 33) {
    PartEntry copy = part;
    copy.file = fmt::format("{:08}.part", 1'000 + other.parts.size());
    write(directory + "/parts/" + copy.file, read(directory + "/parts/" + part.file));
    other.parts.push_back(copy);
  }
  write(directory + "/MANIFEST", encode_manifest(other));
  const Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(many_small_parts));
  EXPECT_EQ(find(found, many_small_parts).number("groups"), 33u);
  other.parts[31].group = other.parts[32].group = 7;
  write(directory + "/MANIFEST", encode_manifest(other));
  EXPECT_THAT(troubles(), IsEmpty()) << "what one compaction wrote is one";
}

TEST_F(Doctor, TellsWhatIsWrongWithTheLogThatIsNeeded) {
  fill();
  const auto logs = files("log");
  const std::size_t needed = first_needed_file();
  ASSERT_GT(needed, 1u);
  ASSERT_LT(needed + 1, logs.size());
  std::map<std::string, std::string> sound;
  for (const std::string& path : logs) sound[path] = read(path);
  const auto restore = [&] {
    for (const auto& [path, bytes] : sound) write(path, bytes);
  };

  // A file that is needed is gone: the first, one within, all that are newer than what is in parts.
  for (std::size_t i = 0; i <= needed; ++i) remove(logs[i]);
  Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(log_begins_late));
  EXPECT_EQ(find(found, log_begins_late).number("needed"), manifest().log_end);
  restore();
  remove(logs[needed + 1]);
  found = look();
  if (needed + 2 < logs.size()) {
    EXPECT_THAT(troubles(found), ElementsAre(log_damaged));
    EXPECT_THAT(find(found, log_damaged).text("what"),
                testing::AllOf(StartsWith(logs[needed]), HasSubstr("is missing; the next file")));
  }
  for (std::size_t i = needed; i < logs.size(); ++i) {
    if (env().files.exists(logs[i])) remove(logs[i]);
  }
  found = look();
  EXPECT_THAT(troubles(found), ElementsAre(log_ends_early));
  EXPECT_EQ(find(found, log_ends_early).number("needed"), manifest().log_end);
  for (std::size_t i = 0; i < needed; ++i) remove(logs[i]);
  found = look();
  EXPECT_THAT(troubles(found), ElementsAre(log_missing));
  EXPECT_EQ(find(found, log_missing).number("needed"), manifest().log_end);
  restore();

  // Damage, with file and byte.
  flip(logs[needed], 9);
  EXPECT_THAT(find(look(), log_damaged).text("what"), StartsWith(logs[needed] + ": at byte 0: "));
  restore();
  age(logs.back(), 2);
  EXPECT_THAT(troubles(), ElementsAre(log_newer));
  restore();
  flip(logs.back(), 64 + 84 + 10);  // A record of its first frame; a seal follows.
  EXPECT_THAT(find(look(), log_damaged).text("what"), StartsWith(logs.back() + ": at byte 64: "));
  restore();
  EXPECT_THAT(troubles(), IsEmpty());
}

TEST_F(Doctor, TellsDamageOfOldLogFilesApart) {
  fill();
  const auto logs = files("log");
  ASSERT_GT(first_needed_file(), 1u);
  const std::string sound = read(logs[1]);
  for (const std::size_t at : {std::size_t{9}, std::size_t{64}, std::size_t{70}}) {
    flip(logs[1], at);
    const Diagnosis found = look();
    EXPECT_THAT(troubles(found), ElementsAre(old_log_damaged)) << at;
    EXPECT_THAT(find(found, old_log_damaged).text("what"), StartsWith(logs[1] + ": at byte "));
    write(logs[1], sound);
  }
  write(logs[1], sound.substr(0, sound.size() - 40));
  EXPECT_THAT(troubles(), ElementsAre(old_log_damaged));
  remove(logs[1]);
  EXPECT_THAT(find(look(), old_log_damaged).text("what"), StartsWith(logs[0] + ": at byte "));
}

TEST_F(Doctor, TellsATornEndFromDamage) {
  fill();
  const std::string newest = files("log").back();
  std::string torn = read(newest);
  auto reader = LogFileReader::open(env(), directory + "/log",
                                    list_log_files(env(), directory + "/log").value().back())
                    .value();
  while (reader.next().value()) continue;
  const std::uint64_t end = reader.position();
  torn.resize(std::max(torn.size(), end + 200));
  torn.replace(end, 100, std::string(100, 'x'));
  write(newest, torn);
  const Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(log_torn));
  EXPECT_EQ(find(found, log_torn).text("path"), newest);
  EXPECT_EQ(find(found, log_torn).number("position"), end);
  {
    const auto lock = env().files.lock(directory + "/LOCK", "process 7");
    EXPECT_THAT(troubles(), IsEmpty()) << "it is being written";
  }
  own();
  EXPECT_THAT(troubles(), IsEmpty()) << "as was said, the start cut it off";
}

TEST_F(Doctor, TellsHowLongTheNextStartTakes) {
  {
    const auto store = own();
    FrameBuilder frame;
    for (int i = 0; i < 5'000; ++i) {
      frame.add(encode_record(
          EventRecord{"app", {.user_id = "u", .name = "e", .time_ms = 1'600'000'000'000}}));
    }
    ASSERT_TRUE(store->append(frame));
  }
  const Diagnosis found = look();
  EXPECT_EQ(find(found, log_read).number("pending_records"), 5'000u);
  EXPECT_EQ(find(found, log_read).number("start_ms"), 5u);
  EXPECT_EQ(find(found, log_read).number("kept_bytes"), 0u);
  // Written without an appender, so nobody made an index.
  EXPECT_THAT(troubles(found), ElementsAre(message_keys_missing));
}

TEST_F(Doctor, TellsWhatBecomesOfTheMessageKeys) {
  {
    const auto store = own();
    const auto appender = Appender::open(*store).value();
    append(*store, *appender, false);
  }
  Diagnosis found = look();
  EXPECT_THAT(troubles(found), IsEmpty());
  EXPECT_EQ(find(found, message_keys_young).number("unread_records"), 3u);
  fill();
  found = look();
  const auto records = find(found, log_read).number("end") - find(found, log_read).number("first");
  std::map<std::string, std::string> sound;
  for (const std::string& path : files("duplicates")) sound[path] = read(path);
  ASSERT_GT(sound.size(), 1u);
  const auto restore = [&] {
    for (const auto& [path, bytes] : sound) write(path, bytes);
  };

  flip(sound.begin()->first, 20);
  found = look();
  EXPECT_THAT(troubles(found), ElementsAre(message_keys_damaged));
  EXPECT_THAT(find(found, message_keys_damaged).text("what"), StartsWith(sound.begin()->first));
  EXPECT_EQ(find(found, message_keys_damaged).number("unread_records"), records);
  restore();
  remove(sound.begin()->first);
  found = look();
  EXPECT_THAT(troubles(found), ElementsAre(message_keys_damaged));
  EXPECT_THAT(find(found, message_keys_damaged).text("what"), HasSubstr("runs are missing"));
  restore();
  write(directory + "/duplicates/x.run", "");
  EXPECT_THAT(troubles(), ElementsAre(message_keys_damaged));
  remove(directory + "/duplicates/x.run");

  // What a merge leaves where a crash comes between: the merged run beside those it is of.
  const auto parsed = [](const std::string& path) {
    return parse_duplicate_run_name(path.substr(path.rfind('/') + 1)).value();
  };
  const std::string stale = directory + "/duplicates/" +
                            duplicate_run_name({parsed(sound.begin()->first).first,
                                                parsed(sound.begin()->first).end - 1});
  write(stale, "no matter what");
  EXPECT_THAT(troubles(), ElementsAre(left_over_files));
  remove(stale);

  for (const auto& [path, bytes] : sound) remove(path);
  remove(directory + "/duplicates");
  found = look();
  EXPECT_THAT(troubles(found), ElementsAre(message_keys_missing));
  EXPECT_EQ(find(found, message_keys_missing).number("unread_records"), records);
  {
    const auto store = own();
    ASSERT_TRUE(Appender::open(*store)) << "as was said, it is made anew";
  }
  EXPECT_THAT(troubles(), IsEmpty());
}

TEST_F(Doctor, TellsAnIndexThatKnowsMoreThanTheLog) {
  fill();
  {  // All records in runs, and none in parts that the first file of the log does not hold.
    const auto store = own();
    const auto index = DuplicateIndex::open(env(), directory + "/duplicates", {}).value();
    const Offset end = store->applied_end();
    index->add({}, index->flushed_end(), end, env().clock.now_ms());
    ASSERT_TRUE(index->flush());
    ASSERT_TRUE(store->flush());
  }
  Manifest other = manifest();
  const auto firsts = list_log_files(env(), directory + "/log").value();
  other.log_end = firsts.back();
  write(directory + "/MANIFEST", encode_manifest(other));
  remove(files("log").back());
  const Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(message_keys_ahead));
  EXPECT_EQ(find(found, message_keys_ahead).number("log_end"), firsts.back());
  EXPECT_GT(find(found, message_keys_ahead).number("end"), firsts.back());
}

TEST_F(Doctor, TellsOfImportsAndWhatTheyRejected) {
  // Each text is a file; a stopped import ends where the first one does.
  const auto import = [&](const std::vector<std::string>& texts, bool stopped) {
    ImportOptions options;
    for (const std::string& text : texts) {
      options.files.push_back(fmt::format("/{}.csv", options.files.size() + 1));
      write(options.files.back(), "person,event,time\n" + text);
    }
    const ImportPlan plan = plan_import(env(), nullptr, options).value();
    std::atomic<bool> stop = false;
    ImportControl control;
    control.on_progress = [&](const ImportProgress& progress) {
      stop = stopped && progress.phase == ImportProgress::Phase::rows;
    };
    control.stop = &stop;
    control.background_writes = false;
    control.rows_per_part = 1;
    const auto store = own();
    return run_import(*store, nullptr, plan, control).has_value();
  };
  ASSERT_TRUE(import({"p,e,2026-01-01\nq,,2026-01-02\n"}, false));
  Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(rejects_waiting));
  EXPECT_EQ(find(found, imports_done).number("events"), 1u);
  EXPECT_EQ(find(found, rejects_waiting).number("rows"), 1u);
  EXPECT_EQ(find(found, rejects_waiting).text("path"), "/data/rejects/import-1.csv");
  ASSERT_TRUE(import({"p,e,2026-01-01\nq,,2026-01-02\nr,,2026-01-03\n"}, false));
  EXPECT_EQ(find(look(), rejects_waiting).number("rows"), 3u);
  EXPECT_EQ(find(look(), rejects_waiting).number("imports"), 2u);
  for (const std::uint32_t id : {1u, 2u}) ASSERT_TRUE(undo_import(*own(), id));
  EXPECT_THAT(troubles(), IsEmpty());

  const std::vector<std::string> two = {"p,e,2026-01-01\n", "p,e,2026-01-02\n"};
  ASSERT_FALSE(import(two, true));
  found = look();
  EXPECT_THAT(troubles(found), ElementsAre(import_unfinished));
  EXPECT_EQ(find(found, import_unfinished).number("import"), 3u);
  EXPECT_EQ(find(found, import_unfinished).number("events"), 1u);
  EXPECT_EQ(find(found, import_unfinished).text("file"), "1.csv +1");
  EXPECT_EQ(find(found, import_unfinished).text("holder"), "");
  EXPECT_EQ(find(found, parts_listed).number("events"), 0u) << "not seen yet";
  {
    const auto store = own();
    EXPECT_THAT(find(look(), import_unfinished).text("holder"), StartsWith("process "));
  }
  ASSERT_TRUE(import(two, false));
  EXPECT_THAT(troubles(), IsEmpty());
}

TEST_F(Doctor, CountsWhatACrashLeft) {
  fill();
  write(directory + "/parts/77777777.part", "1234");
  write(directory + "/parts/77777778.part.tmp", "12");
  write(directory + "/rejects/import-9.csv", "1");
  write(directory + "/duplicates/a.run.tmp", "1");
  const Offset next = find(look(), log_read).number("end");
  write(directory + "/log/" + log_file_name(next), std::string(500, '\0'));
  const Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(left_over_files));
  EXPECT_EQ(find(found, left_over_files).number("files"), 5u);
  EXPECT_EQ(find(found, left_over_files).number("bytes"), 508u);
  {
    const auto store = own();
    ASSERT_TRUE(Appender::open(*store));
  }
  EXPECT_THAT(troubles(), IsEmpty()) << "as was said, the start removed them";
}

TEST_F(Doctor, ComparesTheClockWithTheLog) {
  fill();
  const TimestampMs newest = env().clock.now_ms();
  sim_.set_now_ms(newest - 500);
  EXPECT_THAT(troubles(), IsEmpty());
  sim_.set_now_ms(newest - 3'600'000);
  const Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(clock_behind_log));
  EXPECT_EQ(find(found, clock_behind_log).number("newest_ms"), static_cast<std::uint64_t>(newest));
  EXPECT_EQ(find(found, clock_behind_log).number("now_ms"),
            static_cast<std::uint64_t>(newest - 3'600'000));
}

TEST_F(Doctor, KnowsTheZoneAlsoFromTheLog) {
  fill();
  {
    const auto store = own();
    FrameBuilder frame;
    frame.add(encode_record(SettingsRecord{.timezone = "Europe/Nowhere"}));
    ASSERT_TRUE(store->append(frame));
  }
  EXPECT_THAT(troubles(), ElementsAre(timezone_unknown));
  ASSERT_TRUE(own()->flush());
  const Diagnosis found = look();
  EXPECT_THAT(troubles(found), ElementsAre(timezone_unknown));
  EXPECT_EQ(find(found, timezone_unknown).text("timezone"), "Europe/Nowhere");
}

TEST_F(Doctor, ComparesOpenFilesWithWhatPartsNeed) {
  fill();
  const std::uint64_t needed =
      find(look({.open_files_max = 1'000}), open_files_ample).number("needed");
  EXPECT_EQ(needed, files("parts").size() + files("duplicates").size() + 64);
  EXPECT_THAT(troubles(look({.open_files_max = needed})), IsEmpty());
  EXPECT_THAT(troubles(look({.open_files_max = needed - 1})), ElementsAre(open_files_few));
}

TEST_F(Doctor, ReadsEverythingWhenAskedTo) {
  fill();
  const auto verified = verify_data(env(), directory).value();
  std::set<std::string> heard;
  const DiagnosisOptions deep = {.deep = true,
                                 .on_file = [&](const std::string& path) { heard.insert(path); }};
  Diagnosis found = look(deep);
  EXPECT_THAT(troubles(found), IsEmpty());
  EXPECT_EQ(find(found, contents_sound).number("events"), verified.part_events);
  EXPECT_EQ(find(found, contents_sound).number("records"), verified.log_records);
  EXPECT_EQ(find(found, contents_sound).number("keys"), verified.duplicate_keys);
  EXPECT_THAT(heard, testing::Contains(EndsWith(".part")));
  {
    const auto store = own();
    found = look(deep);
    EXPECT_THAT(troubles(found), ElementsAre(contents_not_read));
    EXPECT_THAT(find(found, contents_not_read).text("holder"), StartsWith("process "));
  }
  // A payload of an old log file: only who reads it sees that.
  flip(files("log").front(), 64 + 84 + 10);
  EXPECT_THAT(troubles(), IsEmpty());
  found = look(deep);
  EXPECT_THAT(troubles(found), ElementsAre(contents_damaged));
  EXPECT_THAT(find(found, contents_damaged).text("what"), HasSubstr("at byte 64"));
  EXPECT_FALSE(has(found, contents_sound));
}

TEST_F(Doctor, ReadsTheStateAlsoBesideAWriter) {
  fill();
  const test::PlainStateFile state_file(env());
  const DiagnosisOptions options = {.state_file = &state_file};
  EXPECT_FALSE(has(look(options), state_read));
  write(directory + "/state.sqlite", test::plain_state(1, 2, 3));
  {
    const auto store = own();
    const Diagnosis found = look(options);
    EXPECT_THAT(troubles(found), IsEmpty());
    EXPECT_EQ(find(found, state_read).number("sources"), 1u);
    EXPECT_EQ(find(found, state_read).number("keys"), 2u);
    EXPECT_EQ(find(found, state_read).number("refusals"), 3u);
  }
  EXPECT_THAT(troubles(), ElementsAre(unreadable)) << "in a build that cannot";
  write(directory + "/state.sqlite", "1 2 3");
  const Diagnosis found = look(options);
  EXPECT_THAT(troubles(found), ElementsAre(state_damaged));
  EXPECT_THAT(find(found, state_damaged).text("what"), HasSubstr("table key"));
  // Told once.
  EXPECT_THAT(troubles(look({.deep = true, .state_file = &state_file})),
              ElementsAre(state_damaged));
}

// Of any flipped byte: a quick look says that something is broken only where reading all of it says
// so too, and both say so together where a start would be refused.
TEST_F(Doctor, AgreesWithReadingEverything) {
  fill();
  std::vector<std::string> all = {directory + "/MANIFEST"};
  for (const std::string below : {"parts", "log", "duplicates"}) {
    for (const std::string& path : files(below)) all.push_back(path);
  }
  int quick_count = 0;
  int deep_count = 0;
  for (const std::string& path : all) {
    const std::string sound = read(path);
    for (int i = 0; i < 40; ++i) {
      const std::size_t at = rng_.below(sound.size());
      SCOPED_TRACE(fmt::format("{} at {}", path, at));
      flip(path, at);
      const Diagnosis quick = look();
      const bool is_startable = Store::open(env(), directory, Store::Access::read).has_value();
      const bool is_damaged = !verify_data(env(), directory).value().damage.empty();
      if (quick.worst() > Severity::advice) {
        ++quick_count;
        EXPECT_TRUE(is_damaged);
      }
      if (is_damaged) ++deep_count;
      if (!is_startable) {
        EXPECT_EQ(quick.worst(), Severity::broken);
      }
      write(path, sound);
    }
  }
  EXPECT_GT(quick_count, 200);
  EXPECT_GT(deep_count, quick_count);
  EXPECT_THAT(troubles(), IsEmpty());
}

TEST(DoctorReasons, AreAllExplainedToWhoRunsIt) {
  std::ifstream in(std::string(HOLDFAST_SOURCE_DIR) + "/docs/operations.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < finding_reasons; ++i) {
    const auto reason = static_cast<FindingReason>(i);
    EXPECT_TRUE(names.insert(to_string(reason)).second) << to_string(reason);
    if (severity_of(reason) == Severity::fine) continue;
    const std::string row =
        fmt::format("| `{}` | {} |", to_string(reason), to_string(severity_of(reason)));
    EXPECT_THAT(page, HasSubstr(row));
  }
}

}  // namespace
}  // namespace hf
