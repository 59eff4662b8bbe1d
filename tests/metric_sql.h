// SPDX-License-Identifier: Apache-2.0
//
// Test support: the metrics as SQL, written from docs/metrics.md. Local dates are those of
// DuckDB's ICU. Answers come as lines of text: what two opinions are compared by.
//
// Not asked here, because SQL has no sensible form for it: hours where clocks go back over midnight
// (a date is then two stretches of time). src/metric's own twins cover those.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/decimal.h"
#include "metric_question.h"
#include "plain_duckdb.h"

namespace hf::test {

/// One cell of a retention table, from either side.
struct OpinionCell {
  std::int64_t count = 0;
  std::int64_t eligible = 0;
  bool complete = false;
  std::string value;
};

inline std::string shown_double(double value) { return fmt::format("{:.9g}", value); }

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
    mean += fmt::format("  {}/{} {}", count, eligible,
                        cohorts == 0 ? "null" : shown_double(rates / cohorts));
  }
  lines.push_back(mean);
}

class MetricSql {
 public:
  /// Defines what the definitions speak of.
  explicit MetricSql(PlainDuckDb& duckdb) : db_(duckdb) {
    // A date begins with the first instant whose local date is it or later. The two candidates are
    // its midnight by the offsets of a day and a half before and after.
    for (const char* macro : {
             "local_date(zone, ms) AS CAST(timezone(zone, make_timestamptz(ms * 1000)) AS DATE)",
             "utc_ms(d) AS epoch_ms(CAST(d AS TIMESTAMP))",
             "offset_ms(zone, ms) AS epoch_ms(timezone(zone, make_timestamptz(ms * 1000))) - ms",
             "midnight_before(zone, d) AS utc_ms(d) - offset_ms(zone, utc_ms(d) - 129600000)",
             "midnight_after(zone, d) AS utc_ms(d) - offset_ms(zone, utc_ms(d) + 129600000)",
             "no_earlier(zone, d, ms) AS CASE WHEN local_date(zone, ms) >= d THEN ms END",
             "date_begins(zone, d) AS least(no_earlier(zone, d, midnight_before(zone, d)), "
             "no_earlier(zone, d, midnight_after(zone, d)))",
             // The first instant after all of date d: where clocks go back over midnight, the
             // second time they pass it.
             "just_over(zone, d, ms) AS CASE WHEN local_date(zone, ms) > d "
             "AND local_date(zone, ms - 1) <= d THEN ms END",
             "date_ends(zone, d) AS greatest(just_over(zone, d, midnight_before(zone, d + 1)), "
             "just_over(zone, d, midnight_after(zone, d + 1)))",
             "is_active(event) AS event NOT IN ('identify', 'alias', 'group') AND "
             "NOT starts_with(event, 'hf:')",
             // The values an event carries: a missing one is 'n', others have a 'v' before them.
             "buckets(value) AS CASE WHEN value IS NULL THEN ['n'] WHEN value LIKE '[%' "
             "THEN list_transform(list_distinct(json_extract_string(value, '$[*]')), "
             "lambda x: 'v' || x) ELSE ['v' || value] END",
         }) {
      db_.run(std::string("CREATE MACRO ") + macro);
    }
  }

  /// Takes the events of a Parquet export; returns their number.
  std::int64_t load(const std::string& path) {
    std::map<std::string, std::string> types;
    for (const auto& row :
         db_.rows(fmt::format("DESCRIBE SELECT * FROM read_parquet('{}')", path))) {
      types[*row[0]] = *row[1];
    }
    std::string select = "file_row_number AS seq, person, event, epoch_ms(time) AS t";
    for (const std::string name : {"k", "v", "tags"}) {
      const std::string type = types.contains(name) ? types[name] : "";
      const std::string text = fmt::format("CAST({} AS VARCHAR)", type.empty() ? "NULL" : name);
      select += fmt::format(
          ", {} AS {}",
          type.starts_with("DECIMAL") ? fmt::format("rtrim(rtrim({}, '0'), '.')", text) : text,
          name);
    }
    // No text of v looks like a number: in a column of several kinds none could be told from one.
    const bool has_numbers = types.contains("v") && types["v"] != "BOOLEAN";
    select += fmt::format(", TRY_CAST({} AS DECIMAL(38, 9)) AS v_num", has_numbers ? "v" : "NULL");
    db_.run(
        fmt::format("CREATE OR REPLACE TABLE events AS SELECT {} FROM read_parquet('{}', "
                    "file_row_number = true)",
                    select, path));
    return number("SELECT count(*) FROM events");
  }

