// SPDX-License-Identifier: Apache-2.0
//
// Test support: retention as SQL, written from docs/metrics.md#retention.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/decimal.h"
#include "breakdown_sql.h"
#include "nearly.h"

namespace hf::test {

/// One cell of a retention table, from either side.
struct OpinionCell {
  std::int64_t count = 0;
  std::int64_t eligible = 0;
  bool complete = false;
  std::string value;
};

/// Rows of one group as lines, with the means of their complete cells.
inline void add_retention_lines(
    std::vector<std::string>& lines,
    const std::vector<std::pair<std::string, std::vector<OpinionCell>>>& rows,
    std::size_t columns) {
  for (const auto& [label, cells] : rows) {
    std::string line = label + ":";
    for (const OpinionCell& c : cells) {
      line += fmt::format("  {}/{}{}{}{}", c.count, c.eligible, c.complete ? "" : "*",
                          c.value.empty() ? "" : " = ", c.value);
    }
    lines.push_back(line);
  }
  std::string mean = "mean:";
  for (std::size_t c = 0; c < columns; ++c) {
    std::int64_t count = 0;
    std::int64_t eligible = 0;
    double rates = 0;
    int cohorts = 0;
    for (const auto& [label, cells] : rows) {
      if (cells.front().count == 0 || !cells[c].complete) continue;
      count += cells[c].count;
      eligible += cells[c].eligible;
      rates += static_cast<double>(cells[c].count) / static_cast<double>(cells[c].eligible);
      ++cohorts;
    }
    mean +=
        fmt::format("  {}/{} {}", count, eligible, cohorts == 0 ? "null" : nearly(rates / cohorts));
  }
  lines.push_back(mean);
}
class RetentionSql : public BreakdownSql {
 public:
  explicit RetentionSql(PlainDuckDb& duckdb) : BreakdownSql(duckdb) {}

  std::vector<std::string> answer(const Question& question) {
    begin(question);
    if (question.initial) {
      sort_out();
      answer_windows();
    } else if (settle_range()) {
      sort_out();
      make_periods();
      place();
      answer_retention();
    }
    return std::move(lines_);
  }

  /// Who is counted in a cell of the table.
  std::vector<std::string> members_of(const Question& question, const Cell& cell) {
    (void)answer(question);
    if (cell.group > 0) add_retention(true, columns().size());
    return members(cell, fmt::format("SELECT bucket, person, 1 AS n FROM hits WHERE cohort = {} "
                                     "AND c = {}",
                                     cell.row, cell.column));
  }

 private:
  // Tables starts, returns and entered (person, bucket, cohort, t0) of `placed`.
  void make_entered(const std::string& buckets) {
    const auto carrying = [&](const std::string& condition) {
      return fmt::format("SELECT *, unnest({}) AS bucket FROM placed WHERE {}", buckets, condition);
    };
    make("starts", carrying(matches(q_->start)));
    make("returns", carrying(matches(q_->returning)));
    switch (q_->entry) {
      case Entering::every_period:
        make("entered", fmt::format("SELECT person, bucket, {}, min(t) AS t0 FROM starts WHERE "
                                    "inside GROUP BY person, bucket{}",
                                    q_->rolling ? "arg_min(p, t) AS cohort" : "p AS cohort",
                                    q_->rolling ? "" : ", p"));
        break;
      case Entering::first_time:
        make("entered",
             "SELECT person, bucket, p AS cohort, t AS t0 FROM (SELECT * FROM starts QUALIFY "
             "row_number() OVER (PARTITION BY person, bucket ORDER BY t, seq) = 1) WHERE inside");
        break;
      case Entering::first_ever:
        make("named", fmt::format("SELECT * FROM placed WHERE {} QUALIFY row_number() OVER "
                                  "(PARTITION BY person ORDER BY t, seq) = 1",
                                  names()));
        make("entered", fmt::format("SELECT person, unnest({}) AS bucket, p AS cohort, t AS t0 "
                                    "FROM named WHERE inside AND {}",
                                    buckets, matches(q_->start)));
        break;
    }
    make("traits",
         "SELECT person, v_num FROM told WHERE event = 'identify' AND v IS NOT NULL "
         "QUALIFY row_number() OVER (PARTITION BY person ORDER BY t DESC, seq DESC) = 1");
  }

