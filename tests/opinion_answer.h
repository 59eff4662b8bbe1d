// SPDX-License-Identifier: Apache-2.0
//
// Test support: the answer of the engine as the lines that MetricSql gives.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "calendar/time_text.h"
#include "metric_question.h"
#include "metric_sql.h"
#include "nearly.h"

namespace hf::test {

/// The answer of answer_query() as the lines that MetricSql gives.
class AnswerLines {
 public:
  AnswerLines(const Result<std::string>& answer, const Question& question) : q_(question) {
    if (!answer) {
      lines_.push_back("refused " + std::string(answer.error().reason));
      if (answer.error().reason != "invalid_range") lines_.push_back(answer.error().message);
      return;
    }
    const Json json = parse_json(*answer).value();
    const Json& data = *json.find("data");
    switch (q_.metric) {
      case Metric::retention: add_retention(data); break;
      case Metric::trend: add_trend(data); break;
      case Metric::lifecycle:
        for_groups(data, [&](const Json& group) { add_lifecycle(group); });
        break;
      case Metric::stickiness:
        for_groups(data, [&](const Json& group) { add_stickiness(group); });
        break;
    }
  }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  static std::int64_t integer(const Json& object, std::string_view name) {
    return std::stoll(object.find(name)->text);
  }

  void for_groups(const Json& data, auto&& add) {
    if (const Json* groups = data.find("groups")) {
      for (const Json& group : groups->array) {
        std::string line = "bucket ";
        for (const Json& bucket : group.find("bucket")->array) {
          if (line.size() > 7) line += " | ";
          line += bucket.is_null() ? "n" : bucket.is_object() ? "z" : "v" + bucket.text;
        }
        lines_.push_back(line);
        add(group);
      }
      add(*data.find("total"));
    } else {
      add(data);
    }
  }

  // Rows of hours and exact durations are named by instants; SQL says those in milliseconds.
  [[nodiscard]] std::string label(const std::string& start) const {
    const SpokenPeriod& period = periods[q_.period];
    if (!period.by_hour() && period.exact_ms == 0) return start;
    return std::to_string(parse_rfc3339(start).value());
  }

  [[nodiscard]] std::string value(const Json& object) const {
    const Json* value = object.find("value");
    if (value == nullptr) return "";
    if (value->is_null()) return "null";
    if (q_.adding == Adding::avg) return nearly(std::stod(value->text));
    return value->text;
  }

  void add_retention(const Json& data) {
    if (q_.initial) return add_windows(data);
    std::string line = "columns";
    for (const Json& column : data.find("columns")->array) line += " " + column.text;
    columns_ = data.find("columns")->array.size();
    lines_.push_back(line);
    for_groups(data, [&](const Json& group) { add_cohorts(group); });
  }

  void add_cohorts(const Json& group) {
    std::vector<std::pair<std::string, std::vector<OpinionCell>>> rows;
    for (const Json& cohort : group.find("cohorts")->array) {
      std::vector<OpinionCell> cells;
      for (const Json& cell : cohort.find("cells")->array) {
        cells.push_back({integer(cell, "count"), integer(cell, "eligible"),
                         cell.find("complete")->boolean, value(cell)});
      }
      EXPECT_EQ(integer(cohort, "size"), cells.front().count);
      rows.emplace_back(label(cohort.find("start")->text), std::move(cells));
    }
    add_retention_lines(lines_, rows, columns_);
    // The means of the answer itself must be those of its cells.
    std::string mean = "mean:";
    for (std::size_t c = 0; c < columns_; ++c) {
      const Json& weighted = group.find("mean")->find("weighted")->array.at(c);
      const Json& simple = group.find("mean")->find("simple")->array.at(c);
      mean += fmt::format("  {}/{} {}", integer(weighted, "numerator"),
                          integer(weighted, "denominator"),
                          simple.is_null() ? "null" : nearly(std::stod(simple.text)));
    }
    lines_.back() = mean;
  }