  std::vector<std::string> answer(const Question& question) {
    q_ = &question;
    lines_.clear();
    settle_as_of();
    db_.run(fmt::format(
        "CREATE OR REPLACE TEMP TABLE seen AS SELECT *, {} AS d FROM events WHERE t <= {}",
        local_date("t"), as_of_));
    if (question.initial) {
      answer_windows();
    } else if (settle_range()) {
      make_periods();
      place();
      switch (question.metric) {
        case Metric::retention: answer_retention(); break;
        case Metric::trend: answer_trend(); break;
        case Metric::lifecycle: answer_lifecycle(); break;
        case Metric::stickiness:
          question.over_time ? answer_stickiness_days() : answer_stickiness();
          break;
      }
    }
    return std::move(lines_);
  }

 private:
  using Row = PlainDuckDb::Row;

  std::int64_t number(const std::string& sql) {
    const auto rows = db_.rows(sql);
    return rows.empty() || !rows[0][0] ? 0 : std::stoll(*rows[0][0]);
  }
  std::optional<std::string> text(const std::string& sql) {
    const auto rows = db_.rows(sql);
    return rows.empty() ? std::nullopt : rows[0][0];
  }

  [[nodiscard]] std::string local_date(std::string_view ms) const {
    return fmt::format("local_date('{}', {})", q_->zone, ms);
  }
  [[nodiscard]] std::string begins(std::string_view day) const {
    return fmt::format("date_begins('{}', {})", q_->zone, day);
  }
  [[nodiscard]] std::string ends(std::string_view day) const {
    return fmt::format("date_ends('{}', {})", q_->zone, day);
  }

  void settle_as_of() {
    switch (q_->as_of.kind) {
      case Bound::Kind::absent: as_of_ = q_->now_ms; break;
      case Bound::Kind::instant: as_of_ = std::stoll(q_->as_of.sql); break;
      case Bound::Kind::date:
        as_of_ = number(fmt::format("SELECT {} - 1", begins(q_->as_of.sql + " + 1")));
        break;
    }
  }

  [[nodiscard]] std::string from_ms(const Bound& from) const {
    return from.kind == Bound::Kind::date ? begins(from.sql) : from.sql;
  }
  [[nodiscard]] std::string to_ms(const Bound& to) const {
    return to.kind == Bound::Kind::date ? begins(to.sql + " + 1") : to.sql;
  }
  // Bounds that are dates hold by date.
  [[nodiscard]] static std::string within(const Span& span) {
    const std::string from =
        fmt::format("{} >= {}", span.from.kind == Bound::Kind::date ? "d" : "t", span.from.sql);
    const std::string to = span.to.kind == Bound::Kind::date ? fmt::format("d <= {}", span.to.sql)
                                                             : fmt::format("t < {}", span.to.sql);
    return fmt::format("({} AND {})", from, to);
  }
  // The query is refused where a span ends before it begins.
  bool refuse_reversed(const Span& span) {
    const bool by_date = span.from.kind == Bound::Kind::date && span.to.kind == Bound::Kind::date;
    const std::string reversed = by_date
                                     ? fmt::format("{} > {}", span.from.sql, span.to.sql)
                                     : fmt::format("{} >= {}", from_ms(span.from), to_ms(span.to));
    if (text("SELECT " + reversed) != "true") return false;
    lines_ = {"refused invalid_range"};
    return true;
  }

  [[nodiscard]] std::string names() const {
    if (q_->metric != Metric::trend) return matchers[q_->start].names;
    std::string any = "FALSE";
    for (const Question::Series& s : q_->series) {
      any += fmt::format(" OR ({})", matchers[s.matcher].names);
    }
    return any;
  }