  [[nodiscard]] int occurrences() const {
    const bool adds = q_->adding != Adding::nothing && q_->adding != Adding::users;
    return adds ? 1 : q_->occurrences;
  }
  // What a cell's value is, given its count, number of events and sum.
  [[nodiscard]] std::string value(std::int64_t count, const std::string& events,
                                  const std::string& sum) const {
    switch (q_->adding) {
      case Adding::nothing:
      case Adding::users: return "";
      case Adding::count: return events;
      case Adding::sum: return parse_decimal(sum).value().to_string();
      case Adding::avg:
        return count == 0
                   ? "null"
                   : nearly(parse_decimal(sum).value().to_double() / static_cast<double>(count));
    }
    return "";
  }

  struct Column {
    int first;
    int last;
  };

  std::vector<Column> columns() {
    std::vector<Column> columns = {{0, 0}};
    if (!q_->brackets.empty()) {
      for (const int length : q_->brackets) {
        columns.push_back({columns.back().last + 1, columns.back().last + length});
      }
      return columns;
    }
    int n = q_->column_count;
    if (n == 0) {
      // As many as lie between the first row's period and that of as_of.
      n = 1;
      if (rows_ > 0) {
        const bool by_instant = this->by_instant();
        const std::string at = std::to_string(as_of_);
        n = static_cast<int>(number(
            by_instant
                ? fmt::format("SELECT count(*) - 1 FROM periods WHERE start_ms <= {}", at)
                : fmt::format("SELECT count(*) - 1 FROM periods WHERE d0 <= {}", local_date(at))));
        n = std::clamp(n, 1, periods[q_->period].columns_max);
      }
    }
    for (int k = 1; k <= n; ++k) columns.push_back({k, k});
    return columns;
  }

  void answer_retention() {
    const std::vector<Column> columns = this->columns();
    std::string line = "columns";
    std::string values;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto [first, last] = columns[c];
      line += first == last ? fmt::format(" {}", first) : fmt::format(" {}-{}", first, last);
      values += fmt::format("{}({}, {}, {})", c == 0 ? "" : ", ", c, first, last);
    }
    lines_.push_back(line);
    db_.run(
        fmt::format("CREATE OR REPLACE TEMP TABLE cols AS SELECT c, CAST(a AS BIGINT) AS first_k, "
                    "CAST(z AS BIGINT) AS last_k FROM (VALUES {}) v(c, a, z)",
                    values));
    if (!q_->by.empty()) add_retention(true, columns.size());
    add_retention(false, columns.size());
  }

