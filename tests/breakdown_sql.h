// SPDX-License-Identifier: Apache-2.0
//
// Test support: whom and by what an answer counts, as SQL: units, and the dimensions of a
// breakdown.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <vector>

#include "common_sql.h"

namespace hf::test {

/// A bucket is a list with an item for each dimension: 'n' where the value is missing, 'v' and the
/// value, or 'z' for those beyond the top. So buckets are in their order.
class BreakdownSql : public CommonSql {
 protected:
  using CommonSql::CommonSql;

  /// Table seen: the events up to as_of, each the person's or of each value of the unit, with
  /// the lists b0, b1 .. of the values that it has of each dimension.
  void sort_out() {
    // Of equal times those of the person known longer first: an export goes by that.
    make("units", q_->unit.empty()
                      ? "SELECT * FROM told"
                      : fmt::format("SELECT * REPLACE (substr(value, 2) AS person) FROM "
                                    "(SELECT *, unnest(buckets({})) AS value FROM told) "
                                    "WHERE value <> 'n'",
                                    q_->unit));
    std::string columns;
    std::string joins;
    for (std::size_t i = 0; i < q_->by.size(); ++i) {
      columns += fmt::format(", coalesce({}, ['n']) AS b{}", of_event(q_->by[i], i), i);
      const std::string home = of_person(q_->by[i]);
      if (home.empty()) continue;
      make(fmt::format("home{}", i), home);
      joins += fmt::format(" LEFT JOIN home{0} USING (person)", i);
    }
    make("seen", fmt::format("SELECT units.*{} FROM units{}", columns, joins));
  }

  /// The buckets in which an event is: `alone`, by one dimension; -1: by all of them.
  [[nodiscard]] std::string buckets_by(int alone) const {
    const auto list = [](const std::string& values) {
      return fmt::format("list_transform({}, lambda a: [a])", values);
    };
    if (alone >= 0) return list(fmt::format("b{}", alone));
    std::string all = list("b0");
    for (std::size_t i = 1; i < q_->by.size(); ++i) {
      all = fmt::format(
          "flatten(list_transform({}, lambda x: list_transform(b{}, lambda y: list_append(x, y))))",
          all, i);
    }
    return all;
  }
  static constexpr const char* everything = "[['v']]";

  /// Fills tables by a breakdown and then table ranked (bucket; its group g, from 1, and the
  /// bucket that is shown of it). `fill(buckets)` takes the SQL of an event's buckets and gives
  /// that of the groups' sizes (bucket, size).
  void rank_groups(bool by_bucket, const auto& fill) {
    if (!by_bucket) {
      (void)fill(everything);
      make("ranked", "SELECT ['v'] AS bucket, ['v'] AS shown, 1 AS g");
      return;
    }
    // Which values are within the top, each dimension decides alone.
    std::string shown;
    std::string joins;
    for (std::size_t i = 0; i < q_->by.size(); ++i) {
      const int top = q_->by[i].top == 0 ? 25 : q_->by[i].top;
      make(fmt::format("top{}", i),
           fmt::format("SELECT bucket[1] AS value FROM ({}) ORDER BY size DESC, value LIMIT {}",
                       fill(buckets_by(static_cast<int>(i))), top));
      shown += fmt::format("{0}coalesce(top{1}.value, 'z')", i == 0 ? "" : ", ", i);
      joins += fmt::format(" LEFT JOIN top{0} ON top{0}.value = s.bucket[{1}]", i, i + 1);
    }
    make("ranked",
         fmt::format("SELECT bucket, shown, dense_rank() OVER (ORDER BY list_contains(shown, 'z'), "
                     "shown_size DESC, shown) AS g FROM (SELECT *, sum(size) OVER (PARTITION BY "
                     "shown) AS shown_size FROM (SELECT s.*, [{}] AS shown FROM ({}) s{}))",
                     shown, fill(buckets_by(-1)), joins));
  }

  /// The line above a group, given array_to_string(shown, ' | ').
  static std::string bucket_line(const std::string& shown) { return "bucket " + shown; }

  /// Who is behind a cell: SQL gives (bucket, person, n), n being what it adds for the bucket.
  std::vector<std::string> members(const Cell& cell, const std::string& sql) {
    std::vector<std::string> lines;
    for (const Row& row : db_.rows(fmt::format(
             "SELECT person, sum(n) FROM ({}) JOIN ranked USING (bucket) WHERE g = {} GROUP BY "
             "person ORDER BY person",
             sql, cell.group == 0 ? 1 : cell.group))) {
      lines.push_back(*row[0] + " " + *row[1]);
    }
    return lines;
  }

  /// Runs SQL that gives g, the joined bucket, and text by group; adds each text, below its group's
  /// line.
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

 private:
  // By retention's first_ever a person is in the buckets of its first event that start names.
  [[nodiscard]] bool is_of_event(const By& by) const {
    return by.what == By::What::property && by.attribution == By::Attribution::all &&
           (q_->metric != Metric::retention || q_->entry != Entering::first_ever);
  }
  [[nodiscard]] std::string of_event(const By& by, std::size_t i) const {
    return is_of_event(by) ? fmt::format("buckets({})", by.name) : fmt::format("home{}.list", i);
  }

  // SQL of (person, list) where a dimension says one thing of a person; empty where it does not.
  [[nodiscard]] std::string of_person(const By& by) const {
    const auto of_one = [](const std::string& list, std::string_view table,
                           const std::string& where, std::string_view order) {
      return fmt::format(
          "SELECT person, {} AS list FROM {} WHERE {} QUALIFY row_number() OVER (PARTITION BY "
          "person ORDER BY {}) = 1",
          list, table, where, order);
    };
    constexpr std::string_view first = "t, seq";
    constexpr std::string_view last = "t DESC, seq DESC";
    const std::string list = fmt::format("buckets({})", by.name);
    const std::string is_there = fmt::format("{} IS NOT NULL", by.name);
    const std::string has_value = fmt::format("{0} IS NOT NULL AND {0} <> '[]'", by.name);
    switch (by.what) {
      case By::What::trait: return of_one(list, "told", "event = 'identify' AND " + is_there, last);
      case By::What::cohort:
        return of_one(fmt::format("['v' || {}]", cohort(by.name)), "units", "is_active(event)",
                      first);
      case By::What::property: break;
    }
    if (is_of_event(by)) return "";
    const std::string touches = fmt::format("({}) AND {}", counts(), has_value);
    switch (by.attribution) {
      case By::Attribution::all: return of_one(list, "units", names(), first);
      case By::Attribution::first_touch: return of_one(list, "units", touches, first);
      case By::Attribution::last_touch: return of_one(list, "units", touches, last);
    }
    return "";
  }

  // The events that are counted.
  [[nodiscard]] std::string counts() const {
    std::string any = matches(q_->start);
    if (q_->metric == Metric::retention) any += " OR " + matches(q_->returning);
    if (q_->metric != Metric::trend) return any;
    any = "FALSE";
    for (const Question::Series& s : q_->series) any += " OR " + matches(s.matcher);
    return any;
  }

  // The first date of the period in which d is.
  [[nodiscard]] std::string cohort(std::string_view period) const {
    if (period == "week" && q_->sunday) return "CAST(date_trunc('week', d + 1) AS DATE) - 1";
    return fmt::format("CAST(date_trunc('{}', d) AS DATE)", period);
  }
};

}  // namespace hf::test