  // Fills range_, low_ and high_; false where the answer is known already.
  bool settle_range() {
    range_ = q_->range;
    if (!q_->last.empty()) {
      const std::string today = local_date(std::to_string(as_of_));
      const auto day = [&](const std::string& sql) {
        return Bound{Bound::Kind::date, "", "DATE '" + text("SELECT " + sql).value_or("") + "'"};
      };
      range_ = {day(fmt::format("CAST({} - {} AS DATE)", today, q_->last_sql)),
                day(today + " - 1")};
    }
    if (range_.to.kind == Bound::Kind::absent) {
      range_.to = {Bound::Kind::instant, "", std::to_string(as_of_ + 1)};
    }
    is_empty_ = false;
    if (range_.from.kind == Bound::Kind::absent) {
      const auto first = text(fmt::format("SELECT min(t) FROM seen WHERE {}", names()));
      is_empty_ = !first.has_value();
      if (is_empty_) return true;
      const std::string midnight = begins(local_date(*first));
      const std::string begin =
          periods[q_->period].by_hour()
              ? fmt::format("{0} - ({0} - {1}) % {2}", *first, midnight, hour_in_ms)
              : midnight;
      range_.from = {Bound::Kind::instant, "", std::to_string(number("SELECT " + begin))};
      is_empty_ = text(fmt::format("SELECT {} >= {}", range_.from.sql, to_ms(range_.to))) == "true";
      if (is_empty_) return true;
    } else if (refuse_reversed(range_)) {
      return false;
    }
    begin_ms_ = number("SELECT " + from_ms(range_.from));
    // A last date may have a second stretch after the next one's first minute.
    end_ms_ = number("SELECT " +
                     (range_.to.kind == Bound::Kind::date ? ends(range_.to.sql) : range_.to.sql));
    // The dates that the range touches. Where clocks go back over midnight, which they do by an
    // hour at most, the first instant need not have the first date, nor the last the last.
    const auto probe = [&](const char* which, const std::string& instants) {
      return text(fmt::format("SELECT {}({}) FROM (SELECT unnest({}) AS ms) WHERE ms >= {} AND "
                              "ms < {}",
                              which, local_date("ms"), instants, begin_ms_, end_ms_))
          .value_or("");
    };
    const std::string forward =
        fmt::format("list_append(range({0}, {0} + 3720000, 60000), {1} - 1)", begin_ms_, end_ms_);
    const std::string backward =
        fmt::format("list_append(range({1} - 3720001, {1}, 60000), {0})", begin_ms_, end_ms_);
    low_ = range_.from.kind == Bound::Kind::date ? range_.from.sql
                                                 : "DATE '" + probe("min", forward) + "'";
    high_ = range_.to.kind == Bound::Kind::date ? range_.to.sql
                                                : "DATE '" + probe("max", backward) + "'";
    return true;
  }

  [[nodiscard]] int look_ahead() const {
    if (q_->metric != Metric::retention) return 0;
    if (!q_->brackets.empty()) {
      int sum = 0;
      for (const int length : q_->brackets) sum += length;
      return sum;
    }
    return q_->column_count > 0 ? q_->column_count : periods[q_->period].columns_max;
  }

  // Table periods: i, label, start_ms, end_ms, and of dates d0 and d1 (exclusive). Those from 0 to
  // below rows_ are rows of the answer.
  void make_periods() {
    const SpokenPeriod& period = periods[q_->period];
    rows_ = 0;
    if (is_empty_) return;
    const std::string create = "CREATE OR REPLACE TEMP TABLE periods AS ";
    if (period.by_hour()) {
      db_.run(fmt::format(
          "{0}WITH dates AS (SELECT {1} + CAST(i AS INTEGER) AS d "
          "  FROM range({8}, date_diff('day', {1}, {2}) + {3}) r(i)), "
          "hours AS (SELECT d, unnest(range({4}, {5}, {6})) AS start_ms, {5} AS midnight FROM "
          "dates) "
          // Those that end before the range begins get numbers below 0.
          "SELECT row_number() OVER (ORDER BY start_ms) - 1 - count(*) FILTER (WHERE "
          "least(start_ms + {6}, midnight) <= {7}) OVER () AS i, CAST(start_ms AS VARCHAR) AS "
          "label, start_ms, least(start_ms + {6}, midnight) AS end_ms "
          "FROM hours QUALIFY i >= {8}",
          create, low_, high_, look_ahead() / 22 + 2, begins("d"), begins("d + 1"), hour_in_ms,
          begin_ms_, -q_->look_back()));
      rows_ = number(
          fmt::format("SELECT count(*) FROM periods WHERE i >= 0 AND start_ms < {}", end_ms_));
    } else if (period.exact_ms > 0) {
      rows_ = (end_ms_ - begin_ms_ + period.exact_ms - 1) / period.exact_ms;
      db_.run(
          fmt::format("{0}SELECT i, CAST({1} + i * {2} AS VARCHAR) AS label, {1} + i * {2} AS "
                      "start_ms, {1} + (i + 1) * {2} AS end_ms FROM range({4}, {3}) r(i)",
                      create, begin_ms_, period.exact_ms, rows_ + look_ahead(), -q_->look_back()));
    } else {
      std::string base = period.first_day;
      if (base.empty()) {
        base = q_->sunday ? "CAST(date_trunc('week', low + 1) AS DATE) - 1"
                          : "CAST(date_trunc('week', low) AS DATE)";
      }
      base = text(fmt::format("SELECT {} FROM (SELECT {} AS low)", base, low_)).value_or("");
      const auto nth = [&](const char* n) {
        return fmt::format(
            "(CAST(DATE '{}' + to_months(CAST({} * {} AS INTEGER)) AS DATE) + CAST({} * {} AS "
            "INTEGER))",
            base, n, period.months, n, period.days);
      };
      rows_ = number(
          fmt::format("SELECT count(*) FROM range(0, date_diff('day', DATE '{}', {}) + 2) r(i) "
                      "WHERE {} <= {}",
                      base, high_, nth("i"), high_));
      db_.run(
          fmt::format("{}SELECT i, CAST({} AS VARCHAR) AS label, {} AS d0, {} AS d1, {} AS "
                      "start_ms, {} AS end_ms FROM range({}, {}) r(i)",
                      create, nth("i"), nth("i"), nth("(i + 1)"), begins(nth("i")),
                      ends(nth("(i + 1)") + " - 1"), -q_->look_back(), rows_ + look_ahead()));
    }
  }

