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
  std::string title;     ///< "Lifecycle: purchase".
  std::string subtitle;  ///< "397,884 events of 4,338 people, ..".
  std::string period;    ///< As in the query.
  std::string data_end;  ///< Local date up to which there is data, "2011-12-09".
};

/// Title, subtitle and the answer's warnings; nothing wider than the terminal.
[[nodiscard]] std::string chart_head(const ChartScreen& screen, std::span<const Warning> warnings,
                                     const Terminal& terminal, Words words);
/// The line above a group's chart.
[[nodiscard]] std::string group_head(const Bucket& bucket, const Terminal& terminal, Words words);
/// Sentences below a chart, broken where the terminal ends.
[[nodiscard]] std::string chart_foot(std::span<const std::string> sentences,
                                     const Terminal& terminal);

/// A bar of `share` (0 to 1) of `width` columns, to an eighth of one.
[[nodiscard]] std::string bar(double share, int width);
[[nodiscard]] std::string bucket_text(const Bucket& bucket, Words words);
/// -1234567 as "-1,234,567".
[[nodiscard]] std::string count_text(std::int64_t count);
/// numerator / denominator as "12.3%"; "-" where the denominator is 0.
[[nodiscard]] std::string share_text(std::int64_t numerator, std::int64_t denominator);

/// Right-aligned columns of text with a heading; the first, the row's name, aligned to the left.
struct ChartColumn {
  std::string heading;
  std::vector<std::string> cells;
  [[nodiscard]] int width() const;
};
/// Columns that fit in `width` (0: all), least important last in `importance` (indexes into
/// `columns`, without the first, which always stays).
[[nodiscard]] std::vector<std::size_t> columns_that_fit(std::span<const ChartColumn> columns,
                                                        std::span<const std::size_t> importance,
                                                        int width);

}  // namespace hf
