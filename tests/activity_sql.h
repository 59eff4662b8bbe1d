// SPDX-License-Identifier: Apache-2.0
//
// Test support: lifecycle and stickiness as SQL, written from docs/metrics.md.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "breakdown_sql.h"

namespace hf::test {

class ActivitySql : public BreakdownSql {
 public:
  explicit ActivitySql(PlainDuckDb& duckdb) : BreakdownSql(duckdb) {}

  std::vector<std::string> answer(const Question& question) {
    begin(question);
    if (!settle_range()) return std::move(lines_);
    sort_out();
    make_periods();
    if (question.metric == Metric::lifecycle) {
      answer_lifecycle();
    } else if (question.over_time) {
      answer_stickiness_days();
    } else {
      answer_stickiness();
    }
    return std::move(lines_);
  }

  /// Who is of a kind in a period of lifecycle's.
  std::vector<std::string> members_of(const Question& question, const Cell& cell) {
    (void)answer(question);
    if (cell.group > 0) rank_lifecycle(true);
    make_kinds();
    if (cell.kind == "dormant") {
      return members(cell,
                     fmt::format("SELECT bucket, person, 1 AS n FROM active b WHERE i = {0} - "
                                 "1 AND NOT EXISTS (FROM active a WHERE a.bucket = b.bucket "
                                 "AND a.person = b.person AND a.i = {0})",
                                 cell.row));
    }
    return members(
        cell, fmt::format("SELECT bucket, person, 1 AS n FROM kinds WHERE i = {} AND {}", cell.row,
                          cell.kind == "active" ? "TRUE" : "kind = '" + cell.kind + "'"));
  }

 private:
  // Tables matched (the events that count, each with its bucket) and active (bucket, person, and
  // the period i in which the person is: a row, or one before the rows that counts too).
  void make_active(const std::string& buckets, const std::string& in_range,
                   const std::string& having) {
    make("matched", fmt::format("SELECT person, t, d, unnest({}) AS bucket FROM seen WHERE {}",
                                buckets, matches(q_->start)));
    make("active", fmt::format("SELECT bucket, person, i FROM matched JOIN periods ON {} "
                               "WHERE i < {} AND {} GROUP BY bucket, person, i HAVING {}",
                               by_instant() ? "t >= start_ms AND t < end_ms" : "d >= d0 AND d < d1",
                               rows_, in_range, having));
  }

  void answer_lifecycle() {
    if (!q_->by.empty()) add_lifecycle(true);
    add_lifecycle(false);
  }

  void rank_lifecycle(bool by_bucket) {
    rank_groups(by_bucket, [&](const std::string& buckets) {
      make_active(buckets, "TRUE", "TRUE");
      return "SELECT bucket, count(*) FILTER (i >= 0) AS size FROM active GROUP BY bucket";
    });
  }

