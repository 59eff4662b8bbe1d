// SPDX-License-Identifier: Apache-2.0
//
// Test support: the metrics as SQL, written from docs/metrics.md. Answers come as lines of text:
// what two opinions are compared by.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "activity_sql.h"
#include "retention_sql.h"
#include "trend_sql.h"

namespace hf::test {

class MetricSql {
 public:
  explicit MetricSql(PlainDuckDb& duckdb)
      : db_(duckdb), retention_(duckdb), trend_(duckdb), activity_(duckdb) {
    define_macros(duckdb);
  }

  /// Takes the events of a Parquet export; returns their number.
  std::int64_t load(const std::string& path) {
    load_events(db_, path);
    return std::stoll(*db_.rows("SELECT count(*) FROM events").at(0).at(0));
  }

  std::vector<std::string> answer(const Question& question) {
    switch (question.metric) {
      case Metric::retention: return retention_.answer(question);
      case Metric::trend: return trend_.answer(question);
      case Metric::lifecycle:
      case Metric::stickiness: return activity_.answer(question);
    }
    return {};
  }

  /// Who is behind a cell of the answer, of trend, lifecycle and retention's table: a line each,
  /// with what it adds to the cell.
  std::vector<std::string> members(const Question& question, const Cell& cell) {
    switch (question.metric) {
      case Metric::retention: return retention_.members_of(question, cell);
      case Metric::trend: return trend_.members_of(question, cell);
      default: return activity_.members_of(question, cell);
    }
  }

 private:
  PlainDuckDb& db_;
  RetentionSql retention_;
  TrendSql trend_;
  ActivitySql activity_;
};

}  // namespace hf::test
