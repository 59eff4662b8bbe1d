// SPDX-License-Identifier: Apache-2.0
//
// Test support: trend as SQL, written from docs/metrics.md#trend.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "breakdown_sql.h"
#include "nearly.h"

namespace hf::test {

class TrendSql : public BreakdownSql {
 public:
  explicit TrendSql(PlainDuckDb& duckdb) : BreakdownSql(duckdb) {}

  std::vector<std::string> answer(const Question& question) {
    begin(question);
    if (!settle_range()) return std::move(lines_);
    sort_out();
    look_at("now");
    const std::int64_t rows = rows_;
    if (rows > 0) {
      for (const Row& row :
           db_.rows(fmt::format("SELECT label, end_ms <= {} FROM periods WHERE i < {} ORDER BY i",
                                as_of_ + 1, rows))) {
        lines_.push_back(*row[0] + (*row[1] == "true" ? "" : " incomplete"));
      }
    }
    if (question.compare > 0) {
      move_back();
      look_at("before");
    } else {
      make("spans_before", "FROM spans_now WHERE FALSE");
      make("placed_before", "FROM placed_now WHERE FALSE");
    }
    rows_ = rows;
    if (!question.by.empty()) add_tables(true);
    add_tables(false);
    return std::move(lines_);
  }

  /// Who is behind a cell, with how many events or numbers.
  std::vector<std::string> members_of(const Question& question, const Cell& cell) {
    (void)answer(question);
    if (cell.group > 0) rank(true);
    const Math math = question.series.at(static_cast<std::size_t>(cell.series)).math;
    const bool counts_persons = math == Math::unique || days_of(math) > 0;
    return members(cell,
                   fmt::format("SELECT bucket, person, {} AS n FROM hits_now WHERE s = {} AND "
                               "period = {} AND {} GROUP BY bucket, person",
                               counts_persons ? "1" : "count(*)", cell.series, cell.row,
                               is_of_numbers(math) ? "v_num IS NOT NULL" : "TRUE"));
  }

 private:
  void rank(bool by_bucket) {
    rank_groups(by_bucket, [&](const std::string& buckets) { return fill(buckets); });
  }

  // Tables spans_ (period: of the events from first_p to last_p, or of the days that end with
  // last_day; -1 is the whole range) and placed_ of the range as it is.
  void look_at(std::string_view which) {
    make_periods();
    place();
    make(fmt::format("placed_{}", which), "FROM placed");
    const std::string last_date = rows_ > 0 ? high_ : "CAST(NULL AS DATE)";
    const std::string last_day =
        rows_ == 0 || by_instant() ? last_date : fmt::format("least(d1 - 1, {})", high_);
    const std::string of_rows =
        rows_ == 0 ? ""
                   : fmt::format(
                         "SELECT i AS period, {} AS first_p, i AS last_p, {} AS last_day "
                         "FROM periods WHERE i < {} UNION ALL ",
                         q_->cumulative ? "0" : "i", last_day, rows_);
    make(fmt::format("spans_{}", which),
         fmt::format("{}SELECT -1 AS period, 0 AS first_p, {} AS last_p, {} AS last_day", of_rows,
                     rows_ - 1, last_date));
  }

  // The same range so much earlier.
  void move_back() {
    if (is_empty_) return;
    const Earlier& earlier = earlier_by[q_->compare];
    if (earlier.exact_ms > 0) {
      // Both ends as instants, a date by those at which it begins and ends.
      range_ = {{Bound::Kind::instant, "", std::to_string(begin_ms_ - earlier.exact_ms)},
                {Bound::Kind::instant, "", std::to_string(end_ms_ - earlier.exact_ms)}};
    } else {
      for (Bound* bound : {&range_.from, &range_.to}) {
        if (bound->kind == Bound::Kind::date) {
          bound->sql = fmt::format("CAST({} - {} AS DATE)", bound->sql, earlier.interval);
          continue;
        }
        bound->sql = std::to_string(number(fmt::format(
            "SELECT instant_of('{0}', epoch_ms(timezone('{0}', make_timestamptz({1} * 1000)) - "
            "{2}))",
            q_->zone, bound->sql, earlier.interval)));
      }
    }
    is_empty_ =
        text(fmt::format("SELECT {} >= {}", from_ms(range_.from), to_ms(range_.to))) == "true";
    if (!is_empty_) measure_range();
  }

  // Tables matched_ and hits_ (bucket, s, period, person, v_num) of the events that count.
  void make_hits(std::string_view which, const std::string& buckets) {
    std::string matched;
    for (std::size_t s = 0; s < q_->series.size(); ++s) {
      matched += fmt::format(
          "{}SELECT {} AS s, {} AS days, person, p, d, inside, v_num, unnest({}) AS bucket FROM "
          "placed_{} WHERE {}",
          s == 0 ? "" : " UNION ALL ", s, days_of(q_->series[s].math), buckets, which,
          matches(q_->series[s].matcher));
    }
    make(fmt::format("matched_{}", which), matched);
    make(fmt::format("hits_{}", which),
         fmt::format("SELECT bucket, s, period, person, v_num FROM matched_{0} m JOIN spans_{0} ON "
                     "CASE WHEN m.days = 0 THEN inside AND p BETWEEN first_p AND last_p "
                     "ELSE d BETWEEN last_day - m.days + 1 AND last_day END",
                     which));
  }

