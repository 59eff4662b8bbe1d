// SPDX-License-Identifier: Apache-2.0
//
// One question has one answer, in whatever form: what a table and a CSV say is what the JSON says,
// of every metric and also of a sample.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "cli/answer_screen.h"
#include "cli/terminal.h"
#include "demo.h"
#include "metric/event_world.h"
#include "metric/query.h"

namespace hf {
namespace {

using test::Ended;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

Row fields_of(std::string_view line) {
  Row row;
  for (std::size_t comma = 0; comma != std::string_view::npos; line.remove_prefix(comma + 1)) {
    comma = line.find(',');
    row.emplace_back(line.substr(0, comma));
    if (comma == std::string_view::npos) break;
  }
  return row;
}

/// Of answers in which no field is quoted; the heading is left out.
Rows rows_of_csv(const std::string& csv) {
  Rows rows;
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) rows.push_back(fields_of(line));
  return rows;
}

std::string field(const Json& json, std::string_view name) {
  const Json* const found = json.find(name);
  if (found == nullptr) return "no " + std::string(name);
  if (found->is_null()) return "";
  JsonWriter out;
  if (!found->is_text()) return out.json(*found).take();
  return found->text;
}

const std::vector<Json>& list(const Json& json, std::string_view name) {
  static const std::vector<Json> none;
  const Json* const found = json.find(name);
  return found == nullptr ? none : found->array;
}

// -- The rows of a CSV, written anew from the JSON ------------------------------------------------

Rows retention_rows(const Json& data, const Json& table) {
  Rows rows;
  for (const Json& cohort : list(table, "cohorts")) {
    const std::vector<Json>& cells = list(cohort, "cells");
    for (std::size_t k = 0; k < cells.size(); ++k) {
      rows.push_back({field(cohort, "start"), field(cohort, "size"), list(data, "columns")[k].text,
                      field(cells[k], "count"), field(cells[k], "eligible"),
                      field(cells[k], "complete")});
    }
  }
  return rows;
}

Rows trend_rows(const Json& data, const Json& table) {
  Rows rows;
  const std::vector<Json>& periods = list(data, "periods");
  for (std::size_t p = 0; p < periods.size(); ++p) {
    for (const Json& series : list(table, "series")) {
      rows.push_back({periods[p].text, list(data, "complete")[p].boolean ? "true" : "false",
                      field(series, "label"), list(series, "values")[p].text});
    }
  }
  return rows;
}

Rows rows_by_names(const std::vector<Json>& objects, std::initializer_list<const char*> names) {
  Rows rows;
  for (const Json& object : objects) {
    Row row;
    for (const char* name : names) row.push_back(field(object, name));
    rows.push_back(std::move(row));
  }
  return rows;
}

Rows lifecycle_rows(const Json&, const Json& table) {
  return rows_by_names(list(table, "periods"), {"start", "complete", "new", "returning",
                                                "resurrecting", "dormant", "active"});
}

Rows stickiness_rows(const Json&, const Json& table) {
  if (table.find("histogram") != nullptr) {
    return rows_by_names(list(table, "histogram"), {"active_periods", "count"});
  }
  Rows rows = rows_by_names(list(table, "over_time"), {"start", "complete", "dau", "wau", "mau"});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const char* name : {"l7", "l28"}) {
      const Json& days = *list(table, "over_time")[i].find(name);
      rows[i].push_back(field(days, "days"));
      rows[i].push_back(field(days, "persons"));
    }
  }
  return rows;
}

Rows funnel_rows(const Json&, const Json& table) {
  if (table.find("periods") != nullptr) {
    Rows rows = rows_by_names(list(table, "periods"), {"start", "complete"});
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Json& period = list(table, "periods")[i];
      rows[i].push_back(field(period, "entered"));
      rows[i].push_back(field(period, "completed"));
    }
    return rows;
  }
  if (table.find("bins") != nullptr) {
    return rows_by_names(list(table, "bins"), {"from", "to", "count"});
  }
  Rows rows;
  const std::vector<Json>& steps = list(table, "steps");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    rows.push_back({fmt::format("{}", i + 1), field(steps[i], "label"), field(steps[i], "count"),
                    field(steps[0], "count"), i == 0 ? "" : field(steps[i - 1], "count")});
    const Json& seconds = *steps[i].find("seconds");
    for (const char* name : {"mean", "median", "p90"}) {
      rows.back().push_back(seconds.is_null() ? "" : field(seconds, name));
    }
  }
  return rows;
}

