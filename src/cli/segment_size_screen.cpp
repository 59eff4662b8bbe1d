// SPDX-License-Identifier: Apache-2.0
#include "cli/segment_size_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hf {
namespace {

std::string letter(std::size_t set) { return std::string(1, static_cast<char>('A' + set)); }

double part(std::int64_t count, std::int64_t of) {
  return static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(of, 1));
}

std::string sizes(const SegmentSizeAnswer& answer, const Terminal& terminal, Words words) {
  std::vector<ChartColumn> columns = {
      {answer.has_groups ? std::string(words("group", "分组")) : "", {}},
      {std::string(words("people", "人数")), {}},
      {std::string(words("share", "占比")), {}}};
  std::vector<double> shares;
  const auto add = [&](const std::string& name, std::int64_t count) {
    columns[0].cells.push_back(cut(name, name_width(terminal)));
    columns[1].cells.push_back(count_text(count));
    columns[2].cells.push_back(share_text(count, answer.known));
    shares.push_back(part(count, answer.known));
  };
  for (const SegmentSizeTable& group : answer.groups) {
    add(bucket_text(group.bucket, words), group.count);
  }
  // Of sets alone there is no condition to tell of.
  if (answer.labels.empty() || answer.total.count != answer.known) {
    add(std::string(words("of whom it holds", "符合条件")), answer.total.count);
  }
  add(std::string(words("everybody known", "全部已知人员")), answer.known);
  constexpr auto importance = std::to_array<std::size_t>({1, 2});
  const ChartTable chart(std::move(columns), importance, terminal);
  std::vector<std::string> bars;
  for (const double share : shares) bars.push_back(bar(share, chart.bar_width()));
  return chart.render(bars);
}

std::int64_t in_both(const SegmentSizeTable& table, std::size_t a, std::size_t b) {
  const std::uint32_t both = 1u << a | 1u << b;
  std::int64_t count = 0;
  for (const SegmentOverlap& overlap : table.exactly_in) {
    if ((overlap.sets & both) == both) count += overlap.count;
  }
  return count;
}

// A row and a column a set: how many of the row's people are in the column's, too.
std::string pairs(const SegmentSizeAnswer& answer, const Terminal& terminal, Words words) {
  const SegmentSizeTable& table = answer.total;
  const std::size_t sets = answer.labels.size();
  constexpr int label_width_wanted = 40;
  int label_width_max = label_width_wanted;
  const auto columns_of = [&](bool with_counts) {
    std::vector<ChartColumn> columns = {{std::string(words("set", "集合")), {}},
                                        {std::string(words("people", "人数")), {}}};
    for (std::size_t b = 0; b < sets; ++b) columns.push_back({letter(b), {}});
    for (std::size_t a = 0; a < sets; ++a) {
      columns[0].cells.push_back(
          cut(letter(a) + " " + harmless(answer.labels[a]), label_width_max));
      columns[1].cells.push_back(count_text(table.sets[a]));
      for (std::size_t b = 0; b < sets; ++b) {
        const std::int64_t both = in_both(table, a, b);
        const std::string share = share_text(both, table.sets[a]);
        columns[b + 2].cells.push_back(a == b        ? "·"
                                       : with_counts ? count_text(both) + " " + pad_left(share, 6)
                                                     : share);
      }
    }
    return columns;
  };
  std::vector<std::size_t> importance;
  for (std::size_t i = 1; i < sets + 2; ++i) importance.push_back(i);
  const auto width_of = [](const std::vector<ChartColumn>& columns) {
    int width = 2;
    for (const ChartColumn& column : columns) width += column.width() + 1;
    return width - 1;
  };
  std::vector<ChartColumn> columns = columns_of(/*with_counts=*/true);
  bool has_counts = true;
  if (terminal.width > 0 && width_of(columns) > terminal.width) {
    has_counts = false;
    columns = columns_of(/*with_counts=*/false);
    // All sets are to be seen; their names may be cut.
    const int too_wide = width_of(columns) - terminal.width;
    constexpr int name_width_min = 8;
    if (too_wide > 0) {
      label_width_max = std::max(name_width_min, columns[0].width() - too_wide);
      columns = columns_of(/*with_counts=*/false);
    }
  }
  const ChartTable chart(std::move(columns), importance, terminal, /*has_bars=*/false);
  std::string legend(
      has_counts ? words("how many of the row's people are in the column's set, too, and which "
                         "share of them",
                         "该行人员中同时属于该列集合的人数与比例")
                 : words("which share of the row's people are in the column's set, too",
                         "该行人员中同时属于该列集合的比例"));
  legend += hidden_columns(chart.hidden(), words);
  legend = chart_foot(std::span(&legend, 1), terminal);
  legend.pop_back();
  const std::vector<std::string> no_bars(sets);
  return chart.render(no_bars) + dim(legend, terminal.color) + "\n";
}

// A row for each way of being in some sets and not in the others.
std::string exactly(const SegmentSizeAnswer& answer, const Terminal& terminal, Words words) {
  constexpr std::size_t rows_max = 20;
  const SegmentSizeTable& table = answer.total;
  const std::size_t sets = answer.labels.size();
  const std::size_t rows = std::min(rows_max, table.exactly_in.size());
  std::string letters;
  for (std::size_t s = 0; s < sets; ++s) letters += (s == 0 ? "" : " ") + letter(s);
  std::vector<ChartColumn> columns = {{letters, {}},
                                      {std::string(words("people", "人数")), {}},
                                      {std::string(words("share", "占比")), {}}};
  std::int64_t in_any = 0;
  for (const SegmentOverlap& overlap : table.exactly_in) in_any += overlap.count;
  const auto add = [&](const std::string& name, std::int64_t count) {
    columns[0].cells.push_back(name);
    columns[1].cells.push_back(count_text(count));
    columns[2].cells.push_back(share_text(count, table.count));
  };
  std::vector<double> shares;
  std::int64_t told = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const SegmentOverlap& overlap = table.exactly_in[i];
    std::string marks;
    for (std::size_t s = 0; s < sets; ++s) {
      marks += s == 0 ? "" : " ";
      marks += (overlap.sets >> s & 1u) != 0 ? "●" : "·";
    }
    add(marks, overlap.count);
    told += overlap.count;
    shares.push_back(part(overlap.count, table.exactly_in[0].count));
  }
  if (rows < table.exactly_in.size()) {
    add(fmt::format(fmt::runtime(words("{} more", "另 {} 种")), table.exactly_in.size() - rows),
        in_any - told);
    shares.push_back(0);
  }
  add(std::string(words("none", "均不属于")), table.count - in_any);
  shares.push_back(0);
  constexpr auto importance = std::to_array<std::size_t>({1, 2});
  const ChartTable chart(std::move(columns), importance, terminal);
  std::vector<std::string> bars;
  for (const double share : shares) bars.push_back(bar(share, chart.bar_width()));
  return chart.render(bars);
}

}  // namespace

std::string render_segment_size(const SegmentSizeAnswer& answer, const ChartScreen& screen,
                                const Terminal& terminal, Words words) {
  std::string out = chart_head(screen, answer.warnings, terminal);
  out += sizes(answer, terminal, words);
  if (answer.labels.empty()) return out;
  out += "\n" + pairs(answer, terminal, words);
  out += "\n  " + bold(words("in exactly these", "恰好属于这些集合"), terminal.color) + "\n";
  return out + exactly(answer, terminal, words);
}

}  // namespace hf
