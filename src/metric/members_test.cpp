// SPDX-License-Identifier: Apache-2.0
#include "metric/members.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metric/event_world.h"
#include "metric/query.h"

namespace hf::test {
namespace {

// Ann, Bob and Cid buy on the 5th, Ann twice; Ann and Bob come back on the 6th.
class MembersExample : public ::testing::Test {
 protected:
  static std::vector<WorldEvent> events() {
    const auto buys = [](const char* person, const char* time, const char* account) {
      return WorldEvent{person, "buy", utc(time), {{"account", text(account)}}};
    };
    return {buys("ann", "2026-01-05T08:00", "x"), buys("ann", "2026-01-05T09:00", "x"),
            buys("bob", "2026-01-05T08:00", "x"), buys("cid", "2026-01-05T08:00", "y"),
            buys("ann", "2026-01-06T08:00", "x"), buys("bob", "2026-01-06T08:00", "y")};
  }

  Result<std::string> answer(const std::string& query) {
    return answer_query(world_.snapshot(), world_.context(), query);
  }
  std::string data(const std::string& query) {
    const std::string json = answer(query).value();
    return json.substr(json.find("\"data\":") + 7);
  }

  EventWorld world_{events(), utc("2026-01-08T12:00")};
};

constexpr std::string_view retention =
    R"({"metric":"retention","start":{"event":"buy"},"return":{"event":"buy"})";

TEST_F(MembersExample, AreThePersonsBehindTheCellPageByPage) {
  const std::string cell = R"("cell":{"cohort":"2026-01-05","column":1})";
  EXPECT_EQ(data(fmt::format(R"({},"members":{{{}}}}})", retention, cell)),
            R"({"members":[{"person":"ann","ids":["ann"]},{"person":"bob","ids":["bob"]}],)"
            R"("count":2,"total":2,"cursor":null}})");
  const std::string first =
      data(fmt::format(R"({},"members":{{{},"limit":1}}}})", retention, cell));
  const Json page = parse_json(first.substr(0, first.size() - 1)).value();
  ASSERT_TRUE(page.find("cursor")->is_text());
  EXPECT_EQ(data(fmt::format(R"({},"members":{{{},"limit":1,"cursor":"{}"}}}})", retention, cell,
                             page.find("cursor")->text)),
            R"({"members":[{"person":"bob","ids":["bob"]}],"count":2,"total":2,"cursor":null}})");
}

TEST_F(MembersExample, OfACellThatCountsEventsTellHowManyEach) {
  EXPECT_EQ(data(R"({"metric":"trend","series":[{"event":"buy"}],)"
                 R"("members":{"cell":{"series":0,"period":"2026-01-05"}}})"),
            R"({"members":[{"person":"ann","ids":["ann"],"count":2},)"
            R"({"person":"bob","ids":["bob"],"count":1},{"person":"cid","ids":["cid"],"count":1}],)"
            R"("count":3,"total":4,"cursor":null}})");
}

TEST_F(MembersExample, OfAnotherUnitAreItsValues) {
  EXPECT_EQ(data(fmt::format(R"({},"unit":{{"property":"account"}},)"
                             R"("members":{{"cell":{{"cohort":"2026-01-05","column":1}}}}}})",
                             retention)),
            R"({"members":[{"unit":"x"},{"unit":"y"}],"count":2,"total":2,"cursor":null}})");
}

TEST_F(MembersExample, OfAnUnitWithoutTextDoNotBeginAnew) {
  const EventWorld world({{"ann", "buy", utc("2026-01-05T08:00"), {{"account", text("")}}},
                          {"ann", "buy", utc("2026-01-05T09:00"), {{"account", text("x")}}}});
  std::string pages;
  std::string cursor;
  for (int page = 0; page < 3; ++page) {
    const std::string json =
        answer_query(world.snapshot(), world_.context(),
                     fmt::format(R"({{"metric":"trend","series":[{{"event":"buy"}}],)"
                                 R"("unit":{{"property":"account"}},"members":{{"limit":1,{})"
                                 R"("cell":{{"series":0}}}}}})",
                                 cursor))
            .value();
    const Json answered = parse_json(json).value();
    const Json& data = *answered.find("data");
    pages += data.find("members")->array.front().find("unit")->text + "|";
    if (!data.find("cursor")->is_text()) break;
    cursor = fmt::format(R"("cursor":"{}",)", data.find("cursor")->text);
  }
  EXPECT_EQ(pages, "|x|");
}

TEST_F(MembersExample, OfAGroupAreThoseWhoAreInIt) {
  EXPECT_EQ(data(fmt::format(R"({},"breakdown":[{{"property":"account"}}],)"
                             R"("members":{{"cell":{{"cohort":"2026-01-05","column":1,)"
                             R"("bucket":["x"]}}}}}})",
                             retention)),
            R"({"members":[{"person":"ann","ids":["ann"]}],"count":1,"total":1,"cursor":null}})");
}

TEST_F(MembersExample, AreRefusedOfOtherData) {
  const auto refused = answer(fmt::format(
      R"({},"members":{{"data_version":6,"cell":{{"cohort":"2026-01-05","column":1}}}}}})",
      retention));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "stale_version");
}

TEST_F(MembersExample, OfAGroupThatTheAnswerHasNotAreRefused) {
  // Ann is of the 5th and x, Dan of the 6th and y.
  const auto buys = [](const char* person, const char* time, const char* account) {
    return WorldEvent{person, "buy", utc(time), {{"account", text(account)}}};
  };
  const EventWorld world(
      {buys("ann", "2026-01-05T08:00", "x"), buys("ann", "2026-01-06T08:00", "x"),
       buys("dan", "2026-01-06T08:00", "y"), buys("dan", "2026-01-06T09:00", "y")});
  const auto asked = [&](const std::string& query) {
    const auto members = answer_query(world.snapshot(), world_.context(), query);
    return members ? "" : fmt::format("{} {}", members.error().reason, members.error().pointer);
  };
  const auto queries = std::to_array<std::pair<std::string_view, std::string_view>>({
      {retention, R"("cohort":"2026-01-05","column":1)"},
      {R"({"metric":"trend","series":[{"event":"buy"}])", R"("series":0)"},
      {R"({"metric":"lifecycle")", R"("period":"2026-01-05","kind":"new")"},
      {R"({"metric":"stickiness")", R"("active_periods":1)"},
      {R"({"metric":"funnel","steps":[{"event":"buy"},{"event":"buy"}])", R"("step":1)"},
      {R"({"metric":"funnel","steps":[{"event":"buy"},{"event":"buy"}],"view":"time_to_convert")",
       R"("bin":0)"},
  });
  const std::string by_account = R"("breakdown":[{"property":"account"}])";
  const std::string by_both = R"("breakdown":[{"property":"account"},{"cohort":"day"}])";
  const auto reason = [&](std::string_view query, const std::string& breakdown,
                          std::string_view cell, const char* bucket) {
    return asked(fmt::format(R"({},{},"members":{{"cell":{{{},"bucket":{}}}}}}})", query, breakdown,
                             cell, bucket));
  };
  const std::string unknown = "unknown_cell /members/cell/bucket";
  for (const auto& [query, cell] : queries) {
    SCOPED_TRACE(query);
    EXPECT_EQ(reason(query, by_account, cell, R"(["x"])"), "");
    EXPECT_EQ(reason(query, by_account, cell, R"(["z"])"), unknown);
    EXPECT_EQ(reason(query, by_account, cell, "[null]"), unknown);
    EXPECT_EQ(reason(query, by_account, cell, R"([{"other":true}])"), unknown);
    // Both values are shown, but nobody has them together.
    EXPECT_EQ(reason(query, by_both, cell, R"(["x","2026-01-05"])"), "");
    EXPECT_EQ(reason(query, by_both, cell, R"(["x","2026-01-06"])"), unknown);
  }
  const auto of_size = [&](const char* bucket) {
    return asked(fmt::format(R"({{"metric":"segment_size","breakdown":[{{"cohort":"day"}}],)"
                             R"("members":{{"cell":{{"bucket":{}}}}}}})",
                             bucket));
  };
  EXPECT_EQ(of_size(R"(["2026-01-05"])"), "");
  EXPECT_EQ(of_size(R"(["2026-01-07"])"), unknown);
}

TEST_F(MembersExample, OfAMisspeltCellAreNotThoseOfAnother) {
  struct Refusal {
    std::string_view query;
    std::string_view cell;
    std::string_view misspelt;
  };
  constexpr std::string_view windows =
      R"({"metric":"retention","start":{"event":"buy"},"return":{"event":"buy"},)"
      R"("initial":{"from":"2026-01-05","to":"2026-01-05"},)"
      R"("current":{"from":"2026-01-06","to":"2026-01-06"})";
  constexpr std::string_view steps =
      R"({"metric":"funnel","steps":[{"event":"buy"},{"event":"buy"}])";
  const std::string times = fmt::format(R"({},"view":"time_to_convert")", steps);
  const std::string periods = fmt::format(R"({},"view":"trend")", steps);
  const std::vector<Refusal> refusals{
      {retention, R"("cohort":"2026-01-05","column":1,"bukket":["x"])", "bukket"},
      {retention, R"("cohort":"2026-01-05","column":1,"window":"initial")", "window"},
      {windows, R"("window":"initial","column":1)", "column"},
      {R"({"metric":"trend","series":[{"event":"buy"}])", R"("series":0,"perriod":"2026-01-05")",
       "perriod"},
      {R"({"metric":"lifecycle")", R"("period":"2026-01-05","kind":"new","column":0)", "column"},
      {R"({"metric":"stickiness")", R"("active_periods":1,"period":"2026-01-05")", "period"},
      {R"({"metric":"stickiness","over_time":true)",
       R"("period":"2026-01-05","kind":"dau","active_periods":1)", "active_periods"},
      {steps, R"("step":2,"dropt":true)", "dropt"},
      {periods, R"("period":"2026-01-05","kind":"entered","step":1)", "step"},
      {times, R"("bins":0)", "bins"},
      {R"({"metric":"segment_size")", R"("inn":[])", "inn"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.cell);
    const auto refused =
        answer(fmt::format(R"({},"members":{{"cell":{{{}}}}}}})", refusal.query, refusal.cell));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "unknown_field") << refused.error().message;
    EXPECT_EQ(refused.error().pointer, fmt::format("/members/cell/{}", refusal.misspelt));
  }
}

TEST_F(MembersExample, RefuseACursorThatNoAnswerGave) {
  const auto refused = answer(fmt::format(
      R"({},"members":{{"cursor":"x","cell":{{"cohort":"2026-01-05","column":1}}}}}})", retention));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "invalid_cursor");
}

}  // namespace
}  // namespace hf::test
