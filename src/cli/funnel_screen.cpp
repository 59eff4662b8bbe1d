// SPDX-License-Identifier: Apache-2.0
#include "cli/funnel_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace hf {
namespace {

std::string count_of_people(std::int64_t count, Words words) {
  return fmt::format(fmt::runtime(words("{} {}", "{} 人")), count_text(count),
                     count == 1 ? "person" : "people");
}

std::string time_text(std::optional<double> seconds, Words words, int units = 2) {
  return seconds ? duration_text(*seconds, words, units) : "-";
}

// "1 year 6 months", "14 days", "30 min".
std::string length_text(const Duration& length, Words words) {
  std::string out;
  const auto add = [&](std::int64_t count, std::string_view english, std::string_view chinese) {
    if (count == 0) return;
    out += fmt::format("{}{} {}", out.empty() ? "" : " ", count, words(english, chinese));
    if (words.language == Language::english && count != 1) out += 's';
  };
  add(length.months / 12, "year", "年");
  add(length.months % 12, "month", "个月");
  add(length.days, "day", "天");
  if (!out.empty()) return out;
  return duration_text(static_cast<double>(length.ms) / 1000, words, 4);
}

// ------------------------------------------------------------------------------------------ steps

// "1 Product Viewed"; in any order "2 done".
std::string step_label(const FunnelScreen& screen, std::size_t k, Words words) {
  if (screen.any_order) return fmt::format(fmt::runtime(words("{} done", "完成 {} 步")), k + 1);
  const int number_width = screen.steps.size() < 10 ? 1 : 2;
  return pad_left(std::to_string(k + 1), number_width) + " " + event_text(screen.steps[k], words);
}

std::vector<ChartColumn> step_columns(const FunnelTable& table, const FunnelScreen& screen,
                                      bool is_roomy, const Terminal& terminal, Words words) {
  const auto heading = [&](std::string_view full, std::string_view brief,
                           std::string_view chinese) {
    return ChartColumn{std::string(words(is_roomy ? full : brief, chinese)), {}};
  };
  std::vector<ChartColumn> columns = {
      heading("step", "step", "步骤"), heading("people", "people", "人数"),
      heading("of first", "first", "占首步"), heading("of previous", "prev.", "占上步"),
      heading("median time", "median", "中位用时")};
  const std::vector<FunnelStep>& steps = table.steps;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    columns[0].cells.push_back(cut(step_label(screen, k, words), name_width(terminal)));
    columns[1].cells.push_back(count_text(steps[k].count));
    columns[2].cells.push_back(share_text(steps[k].count, steps[0].count));
    columns[3].cells.push_back(k == 0 ? "" : share_text(steps[k].count, steps[k - 1].count));
    columns[4].cells.push_back(
        k == 0 ? "" : time_text(steps[k].seconds.median, words, is_roomy ? 2 : 1));
  }
  return columns;
}

std::string steps_of(const FunnelTable& table, const FunnelScreen& screen, const Terminal& terminal,
                     Words words) {
  constexpr auto importance = std::to_array<std::size_t>({1, 2, 3, 4});
  constexpr int roomy = 24;
  ChartTable chart(step_columns(table, screen, /*is_roomy=*/true, terminal, words), importance,
                   terminal);
  if (chart.bar_width() < roomy && terminal.width > 0) {
    chart = ChartTable(step_columns(table, screen, /*is_roomy=*/false, terminal, words), importance,
                       terminal);
  }
  const std::vector<FunnelStep>& steps = table.steps;
  std::vector<std::string> bars;
  const auto first = static_cast<double>(std::max<std::int64_t>(steps[0].count, 1));
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const int width = chart.bar_width();
    const auto share = [&](std::size_t step) {
      return static_cast<double>(steps[step].count) / first;
    };
    const std::string came = bar(share(k), width);
    const int before = k == 0 ? 0 : display_width(bar(share(k - 1), width));
    std::string lost;
    for (int i = display_width(came); i < before; ++i) lost += "░";
    bars.push_back(came + (lost.empty() ? lost : dim(lost, terminal.color)));
  }
  return chart.render(bars);
}