  [[nodiscard]] bool by_instant() const {
    return periods[q_->period].by_hour() || periods[q_->period].exact_ms > 0;
  }

  // Table placed: seen, with the period p of each event and whether it is inside the range.
  void place() {
    if (rows_ == 0) return;
    const bool by_instant = this->by_instant();
    db_.run(fmt::format(
        "CREATE OR REPLACE TEMP TABLE placed AS SELECT s.*, coalesce(p.i, CASE WHEN {} THEN {} "
        "ELSE -1 END) AS p, {} AS inside FROM seen s LEFT JOIN periods p ON {}",
        by_instant ? "t >= (SELECT max(end_ms) FROM periods)"
                   : "d >= (SELECT max(d1) FROM periods)",
        later_than_all, within(range_),
        by_instant ? "t >= p.start_ms AND t < p.end_ms" : "d >= p.d0 AND d < p.d1"));
  }

  [[nodiscard]] std::string matches(std::size_t matcher) const {
    return fmt::format("({}) AND ({})", matchers[matcher].matches, conditions[q_->where].sql);
  }

  // Tables starts, returns and entered (person, bucket, cohort, t0) of `placed`; bucket is 'v'
  // where nothing is broken down.
  void make_entered(bool by_bucket) {
    const std::string create = "CREATE OR REPLACE TEMP TABLE ";
    const bool by_home = by_bucket && q_->entry == Entering::first_ever;
    db_.run(
        fmt::format("{}named AS SELECT * FROM placed WHERE {} QUALIFY row_number() OVER "
                    "(PARTITION BY person ORDER BY t, seq) = 1",
                    create, names()));
    // With first_ever a person is in the bucket of its first event that start names.
    db_.run(
        fmt::format("{}homes AS SELECT person, unnest({}) AS bucket FROM named UNION ALL "
                    "SELECT DISTINCT person, 'n' FROM placed WHERE person NOT IN "
                    "(SELECT person FROM named)",
                    create, by_home ? fmt::format("buckets({})", q_->breakdown) : "['v']"));
    const auto carrying = [&](std::size_t matcher) {
      if (by_home) {
        return fmt::format(
            "SELECT p.*, h.bucket FROM placed p JOIN homes h USING (person) WHERE {}",
            matches(matcher));
      }
      return fmt::format("SELECT *, unnest({}) AS bucket FROM placed WHERE {}",
                         by_bucket ? fmt::format("buckets({})", q_->breakdown) : "['v']",
                         matches(matcher));
    };
    db_.run(create + "starts AS " + carrying(q_->start));
    db_.run(create + "returns AS " + carrying(q_->returning));
    std::string entered;
    switch (q_->entry) {
      case Entering::every_period:
        entered = q_->rolling
                      ? "SELECT person, bucket, arg_min(p, t) AS cohort, min(t) AS t0 FROM starts "
                        "WHERE inside GROUP BY person, bucket"
                      : "SELECT person, bucket, p AS cohort, min(t) AS t0 FROM starts WHERE inside "
                        "GROUP BY person, bucket, p";
        break;
      case Entering::first_time:
        entered =
            "SELECT person, bucket, p AS cohort, t AS t0 FROM (SELECT * FROM starts QUALIFY "
            "row_number() OVER (PARTITION BY person, bucket ORDER BY t, seq) = 1) WHERE inside";
        break;
      case Entering::first_ever:
        entered = fmt::format(
            "SELECT n.person, {} AS bucket, n.p AS cohort, n.t AS t0 FROM named n JOIN homes h "
            "USING (person) WHERE inside AND {}",
            by_bucket ? "h.bucket" : "'v'", matches(q_->start));
        break;
    }
    db_.run(create + "entered AS " + entered);
    db_.run(create +
            "traits AS SELECT person, v_num FROM seen WHERE event = 'identify' AND v IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY person ORDER BY t DESC, seq DESC) = 1");
  }

  [[nodiscard]] int occurrences() const {
    const bool adds = q_->adding != Adding::nothing && q_->adding != Adding::users;
    return adds ? 1 : q_->occurrences;
  }
  [[nodiscard]] int top() const { return q_->top == 0 ? 25 : q_->top; }