  void add_windows(const Json& data) {
    const Json& first = data.find("groups") == nullptr ? data : *data.find("total");
    const auto ms = [&](const char* window, const char* end) {
      return parse_rfc3339(first.find(window)->find(end)->text).value();
    };
    lines_.push_back(fmt::format("initial {} {} current {} {}", ms("initial", "from"),
                                 ms("initial", "to"), ms("current", "from"), ms("current", "to")));
    for_groups(data, [&](const Json& group) {
      const Json& initial = *group.find("initial");
      const Json& current = *group.find("current");
      lines_.push_back(fmt::format("initial {} {} current {} {} {}", integer(initial, "count"),
                                   value(initial), integer(current, "count"),
                                   current.find("complete")->boolean ? "complete" : "incomplete",
                                   value(current)));
      const auto ratio = [&](const char* name) {
        const Json& r = *group.find(name);
        return fmt::format("{}/{}", integer(r, "numerator"), integer(r, "denominator"));
      };
      lines_.push_back(fmt::format("retention {} churn {} activity {}", ratio("retention"),
                                   ratio("churn"), ratio("activity_ratio")));
    });
  }

  void add_trend(const Json& data) {
    const auto& starts = data.find("periods")->array;
    const auto& complete = data.find("complete")->array;
    for (std::size_t i = 0; i < starts.size(); ++i) {
      lines_.push_back(label(starts[i].text) + (complete.at(i).boolean ? "" : " incomplete"));
    }
    for_groups(data, [&](const Json& group) {
      const auto& all = group.find("series")->array;
      for (std::size_t s = 0; s < all.size(); ++s) {
        const auto add = [&](const char* total, const char* values) {
          std::string line = number(s, *all[s].find(total)) + ":";
          for (const Json& v : all[s].find(values)->array) line += " " + number(s, v);
          return line;
        };
        std::string line = add("total", "values");
        if (q_.compare > 0) line += " previous " + add("previous_total", "previous");
        lines_.push_back(line);
      }
    });
  }

  // A value of a trend's series; the formula's are behind the others'.
  [[nodiscard]] std::string number(std::size_t s, const Json& value) const {
    if (value.is_null()) return "null";
    if (s == q_.series.size()) return nearly(std::stod(value.text));
    const Math math = q_.series[s].math;
    const bool is_double = math == Math::avg || math >= Math::median;
    return is_double ? nearly(std::stod(value.text)) : value.text;
  }

  [[nodiscard]] std::string row_label(const Json& row) const {
    return label(row.find("start")->text) + (row.find("complete")->boolean ? "" : " incomplete") +
           ":";
  }

  void add_lifecycle(const Json& group) {
    for (const Json& row : group.find("periods")->array) {
      std::string line = row_label(row);
      for (const char* name : {"new", "returning", "resurrecting", "dormant", "active"}) {
        line += fmt::format(" {} {}", name, integer(row, name));
      }
      const Json& quick = *row.find("quick_ratio");
      const std::int64_t gained = integer(quick, "numerator");
      const std::int64_t lost = integer(quick, "denominator");
      const Json& rate = *quick.find("rate");
      EXPECT_PRED2([](const auto& a, const auto& b) { return are_nearly(a, b); },
                   rate.is_null() ? std::string("null") : nearly(std::stod(rate.text)),
                   lost == 0 ? std::string("null")
                             : nearly(static_cast<double>(gained) / static_cast<double>(lost)));
      lines_.push_back(fmt::format("{} quick {}/{}", line, gained, lost));
    }
  }

  void add_stickiness(const Json& group) {
    if (!q_.over_time) {
      for (const Json& row : group.find("histogram")->array) {
        lines_.push_back(
            fmt::format("active in {}: {}", integer(row, "active_periods"), integer(row, "count")));
      }
      return;
    }
    for (const Json& row : group.find("over_time")->array) {
      const auto average = [&](const char* name) {
        const Json& of = *row.find(name);
        return fmt::format("{}/{}", integer(of, "days"), integer(of, "persons"));
      };
      lines_.push_back(fmt::format("{} {} {} {} l7 {} l28 {}", row_label(row), integer(row, "dau"),
                                   integer(row, "wau"), integer(row, "mau"), average("l7"),
                                   average("l28")));
    }
  }

  const Question& q_;
  std::size_t columns_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace hf::test