  void add_lifecycle(bool by_bucket) {
    if (rows_ == 0) return;
    rank_lifecycle(by_bucket);
    make_kinds();
    add_groups(by_bucket, fmt::format(R"(
WITH came AS (
  SELECT bucket, i, count(*) AS active, count(*) FILTER (kind = 'new') AS fresh,
    count(*) FILTER (kind = 'returning') AS stayed,
    count(*) FILTER (kind = 'resurrecting') AS resurrecting
  FROM kinds GROUP BY bucket, i),
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
  LEFT JOIN came ON came.bucket = r.bucket AND came.i = p.i
  LEFT JOIN gone ON gone.bucket = r.bucket AND gone.i = p.i
  GROUP BY ALL)
SELECT g, array_to_string(shown, ' | '), concat(label, CASE WHEN complete THEN '' ELSE ' incomplete' END,
  ': new ', fresh, ' returning ', stayed, ' resurrecting ', resurrecting,
  ' dormant ', -dormant, ' active ', active, ' quick ', fresh + resurrecting, '/', dormant)
FROM sums ORDER BY g, i)",
                                      fmt::arg("now", as_of_ + 1), fmt::arg("rows", rows_)));
  }

  // Table kinds (bucket, person, i, kind): what each active person is in a period.
  void make_kinds() {
    make_created();
    const bool at_instants = by_instant();
    make("kinds", fmt::format(R"(
WITH firsts AS (
  SELECT bucket, person, min({at}) AS first FROM matched GROUP BY bucket, person)
SELECT a.bucket, a.person, a.i, CASE WHEN b.i IS NOT NULL THEN 'returning'
  WHEN coalesce(c.{at} >= {begin} AND c.{at} < {end}, first >= {begin}) THEN 'new'
  ELSE 'resurrecting' END AS kind
FROM active a JOIN periods p ON p.i = a.i
JOIN firsts f ON f.bucket = a.bucket AND f.person = a.person
LEFT JOIN created c ON c.person = a.person
LEFT JOIN active b ON b.bucket = a.bucket AND b.person = a.person AND b.i = a.i - 1)",
                              fmt::arg("at", at_instants ? "t" : "d"),
                              fmt::arg("begin", at_instants ? "p.start_ms" : "p.d0"),
                              fmt::arg("end", at_instants ? "p.end_ms" : "p.d1")));
  }

  // Table created (person, t, d): when a profile was created, where a trait says it.
  void make_created() {
    // A number is of seconds or of milliseconds, whichever lies in the years 1990 to 2100.
    const std::string instant = fmt::format(
        "CASE WHEN regexp_full_match(said, '-?[0-9]+') THEN CASE "
        "WHEN CAST(said AS BIGINT) BETWEEN {0} AND {1} THEN CAST(said AS BIGINT) "
        "WHEN CAST(said AS BIGINT) * 1000 BETWEEN {0} AND {1} THEN CAST(said AS BIGINT) * 1000 END "
        "WHEN regexp_full_match(said, '.*T.*(Z|[+-][0-9:]+)') "
        "THEN epoch_ms(CAST(said AS TIMESTAMPTZ)) "
        "WHEN regexp_full_match(said, '[0-9]+-.*') "
        "THEN instant_of('{2}', epoch_ms(CAST(said AS TIMESTAMP))) END",
        631'152'000'000, 4'133'980'799'999, q_->zone);
    make("created",
         fmt::format("SELECT person, t, {} AS d FROM (SELECT person, {} AS t FROM (SELECT "
                     "person, coalesce(createdAt, created_at) AS said FROM told WHERE {} AND "
                     "event = 'identify' AND said IS NOT NULL QUALIFY row_number() OVER "
                     "(PARTITION BY person ORDER BY t DESC, seq DESC) = 1)) WHERE t IS NOT NULL",
                     local_date("t"), instant, q_->by_profile ? "TRUE" : "FALSE"));
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
    if (!q_->by.empty()) add_stickiness(true);
    add_stickiness(false);
  }

  void add_stickiness(bool by_bucket) {
    if (rows_ == 0) return;
    rank_groups(by_bucket, [&](const std::string& buckets) {
      make_active(buckets, within(range_), active_rule());
      return "SELECT bucket, count(DISTINCT person) AS size FROM active GROUP BY bucket";
    });
    add_groups(by_bucket, fmt::format(R"(
WITH of_persons AS (
  SELECT bucket, person, count(*) AS periods FROM active GROUP BY bucket, person),
sums AS (
  SELECT g, shown, k, count(person) AS persons
  FROM ranked r CROSS JOIN range(1, {} + 1) ks(k)
  LEFT JOIN of_persons o ON o.bucket = r.bucket AND o.periods {} k GROUP BY g, shown, k)
SELECT g, array_to_string(shown, ' | '), concat('active in ', k, ': ', persons) FROM sums ORDER BY g, k)",
                                      rows_, q_->cumulative ? ">=" : "="));
  }

  void answer_stickiness_days() {
    if (!q_->by.empty()) add_stickiness_days(true);
    add_stickiness_days(false);
  }

  void add_stickiness_days(bool by_bucket) {
    if (rows_ == 0) return;
    rank_groups(by_bucket, [&](const std::string& buckets) {
      make_active(buckets, "TRUE", active_rule());
      return "SELECT bucket, count(*) FILTER (i >= 0) AS size FROM active GROUP BY bucket";
    });
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
SELECT g, array_to_string(shown, ' | '), concat(label, CASE WHEN complete THEN '' ELSE ' incomplete' END, ': ', dau, ' ',
  wau, ' ', mau, ' l7 ', l7_days, '/', wau, ' l28 ', l28_days, '/', l28)
FROM sums ORDER BY g, i)",
                                      fmt::arg("now", as_of_ + 1), fmt::arg("rows", rows_)));
  }
};

}  // namespace hf::test
