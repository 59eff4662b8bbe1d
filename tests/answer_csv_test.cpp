// SPDX-License-Identifier: Apache-2.0
//
// Answers as CSV: read back by a plain reader of RFC 4180, and safe to open in a spreadsheet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/answer_csv.h"

namespace hf {
namespace {

using testing::ElementsAre;

using Rows = std::vector<std::vector<std::string>>;

// As RFC 4180 says: fields parted by commas, quotes doubled inside of quotes.
Rows read_csv(const std::string& text) {
  Rows rows(1, {""});
  bool in_quotes = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    std::string& field = rows.back().back();
    if (in_quotes) {
      if (c != '"') {
        field += c;
      } else if (text.substr(at).starts_with("\"\"")) {
        field += text[++at];
      } else {
        in_quotes = false;
      }
    } else if (c == '"') {
      in_quotes = true;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else if (c == '\n') {
      rows.push_back({""});
    } else {
      field += c;
    }
  }
  EXPECT_FALSE(in_quotes);
  EXPECT_EQ(rows.back(), std::vector<std::string>{""}) << "the last line has no end";
  rows.pop_back();
  return rows;
}

FunnelTable table_of(std::vector<std::int64_t> counts) {
  FunnelTable table;
  for (const std::int64_t count : counts) table.steps.push_back({count, {}});
  return table;
}

TEST(AnswerCsv, OfAFunnelHasARowAStep) {
  FunnelAnswer answer;
  answer.labels = {"visit", "cart, or list", "=cmd()"};
  answer.total = table_of({3, 3, 1});
  answer.total.steps[1].seconds = {29'100, 600, 69'240};
  answer.total.steps[2].seconds = {1200.5, 1200.5, 1200.5};
  EXPECT_EQ(funnel_csv(answer, 0),
            "step,label,count,first,previous,seconds_mean,seconds_median,seconds_p90\n"
            "1,visit,3,3,,,,\n"
            "2,\"cart, or list\",3,3,3,29100,600,69240\n"
            "3,'=cmd(),1,3,3,1200.5,1200.5,1200.5\n");
}

TEST(AnswerCsv, OfAFunnelHasAllViews) {
  FunnelAnswer trend;
  trend.view = FunnelView::trend;
  trend.periods = {"2026-01-05", "2026-01-06"};
  trend.complete = {true, false};
  trend.total.periods = {{2, 1}, {1, 0}};
  EXPECT_EQ(funnel_csv(trend, 0),
            "start,complete,entered,completed\n2026-01-05,true,2,1\n2026-01-06,false,1,0\n");
  FunnelAnswer time;
  time.view = FunnelView::time_to_convert;
  time.total.bins = {{300, 29'000, 2}, {29'000, 57'700.5, 1}};
  EXPECT_EQ(funnel_csv(time, 0), "from,to,count\n300,29000,2\n29000,57700.5,1\n");
}

TEST(AnswerCsv, NamesTheBucketBeforeEachRowAndTheTotalLast) {
  FunnelAnswer answer;
  answer.labels = {"visit"};
  answer.has_groups = true;
  for (const BucketPath& path :
       {BucketPath{{Bucket::Kind::value, "a \"b\"\nc"}, {Bucket::Kind::missing, {}}},
        BucketPath{{Bucket::Kind::value, ""}, {Bucket::Kind::value, "+49 30"}},
        BucketPath{{Bucket::Kind::other, {}}, {Bucket::Kind::value, "-5.5"}}}) {
    answer.groups.push_back(table_of({1}));
    answer.groups.back().bucket = path;
  }
  answer.total = table_of({3});
  const std::string csv = funnel_csv(answer, 2);
  EXPECT_THAT(csv, testing::HasSubstr("\n\"\",'+49 30,1,visit"));
  const Rows rows = read_csv(csv);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_THAT(rows[0], ElementsAre("bucket_1", "bucket_2", "step", "label", "count", "first",
                                   "previous", "seconds_mean", "seconds_median", "seconds_p90"));
  EXPECT_THAT(rows[1], ElementsAre("a \"b\"\nc", "", "1", "visit", "1", "1", "", "", "", ""));
  EXPECT_THAT(rows[2], ElementsAre("", "'+49 30", "1", "visit", "1", "1", "", "", "", ""));
  EXPECT_THAT(rows[3], ElementsAre("(other)", "-5.5", "1", "visit", "1", "1", "", "", "", ""));
  EXPECT_THAT(rows[4], ElementsAre("(all)", "(all)", "1", "visit", "3", "3", "", "", "", ""));
}

TEST(AnswerCsv, HasAllColumnsAlsoWithoutAGroup) {
  LifecycleAnswer answer;
  answer.has_groups = true;
  answer.periods = {"2026-01-05"};
  answer.complete = {true};
  answer.total.rows = {{.fresh = 1}};
  EXPECT_EQ(lifecycle_csv(answer, 3),
            "bucket_1,bucket_2,bucket_3,start,complete,new,returning,resurrecting,dormant,active\n"
            "(all),(all),(all),2026-01-05,true,1,0,0,0,1\n");
}

TEST(AnswerCsv, OfSetsSaysWhoIsInWhich) {
  SegmentSizeAnswer answer;
  answer.known = 9;
  answer.labels = {"bought", "lately"};
  answer.total.count = 7;
  answer.total.sets = {4, 3};
  answer.total.exactly_in = {{0b01, 2}, {0b11, 2}, {0b10, 1}};
  EXPECT_EQ(segment_size_csv(answer, 0),
            "what,bought,lately,count\n"
            "known,,,9\n"
            "count,,,7\n"
            "set,true,,4\n"
            "set,,true,3\n"
            "exactly_in,true,false,2\n"
            "exactly_in,true,true,2\n"
            "exactly_in,false,true,1\n");
  SegmentSizeAnswer plain;
  plain.known = 2;
  plain.has_groups = true;
  plain.groups.emplace_back().bucket = {{Bucket::Kind::value, "gold"}};
  plain.groups.back().count = 1;
  plain.total.count = 2;
  EXPECT_EQ(segment_size_csv(plain, 1),
            "bucket,what,count\ngold,count,1\n(all),known,2\n(all),count,2\n");
}

TEST(AnswerCsv, OfTwoWindowsHasTheirValues) {
  RetentionAnswer answer;
  answer.has_windows = true;
  answer.aggregate = Aggregate::avg;
  WindowRetention& w = answer.total.windows;
  w = {.initial = 4, .retained = 2, .current = 3, .current_complete = true};
  w.initial_value.sum.add(*parse_decimal("10"));
  w.current_value.sum.add(*parse_decimal("3.5"));
  EXPECT_EQ(retention_csv(answer, 0),
            "initial,retained,current,complete,initial_value,current_value\n4,2,3,true,2.5,1.75\n");
  answer.aggregate = Aggregate::users;
  EXPECT_EQ(retention_csv(answer, 0), "initial,retained,current,complete\n4,2,3,true\n");
}

// JSON writes the shortest text of a number, 2e+05; a table is read by who expects digits.
TEST(AnswerCsv, HasNumbersInDigitsHoweverLargeOrSmall) {
  TrendAnswer answer;
  answer.labels = {"mean"};
  answer.periods = {"1", "2", "3", "4", "5", "6"};
  answer.complete = {true, true, true, true, true, true};
  answer.total.series.push_back(
      {.values = {200'000.0, 1e22, 0.00000125, -0.0, 1.0 / 3, std::monostate{}}});
  EXPECT_EQ(trend_csv(answer, 0),
            "start,complete,series,value\n"
            "1,true,mean,200000\n"
            "2,true,mean,10000000000000000000000\n"
            "3,true,mean,0.00000125\n"
            "4,true,mean,0\n"
            "5,true,mean,0.3333333333333333\n"
            "6,true,mean,\n");
}

TEST(AnswerCsv, OfMembersHasAllIds) {
  const Json people = parse_json(R"({"members":[{"person":"ann","ids":["ann","x\"1"],"count":3},)"
                                 R"({"person":null,"ids":[],"count":1}]})")
                          .value();
  EXPECT_EQ(members_csv_heading(people) + members_csv_rows(people),
            "person,ids,count\nann,\"ann;x\"\"1\",3\n,,1\n");
  const Json units = parse_json(R"({"members":[{"unit":"@home"}]})").value();
  EXPECT_EQ(members_csv_heading(units) + members_csv_rows(units), "unit\n'@home\n");
}

TEST(AnswerCsv, WhatASpreadsheetWouldRunIsTextAndNumbersAreNumbers) {
  for (const std::string_view harmful : {"=1+1", "+x", "-x", "@x", "\tx", "-1+2"}) {
    EXPECT_EQ(csv_safe_field(harmful), "'" + std::string(harmful));
  }
  EXPECT_EQ(csv_safe_field("\rx"), "\"'\rx\"");
  EXPECT_EQ(csv_safe_field("=\"a\",b"), "\"'=\"\"a\"\",b\"");
  for (const std::string_view plain : {"-5", "-0.5", "a=b", "", "1+1", "'x"}) {
    EXPECT_EQ(csv_safe_field(plain), plain);
  }
}

}  // namespace
}  // namespace hf