  // What a cell's value is, given its count, number of events and sum.
  [[nodiscard]] std::string value(std::int64_t count, const std::string& events,
                                  const std::string& sum) const {
    switch (q_->adding) {
      case Adding::nothing:
      case Adding::users: return "";
      case Adding::count: return events;
      case Adding::sum: return parse_decimal(sum).value().to_string();
      case Adding::avg:
        return count == 0 ? "null"
                          : shown_double(parse_decimal(sum).value().to_double() /
                                         static_cast<double>(count));
    }
    return "";
  }

  static std::string bucket_line(const std::string& bucket) {
    if (bucket == "n") return "bucket null";
    return bucket == "other" ? "bucket other" : "bucket text " + bucket.substr(1);
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
    if (!q_->breakdown.empty()) add_retention(true, columns.size());
    add_retention(false, columns.size());
  }

  void add_retention(bool by_bucket, std::size_t column_count) {
    if (rows_ == 0) {
      if (!by_bucket) add_retention_lines(lines_, {}, column_count);
      return;
    }
    make_entered(by_bucket);
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
    const std::string sql = fmt::format(
        R"(
WITH hits AS (
  SELECT e.bucket, e.cohort, c, e.person, count(*) AS n, coalesce(sum(r.v_num), 0) AS s
  FROM entered e JOIN returns r ON r.person = e.person AND r.bucket = e.bucket
  JOIN cols ON c > 0 AND {returned}
  GROUP BY e.bucket, e.cohort, c, e.person HAVING count(*) >= {occurrences}
  UNION ALL
  SELECT e.bucket, e.cohort, 0, e.person, count(*), coalesce(sum(r.v_num), 0)
  FROM entered e JOIN starts r ON r.person = e.person AND r.bucket = e.bucket
  WHERE r.inside AND {first_window}
  GROUP BY e.bucket, e.cohort, e.person),
sums AS (
  SELECT bucket, cohort, c, count(*) AS persons, sum(n) AS n, sum({value}) AS s
  FROM hits LEFT JOIN traits USING (person) GROUP BY bucket, cohort, c),
sizes AS (SELECT bucket, cohort, count(*) AS size FROM entered GROUP BY bucket, cohort),
waited AS (
  SELECT bucket, cohort, c, count(*) AS waited FROM entered, cols WHERE {waited} GROUP BY ALL),
ranked AS (
  SELECT bucket, row_number() OVER (ORDER BY size DESC, bucket) AS rank
  FROM ({groups})),
cells AS (
  SELECT rank, g.bucket, p.i, p.label, cols.c, coalesce(size, 0) AS size,
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
SELECT least(rank, {top} + 1) AS g, CASE WHEN min(rank) > {top} THEN 'other' ELSE min(bucket) END,
  i, label, c, sum(persons), sum(eligible),
  coalesce(bool_and(complete) FILTER (size > 0), bool_and(complete)), sum(n), sum(s)
FROM cells GROUP BY g, i, label, c ORDER BY g, i, c)",
        fmt::arg("returned", returned), fmt::arg("occurrences", occurrences()),
        fmt::arg("first_window", first_window),
        fmt::arg("value", q_->by_trait ? "coalesce(traits.v_num, 0)" : "hits.s"),
        fmt::arg("waited", waited),
        fmt::arg("groups", by_bucket ? "SELECT bucket, sum(size) AS size FROM sizes GROUP BY bucket"
                                     : "SELECT 'v' AS bucket, 0 AS size"),
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
        fmt::arg("now", as_of_ + 1), fmt::arg("rows", rows_), fmt::arg("deciding_k", deciding_k),
        fmt::arg("top", by_bucket ? top() : 1));

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
    db_.run(
        fmt::format("CREATE OR REPLACE TEMP TABLE placed AS SELECT *, 0 AS p, {} AS inside, "
                    "{} AS is_current FROM seen",
                    within(*q_->initial), within(q_->current)));
    const auto ms = [&](const std::string& sql) { return number("SELECT " + sql); };
    lines_.push_back(fmt::format("initial {} {} current {} {}", ms(from_ms(q_->initial->from)),
                                 ms(to_ms(q_->initial->to)), ms(from_ms(q_->current.from)),
                                 ms(to_ms(q_->current.to))));
    const Bound& end = q_->current.to;
    const bool complete = ms(end.kind == Bound::Kind::date ? ends(end.sql) : end.sql) <= as_of_ + 1;
    if (!q_->breakdown.empty()) add_windows(true, complete);
    add_windows(false, complete);
  }

