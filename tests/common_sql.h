// SPDX-License-Identifier: Apache-2.0
//
// Test support: what all metrics have in common as SQL, written from docs/metrics.md: the instant
// asked about, the range, its periods, and in which of them events lie. Local dates are those of
// DuckDB's ICU.
//
// Not asked here, because SQL has no sensible form for it: hours where clocks go back over midnight
// (a date is then two stretches of time). src/metric's own twins cover those.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metric_question.h"
#include "plain_duckdb.h"

namespace hf::test {

/// Defines what the definitions speak of.
inline void define_macros(PlainDuckDb& db) {
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
           // The instant of a local time, as if that were UTC's: of two the first; one that was
           // skipped is as much later as the clock jumped.
           "is_local(zone, local, ms) AS ms + offset_ms(zone, ms) = local",
           "of_two(zone, local, a, b) AS CASE WHEN is_local(zone, local, b) AND "
           "(b < a OR NOT is_local(zone, local, a)) THEN b ELSE a END",
           "instant_of(zone, local) AS of_two(zone, local, "
           "local - offset_ms(zone, local - 129600000), "
           "local - offset_ms(zone, local + 129600000))",
           "is_active(event) AS event NOT IN ('identify', 'alias', 'group') AND "
           "NOT starts_with(event, 'hf:')",
           // The values an event carries: a missing one is 'n', others have a 'v' before them.
           "buckets(value) AS CASE WHEN value IS NULL THEN ['n'] WHEN value LIKE '[%' "
           "THEN list_transform(list_distinct(json_extract_string(value, '$[*]')), "
           "lambda x: 'v' || x) ELSE ['v' || value] END",
       }) {
    db.run(std::string("CREATE MACRO ") + macro);
  }
}

/// Takes the events of a Parquet export.
inline void load_events(PlainDuckDb& db, const std::string& path) {
  std::map<std::string, std::string> types;
  for (const auto& row : db.rows(fmt::format("DESCRIBE SELECT * FROM read_parquet('{}')", path))) {
    types[*row[0]] = *row[1];
  }
  std::string select = "file_row_number AS seq, person, event, epoch_ms(time) AS t";
  for (const std::string name : {"k", "v", "tags", "createdAt", "created_at"}) {
    const std::string type = types.contains(name) ? types[name] : "";
    const std::string text = fmt::format("CAST({} AS VARCHAR)", type.empty() ? "NULL" : name);
    select += fmt::format(
        ", {} AS {}",
        type.starts_with("DECIMAL") ? fmt::format("rtrim(rtrim({}, '0'), '.')", text) : text, name);
  }
  // No text of v looks like a number: in a column of several kinds none could be told from one.
  const bool has_numbers = types.contains("v") && types["v"] != "BOOLEAN";
  select += fmt::format(", TRY_CAST({} AS DECIMAL(38, 9)) AS v_num", has_numbers ? "v" : "NULL");
  db.run(
      fmt::format("CREATE OR REPLACE TABLE events AS SELECT {} FROM read_parquet('{}', "
                  "file_row_number = true)",
                  select, path));
}

class CommonSql {
 protected:
  using Row = PlainDuckDb::Row;

  explicit CommonSql(PlainDuckDb& duckdb) : db_(duckdb) {}

  /// Begins with a question: table `told` has the events up to as_of, d their local dates.
  void begin(const Question& question) {
    q_ = &question;
    lines_.clear();
    is_empty_ = false;
    rows_ = 0;
    settle_as_of();
    make("told",
         fmt::format("SELECT *, {} AS d FROM events WHERE t <= {}", local_date("t"), as_of_));
  }

  void make(std::string_view table, const std::string& sql) {
    db_.run(fmt::format("CREATE OR REPLACE TEMP TABLE {} AS {}", table, sql));
  }
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

  // Fills range_ and what measure_range() fills; false where the answer is known already.
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
    if (range_.from.kind == Bound::Kind::absent) {
      const auto first = text(fmt::format("SELECT min(t) FROM told WHERE {}", names()));
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
    measure_range();
    return true;
  }

  // Fills begin_ms_, end_ms_, low_ and high_.
  void measure_range() {
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
    if (rows_ == 0) {
      make("placed", "SELECT *, -1 AS p, FALSE AS inside FROM seen");
      return;
    }
    const bool by_instant = this->by_instant();
    make("placed",
         fmt::format("SELECT s.*, coalesce(p.i, CASE WHEN {} THEN {} "
                     "ELSE -1 END) AS p, {} AS inside FROM seen s LEFT JOIN periods p ON {}",
                     by_instant ? "t >= (SELECT max(end_ms) FROM periods)"
                                : "d >= (SELECT max(d1) FROM periods)",
                     later_than_all, within(range_),
                     by_instant ? "t >= p.start_ms AND t < p.end_ms" : "d >= p.d0 AND d < p.d1"));
  }

  [[nodiscard]] std::string matches(std::size_t matcher) const {
    return fmt::format("(({}) AND ({}))", matchers[matcher].matches, conditions[q_->where].sql);
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
