// SPDX-License-Identifier: Apache-2.0
//
// What the screens of all metrics are drawn with.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"
#include "cli/words.h"
#include "metric/bucket.h"
#include "metric/query_context.h"

namespace hf {

/// What stands above a chart, and what its sentences need to know.
struct ChartScreen {
  std::string title;                    ///< "Lifecycle: purchase".
  std::string subtitle;                 ///< "397,884 events of 4,338 people, ..".
  std::string period;                   ///< As in the query.
  std::string data_end;                 ///< Local date up to which there is data, "2011-12-09".
  std::vector<std::string> notes = {};  ///< Of whom and of what, where that is not everything.
};

/// Title, subtitle and the answer's warnings; nothing wider than the terminal.
[[nodiscard]] std::string chart_head(const ChartScreen& screen, std::span<const Warning> warnings,
                                     const Terminal& terminal);
/// The line above a group's chart.
[[nodiscard]] std::string group_head(const BucketPath& bucket, const Terminal& terminal,
                                     Words words);
/// Sentences below a chart, broken where the terminal ends.
[[nodiscard]] std::string chart_foot(std::span<const std::string> sentences,
                                     const Terminal& terminal);

/// A bar of `share` (0 to 1) of `width` columns, to an eighth of one.
[[nodiscard]] std::string bar(double share, int width);
/// How wide names that stand before other columns may be.
[[nodiscard]] int name_width(const Terminal& terminal);
[[nodiscard]] std::string bucket_text(const BucketPath& path, Words words);
/// -1234567 as "-1,234,567".
[[nodiscard]] std::string count_text(std::int64_t count);
/// numerator / denominator as "12.3%" or "<0.1%"; "-" where the denominator is 0.
[[nodiscard]] std::string share_text(std::int64_t numerator, std::int64_t denominator);
/// A line of ticks, one of each share (0 to 1), over `width` columns at most: where there are more
/// shares, neighbours are taken together. What is nothing or 0 is a dot.
[[nodiscard]] std::string sparkline(std::span<const double> shares, int width);

/// How screens call an event, given a matcher's label.
[[nodiscard]] std::string event_text(std::string_view label, Words words);

/// A column of a chart: its heading and a cell for each row.
struct ChartColumn {
  std::string heading;
  std::vector<std::string> cells;
  [[nodiscard]] int width() const;
};

/// Rows of text columns, the first aligned to the left, and a bar behind each.
class ChartTable {
 public:
  static constexpr int bar_width_default = 40;  ///< Where output goes to a file.
  static constexpr int bar_width_min = 8;       ///< A smaller one says nothing, and is left out.
  static constexpr int bar_width_max = 60;

  /// Of what does not fit beside the first column, the least important is left out: the last of
  /// `importance`, indexes into `columns`.
  ChartTable(std::vector<ChartColumn> columns, std::span<const std::size_t> importance,
             const Terminal& terminal, bool has_bars = true);

  /// Columns left out.
  [[nodiscard]] std::size_t hidden() const { return hidden_; }
  /// Columns of the terminal left for a bar; 0: none.
  [[nodiscard]] int bar_width() const;
  /// `bars` by row, of any width up to bar_width(); rows without one are its empty texts.
  [[nodiscard]] std::string render(std::span<const std::string> bars) const;

 private:
  std::vector<ChartColumn> columns_;  // Those shown.
  std::size_t hidden_ = 0;
  int gap_ = 2;    // Between columns.
  int width_ = 0;  // Of those shown, with the margin.
  Terminal terminal_;
};

/// "; 3 more columns: widen the window", or nothing.
[[nodiscard]] std::string hidden_columns(std::size_t hidden, Words words);

}  // namespace hf
