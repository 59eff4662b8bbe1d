// SPDX-License-Identifier: Apache-2.0
#include "cli/trend_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace hf {
namespace {

// "8911407.904" as "8,911,407.904".
std::string separated(std::string number) {
  const bool is_negative = number.starts_with('-');
  const std::size_t first = is_negative ? 1 : 0;
  const std::size_t point = std::min(number.find('.'), number.size());
  for (std::size_t at = point; at > first + 3; at -= 3) number.insert(at - 3, ",");
  return number;
}

std::size_t decimals_of(const std::string& number) {
  const std::size_t point = number.find('.');
  return point == std::string::npos ? 0 : number.size() - point - 1;
}

// Of one column, so all with as many decimals: of exact numbers as many as any has, of quotients
// as many as tell something.
std::vector<std::string> value_texts(const std::vector<TrendValue>& values) {
  double highest = 0;
  std::size_t decimals = 0;
  bool is_exact = true;
  for (const TrendValue& value : values) {
    highest = std::max(highest, std::abs(to_number(value).value_or(0)));
    if (std::holds_alternative<double>(value)) is_exact = false;
    if (std::holds_alternative<DecimalSum>(value)) {
      decimals = std::max(decimals, decimals_of(to_string(value)));
    }
  }
  if (!is_exact) decimals = highest >= 1000 ? 1 : highest >= 1 ? 2 : 4;
  std::vector<std::string> out;
  for (const TrendValue& value : values) {
    if (std::holds_alternative<std::monostate>(value)) {
      out.emplace_back("-");
    } else if (is_exact) {
      std::string text = to_string(value);
      const std::size_t own = decimals_of(text);
      if (own == 0 && decimals > 0) text += '.';
      out.push_back(separated(text + std::string(decimals - own, '0')));
    } else {
      out.push_back(separated(fmt::format("{:.{}f}", *to_number(value), decimals)));
    }
  }
  return out;
}

// What is counted of a series, {} being a property; empty of events.
std::string_view math_words(TrendMath math, Words words) {
  switch (math) {
    case TrendMath::total: return "";
    case TrendMath::unique: return words("people", "人数");
    case TrendMath::weekly_active: return words("people of 7 days", "7 天内的人数");
    case TrendMath::monthly_active: return words("people of 30 days", "30 天内的人数");
    case TrendMath::sum: return words("sum of {}", "{} 之和");
    case TrendMath::avg: return words("mean of {}", "{} 的均值");
    case TrendMath::min: return words("least {}", "{} 的最小值");
    case TrendMath::max: return words("greatest {}", "{} 的最大值");
    case TrendMath::median: return words("median of {}", "{} 的中位数");
    case TrendMath::p90: return words("p90 of {}", "{} 的 p90");
    case TrendMath::p95: return words("p95 of {}", "{} 的 p95");
    case TrendMath::p99: return words("p99 of {}", "{} 的 p99");
    case TrendMath::per_user: return words("per person", "人均次数");
  }
  return "";
}

// "+12.3%" of a value and the one before; nothing of nothing.
std::string change_text(const TrendValue& now, const TrendValue& before) {
  const auto a = to_number(now);
  const auto b = to_number(before);
  if (!a || !b || *b == 0) return "-";
  return fmt::format("{:+.1f}%", 100 * (*a - *b) / std::abs(*b));
}

double highest_of(const TrendSeries& series) {
  double highest = 0;
  for (const TrendValue& value : series.values) {
    highest = std::max(highest, to_number(value).value_or(0));
  }
  return highest;
}

// What is below 0 has no bar.
double share_of(const TrendValue& value, double highest) {
  return highest == 0 ? 0 : std::max(0.0, to_number(value).value_or(0)) / highest;
}

class TrendChart {
 public:
  TrendChart(const TrendAnswer& answer, const ChartScreen& screen, const Terminal& terminal,
             Words words)
      : answer_(answer), screen_(screen), terminal_(terminal), words_(words) {}

  [[nodiscard]] std::string render(const TrendSeries& series, const std::string& label) const {
    std::vector<TrendValue> values = series.values;
    values.push_back(series.total);
    std::vector<std::string> now = value_texts(values);
    std::string total = fmt::format("{} {}", words_("total", "合计"), now.back());
    now.pop_back();
    std::vector<ChartColumn> columns = {{period_heading(), {}},
                                        {std::string(words_("value", "数值")), std::move(now)}};
    for (std::size_t p = 0; p < answer_.periods.size(); ++p) {
      columns[0].cells.push_back(period_label(answer_.periods[p], screen_.period, words_) +
                                 (answer_.complete[p] ? "" : "~"));
    }
    if (answer_.has_previous) {
      std::vector<TrendValue> earlier = series.previous;
      earlier.push_back(series.previous_total);
      std::vector<std::string> before = value_texts(earlier);
      total += fmt::format("{}{} {}, {}", words_("; ", "；"), words_("before", "此前"),
                           before.back(), change_text(series.total, series.previous_total));
      before.pop_back();
      columns.push_back({std::string(words_("before", "此前")), std::move(before)});
      ChartColumn& change = columns.emplace_back();
      change.heading = words_("change", "变化");
      for (std::size_t p = 0; p < series.values.size(); ++p) {
        // What is not over yet is no less than it was.
        change.cells.push_back(
            answer_.complete[p] ? change_text(series.values[p], series.previous[p]) : "");
      }
    }
    constexpr auto importance = std::to_array<std::size_t>({1, 3, 2});
    const ChartTable chart(std::move(columns),
                           std::span(importance).first(answer_.has_previous ? 3 : 1), terminal_);
    const double highest = highest_of(series);
    std::vector<std::string> bars;
    for (const TrendValue& value : series.values) {
      bars.push_back(bar(share_of(value, highest), chart.bar_width()));
    }
    return head(label, total) + chart.render(bars) + "\n";
  }