// A line a group: how many set out, and which share of them came to each step.
std::string groups_of(const FunnelAnswer& answer, const Terminal& terminal, Words words) {
  const std::size_t steps = answer.total.steps.size();
  std::vector<ChartColumn> columns = {{std::string(words("group", "分组")), {}},
                                      {std::string(words("people", "人数")), {}}};
  for (std::size_t k = 1; k < steps; ++k) {
    columns.push_back({fmt::format(fmt::runtime(words("step {}", "第 {} 步")), k + 1), {}});
  }
  const auto add = [&](const FunnelTable& table, const std::string& name) {
    columns[0].cells.push_back(cut(name, name_width(terminal)));
    columns[1].cells.push_back(count_text(table.steps[0].count));
    for (std::size_t k = 1; k < steps; ++k) {
      columns[k + 1].cells.push_back(share_text(table.steps[k].count, table.steps[0].count));
    }
  };
  for (const FunnelTable& group : answer.groups) add(group, bucket_text(group.bucket, words));
  add(answer.total, std::string(words("all", "全部")));
  std::vector<std::size_t> importance = {1};
  if (steps > 1) importance.push_back(steps);  // Who came all the way.
  for (std::size_t k = 2; k < steps; ++k) importance.push_back(k);
  const ChartTable chart(std::move(columns), importance, terminal);
  const auto share = [&](const FunnelTable& table) {
    return static_cast<double>(table.steps.back().count) /
           static_cast<double>(std::max<std::int64_t>(table.steps[0].count, 1));
  };
  double highest = share(answer.total);
  for (const FunnelTable& group : answer.groups) highest = std::max(highest, share(group));
  std::vector<std::string> bars;
  const auto draw = [&](const FunnelTable& table) {
    bars.push_back(highest == 0 ? "" : bar(share(table) / highest, chart.bar_width()));
  };
  for (const FunnelTable& group : answer.groups) draw(group);
  draw(answer.total);
  std::string legend(
      words("people at step 1, and which share of them came to each later step; the "
            "bars are of the last one",
            "第 1 步的人数，及其中到达后续各步的比例；条形为最后一步"));
  legend += hidden_columns(chart.hidden(), words);
  legend = chart_foot(std::span(&legend, 1), terminal);
  legend.pop_back();
  return chart.render(bars) + dim(legend, terminal.color) + "\n";
}

std::string step_name(const FunnelScreen& screen, std::size_t step, Words words) {
  if (screen.any_order) {
    return fmt::format(fmt::runtime(words("step {} in any order", "任意第 {} 步")), step);
  }
  return fmt::format(fmt::runtime(words("step {} {}", "第 {} 步（{}）")), step,
                     event_text(screen.steps[step - 1], words));
}

std::vector<std::string> steps_sentences(const FunnelAnswer& answer, const FunnelScreen& screen,
                                         Words words) {
  const std::vector<FunnelStep>& steps = answer.total.steps;
  if (steps[0].count == 0) {
    return {std::string(words("Nobody takes the first step.", "没有人走出第一步。"))};
  }
  if (steps.size() == 1) return {};
  std::vector<std::string> out = {fmt::format(
      fmt::runtime(words("{0} of {1} come all the way: {2}.", "{1}中有 {0} 走完全程：{2}。")),
      count_text(steps.back().count), count_of_people(steps[0].count, words),
      share_text(steps.back().count, steps[0].count))};
  std::size_t worst = 1;
  const auto lost = [&](std::size_t k) { return steps[k - 1].count - steps[k].count; };
  for (std::size_t k = 2; k < steps.size(); ++k) {
    if (lost(k) > lost(worst)) worst = k;
  }
  if (lost(worst) == 0) return out;
  const std::string people = count_of_people(lost(worst), words);
  const std::string share = share_text(lost(worst), steps[worst - 1].count);
  out.push_back(
      screen.any_order
          ? fmt::format(
                fmt::runtime(words("Most stop after {0} of the steps: {1}, {2} of those who "
                                   "did as many.",
                                   "完成 {0} 步后停下的最多：{1}，占完成 {0} 步者的 {2}。")),
                worst, people, share)
          : fmt::format(
                fmt::runtime(words("Most are lost before {0}: {1}, {2} of those at step {3}.",
                                   "流失最多的是{0}之前：{1}，占第 {3} 步的 {2}。")),
                step_name(screen, worst + 1, words), people, share, worst));
  return out;
}

// ------------------------------------------------------------------------------------------ trend

std::string periods_of(const FunnelAnswer& answer, const FunnelTable& table,
                       const FunnelScreen& screen, const Terminal& terminal, Words words) {
  std::vector<ChartColumn> columns = {{std::string(words("period", "周期")), {}},
                                      {std::string(words("entered", "进入")), {}},
                                      {std::string(words("completed", "完成")), {}},
                                      {std::string(words("share", "占比")), {}}};
  double highest = 0;
  const auto share = [&](std::size_t i) {
    const FunnelPeriod& period = table.periods[i];
    return period.entered == 0
               ? 0
               : static_cast<double>(period.completed) / static_cast<double>(period.entered);
  };
  for (std::size_t i = 0; i < table.periods.size(); ++i) {
    columns[0].cells.push_back(period_label(answer.periods[i], screen.chart.period, words) +
                               (answer.complete[i] ? "" : "~"));
    columns[1].cells.push_back(count_text(table.periods[i].entered));
    columns[2].cells.push_back(count_text(table.periods[i].completed));
    columns[3].cells.push_back(share_text(table.periods[i].completed, table.periods[i].entered));
    highest = std::max(highest, share(i));
  }
  constexpr auto importance = std::to_array<std::size_t>({3, 1, 2});
  const ChartTable chart(std::move(columns), importance, terminal);
  std::vector<std::string> bars;
  for (std::size_t i = 0; i < table.periods.size(); ++i) {
    bars.push_back(highest == 0 ? "" : bar(share(i) / highest, chart.bar_width()));
  }
  return chart.render(bars);
}