Rows segment_size_rows(const Json& data, const Json& table) {
  Rows rows;
  const auto add = [&](const char* what, auto&& in, std::string count) {
    rows.push_back({what});
    for (const Json& set : list(table, "sets")) rows.back().push_back(in(field(set, "label")));
    rows.back().push_back(std::move(count));
  };
  const auto either = [](const std::string&) { return std::string(); };
  if (table.find("bucket") == nullptr) add("known", either, field(data, "known"));
  add("count", either, field(table, "count"));
  for (const Json& set : list(table, "sets")) {
    const auto is_it = [&](const std::string& label) {
      return std::string(label == field(set, "label") ? "true" : "");
    };
    add("set", is_it, field(set, "count"));
  }
  for (const Json& overlap : list(table, "exactly_in")) {
    const auto is_in = [&](const std::string& label) {
      const bool found = std::ranges::any_of(list(overlap, "in"),
                                             [&](const Json& set) { return set.text == label; });
      return std::string(found ? "true" : "false");
    };
    add("exactly_in", is_in, field(overlap, "count"));
  }
  return rows;
}

// -- Questions ------------------------------------------------------------------------------------

struct Asked {
  const char* metric;
  const char* rest;  ///< Of the question; single quotes stand for double ones.
  Rows (*rows)(const Json& data, const Json& table);
  std::vector<std::size_t> shown;  ///< Columns of the rows that the screen has, too.
};

const std::array questions = std::to_array<Asked>({
    {"retention",
     "'period':'quarter','to':'2011-12-31','entry':'first_time','periods':3",
     retention_rows,
     {1, 3}},
    {"trend",
     "'period':'quarter','series':[{'event':'purchase','math':'unique'},{'event':'purchase','math':"
     "'unique',"
     "'label':'items'}]",
     trend_rows,
     {3}},
    {"lifecycle", "'period':'quarter'", lifecycle_rows, {2, 3, 4, 5, 6}},
    {"stickiness", "'period':'quarter'", stickiness_rows, {1}},
    {"stickiness",
     "'over_time':true,'from':'2011-11-28','to':'2011-12-07'",
     stickiness_rows,
     {2, 3, 4}},
    {"funnel", "'steps':[{'event':'purchase'},{'event':'purchase'}]", funnel_rows, {2}},
    {"funnel",
     "'view':'trend','period':'quarter','steps':[{'event':'purchase'},{'event':'purchase'}]",
     funnel_rows,
     {2, 3}},
    {"funnel",
     "'view':'time_to_convert','steps':[{'event':'purchase'},{'event':'purchase'}]",
     funnel_rows,
     {2}},
    {"segment_size",
     "'people':{'did':{'event':'purchase'}},'overlap':["
     "{'label':'many','people':{'did':{'event':'purchase'},'count':{'gte':100}}},"
     "{'label':'early','people':{'did':{'event':'purchase'},'from':'2010-12-01','to':'2010-12-31'}}"
     "]",
     segment_size_rows,
     {3}},
});

class AnswerForms : public test::Demo {
 protected:
  static std::string question(const Asked& asked, std::string_view more) {
    std::string text = fmt::format("{{'metric':'{}','as_of':'2011-12-09T12:50:00Z',{}{}}}",
                                   asked.metric, asked.rest, more);
    std::ranges::replace(text, '\'', '"');
    return text;
  }
  static std::string in_form(const std::string& question, const char* form) {
    Ended ended = run({"--lang", "en", "query", "-", "--format", form}, question);
    EXPECT_EQ(ended.code, 0) << question << "\n" << ended.err;
    return ended.out;
  }
  static Rows rows_of_json(const Asked& asked, const std::string& question) {
    const Json answer = parse_json(in_form(question, "json")).value();
    const Json& data = *answer.find("data");
    Rows rows;
    const auto add = [&](const Json& table, const std::vector<Json>& bucket) {
      for (const Row& row : asked.rows(data, table)) {
        rows.emplace_back();
        for (const Json& value : bucket) rows.back().push_back(value.text);
        rows.back().insert(rows.back().end(), row.begin(), row.end());
      }
    };
    if (data.find("groups") == nullptr) {
      add(data, {});
      return rows;
    }
    for (const Json& group : list(data, "groups")) add(group, list(group, "bucket"));
    add(*data.find("total"), {Json{.kind = Json::Kind::text, .text = "(all)"}});
    return rows;
  }
};