  void add_retention(bool by_bucket, std::size_t column_count) {
    if (rows_ == 0) {
      if (!by_bucket) add_retention_lines(lines_, {}, column_count);
      return;
    }
    rank_groups(by_bucket, [&](const std::string& buckets) {
      make_entered(buckets);
      return "SELECT bucket, count(*) AS size FROM entered GROUP BY bucket";
    });
    const std::int64_t length = periods[q_->period].rolling_h * hour_in_ms;
    // The column's period that decides what is over: its last, with on_or_after its first.
    const std::string deciding_k = q_->on_or_after ? "first_k" : "last_k";
    const std::string waited =
        fmt::format("t0 + ({} + 1) * {} <= {}", deciding_k, length, as_of_ + 1);
    const std::string k =
        q_->rolling ? fmt::format("(r.t - e.t0) // {}", length) : "(r.p - e.cohort)";
    const std::string returned = fmt::format(
        "{} >= first_k{}{}", k, q_->on_or_after ? "" : fmt::format(" AND {} <= last_k", k),
        q_->rolling ? " AND r.t >= e.t0 AND " + waited : "");
    const std::string first_window =
        q_->rolling ? fmt::format("r.t >= e.t0 AND r.t < e.t0 + {}", length) : "r.p = e.cohort";
    make("hits", fmt::format(
                     R"(
  SELECT e.bucket, e.cohort, c, e.person, count(*) AS n, coalesce(sum(r.v_num), 0) AS s
  FROM entered e JOIN returns r ON r.person = e.person AND r.bucket = e.bucket
  JOIN cols ON c > 0 AND {returned}
  GROUP BY e.bucket, e.cohort, c, e.person HAVING count(*) >= {occurrences}
  UNION ALL
  SELECT e.bucket, e.cohort, 0, e.person, count(*), coalesce(sum(r.v_num), 0)
  FROM entered e JOIN starts r ON r.person = e.person AND r.bucket = e.bucket
  WHERE r.inside AND {first_window}
  GROUP BY e.bucket, e.cohort, e.person)",
                     fmt::arg("returned", returned), fmt::arg("occurrences", occurrences()),
                     fmt::arg("first_window", first_window)));
    const std::string sql = fmt::format(
        R"(
WITH sums AS (
  SELECT bucket, cohort, c, count(*) AS persons, sum(n) AS n, sum({value}) AS s
  FROM hits LEFT JOIN traits USING (person) GROUP BY bucket, cohort, c),
sizes AS (SELECT bucket, cohort, count(*) AS size FROM entered GROUP BY bucket, cohort),
waited AS (
  SELECT bucket, cohort, c, count(*) AS waited FROM entered, cols WHERE {waited} GROUP BY ALL),
cells AS (
  SELECT g.g, shown, p.i, p.label, cols.c, coalesce(size, 0) AS size,
    coalesce(persons, 0) AS persons,
    CASE WHEN cols.c = 0 THEN coalesce(size, 0) ELSE {eligible} END AS eligible,
    CASE WHEN cols.c = 0 THEN p.end_ms <= {now} ELSE {complete} END AS complete,
    coalesce(n, 0) AS n, coalesce(s, 0) AS s
  FROM ranked g CROSS JOIN (SELECT * FROM periods WHERE i < {rows}) p CROSS JOIN cols
  JOIN periods a ON a.i = p.i + first_k
  JOIN periods z ON z.i = p.i + {deciding_k}
  LEFT JOIN sizes ON sizes.bucket = g.bucket AND sizes.cohort = p.i
  LEFT JOIN sums ON sums.bucket = g.bucket AND sums.cohort = p.i AND sums.c = cols.c
  LEFT JOIN waited ON waited.bucket = g.bucket AND waited.cohort = p.i AND waited.c = cols.c)
SELECT g, array_to_string(shown, ' | '), i, label, c, sum(persons), sum(eligible),
  coalesce(bool_and(complete) FILTER (size > 0), bool_and(complete)), sum(n), sum(s)
FROM cells GROUP BY g, shown, i, label, c ORDER BY g, i, c)",
        fmt::arg("value", q_->by_trait ? "coalesce(traits.v_num, 0)" : "hits.s"),
        fmt::arg("waited", waited),
        fmt::arg("eligible", q_->rolling
                                 ? std::string("coalesce(waited, 0)")
                                 : fmt::format("CASE WHEN a.start_ms <= {} THEN coalesce(size, 0) "
                                               "ELSE 0 END",
                                               as_of_)),
        fmt::arg("complete",
                 q_->rolling
                     ? fmt::format("CASE WHEN size > 0 THEN coalesce(waited, 0) = size ELSE "
                                   "p.end_ms + ({} + 1) * {} <= {} END",
                                   deciding_k, length, as_of_ + 1)
                     : fmt::format("z.end_ms <= {}", as_of_ + 1)),
        fmt::arg("now", as_of_ + 1), fmt::arg("rows", rows_), fmt::arg("deciding_k", deciding_k));

    std::vector<std::pair<std::string, std::vector<OpinionCell>>> rows;
    std::string group;
    const auto close = [&] {
      if (!rows.empty()) add_retention_lines(lines_, rows, column_count);
      rows.clear();
    };
    for (const Row& row : db_.rows(sql)) {
      if (by_bucket && *row[0] != group) {
        close();
        group = *row[0];
        lines_.push_back(bucket_line(*row[1]));
      }
      if (*row[4] == "0") rows.push_back({*row[3], {}});
      const std::int64_t count = std::stoll(*row[5]);
      rows.back().second.push_back(
          {count, std::stoll(*row[6]), *row[7] == "true", value(count, *row[8], *row[9])});
    }
    close();
  }

  void answer_windows() {
    if (refuse_reversed(*q_->initial) || refuse_reversed(q_->current)) return;
    make("placed", fmt::format("SELECT *, 0 AS p, {} AS inside, {} AS is_current FROM seen",
                               within(*q_->initial), within(q_->current)));
    const auto ms = [&](const std::string& sql) { return number("SELECT " + sql); };
    lines_.push_back(fmt::format("initial {} {} current {} {}", ms(from_ms(q_->initial->from)),
                                 ms(to_ms(q_->initial->to)), ms(from_ms(q_->current.from)),
                                 ms(to_ms(q_->current.to))));
    const Bound& end = q_->current.to;
    const bool complete = ms(end.kind == Bound::Kind::date ? ends(end.sql) : end.sql) <= as_of_ + 1;
    if (!q_->by.empty()) add_windows(true, complete);
    add_windows(false, complete);
  }

  void add_windows(bool by_bucket, bool complete) {
    rank_groups(by_bucket, [&](const std::string& buckets) {
      make_entered(buckets);
      make("firsts", R"(
SELECT e.bucket, e.person, count(*) AS n, coalesce(sum(r.v_num), 0) AS s
FROM (SELECT DISTINCT person, bucket FROM entered) e
JOIN starts r ON r.person = e.person AND r.bucket = e.bucket WHERE r.inside
GROUP BY e.bucket, e.person)");
      make("active", fmt::format("SELECT bucket, person, count(*) AS n, coalesce(sum(v_num), 0) "
                                 "AS s FROM returns WHERE is_current GROUP BY bucket, person "
                                 "HAVING count(*) >= {}",
                                 occurrences()));
      return "SELECT bucket, count(firsts.person) AS size FROM (SELECT bucket FROM firsts UNION "
             "SELECT bucket FROM active) LEFT JOIN firsts USING (bucket) GROUP BY bucket";
    });
    const std::string sql = fmt::format(
        R"(
WITH initial_sums AS (
  SELECT bucket, count(*) AS initial, sum(n) AS n, sum({0}) AS s
  FROM (SELECT firsts.*, traits.v_num FROM firsts LEFT JOIN traits USING (person)) GROUP BY bucket),
retained_sums AS (
  SELECT bucket, count(*) AS retained, sum(n) AS n, sum({0}) AS s
  FROM (SELECT active.*, traits.v_num FROM active JOIN firsts USING (bucket, person)
    LEFT JOIN traits USING (person)) GROUP BY bucket),
groups AS (
  SELECT g, shown, coalesce(initial, 0) AS initial,
    coalesce(i.n, 0) AS initial_n, coalesce(i.s, 0) AS initial_s,
    coalesce(retained, 0) AS retained, coalesce(r.n, 0) AS n, coalesce(r.s, 0) AS s,
    (SELECT count(*) FROM active a WHERE a.bucket = b.bucket) AS active_now
  FROM ranked b LEFT JOIN initial_sums i USING (bucket) LEFT JOIN retained_sums r USING (bucket))
SELECT g, array_to_string(shown, ' | '), sum(initial), sum(initial_n), sum(initial_s),
  sum(retained), sum(n), sum(s), sum(active_now)
FROM groups GROUP BY g, shown ORDER BY g)",
        q_->by_trait ? "coalesce(v_num, 0)" : "s");
    for (const Row& row : db_.rows(sql)) {
      if (by_bucket) lines_.push_back(bucket_line(*row[1]));
      const std::int64_t initial = std::stoll(*row[2]);
      const std::int64_t retained = std::stoll(*row[5]);
      const std::string initial_value = value(initial, *row[3], *row[4]);
      const std::string current_value = value(retained, *row[6], *row[7]);
      lines_.push_back(fmt::format("initial {} {} current {} {} {}", initial, initial_value,
                                   *row[8], complete ? "complete" : "incomplete", current_value));
      lines_.push_back(fmt::format("retention {0}/{1} churn {2}/{1} activity {3}/{1}", retained,
                                   initial, initial - retained, *row[8]));
    }
  }
};

}  // namespace hf::test
