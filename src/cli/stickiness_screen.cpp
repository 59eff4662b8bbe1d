// SPDX-License-Identifier: Apache-2.0
#include "cli/stickiness_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace hf {
namespace {

// ------------------------------------------------------------------------------- the histogram

/// Numbers of periods that share a row: first to last.
struct Step {
  std::size_t first;
  std::size_t last;
};

// One by one as far as it goes on a screen; else from 11 on in equal steps.
std::vector<Step> steps_up_to(std::size_t highest) {
  constexpr std::size_t rows_max = 24;
  constexpr std::size_t singles = 10;
  constexpr auto lengths = std::to_array<std::size_t>({2, 5, 10, 20, 50, 100, 200, 500});
  std::vector<Step> steps;
  std::size_t length = 1;
  for (const std::size_t longer : lengths) {
    const std::size_t rows =
        length == 1 ? highest : singles + (highest - singles + length - 1) / length;
    if (rows <= rows_max) break;
    length = longer;
  }
  for (std::size_t first = 1; first <= highest;) {
    const std::size_t last = std::min(highest, first <= singles ? first : first + length - 1);
    steps.push_back({first, last});
    first = last + 1;
  }
  return steps;
}

std::string periods_heading(const std::string& period, Words words) {
  const std::string english = "active " + period_noun(period, {Language::english}) + "s";
  const std::string_view chinese = period == "day"       ? "活跃天数"
                                   : period == "hour"    ? "活跃小时数"
                                   : period == "week"    ? "活跃周数"
                                   : period == "month"   ? "活跃月数"
                                   : period == "quarter" ? "活跃季度数"
                                   : period == "year"    ? "活跃年数"
                                                         : "活跃周期数";
  return std::string(words(english, chinese));
}

// The persons active in any period.
std::int64_t persons_of(const StickinessTable& table, bool cumulative) {
  if (table.histogram.empty()) return 0;
  return cumulative
             ? table.histogram[0]
             : std::accumulate(table.histogram.begin(), table.histogram.end(), std::int64_t{0});
}

std::string histogram_of(const StickinessTable& table, const StickinessScreen& screen,
                         const Terminal& terminal, Words words) {
  std::size_t highest = table.histogram.size();
  while (highest > 0 && table.histogram[highest - 1] == 0) --highest;
  const std::int64_t persons = persons_of(table, screen.cumulative);
  std::vector<std::int64_t> counts;
  std::vector<std::string> names;
  for (const Step& step : steps_up_to(highest)) {
    std::int64_t count = table.histogram[step.first - 1];
    for (std::size_t k = step.first + 1; k <= step.last && !screen.cumulative; ++k) {
      count += table.histogram[k - 1];
    }
    counts.push_back(count);
    names.push_back(screen.cumulative         ? fmt::format("{}+", step.first)
                    : step.first == step.last ? std::to_string(step.first)
                                              : fmt::format("{}-{}", step.first, step.last));
  }
  std::vector<ChartColumn> columns = {{periods_heading(screen.chart.period, words), names},
                                      {std::string(words("people", "人数")), {}},
                                      {std::string(words("share", "占比")), {}}};
  const int name_width = columns[0].width();
  for (std::string& name : columns[0].cells) name = pad_left(name, name_width);
  for (const std::int64_t count : counts) {
    columns[1].cells.push_back(count_text(count));
    columns[2].cells.push_back(share_text(count, persons));
  }
  constexpr auto importance = std::to_array<std::size_t>({1, 2});
  const ChartTable chart(std::move(columns), importance, terminal);
  const std::int64_t largest = counts.empty() ? 0 : std::ranges::max(counts);
  std::vector<std::string> bars;
  for (const std::int64_t count : counts) {
    const double share =
        static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(largest, 1));
    bars.push_back(bar(share, chart.bar_width()));
  }
  return chart.render(bars);
}

std::vector<std::string> histogram_sentences(const StickinessAnswer& answer,
                                             const StickinessScreen& screen, Words words) {
  const std::vector<std::int64_t>& histogram = answer.total.histogram;
  const std::int64_t persons = persons_of(answer.total, screen.cumulative);
  if (persons == 0) return {std::string(words("Nobody is active in any of them.", "没有人活跃。"))};
  std::int64_t periods = 0;
  for (std::size_t k = 1; k <= histogram.size(); ++k) {
    periods +=
        screen.cumulative ? histogram[k - 1] : static_cast<std::int64_t>(k) * histogram[k - 1];
  }
  const std::int64_t second = histogram.size() < 2 ? 0 : histogram[1];
  const std::int64_t once = screen.cumulative ? histogram[0] - second : histogram[0];
  const std::string noun = period_noun(screen.chart.period, words);
  return {
      fmt::format(
          fmt::runtime(words(
              "{0} people, active in {1:.1f} of {2} {3}{4} on average; {5} of them in one only.",
              "{0} 人，平均在 {2} 个周期中的 {1:.1f} 个里活跃；其中 {5} 只活跃过一期。")),
          count_text(persons), static_cast<double>(periods) / static_cast<double>(persons),
          histogram.size(), noun, histogram.size() == 1 ? "" : "s", share_text(once, persons)),
      fmt::format(fmt::runtime(words("Counted up to {0}; the last {1} may not be over.",
                                     "统计截至 {0}；最后一个周期可能尚未结束。")),
                  date_label(screen.chart.data_end, words), noun)};
}

// ----------------------------------------------------------------------------------- over time

class StickinessDays {
 public:
  StickinessDays(const StickinessAnswer& answer, const StickinessScreen& screen,
                 const Terminal& terminal, Words words)
      : answer_(answer), screen_(screen), terminal_(terminal), words_(words) {}