  void add_windows(bool by_bucket, bool complete) {
    make_entered(by_bucket);
    const std::string sql = fmt::format(
        R"(
WITH firsts AS (
  SELECT e.bucket, e.person, count(*) AS n, coalesce(sum(r.v_num), 0) AS s
  FROM (SELECT DISTINCT person, bucket FROM entered) e
  JOIN starts r ON r.person = e.person AND r.bucket = e.bucket WHERE r.inside
  GROUP BY e.bucket, e.person),
active AS (
  SELECT bucket, person, count(*) AS n, coalesce(sum(v_num), 0) AS s
  FROM returns WHERE is_current GROUP BY bucket, person HAVING count(*) >= {0}),
initial_sums AS (
  SELECT bucket, count(*) AS initial, sum(n) AS n, sum({1}) AS s
  FROM (SELECT firsts.*, traits.v_num FROM firsts LEFT JOIN traits USING (person)) GROUP BY bucket),
retained_sums AS (
  SELECT bucket, count(*) AS retained, sum(n) AS n, sum({1}) AS s
  FROM (SELECT active.*, traits.v_num FROM active JOIN firsts USING (bucket, person)
    LEFT JOIN traits USING (person)) GROUP BY bucket),
groups AS (
  SELECT bucket, coalesce(initial, 0) AS initial,
    coalesce(i.n, 0) AS initial_n, coalesce(i.s, 0) AS initial_s,
    coalesce(retained, 0) AS retained, coalesce(r.n, 0) AS n, coalesce(r.s, 0) AS s,
    (SELECT count(*) FROM active a WHERE a.bucket = b.bucket) AS active_now
  FROM ({2}) b LEFT JOIN initial_sums i USING (bucket) LEFT JOIN retained_sums r USING (bucket)),
ranked AS (SELECT *, row_number() OVER (ORDER BY initial DESC, bucket) AS rank FROM groups)
SELECT least(rank, {3} + 1) AS g, CASE WHEN min(rank) > {3} THEN 'other' ELSE min(bucket) END,
  sum(initial), sum(initial_n), sum(initial_s), sum(retained), sum(n), sum(s), sum(active_now)
FROM ranked GROUP BY g ORDER BY g)",
        occurrences(), q_->by_trait ? "coalesce(v_num, 0)" : "s",
        by_bucket ? "SELECT bucket FROM firsts UNION SELECT bucket FROM active"
                  : "SELECT 'v' AS bucket",
        by_bucket ? top() : 1);
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

  void answer_trend() {
    if (rows_ > 0) {
      for (const Row& row :
           db_.rows(fmt::format("SELECT label, end_ms <= {} FROM periods WHERE i < {} ORDER BY i",
                                as_of_ + 1, rows_))) {
        lines_.push_back(*row[0] + (*row[1] == "true" ? "" : " incomplete"));
      }
    }
    if (!q_->breakdown.empty()) add_trend(true);
    add_trend(false);
  }