TEST_F(AnswerForms, AreAskedForOfEveryMetric) {
  for (const MetricInfo& metric : metric_list()) {
    EXPECT_TRUE(std::ranges::any_of(questions, [&](const Asked& asked) {
      return asked.metric == metric.name;
    })) << metric.name;
  }
}

TEST_F(AnswerForms, SayTheSameAlsoOfASample) {
  for (const Asked& asked : questions) {
    const Rows exact = rows_of_json(asked, question(asked, ""));
    for (const std::string_view more : {"", ",'sample':0.1"}) {
      const std::string query = question(asked, more);
      SCOPED_TRACE(query);
      const Rows rows = rows_of_json(asked, query);
      ASSERT_FALSE(rows.empty());
      EXPECT_EQ(rows == exact, more.empty());
      EXPECT_EQ(rows_of_csv(in_form(query, "csv")), rows);
      const std::string screen = in_form(query, "table");
      for (const Row& row : rows) {
        for (const std::size_t column : asked.shown) {
          if (column >= row.size() || row[column] == "0") continue;
          const bool is_loss = row[column].starts_with('-');
          const std::string number =
              with_separators(std::stoull(row[column].substr(is_loss ? 1 : 0)));
          EXPECT_THAT(screen, testing::ContainsRegex("[^0-9,]" + number + "[^0-9,]"));
        }
      }
    }
  }
}

TEST_F(AnswerForms, OfGroupsSayTheSameAlsoOfASample) {
  for (const Asked& asked : questions) {
    for (const std::string_view more :
         {",'breakdown':[{'cohort':'month'}]", ",'breakdown':[{'cohort':'month'}],'sample':0.1"}) {
      const std::string query = question(asked, more);
      SCOPED_TRACE(query);
      EXPECT_EQ(rows_of_csv(in_form(query, "csv")), rows_of_json(asked, query));
    }
  }
}

// A cohort is a period: on a screen it has its name, not its first day.
TEST_F(AnswerForms, CallCohortsByTheirPeriods) {
  for (const Asked& asked : questions) {
    const std::string query = question(asked, ",'breakdown':[{'cohort':'month'}]");
    SCOPED_TRACE(query);
    EXPECT_THAT(in_form(query, "table"), AllOf(HasSubstr("Feb 2011"), Not(HasSubstr("2011-02"))));
    EXPECT_THAT(in_form(query, "csv"), HasSubstr("2011-02-01,"));
  }
}

// More members than a page has are one question, not one for each page.
TEST(MembersCsv, AreFoundOnceAndWhole) {
  constexpr std::size_t people = 2 * MembersRequest::limit_max + 1;
  std::vector<test::WorldEvent> events;
  for (std::size_t i = 0; i < people; ++i) {
    events.push_back({fmt::format("p{:05}", i), "visit", test::utc("2026-01-05T09:00"), {}});
  }
  test::EventWorld world(std::move(events), test::utc("2026-02-10T12:00"));
  const Session::Reading reading{nullptr, world.snapshot(), Zone::utc()};
  const auto work_of = [&](std::string_view more, std::string& csv) {
    WorkGuard guard;
    QueryContext context = world.context();
    context.guard = &guard;
    const auto answer = answer_csv(
        reading, context,
        fmt::format(R"({{"metric":"trend","series":[{{"event":"visit","math":"unique"}}],)"
                    R"("where":{{"property":"x","op":"not_exists"}},)"
                    R"("members":{{"cell":{{"series":0}}{}}}}})",
                    more));
    EXPECT_TRUE(answer.has_value());
    csv = answer.value();
    return guard.progress().done;
  };
  std::string page;
  std::string all;
  const std::uint64_t work = work_of(R"(,"limit":1)", page);
  EXPECT_GT(work, 0u);
  EXPECT_EQ(work_of("", all), work);
  EXPECT_EQ(std::ranges::count(page, '\n'), 2);
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(all, '\n')), people + 1);
  EXPECT_TRUE(all.starts_with(page));
  EXPECT_THAT(all, AllOf(HasSubstr("\np10000,p10000\n"), HasSubstr("\np20000,p20000\n")));
}

}  // namespace
}  // namespace hf