  [[nodiscard]] std::string render(const StickinessTable& table) const {
    std::vector<ChartColumn> columns = {{std::string(words_("day", "日期")), {}},
                                        {"DAU", {}},
                                        {"WAU", {}},
                                        {"MAU", {}},
                                        {"DAU/MAU", {}}};
    double highest = 0;
    for (std::size_t i = 0; i < table.days.size(); ++i) {
      const StickinessDay& day = table.days[i];
      columns[0].cells.push_back(period_label(answer_.periods[i], "day", words_) +
                                 (answer_.complete[i] ? "" : "~"));
      columns[1].cells.push_back(count_text(day.dau));
      columns[2].cells.push_back(count_text(day.wau));
      columns[3].cells.push_back(count_text(day.mau));
      columns[4].cells.push_back(share_text(day.dau, day.mau));
      if (is_whole(i)) highest = std::max(highest, share(day));
    }
    constexpr auto importance = std::to_array<std::size_t>({1, 4, 3, 2});
    const ChartTable chart(std::move(columns), importance, terminal_);
    std::vector<std::string> bars;
    for (std::size_t i = 0; i < table.days.size(); ++i) {
      bars.push_back(
          is_whole(i) && highest > 0 ? bar(share(table.days[i]) / highest, chart.bar_width()) : "");
    }
    return chart.render(bars);
  }

  [[nodiscard]] std::string legend() const {
    const std::string told[] = {
        std::string(words_("people active on the day, on one of 7 and of 30 days that end with it; "
                           "~ not finished yet",
                           "当天、截至当天的 7 天内与 30 天内活跃的人数；~ 表示尚未结束"))};
    std::string out = chart_foot(told, terminal_);
    out.pop_back();
    return dim(out, terminal_.color) + "\n";
  }

  [[nodiscard]] std::vector<std::string> sentences() const {
    std::int64_t days = 0;
    StickinessDay sum;
    const StickinessDay* busiest = nullptr;
    std::size_t busiest_at = 0;
    for (std::size_t i = 0; i < answer_.total.days.size(); ++i) {
      const StickinessDay& day = answer_.total.days[i];
      if (busiest == nullptr || day.dau > busiest->dau) {
        busiest = &day;
        busiest_at = i;
      }
      if (!is_whole(i) || !answer_.complete[i]) continue;
      ++days;
      sum.dau += day.dau;
      sum.mau += day.mau;
      sum.l28_days += day.l28_days;
      sum.l28 += day.l28;
    }
    std::vector<std::string> out;
    if (days == 0) {
      out.emplace_back(
          words_("Too few finished days for a mean.", "已结束的天数太少，无法求均值。"));
    } else {
      const auto mean = [&](std::int64_t n) { return count_text((n + days / 2) / days); };
      out.push_back(fmt::format(
          fmt::runtime(words_(
              "On average {0} people a day and {1} in 30 days: DAU/MAU {2}, over {3} "
              "finished day{4}.",
              "平均每天 {0} 人、30 天内 {1} 人活跃：DAU/MAU 为 {2}（{3} 个已结束的日子）。")),
          mean(sum.dau), mean(sum.mau), share_text(sum.dau, sum.mau), days, days == 1 ? "" : "s"));
      if (sum.l28 > 0) {
        out.push_back(
            fmt::format(fmt::runtime(words_("Who is active within 28 days is so on {:.1f} of them.",
                                            "28 天内活跃过的人，平均活跃 {:.1f} 天。")),
                        static_cast<double>(sum.l28_days) / static_cast<double>(sum.l28)));
      }
    }
    if (busiest != nullptr && busiest->dau > 0) {
      out.push_back(fmt::format(fmt::runtime(words_("Most people on one day: {0}, on {1}.",
                                                    "单日人数最多：{1}，{0} 人。")),
                                count_text(busiest->dau),
                                period_label(answer_.periods[busiest_at], "day", words_)));
    }
    if (screen_.from_first_event) {
      out.emplace_back(
          words_("Without a bar: the first 29 days, whose 30 days begin before the data; they stay "
                 "out of the mean.",
                 "前 29 天没有条形：它们的 30 天窗口早于数据起点，不计入均值。"));
    }
    return out;
  }

 private:
  static constexpr std::size_t young_days = 29;

  // Its windows lie in the time of the data.
  [[nodiscard]] bool is_whole(std::size_t day) const {
    return !screen_.from_first_event || day >= young_days;
  }
  static double share(const StickinessDay& day) {
    return day.mau == 0 ? 0 : static_cast<double>(day.dau) / static_cast<double>(day.mau);
  }

  const StickinessAnswer& answer_;
  const StickinessScreen& screen_;
  const Terminal& terminal_;
  Words words_;
};

}  // namespace

std::string render_stickiness(const StickinessAnswer& answer, const StickinessScreen& screen,
                              const Terminal& terminal, Words words) {
  std::string out = chart_head(screen.chart, answer.warnings, terminal);
  const bool is_empty = answer.over_time ? answer.periods.empty() : answer.total.histogram.empty();
  if (is_empty) return out;
  const StickinessDays days(answer, screen, terminal, words);
  const auto chart_of = [&](const StickinessTable& table) {
    return answer.over_time ? days.render(table) : histogram_of(table, screen, terminal, words);
  };
  for (const StickinessTable& group : answer.groups) {
    out += group_head(group.bucket, terminal, words) + chart_of(group) + "\n";
  }
  if (answer.has_groups) out += "  " + bold(words("all", "全部"), terminal.color) + "\n";
  out += chart_of(answer.total);
  if (answer.over_time) out += days.legend();
  out += "\n";
  return out + chart_foot(
                   answer.over_time ? days.sentences() : histogram_sentences(answer, screen, words),
                   terminal);
}

}  // namespace hf