std::vector<std::string> trend_sentences(const FunnelAnswer& answer, const FunnelScreen& screen,
                                         Words words) {
  std::int64_t entered = 0;
  std::int64_t completed = 0;
  std::size_t finished = 0;
  for (std::size_t i = 0; i < answer.total.periods.size(); ++i) {
    if (!answer.complete[i]) continue;
    ++finished;
    entered += answer.total.periods[i].entered;
    completed += answer.total.periods[i].completed;
  }
  std::vector<std::string> out = {fmt::format(
      fmt::runtime(words("Entered: came to {0}; completed: to {1}; by the time of the first step. "
                         "~ the window is not over yet.",
                         "进入：到达{0}；完成：到达{1}；按第一步的时间计。~ 表示窗口尚未结束。")),
      step_name(screen, screen.from_step, words), step_name(screen, screen.to_step, words))};
  const std::string noun = period_noun(screen.chart.period, words);
  if (entered == 0) {
    out.push_back(fmt::format(fmt::runtime(words("No {} with anybody in it is finished yet.",
                                                 "还没有已结束且有人进入的周期。")),
                              noun));
  } else {
    out.push_back(fmt::format(
        fmt::runtime(words("Over {2} finished {3}{4}, {0} of those who entered completed ({1}).",
                           "{2} 个已结束的周期里，进入者中有 {0} 完成（{1}）。")),
        share_text(completed, entered),
        fmt::format("{} / {}", count_text(completed), count_text(entered)), finished, noun,
        finished == 1 ? "" : "s"));
  }
  return out;
}

// -------------------------------------------------------------------------------- time to convert

// As few units as tell all bounds apart.
std::vector<std::string> bound_texts(const std::vector<double>& bounds, Words words) {
  std::vector<std::string> out;
  for (int units = 2; units <= 4; ++units) {
    out.clear();
    for (const double bound : bounds) out.push_back(duration_text(bound, words, units));
    if (std::set(out.begin(), out.end()).size() == out.size()) break;
  }
  return out;
}

std::string bins_of(const FunnelTable& table, const Terminal& terminal, Words words) {
  if (table.bins.empty()) {
    return "  " + std::string(words("nobody came so far", "没有人走到这一步")) + "\n";
  }
  std::vector<double> bounds;
  for (const FunnelBin& bin : table.bins) bounds.push_back(bin.from);
  bounds.push_back(table.bins.back().to);
  const std::vector<std::string> texts = bound_texts(bounds, words);
  std::vector<ChartColumn> columns = {{std::string(words("time", "用时")), {}},
                                      {std::string(words("people", "人数")), {}},
                                      {std::string(words("share", "占比")), {}},
                                      {std::string(words("so far", "累计")), {}}};
  std::int64_t most = 1;
  std::int64_t so_far = 0;
  int from_width = 0;
  for (const std::string& text : texts) from_width = std::max(from_width, display_width(text));
  for (std::size_t i = 0; i < table.bins.size(); ++i) {
    const std::int64_t count = table.bins[i].count;
    so_far += count;
    most = std::max(most, count);
    columns[0].cells.push_back(pad_left(texts[i], from_width) + " – " + texts[i + 1]);
    columns[1].cells.push_back(count_text(count));
    columns[2].cells.push_back(share_text(count, table.converted));
    columns[3].cells.push_back(share_text(so_far, table.converted));
  }
  constexpr auto importance = std::to_array<std::size_t>({1, 2, 3});
  const ChartTable chart(std::move(columns), importance, terminal);
  std::vector<std::string> bars;
  for (const FunnelBin& bin : table.bins) {
    bars.push_back(
        bar(static_cast<double>(bin.count) / static_cast<double>(most), chart.bar_width()));
  }
  return chart.render(bars);
}

