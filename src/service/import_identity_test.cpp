// SPDX-License-Identifier: Apache-2.0
//
// What makes two imports the same, what makes two rows the same, and taking an import away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/import_world.h"

namespace hf {
namespace {

using test::ImportWorld;
using test::must;
using test::reason_of;
using test::StoredEvent;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view two_rows =
    "person,event,time,value\np,e,2026-01-01,1\nq,e,2026-01-02,2\n";

TEST(ImportIdentity, TheSameFileAndMappingAgainAddsNothingAndSaysSo) {
  ImportWorld world;
  must(world.import_text("a.csv", two_rows));
  const std::uint64_t version = world.store().manifest().data_version;
  // The bytes count, not the name.
  for (const std::string name : {"a.csv", "renamed.csv"}) {
    const auto again = must(world.import_text(name, two_rows));
    EXPECT_TRUE(again.nothing_new);
    EXPECT_THAT(again.skipped_files, ElementsAre(name));
    EXPECT_EQ(again.counts.events, 0u);
  }
  EXPECT_THAT(world.events(), SizeIs(2));
  EXPECT_THAT(world.store().manifest().imports, SizeIs(1));
  EXPECT_EQ(world.store().manifest().data_version, version);
}

TEST(ImportIdentity, AnotherMappingIsAnotherImport) {
  ImportWorld world;
  must(world.import_text("a.csv", two_rows));
  const auto again =
      must(world.import_text("a.csv", two_rows, {.overrides = {.maps = {"event==other"}}}));
  EXPECT_FALSE(again.nothing_new);
  EXPECT_EQ(again.counts.events, 2u);
  EXPECT_EQ(again.persons_new, 0u);
  EXPECT_THAT(world.events(), SizeIs(4));
}

TEST(ImportIdentity, OfSeveralFilesOnlyTheNewOnesAreImported) {
  ImportWorld world;
  must(world.import_text("a.csv", two_rows));
  const std::string b = world.put("b.csv", "person,event,time,value\nr,e,2026-01-03,3\n");
  const std::string copy = world.put("copy.csv", "person,event,time,value\nr,e,2026-01-03,3\n");
  const auto outcome = must(world.import({.files = {"/in/a.csv", b, copy}}));
  EXPECT_FALSE(outcome.nothing_new);
  EXPECT_THAT(outcome.skipped_files, ElementsAre("a.csv", "copy.csv"));
  EXPECT_EQ(outcome.counts.events, 1u);
  EXPECT_THAT(world.events(), SizeIs(3));
}

TEST(ImportIdentity, OverlappingFilesOfIdentifiedRowsGiveEachRowOnce) {
  ImportWorld world;
  // The row of p stands twice in both files; the second file has one more of it, and a new row.
  const std::string p = "p,e,2026-01-01,1\n";
  const std::string head = "person,event,time,value\n";
  const ImportOptions identified{.identify_rows = true};
  const auto first =
      must(world.import_text("a.csv", head + p + p + "q,e,2026-01-02,2\n", identified));
  EXPECT_EQ(first.counts.events, 3u);
  EXPECT_EQ(first.counts.duplicates, 0u);
  const auto second = must(world.import_text(
      "b.csv", head + "q,e,2026-01-02,2\n" + p + p + p + "r,e,2026-01-03,3\n", identified));
  EXPECT_EQ(second.counts.events, 2u);
  EXPECT_EQ(second.counts.duplicates, 3u);
  std::vector<std::string> persons;
  for (const StoredEvent& event : world.events()) persons.push_back(event.user_id);
  EXPECT_THAT(persons, ElementsAre("p", "p", "q", "p", "r"));
}

TEST(ImportIdentity, IdentifiedRowsOfTwoFilesOfOneImportAreKnownToo) {
  ImportWorld world;
  const std::string a = world.put("a.csv", "person,event,time\np,e,2026-01-01\nq,e,2026-01-02\n");
  const std::string b = world.put("b.csv", "person,event,time\nq,e,2026-01-02\nr,e,2026-01-03\n");
  const auto outcome = must(world.import({.files = {a, b}, .identify_rows = true}, 1));
  EXPECT_EQ(outcome.counts.events, 3u);
  EXPECT_EQ(outcome.counts.duplicates, 1u);
}

TEST(ImportIdentity, IdentifiedRowsKeepTheMessageIdTheyBring) {
  ImportWorld world;
  const ImportOptions identified{.identify_rows = true};
  must(world.import_text("a.csv", "person,event,time,message_id\np,e,2026-01-01,m1\n", identified));
  EXPECT_EQ(world.events()[0].message_id, "m1");
  // The same message, written otherwise, stays the same message.
  const auto again = must(world.import_text(
      "b.csv", "person,event,time,message_id\np,e,2026-01-01T00:00,m1\n", identified));
  EXPECT_EQ(again.counts.duplicates, 1u);
}

TEST(ImportIdentity, MessageIdsCountOnceInAFileAcrossFilesAndAcrossImports) {
  ImportWorld world;
  const std::string head = "person,event,time,message_id\n";
  const std::string a =
      world.put("a.csv", head +
                             "p,e,2026-01-01,m1\np,later,2026-01-02,m1\nq,e,2026-01-01,m2\n"
                             "r,e,2026-01-05,\nr,e,2026-01-05,\n");
  const std::string b = world.put("b.csv", head + "x,e,2026-01-09,m2\nx,e,2026-01-09,m3\n");
  const auto first = must(world.import({.files = {a, b}}, 2));
  EXPECT_EQ(first.counts.events, 5u);
  EXPECT_EQ(first.counts.duplicates, 2u);
  const auto second =
      must(world.import_text("c.csv", head + "y,e,2026-02-01,m1\ny,e,2026-02-01,m4\n"));
  EXPECT_EQ(second.counts.events, 1u);
  EXPECT_EQ(second.counts.duplicates, 1u);
  EXPECT_EQ(second.persons_new, 1u);
  for (const StoredEvent& event : world.events())
    EXPECT_NE(event.name, "later") << "the first one stays";
}

TEST(ImportIdentity, MessageIdsOfAnotherSourceAreOthers) {
  ImportWorld world;
  const std::string text = "person,event,time,message_id\np,e,2026-01-01,m1\n";
  must(world.import_text("a.csv", text, {.source = "web"}));
  EXPECT_EQ(must(world.import_text("a.csv", text, {.source = "shop"})).counts.events, 1u);
  EXPECT_EQ(must(world.import_text("b.csv", text + "\n", {.source = "web"})).counts.duplicates, 1u);
}

/// Stops an import of several files after the first, whose rows are in parts of one row then.
void stop_after_first_file(ImportWorld& world, const ImportOptions& options) {
  const ImportPlan plan = must(plan_import(world.env(), nullptr, options));
  std::atomic<bool> stop = false;
  const auto stopped = run_import(
      world.store(), nullptr, plan,
      {.on_progress =
           [&](const ImportProgress& p) { stop = p.phase == ImportProgress::Phase::rows; },
       .stop = &stop,
       .background_writes = false,
       .rows_per_part = 1});
  ASSERT_EQ(reason_of(stopped), "cancelled");
  ASSERT_EQ(world.store().manifest().imports.back().state, ImportState::running);
  ASSERT_GE(world.store().manifest().imports.back().counts.events, 1u);
}

TEST(ImportIdentity, AnImportThatWasOvertakenCountsNothingTwice) {
  ImportWorld world;
  const std::string head = "person,event,time,message_id\n";
  const std::string a = world.put("a.csv", head + "p,e,2026-01-01,m1\nbroken\nq,e,2026-01-02,m2\n");
  const std::string a2 = world.put("a2.csv", head + "r,e,2026-01-03,m3\n");
  const std::string b = world.put("b.csv", head + "p,e,2026-01-01,m1\ns,e,2026-01-04,m4\n");
  stop_after_first_file(world, {.files = {a, a2}});
  // Meanwhile another import brings a person and a message id of it.
  const auto other = must(world.import({.files = {b}}));
  EXPECT_EQ(other.counts.events, 2u);
  const auto gone_on = must(world.import({.files = {a, a2}}));
  EXPECT_FALSE(gone_on.resumed) << "started over";
  EXPECT_EQ(gone_on.counts.events, 2u);
  EXPECT_EQ(gone_on.counts.duplicates, 1u);
  EXPECT_EQ(gone_on.counts.rejected, 1u);
  std::map<std::string, std::set<PersonOrdinal>> ordinals;
  for (const StoredEvent& event : world.events()) ordinals[event.user_id].insert(event.ordinal);
  EXPECT_THAT(ordinals, SizeIs(4));
  for (const auto& [person, numbers] : ordinals) EXPECT_THAT(numbers, SizeIs(1)) << person;
  EXPECT_THAT(world.rejected(gone_on.id), ElementsAre("3 wrong_field_count"));
}

TEST(UndoImport, TakesTheEventsAwayAndLetsTheImportBeMadeAgain) {
  ImportWorld world;
  must(world.import_text("a.csv", two_rows));
  must(world.import_text("b.csv", "person,event,time,value\nbroken\nr,e,2026-01-03,3\n"));
  const std::uint64_t version = world.store().manifest().data_version;
  const ImportRecord undone = must(undo_import(world.store(), 2));
  EXPECT_EQ(undone.state, ImportState::undone);
  EXPECT_EQ(undone.counts.events, 1u);
  EXPECT_THAT(world.events(), SizeIs(2));
  EXPECT_EQ(world.rejects(2), "");
  EXPECT_GT(world.store().manifest().data_version, version);
  const auto again = must(world.import({.files = {"/in/b.csv"}}));
  EXPECT_EQ(again.id, 3u);
  EXPECT_EQ(again.counts.events, 1u);
  EXPECT_THAT(world.events(), SizeIs(3));
}

TEST(UndoImport, TakesItsRowsFromAmongThoseOfOthersWhenTheyLieInOnePart) {
  ImportWorld world;
  must(world.import_text("a.csv", "person,event,time,value\np,e,2026-01-01,1\nq,e,2026-01-02,2\n"));
  must(world.import_text("b.csv", "person,event,time,value\np,e,2026-01-01,3\nr,e,2026-01-04,4\n"));
  must(world.import_text("c.csv", "person,event,time,value\np,e,2026-01-01,5\n"));
  must(world.store().compact(Store::CompactionKind::full));
  ASSERT_THAT(world.store().manifest().parts, SizeIs(1));
  EXPECT_THAT(world.store().manifest().parts[0].imports, ElementsAre(1, 2, 3));
  EXPECT_THAT(world.values("value"),
              ElementsAre("number 1", "number 3", "number 5", "number 2", "number 4"));
  must(undo_import(world.store(), 2));
  EXPECT_THAT(world.values("value"), ElementsAre("number 1", "number 5", "number 2"));
  EXPECT_THAT(world.store().manifest().parts[0].imports, ElementsAre(1, 3));
  world.close();
  must(undo_import(world.store(), 1));
  EXPECT_THAT(world.values("value"), ElementsAre("number 5"));
  must(undo_import(world.store(), 3));
  EXPECT_THAT(world.events(), SizeIs(0));
  EXPECT_THAT(world.store().manifest().parts, SizeIs(0));
}

TEST(UndoImport, FreesTheMessageIds) {
  ImportWorld world;
  const std::string text = "person,event,time,message_id\np,e,2026-01-01,m1\n";
  must(world.import_text("a.csv", text));
  must(undo_import(world.store(), 1));
  EXPECT_EQ(must(world.import_text("b.csv", text + "\n")).counts.events, 1u);
}

TEST(UndoImport, OfAnUnknownOrUndoneOneIsRefused) {
  ImportWorld world;
  must(world.import_text("a.csv", two_rows));
  EXPECT_EQ(reason_of(undo_import(world.store(), 7)), "no_import");
  must(undo_import(world.store(), 1));
  EXPECT_EQ(reason_of(undo_import(world.store(), 1)), "already_undone");
}

TEST(ImportIdentity, IsNotTouchedByWhatAnotherFilesSampleSuggests) {
  // Alone, b.csv suggests text, no whole-number ids and, by its 13th, day first.
  const std::string a = "person,event,time,value\n1,e,2/1/2026,1\n";
  const std::string b = "person,event,time,value\nx1,e,13/1/2026,one\nx2,e,2/1/2026,2\n";
  ImportWorld world;
  const std::string a_path = world.put("a.csv", a);
  const std::string b_path = world.put("b.csv", b);
  ASSERT_EQ(must(world.import({.files = {b_path}})).counts.events, 2u);
  const auto both = must(world.import({.files = {a_path, b_path}}));
  EXPECT_THAT(both.skipped_files, ElementsAre("b.csv"));
  EXPECT_EQ(both.counts.events, 1u);
  EXPECT_TRUE(must(world.import({.files = {b_path, a_path}})).nothing_new);
  // Another type is another import.
  EXPECT_FALSE(
      must(world.import({.files = {a_path}, .overrides = {.types = {"value=text"}}})).nothing_new);
}

TEST(StrictImport, RefusesAllAtABadRowAndNamesIt) {
  ImportWorld world;
  const std::string text =
      "person,event,time,value\np,e,2026-01-01,1\nq,e,2026-01-02,2\n,e,2026-01-03,3\n";
  const std::string path = world.put("a.csv", text);
  for (const std::uint32_t rows_per_part : {0u, 1u}) {
    const auto refused = world.import({.files = {path}, .strict = true}, rows_per_part);
    ASSERT_EQ(reason_of(refused), "rejected_row");
    EXPECT_EQ(refused.error().message,
              "a.csv: line 4: missing_person: neither a user id nor an anonymous id");
    EXPECT_THAT(world.events(), IsEmpty());
    EXPECT_THAT(world.store().manifest().imports, IsEmpty());
    EXPECT_THAT(must(world.env().files.list("/data/parts")), IsEmpty());
    EXPECT_THAT(must(world.env().files.list("/data/rejects")), IsEmpty());
  }
  const auto bad_time = world.import_text(
      "b.csv", "person,event,time,value\np,e,2026-01-01,1\nq,e,9999-01-01,2\n", {.strict = true});
  ASSERT_EQ(reason_of(bad_time), "rejected_row");
  EXPECT_THAT(bad_time.error().message, HasSubstr("b.csv: line 3, column 3: time_out_of_range: "));
}

TEST(StrictImport, RefusedAsTheFirstSettlesNoZone) {
  ImportWorld world;
  world.install_zone("Europe/London");
  const std::string text = "person,event,time\np,e,2026-01-01\nbroken\n";
  EXPECT_EQ(reason_of(world.import_text(
                "a.csv", text, {.overrides = {.timezone = "Europe/London"}, .strict = true})),
            "rejected_row");
  EXPECT_EQ(world.store().settings().timezone, "UTC");
}

TEST(StrictImport, TakesNoSettingBackThatSomebodyMade) {
  ImportWorld world;
  world.install_zone("Europe/London");
  world.install_zone("Asia/Tokyo");
  FrameBuilder frame;
  frame.add(encode_record(SettingsRecord{.timezone = "Asia/Tokyo"}));
  ASSERT_TRUE(world.store().append(frame));
  const std::string text = "person,event,time\np,e,2026-01-01\nbroken\n";
  const MappingOverrides london{.timezone = "Europe/London"};
  EXPECT_EQ(reason_of(world.import_text("a.csv", text, {.overrides = london, .strict = true})),
            "rejected_row");
  EXPECT_EQ(world.store().settings().timezone, "Asia/Tokyo");
  ASSERT_TRUE(world.import_text("a.csv", text, {.overrides = london}));
  EXPECT_EQ(world.store().settings().timezone, "Asia/Tokyo") << "nor overrides it";
}

TEST(StrictImport, DoesNotGoOnBehindARowThatWasRejectedBefore) {
  ImportWorld world;
  const std::string a =
      world.put("a.csv", "person,event,time\nbroken\np,e,2026-01-01\nq,e,2026-01-02\n");
  const std::string b = world.put("b.csv", "person,event,time\nr,e,2026-01-03\n");
  stop_after_first_file(world, {.files = {a, b}});
  ASSERT_EQ(world.store().manifest().imports.back().counts.rejected, 1u);
  EXPECT_EQ(reason_of(world.import({.files = {a, b}, .strict = true})), "rejected_row");
  EXPECT_THAT(world.store().manifest().imports, IsEmpty());
  EXPECT_THAT(must(world.env().files.list("/data/rejects")), IsEmpty());
}

TEST(Rejects, AreOneLineARowWithPlaceReasonAndExcerpt) {
  ImportWorld world;
  const auto outcome = must(world.import_text("odd, name.csv",
                                              "person,event,time,value\n"
                                              "p,e,2026-01-01,1\n"
                                              "short,\"quoted\"\n"
                                              ",e,2026-01-01,\"two\nlines\"\n"
                                              "p,e,2101-01-01,4\n"));
  EXPECT_EQ(outcome.counts.rejected, 3u);
  EXPECT_EQ(outcome.reject_path, "/data/rejects/import-1.csv");
  EXPECT_EQ(world.rejects(),
            "file,line,offset,column,reason,message,excerpt\n"
            "\"odd, name.csv\",3,41,0,wrong_field_count,\"expected 4 fields, found "
            "2\",\"short,\"\"quoted\"\"\"\n"
            "\"odd, name.csv\",4,56,0,missing_person,neither a user id nor an anonymous id,"
            "\",e,2026-01-01,\"\"two\"\n"
            "\"odd, name.csv\",6,82,3,time_out_of_range,a time outside 1970 to "
            "2100,\"p,e,2101-01-01,4\"\n");
}

TEST(Rejects, ShowControlCharactersAsPictures) {
  ImportWorld world;
  must(world.import_text("a.csv", std::string("person,event,time\n\x1b[31m\tred\x7f\0\n", 30)));
  EXPECT_THAT(world.rejects(), HasSubstr(",␛[31m␉red␡␀\n"));
}

TEST(Rejects, AreNoFileWhereNothingIsRejected) {
  ImportWorld world;
  const auto outcome = must(world.import_text("a.csv", two_rows, {.strict = true}));
  EXPECT_EQ(outcome.reject_path, "");
  EXPECT_THAT(must(world.env().files.list("/data/rejects")), IsEmpty());
}

}  // namespace
}  // namespace hf
