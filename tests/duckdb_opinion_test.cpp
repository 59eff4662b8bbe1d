// SPDX-License-Identifier: Apache-2.0
//
// A second opinion on retention by SQL (second_opinion.h), and on what the example shop is asked.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "second_opinion.h"
#include "service/import.h"
#include "store/store.h"

namespace hf::test {
namespace {

TEST_F(SecondOpinion, SqlOverAnExportSaysWhoReturns) {
  check_cases("retention agrees with SQL", 45, [&] { compare({.metrics = {Metric::retention}}); });
}

/// The example, imported as `holdfast demo` does, its revenue and countries also under the names
/// that questions have for them.
class ExampleShop : public SecondOpinion {
 protected:
  void SetUp() override {
    const Env env = real_env();
    const std::string example = HOLDFAST_SOURCE_DIR "/examples/online_retail";
    ImportOptions options;
    options.files = {example + "/online_retail.csv.zst"};
    options.overrides.timezone = "Europe/London";
    const auto select = read_file(env, example + "/purchases.sql", 1 << 20);
    ASSERT_TRUE(select) << select.error().message;
    options.sql = fmt::format("SELECT *, revenue AS v, country AS k FROM ({})", *select);
    auto store = Store::open(env, (folder_ / "data").string(), Store::Access::own);
    ASSERT_TRUE(store) << store.error().message;
    store_ = *std::move(store);
    const auto plan = plan_import(env, engine_.get(), options);
    ASSERT_TRUE(plan) << plan.error().message;
    ImportControl control;
    control.rows_per_part = 100'000;
    const auto outcome = run_import(*store_, engine_.get(), *plan, control);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(outcome->counts.events, 397'884u);
    snapshot_ = store_->snapshot().value();
    EXPECT_EQ(snapshot_.parts.size(), 4u);
    const auto exported = engine_->export_events(snapshot_, ExportFormat::parquet, parquet());
    ASSERT_TRUE(exported) << exported.error().message;
  }

  std::unique_ptr<Store> store_;
  Snapshot snapshot_;
};

TEST_F(ExampleShop, TurnsOverTheSameToTheLastDigitByEveryWay) {
  constexpr std::string_view sums = "SELECT sum(revenue), count(*), count(DISTINCT person) FROM ";
  const PlainDuckDb::Row expected = {"8911407.904", "397884", "4338"};

  const auto result = engine_->query(snapshot_, *Zone::utc(), std::string(sums) + "events", {});
  ASSERT_TRUE(result) << result.error().message;
  const auto row = (*result)->next();
  ASSERT_TRUE(row) << row.error().message;
  EXPECT_EQ(PlainDuckDb::Row(row->begin(), row->end()), expected);

  EXPECT_EQ(duckdb_.rows(fmt::format("{}read_parquet('{}')", sums, parquet())),
            std::vector<PlainDuckDb::Row>{expected});

  const auto answer = answer_query(snapshot_, {.env = real_env()},
                                   R"({"metric":"retention","period":"P100Y","periods":1,)"
                                   R"("value":{"aggregate":"sum","property":"revenue"}})");
  ASSERT_TRUE(answer) << answer.error().message;
  const Json json = parse_json(*answer).value();
  const Json& cohort = json.find("data")->find("cohorts")->array.at(0);
  EXPECT_EQ(cohort.find("size")->text, "4338");
  EXPECT_EQ(cohort.find("cells")->array.at(0).find("value")->text, "8911407.904");
}

TEST_F(ExampleShop, SqlOverItsExportSaysWhatTheEngineSays) {
  EXPECT_EQ(sql_.load(parquet()), 397'884);
  const auto period = [](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(periods, name, &SpokenPeriod::name) -
                                    periods.begin());
  };
  const auto date = [](const char* day) {
    return Bound{Bound::Kind::date, day, fmt::format("DATE '{}'", day)};
  };
  std::vector<Question> questions(10);
  questions[0].period = period("month");
  questions[0].entry = Entering::first_time;
  questions[1].period = period("week");
  questions[1].by = {{.name = "k", .top = 3}};
  questions[1].adding = Adding::sum;
  questions[2].period = period("P14D");
  questions[2].rolling = true;
  questions[2].on_or_after = true;
  questions[2].adding = Adding::avg;
  questions[3].period = period("month");
  questions[3].occurrences = 3;
  questions[3].brackets = {1, 2, 4};
  questions[3].range = {date("2011-01-15"), date("2011-06-30")};
  questions[4].initial = Span{date("2010-12-01"), date("2011-05-31")};
  questions[4].current = {date("2011-06-01"), date("2011-11-30")};
  questions[4].by = {{.name = "k"}};
  questions[5].metric = Metric::trend;
  questions[5].series = {{0, Math::unique}, {0, Math::total}};
  questions[5].period = period("quarter");
  questions[5].by = {{.name = "k", .top = 5}};
  questions[6].metric = Metric::lifecycle;
  questions[6].period = period("month");
  questions[7].metric = Metric::lifecycle;
  questions[7].period = period("week");
  questions[7].by = {{.name = "k", .top = 3}};
  questions[7].range = {date("2011-01-15"), date("2011-06-30")};
  questions[8].metric = Metric::stickiness;
  questions[8].period = period("week");
  questions[8].per_interval = PerInterval::gte;
  questions[8].occurrences = 3;
  questions[8].by = {{.name = "k", .top = 3}};
  questions[9].metric = Metric::stickiness;
  questions[9].over_time = true;
  for (Question& question : questions) {
    question.zone = "Europe/London";
    question.as_of = {Bound::Kind::instant, "2011-12-09T12:50:00Z",
                      std::to_string(utc("2011-12-09T12:50"))};
    const AnswerLines answer(answer_query(snapshot_, {.env = real_env()}, question.json()),
                             question);
    const std::vector<std::string> expected = sql_.answer(question);
    EXPECT_TRUE(are_nearly(answer.lines(), expected)) << question.json() << '\n'
                                                      << differences(expected, answer.lines());
  }
}

}  // namespace
}  // namespace hf::test