  void add_trend(bool by_bucket) {
    if (rows_ == 0) {
      for (std::size_t s = 0; s < q_->series.size() && !by_bucket; ++s) lines_.push_back("0:");
      return;
    }
    std::string matched;
    for (std::size_t s = 0; s < q_->series.size(); ++s) {
      matched += fmt::format(
          "{}SELECT {} AS s, {} AS is_unique, person, p, unnest({}) AS bucket FROM placed "
          "WHERE inside AND {}",
          s == 0 ? "" : " UNION ALL ", s, q_->series[s].unique ? "TRUE" : "FALSE",
          by_bucket ? fmt::format("buckets({})", q_->breakdown) : "['v']",
          matches(q_->series[s].matcher));
    }
    const std::string sql = fmt::format(
        R"(
WITH matched AS ({matched}),
-- Period -1 is the whole range.
spans AS (
  SELECT i AS period, {first} AS first_p, i AS last_p FROM periods WHERE i < {rows}
  UNION ALL SELECT -1, 0, {rows} - 1),
counts AS (
  SELECT bucket, s, period,
    CASE WHEN is_unique THEN count(DISTINCT person) ELSE count(*) END AS n
  FROM matched JOIN spans ON p BETWEEN first_p AND last_p GROUP BY bucket, s, is_unique, period),
ranked AS (
  SELECT bucket, row_number() OVER (ORDER BY size DESC, bucket) AS rank FROM ({groups}))
SELECT least(rank, {top} + 1) AS g, CASE WHEN min(rank) > {top} THEN 'other' ELSE min(r.bucket) END,
  all_s.s, spans.period, sum(coalesce(n, 0))
FROM ranked r CROSS JOIN (SELECT unnest(range(0, {series})) AS s) all_s CROSS JOIN spans
LEFT JOIN counts ON counts.bucket = r.bucket AND counts.s = all_s.s AND counts.period = spans.period
GROUP BY g, all_s.s, spans.period ORDER BY g, all_s.s, spans.period)",
        fmt::arg("matched", matched), fmt::arg("first", q_->cumulative ? "0" : "i"),
        fmt::arg("rows", rows_), fmt::arg("series", q_->series.size()),
        fmt::arg("groups", by_bucket
                               ? "SELECT bucket, sum(n) AS size FROM counts WHERE period = -1 "
                                 "GROUP BY bucket"
                               : "SELECT 'v' AS bucket, 0 AS size"),
        fmt::arg("top", by_bucket ? top() : 1));
    std::string group;
    for (const Row& row : db_.rows(sql)) {
      if (by_bucket && *row[0] != group) {
        group = *row[0];
        lines_.push_back(bucket_line(*row[1]));
      }
      if (*row[3] == "-1") {
        lines_.push_back(*row[4] + ":");
      } else {
        lines_.back() += " " + *row[4];
      }
    }
  }

  // Tables matched (the events that count, each with its bucket) and active (bucket, person, and
  // the period i in which the person is: a row, or one before the rows that counts too).
  void make_active(bool by_bucket, const std::string& in_range, const std::string& having) {
    const std::string create = "CREATE OR REPLACE TEMP TABLE ";
    db_.run(
        fmt::format("{}matched AS SELECT person, t, d, unnest({}) AS bucket FROM seen "
                    "WHERE {}",
                    create, by_bucket ? fmt::format("buckets({})", q_->breakdown) : "['v']",
                    matches(q_->start)));
    db_.run(
        fmt::format("{}active AS SELECT bucket, person, i FROM matched JOIN periods ON {} "
                    "WHERE i < {} AND {} GROUP BY bucket, person, i HAVING {}",
                    create, by_instant() ? "t >= start_ms AND t < end_ms" : "d >= d0 AND d < d1",
                    rows_, in_range, having));
  }

  // Table ranked (bucket, g): the groups shown, those beyond the top as one.
  void rank_groups(bool by_bucket, const std::string& sizes) {
    db_.run(fmt::format(
        "CREATE OR REPLACE TEMP TABLE ranked AS SELECT bucket, least(rank, {0} + 1) AS g, "
        "CASE WHEN rank > {0} THEN 'other' ELSE bucket END AS shown FROM (SELECT bucket, "
        "row_number() OVER (ORDER BY size DESC, bucket) AS rank FROM ({1}))",
        by_bucket ? top() : 1, by_bucket ? sizes : "SELECT 'v' AS bucket, 0 AS size"));
  }

  // Runs SQL that gives g, shown, and text by group; adds each text, below its group's line.
  void add_groups(bool by_bucket, const std::string& sql) {
    std::string group;
    for (const Row& row : db_.rows(sql)) {
      if (by_bucket && *row[0] != group) {
        group = *row[0];
        lines_.push_back(bucket_line(*row[1]));
      }
      lines_.push_back(*row[2]);
    }
  }

  void answer_lifecycle() {
    if (!q_->breakdown.empty()) add_lifecycle(true);
    add_lifecycle(false);
  }

  void add_lifecycle(bool by_bucket) {
    if (rows_ == 0) return;
    make_active(by_bucket, "TRUE", "TRUE");
    rank_groups(by_bucket,
                "SELECT bucket, count(*) FILTER (i >= 0) AS size FROM active GROUP BY bucket");
    add_groups(by_bucket, fmt::format(R"(
WITH firsts AS (
  SELECT bucket, person, min({at}) AS first FROM matched GROUP BY bucket, person),
come AS (
  SELECT a.bucket, a.i, count(*) AS active,
    count(*) FILTER (first >= {begin}) AS fresh,
    count(*) FILTER (b.i IS NOT NULL) AS stayed,
    count(*) FILTER (b.i IS NULL AND first < {begin}) AS resurrecting
  FROM active a JOIN periods p ON p.i = a.i
  JOIN firsts f ON f.bucket = a.bucket AND f.person = a.person
  LEFT JOIN active b ON b.bucket = a.bucket AND b.person = a.person AND b.i = a.i - 1
  GROUP BY a.bucket, a.i),
gone AS (
  SELECT b.bucket, b.i + 1 AS i, count(*) AS dormant
  FROM active b ANTI JOIN active a
  ON a.bucket = b.bucket AND a.person = b.person AND a.i = b.i + 1
  GROUP BY b.bucket, b.i),
sums AS (
  SELECT g, shown, p.i, label, end_ms <= {now} AS complete,
    sum(coalesce(fresh, 0)) AS fresh, sum(coalesce(stayed, 0)) AS stayed,
    sum(coalesce(resurrecting, 0)) AS resurrecting, sum(coalesce(dormant, 0)) AS dormant,
    sum(coalesce(active, 0)) AS active
  FROM ranked r CROSS JOIN (SELECT * FROM periods WHERE i >= 0 AND i < {rows}) p
  LEFT JOIN come ON come.bucket = r.bucket AND come.i = p.i
  LEFT JOIN gone ON gone.bucket = r.bucket AND gone.i = p.i
  GROUP BY ALL)
SELECT g, shown, concat(label, CASE WHEN complete THEN '' ELSE ' incomplete' END,
  ': new ', fresh, ' returning ', stayed, ' resurrecting ', resurrecting,
  ' dormant ', -dormant, ' active ', active, ' quick ', fresh + resurrecting, '/', dormant)
FROM sums ORDER BY g, i)",
                                      fmt::arg("at", by_instant() ? "t" : "d"),
                                      fmt::arg("begin", by_instant() ? "p.start_ms" : "p.d0"),
                                      fmt::arg("now", as_of_ + 1), fmt::arg("rows", rows_)));
  }

  [[nodiscard]] std::string active_rule() const {
    switch (q_->per_interval) {
      case PerInterval::any: return "TRUE";
      case PerInterval::gte: return fmt::format("count(*) >= {}", q_->occurrences);
      case PerInterval::lte: return fmt::format("count(*) <= {}", q_->occurrences);
      case PerInterval::eq: return fmt::format("count(*) = {}", q_->occurrences);
    }
    return "";
  }

  void answer_stickiness() {
    if (!q_->breakdown.empty()) add_stickiness(true);
    add_stickiness(false);
  }

  void add_stickiness(bool by_bucket) {
    if (rows_ == 0) return;
    make_active(by_bucket, within(range_), active_rule());
    rank_groups(by_bucket,
                "SELECT bucket, count(DISTINCT person) AS size FROM active GROUP BY bucket");
    add_groups(by_bucket, fmt::format(R"(
WITH of_persons AS (
  SELECT bucket, person, count(*) AS periods FROM active GROUP BY bucket, person),
sums AS (
  SELECT g, shown, k, count(person) AS persons
  FROM ranked r CROSS JOIN range(1, {} + 1) ks(k)
  LEFT JOIN of_persons o ON o.bucket = r.bucket AND o.periods {} k GROUP BY g, shown, k)
SELECT g, shown, concat('active in ', k, ': ', persons) FROM sums ORDER BY g, k)",
                                      rows_, q_->cumulative ? ">=" : "="));
  }

  void answer_stickiness_days() {
    if (!q_->breakdown.empty()) add_stickiness_days(true);
    add_stickiness_days(false);
  }

  void add_stickiness_days(bool by_bucket) {
    if (rows_ == 0) return;
    make_active(by_bucket, "TRUE", active_rule());
    rank_groups(by_bucket,
                "SELECT bucket, count(*) FILTER (i >= 0) AS size FROM active GROUP BY bucket");
    // A day of a person's is counted once for each window that holds it.
    add_groups(by_bucket, fmt::format(R"(
WITH by_group AS (
  SELECT g, shown, a.bucket, person, a.i AS day, p.i AS i, label, end_ms <= {now} AS complete
  FROM ranked r CROSS JOIN (SELECT * FROM periods WHERE i >= 0 AND i < {rows}) p
  LEFT JOIN active a ON a.bucket = r.bucket AND a.i BETWEEN p.i - 29 AND p.i),
sums AS (
  SELECT g, shown, i, label, complete, count(*) FILTER (day = i) AS dau,
    count(DISTINCT (bucket, person)) FILTER (day > i - 7) AS wau,
    count(DISTINCT (bucket, person)) FILTER (person IS NOT NULL) AS mau,
    count(*) FILTER (day > i - 7) AS l7_days, count(*) FILTER (day > i - 28) AS l28_days,
    count(DISTINCT (bucket, person)) FILTER (day > i - 28) AS l28
  FROM by_group GROUP BY ALL)
SELECT g, shown, concat(label, CASE WHEN complete THEN '' ELSE ' incomplete' END, ': ', dau, ' ',
  wau, ' ', mau, ' l7 ', l7_days, '/', wau, ' l28 ', l28_days, '/', l28)
FROM sums ORDER BY g, i)",
                                      fmt::arg("now", as_of_ + 1), fmt::arg("rows", rows_)));
  }

  static constexpr int later_than_all = 1'000'000;

  PlainDuckDb& db_;
  const Question* q_ = nullptr;
  std::vector<std::string> lines_;
  std::int64_t as_of_ = 0;
  Span range_;
  bool is_empty_ = false;
  std::int64_t begin_ms_ = 0;
  std::int64_t end_ms_ = 0;
  std::string low_;
  std::string high_;
  std::int64_t rows_ = 0;
};

}  // namespace hf::test