// A line a group: how many came, and how fast.
std::string speeds_of(const FunnelAnswer& answer, const Terminal& terminal, Words words) {
  std::vector<ChartColumn> columns = {{std::string(words("group", "分组")), {}},
                                      {std::string(words("people", "人数")), {}},
                                      {std::string(words("median", "中位数")), {}},
                                      {std::string(words("mean", "均值")), {}},
                                      {"p90", {}}};
  std::vector<double> medians;
  const auto add = [&](const FunnelTable& table, const std::string& name) {
    columns[0].cells.push_back(cut(name, name_width(terminal)));
    columns[1].cells.push_back(count_text(table.converted));
    columns[2].cells.push_back(time_text(table.seconds.median, words));
    columns[3].cells.push_back(time_text(table.seconds.mean, words));
    columns[4].cells.push_back(time_text(table.seconds.p90, words));
    medians.push_back(table.seconds.median.value_or(0));
  };
  for (const FunnelTable& group : answer.groups) add(group, bucket_text(group.bucket, words));
  add(answer.total, std::string(words("all", "全部")));
  constexpr auto importance = std::to_array<std::size_t>({2, 1, 4, 3});
  const ChartTable chart(std::move(columns), importance, terminal);
  const double longest = std::ranges::max(medians);
  std::vector<std::string> bars;
  for (const double median : medians) {
    bars.push_back(longest == 0 ? "" : bar(median / longest, chart.bar_width()));
  }
  return chart.render(bars);
}

std::vector<std::string> time_sentences(const FunnelAnswer& answer, const FunnelScreen& screen,
                                        Words words) {
  const FunnelTable& table = answer.total;
  if (table.converted == 0) {
    return {fmt::format(fmt::runtime(words("Nobody came to {}.", "没有人到达{}。")),
                        step_name(screen, screen.to_step, words))};
  }
  return {fmt::format(
      fmt::runtime(
          words("{0} came from {1} to {2}: half of them within {3}, nine of ten within {4}, on "
                "average in {5}.",
                "{0}由{1}走到{2}：半数在 {3}以内，九成在 {4}以内，平均 {5}。")),
      count_of_people(table.converted, words), step_name(screen, screen.from_step, words),
      step_name(screen, screen.to_step, words), time_text(table.seconds.median, words),
      time_text(table.seconds.p90, words), time_text(table.seconds.mean, words))};
}

}  // namespace

std::string funnel_rules(const FunnelQuery& query, Words words) {
  std::string out;
  switch (query.order) {
    case FunnelOrder::ordered: out = words("in order", "按顺序"); break;
    case FunnelOrder::strict:
      out = words("one right after the other", "步骤紧接，中间无其他事件");
      break;
    case FunnelOrder::any: out = words("in any order", "不分先后"); break;
  }
  out += fmt::format(fmt::runtime(words(", within {} of the first step", "，距第一步 {}以内")),
                     length_text(query.window, words));
  const auto list = [&](std::string_view english, std::string_view chinese, auto&& all,
                        auto&& name) {
    std::string names;
    for (const auto& each : all) names += (names.empty() ? "" : ", ") + name(each);
    if (!names.empty()) out += fmt::format(fmt::runtime(words(english, chinese)), names);
  };
  list("; without {} in between", "；其间没有 {}", query.exclude,
       [&](const FunnelQuery::Exclusion& each) { return event_text(each.matcher.label, words); });
  list("; with the same {} throughout", "；各步的 {} 相同", query.hold_constant,
       [](const std::string& property) { return harmless(property); });
  if (query.entry == FunnelEntry::first) out += words("; first attempts only", "；只计首次尝试");
  return out;
}

std::string render_funnel(const FunnelAnswer& answer, const FunnelScreen& screen,
                          const Terminal& terminal, Words words) {
  std::string out = chart_head(screen.chart, answer.warnings, terminal);
  const std::string all = "  " + bold(words("all", "全部"), terminal.color) + "\n";
  switch (answer.view) {
    case FunnelView::steps:
      if (answer.has_groups) out += groups_of(answer, terminal, words) + "\n" + all;
      out += steps_of(answer.total, screen, terminal, words) + "\n";
      return out + chart_foot(steps_sentences(answer, screen, words), terminal);
    case FunnelView::trend:
      if (answer.periods.empty()) return out;
      for (const FunnelTable& group : answer.groups) {
        out += group_head(group.bucket, terminal, words);
        out += periods_of(answer, group, screen, terminal, words) + "\n";
      }
      if (answer.has_groups) out += all;
      out += periods_of(answer, answer.total, screen, terminal, words) + "\n";
      return out + chart_foot(trend_sentences(answer, screen, words), terminal);
    case FunnelView::time_to_convert:
      if (answer.has_groups) out += speeds_of(answer, terminal, words) + "\n" + all;
      out += bins_of(answer.total, terminal, words) + "\n";
      return out + chart_foot(time_sentences(answer, screen, words), terminal);
  }
  return out;
}

}  // namespace hf