  /// A line a group, its total and its shape.
  [[nodiscard]] std::string render_groups(std::size_t s) const {
    std::vector<ChartColumn> columns = {{std::string(words_("group", "分组")), {}}};
    std::vector<TrendValue> totals;
    std::vector<TrendValue> earlier;
    const auto add = [&](const TrendTable& table, std::string name) {
      columns[0].cells.push_back(cut(name, name_width(terminal_)));
      totals.push_back(table.series[s].total);
      if (answer_.has_previous) earlier.push_back(table.series[s].previous_total);
    };
    for (const TrendTable& group : answer_.groups) add(group, bucket_text(group.bucket, words_));
    add(answer_.total, std::string(words_("all", "全部")));
    columns.push_back({std::string(words_("total", "合计")), value_texts(totals)});
    if (answer_.has_previous) {
      columns.push_back({std::string(words_("before", "此前")), value_texts(earlier)});
      ChartColumn& change = columns.emplace_back();
      change.heading = words_("change", "变化");
      for (std::size_t g = 0; g < totals.size(); ++g) {
        change.cells.push_back(change_text(totals[g], earlier[g]));
      }
    }
    constexpr auto importance = std::to_array<std::size_t>({1, 3, 2});
    const ChartTable chart(std::move(columns),
                           std::span(importance).first(answer_.has_previous ? 3 : 1), terminal_);
    std::vector<std::string> lines;
    const auto shape = [&](const TrendSeries& series) {
      const double highest = highest_of(series);
      std::vector<double> shares;
      for (const TrendValue& value : series.values) shares.push_back(share_of(value, highest));
      return sparkline(shares, chart.bar_width());
    };
    for (const TrendTable& group : answer_.groups) lines.push_back(shape(group.series[s]));
    lines.push_back(shape(answer_.total.series[s]));
    return head(harmless(answer_.labels[s]), "") + chart.render(lines) + "\n";
  }

 private:
  [[nodiscard]] std::string period_heading() const { return std::string(words_("period", "周期")); }
  [[nodiscard]] std::string head(const std::string& label, const std::string& total) const {
    constexpr int unlimited = 1 << 20;
    const int room = terminal_.width == 0 ? unlimited : std::max(1, terminal_.width - 2);
    const std::string name = cut(label, room);
    const int left = room - display_width(name) - 2;
    // What finds no room beside it stands below.
    if (total.empty()) return "  " + bold(name, terminal_.color) + "\n";
    if (display_width(total) <= left) {
      return "  " + bold(name, terminal_.color) + "  " + dim(total, terminal_.color) + "\n";
    }
    return "  " + bold(name, terminal_.color) + "\n" + chart_foot(std::span(&total, 1), terminal_);
  }

  const TrendAnswer& answer_;
  const ChartScreen& screen_;
  const Terminal& terminal_;
  Words words_;
};

}  // namespace

std::vector<std::string> series_names(const TrendQuery& query,
                                      const std::vector<std::string>& labels, Words words) {
  std::vector<std::string> out;
  for (std::size_t s = 0; s < labels.size(); ++s) {
    std::string name = event_text(labels[s], words);
    if (s < query.series.size()) {  // Behind them is the formula.
      const TrendQuery::Series& series = query.series[s];
      const std::string math =
          fmt::format(fmt::runtime(math_words(series.math, words)), harmless(series.property));
      if (!math.empty()) name += std::string(words(", ", "，")) + math;
    }
    out.push_back(std::move(name));
  }
  return out;
}

std::string render_trend(const TrendAnswer& answer, const ChartScreen& screen,
                         const Terminal& terminal, Words words) {
  std::string out = chart_head(screen, answer.warnings, terminal);
  if (answer.periods.empty()) return out;
  const TrendChart chart(answer, screen, terminal, words);
  for (std::size_t s = 0; answer.has_groups && s < answer.labels.size(); ++s) {
    out += chart.render_groups(s);
  }
  const std::string all =
      answer.has_groups ? std::string(words("all", "全部")) + " · " : std::string();
  for (std::size_t s = 0; s < answer.total.series.size(); ++s) {
    out += chart.render(answer.total.series[s], all + harmless(answer.labels[s]));
  }
  std::vector<std::string> told;
  if (answer.has_groups) {
    const auto label = [&](const std::string& start, bool is_complete) {
      return period_label(start, screen.period, words) + (is_complete ? "" : "~");
    };
    told.push_back(fmt::format(
        fmt::runtime(words("The lines of the groups go from {0} to {1}, each on a scale of its "
                           "own; --format csv has their numbers.",
                           "各分组的曲线由 {0} 至 {1}，各按自己的比例；数值见 --format csv。")),
        label(answer.periods.front(), answer.complete.front()),
        label(answer.periods.back(), answer.complete.back())));
  }
  if (std::ranges::any_of(answer.complete, [](bool c) { return !c; })) {
    told.emplace_back(words("~ not finished yet", "~ 尚未结束"));
  }
  if (told.empty()) return out;
  std::string foot = chart_foot(told, terminal);
  foot.pop_back();
  return out + dim(foot, terminal.color) + "\n";
}

}  // namespace hf