  // A group is as large as its series have events in the range, or persons in any of their periods
  // where those are what they count.
  std::string fill(const std::string& buckets) {
    make_hits("now", buckets);
    make_hits("before", buckets);
    std::string counts_persons = "FALSE";
    for (std::size_t s = 0; s < q_->series.size(); ++s) {
      const Math math = q_->series[s].math;
      if (math == Math::unique || days_of(math) > 0) {
        counts_persons += fmt::format(" OR s = {}", s);
      }
    }
    return fmt::format(
        "SELECT bucket, coalesce(sum(n), 0) AS size FROM "
        "(SELECT bucket FROM hits_now UNION SELECT bucket FROM hits_before) LEFT JOIN "
        "(SELECT bucket, CASE WHEN {} THEN count(DISTINCT person) ELSE count(*) "
        "FILTER (period = -1) END AS n FROM hits_now GROUP BY bucket, s) USING (bucket) GROUP BY "
        "bucket",
        counts_persons);
  }

  // The value of one series among a group's hits. A person counts once for each bucket.
  static std::string value_sql(Math math) {
    constexpr std::string_view persons = "count(DISTINCT (hits.bucket, person))";
    const auto percentile = [](int p) {
      // Between the numbers of rank (n - 1) p / 100, from 0; in whole hundredths, so exactly.
      return fmt::format(
          "list_transform([list_sort(list(v_num) FILTER (v_num IS NOT NULL))], lambda xs: "
          "CASE WHEN (len(xs) - 1) * {0} % 100 = 0 THEN xs[(len(xs) - 1) * {0} // 100 + 1] ELSE "
          "(xs[(len(xs) - 1) * {0} // 100 + 1] * (100 - (len(xs) - 1) * {0} % 100) + "
          "xs[(len(xs) - 1) * {0} // 100 + 2] * ((len(xs) - 1) * {0} % 100)) / 100.0 END)[1]",
          p);
    };
    switch (math) {
      case Math::total: return "count(hits.s)";
      case Math::unique:
      case Math::weekly_active:
      case Math::monthly_active: return fmt::format("{} FILTER (person IS NOT NULL)", persons);
      case Math::sum: return "coalesce(sum(v_num), 0)";
      case Math::avg: return "CAST(sum(v_num) AS DOUBLE) / nullif(count(v_num), 0)";
      case Math::min: return "min(v_num)";
      case Math::max: return "max(v_num)";
      case Math::median: return percentile(50);
      case Math::p90: return percentile(90);
      case Math::p95: return percentile(95);
      case Math::p99: return percentile(99);
      case Math::per_user:
        return fmt::format("count(hits.s) / nullif({} FILTER (person IS NOT NULL), 0)", persons);
    }
    return "";
  }

  [[nodiscard]] std::string shown(std::size_t s, const std::string& value) const {
    if (s == q_->series.size()) return nearly(std::stod(value));
    switch (q_->series[s].math) {
      case Math::total:
      case Math::unique:
      case Math::weekly_active:
      case Math::monthly_active: return value;
      case Math::sum:
      case Math::min:
      case Math::max: return parse_decimal(value).value().to_string();
      default: return nearly(std::stod(value));
    }
  }

  // Table cells: of each group, series and period the value as a double and as text.
  void make_cells(std::string_view which) {
    std::string values;
    for (std::size_t s = 0; s < q_->series.size(); ++s) {
      values += fmt::format(
          "{0}SELECT g, shown, {1} AS s, period, CAST(value AS DOUBLE) AS x, CAST(value AS "
          "VARCHAR) AS value FROM (SELECT g, shown, spans.period, {2} AS value FROM ranked "
          "CROSS JOIN spans_{3} spans LEFT JOIN hits_{3} hits ON hits.bucket = ranked.bucket AND "
          "hits.period = spans.period AND hits.s = {1} GROUP BY g, shown, spans.period)",
          s == 0 ? "" : " UNION ALL ", s, value_sql(q_->series[s].math), which);
    }
    make(fmt::format("cells_{}", which), values);
    if (q_->formula == 0) return;
    db_.run(fmt::format(
        "INSERT INTO cells_{0} SELECT g, shown, {1}, period, {2}, CAST({2} AS VARCHAR) FROM "
        "(SELECT g, shown, period, max(x) FILTER (s = 0) AS a, max(x) FILTER (s = 1) AS b "
        "FROM cells_{0} GROUP BY g, shown, period)",
        which, q_->series.size(), formulas[q_->formula].sql));
  }

  // A line for each series: the total and the values, and those of the earlier range.
  void add_tables(bool by_bucket) {
    rank(by_bucket);
    make_cells("now");
    make_cells("before");
    const std::string sql =
        "SELECT n.g, array_to_string(n.shown, ' | '), n.s, n.period, n.value, b.value FROM "
        "cells_now n LEFT JOIN cells_before b ON b.g = n.g AND b.s = n.s AND b.period = n.period "
        "ORDER BY n.g, n.s, n.period";
    std::string group;
    std::string values;
    std::string previous;
    const auto close = [&] {
      if (!values.empty()) {
        lines_.push_back(values + (q_->compare > 0 ? " previous " + previous : ""));
      }
    };
    for (const Row& row : db_.rows(sql)) {
      const auto s = static_cast<std::size_t>(std::stoll(*row[2]));
      const auto one = [&](const std::optional<std::string>& value) {
        return value ? shown(s, *value) : "null";
      };
      if (*row[3] == "-1") {
        close();
        if (by_bucket && *row[0] != group) {
          group = *row[0];
          lines_.push_back(bucket_line(*row[1]));
        }
        values = one(row[4]) + ":";
        previous = one(row[5]) + ":";
      } else {
        values += " " + one(row[4]);
        previous += " " + one(row[5]);
      }
    }
    close();
  }
};

}  // namespace hf::test
