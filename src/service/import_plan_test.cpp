// SPDX-License-Identifier: Apache-2.0
#include "service/import_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/import_world.h"

namespace hf {
namespace {

using test::ImportWorld;
using test::must;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ImportPreview preview_of(ImportWorld& world, std::string_view text, ImportOptions options = {}) {
  options.files = {world.put("a.csv", text)};
  return must(preview_import(world.env(), nullptr, options));
}

TEST(ImportPreview, ShowsWhatTheFirstRowsBecome) {
  ImportWorld world;
  const ImportPreview preview = preview_of(world,
                                           "person,event,time,city,value\n"
                                           "ann,buy,2026-01-02 03:04:05,\"Paris, France\",1.50\n"
                                           "bob,buy,2026-01-02,Rome\n"
                                           "cid,look,2026-01-03,,\n");
  EXPECT_FALSE(preview.problem);
  EXPECT_THAT(preview.rows,
              ElementsAre(R"({"line":2,"time":"2026-01-02T03:04:05Z","event":"buy",)"
                          R"("user_id":"ann","properties":{"city":"Paris, France","value":1.5}})",
                          R"({"line":4,"time":"2026-01-03T00:00:00Z","event":"look",)"
                          R"("user_id":"cid","properties":{}})"));
  ASSERT_THAT(preview.rejects, SizeIs(1));
  EXPECT_EQ(preview.rejects[0].line, 3u);
  EXPECT_EQ(preview.rejects[0].reason, "wrong_field_count");
  EXPECT_EQ(preview.rows_read, 3u);
  EXPECT_EQ(preview.rows_rejected, 1u);
  EXPECT_THAT(preview.samples.at("city"), ElementsAre("Paris, France"));
  EXPECT_EQ(preview.plan.mapping.find(FieldRole::person)->column, "person");
}

TEST(ImportPreview, TellsWhatIsMissingAndWhatThereIs) {
  ImportWorld world;
  const std::string_view text = "who_was_it,what,2nd\nann,buy,2026-01-02\nann,sell,2026-01-03\n";
  const ImportPreview missing = preview_of(world, text);
  ASSERT_TRUE(missing.problem);
  EXPECT_EQ(missing.problem->reason, "unmapped_person");
  EXPECT_THAT(missing.rows, IsEmpty());
  EXPECT_THAT(missing.samples.at("who_was_it"), ElementsAre("ann"));
  EXPECT_THAT(missing.samples.at("what"), ElementsAre("buy", "sell"));
  EXPECT_THAT(missing.plan.mapping.fields, SizeIs(3));
  // Told what is missing, it is none any more.
  const ImportPreview whole = preview_of(
      world, text, {.overrides = {.maps = {"person=who_was_it", "event=what", "time=2nd"}}});
  EXPECT_FALSE(whole.problem) << whole.problem->message;
  EXPECT_THAT(whole.rows, SizeIs(2));
}

TEST(ImportPreview, IsOfTheBeginningAlone) {
  ImportWorld world;
  std::string text = "person,event,time\n";
  for (int i = 0; i < 30'000; ++i) text += fmt::format("p{},buy,2026-01-01\n", i);
  text += "p,buy,never\n";
  const ImportPreview preview = preview_of(world, text);
  EXPECT_THAT(preview.rows, SizeIs(ImportPreview::rows_max));
  EXPECT_THAT(preview.rejects, IsEmpty());
  EXPECT_EQ(preview.rows_read, 20'000u) << "the sample is over";
  EXPECT_THAT(preview.samples.at("person"), SizeIs(ImportPreview::samples_max));
}

TEST(ImportPreview, OfWhatIsNoFileIsAnError) {
  ImportWorld world;
  EXPECT_EQ(preview_import(world.env(), nullptr, {.files = {"/none.csv"}}).error().reason,
            "not_found");
  const std::string empty = world.put("e.csv", "");
  EXPECT_EQ(preview_import(world.env(), nullptr, {.files = {empty}}).error().reason, "empty_input");
}

}  // namespace
}  // namespace hf
