// SPDX-License-Identifier: Apache-2.0
#include "cli/retention_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>

#include "calendar/date.h"
#include "cli/chart.h"

namespace hf {
namespace {

// From paper to ink in steps that look equal; close to the ColorBrewer "Blues".
constexpr Rgb scale[] = {{247, 251, 255}, {222, 235, 247}, {198, 219, 239},
                         {158, 202, 225}, {107, 174, 214}, {66, 146, 198},
                         {33, 113, 181},  {8, 81, 156},    {8, 48, 107}};

// A mean over fewer cohorts says more about those cohorts than about the curve.
constexpr int cohorts_for_mean = 3;
// The curve is flat from where it moves by no more than this share of all people.
constexpr double flat_band = 0.03;

std::optional<double> rate(const RetentionCell& cell) {
  if (cell.eligible == 0) return std::nullopt;
  return static_cast<double>(cell.count) / static_cast<double>(cell.eligible);
}

std::string percent(double share) {
  const double value = share * 100;
  return value > 0 && value < 1 ? fmt::format("{:.1f}%", value) : fmt::format("{:.0f}%", value);
}

/// Weighted mean per column and over how many complete cohorts.
struct MeanCurve {
  std::vector<std::optional<double>> rates;
  std::vector<int> cohorts;
};

MeanCurve mean_curve(const RetentionTable& table, std::size_t columns) {
  MeanCurve curve;
  for (std::size_t k = 0; k < columns; ++k) {
    curve.rates.push_back(k < table.mean.weighted.size() ? table.mean.weighted[k].rate()
                                                         : std::nullopt);
    curve.cohorts.push_back(
        static_cast<int>(std::ranges::count_if(table.cohorts, [&](const RetentionCohort& cohort) {
          return cohort.size > 0 && cohort.cells[k].complete;
        })));
  }
  return curve;
}

// What is added up of so many people. Exact numbers are for tables, not for a screen.
std::string amount_text(Aggregate aggregate, const RetentionValue& value, std::int64_t people) {
  double amount = 0;
  switch (aggregate) {
    case Aggregate::users: return "";
    case Aggregate::count: return with_separators(static_cast<std::uint64_t>(value.events));
    case Aggregate::sum: amount = value.sum.to_double(); break;
    case Aggregate::avg:
      if (people == 0) return "-";
      amount = value.sum.to_double() / static_cast<double>(people);
      break;
  }
  if (std::abs(amount) < 1000) return fmt::format("{:.2f}", amount);
  return (amount < 0 ? "-" : "") +
         with_separators(static_cast<std::uint64_t>(std::llround(std::abs(amount))));
}

// The same in words.
std::string amount_words(Aggregate aggregate, const std::string& value_of, Words words) {
  const std::string of = harmless(value_of);
  switch (aggregate) {
    case Aggregate::users: return std::string(words("people", "人数"));
    case Aggregate::count: return std::string(words("events", "事件数"));
    case Aggregate::sum: return fmt::format(fmt::runtime(words("sum of {}", "{} 之和")), of);
    case Aggregate::avg:
      return fmt::format(fmt::runtime(words("mean {} of those people", "这些人的 {} 均值")), of);
  }
  return "";
}

class Heatmap {
 public:
  Heatmap(const RetentionTable& table, const RetentionAnswer& answer, const RetentionScreen& screen,
          const Terminal& terminal, Words words)
      : table_(table),
        columns_(answer.columns),
        aggregate_(answer.aggregate),
        first_(answer.aggregate == Aggregate::users ? 1 : 0),
        screen_(screen),
        terminal_(terminal),
        words_(words) {
    for (const RetentionCohort& cohort : table.cohorts) {
      label_width_ = std::max(label_width_, display_width(label(cohort)));
      count_width_ = std::max(
          count_width_, display_width(with_separators(static_cast<std::uint64_t>(cohort.size))));
      for (std::size_t k = first_; k < cohort.cells.size(); ++k) {
        if (k > 0) highest_ = std::max(highest_, rate(cohort.cells[k]).value_or(0));
        cell_count_width_ = std::max(cell_count_width_, display_width(amount(cohort.cells[k])));
      }
    }
    const int one_line =
        label_width_ + count_width_ + 4 + static_cast<int>(columns_.size()) * (both_width() + 1);
    two_lines_ = terminal.width > 0 && one_line > terminal.width;
    // What does not fit even so is left out at the right, and said.
    shown_ = columns_.size();
    if (terminal.width > 0) {
      const int room = terminal.width - label_width_ - count_width_ - 4;
      const auto fits = static_cast<std::size_t>(std::max(1, room / (width() + 1)));
      shown_ = std::min(shown_, fits + first_);
    }
  }

  [[nodiscard]] std::string render() const {
    std::string out = header();
    for (const RetentionCohort& cohort : table_.cohorts) out += row(cohort);
    out += mean_row();
    out += legend();
    return out;
  }

 private:
  [[nodiscard]] std::string label(const RetentionCohort& cohort) const {
    return period_label(cohort.start, screen_.period, words_);
  }
  [[nodiscard]] std::string amount(const RetentionCell& cell) const {
    if (aggregate_ == Aggregate::users) {
      return with_separators(static_cast<std::uint64_t>(cell.count));
    }
    return amount_text(aggregate_, cell.value, cell.count);
  }
  // "324 37%~"
  [[nodiscard]] int both_width() const { return cell_count_width_ + 6; }
  [[nodiscard]] int width() const {
    return two_lines_ ? std::max(5, cell_count_width_ + 1) : both_width();
  }

  [[nodiscard]] std::string header() const {
    std::string out = "  " + pad_right(words_("cohort", "同期群"), label_width_) + "  " +
                      pad_left(words_("people", "人数"), count_width_);
    // The heading is as wide as its widest entry wants.
    for (std::size_t k = first_; k < shown_; ++k) out += " " + pad_left(columns_[k] + " ", width());
    return bold(trimmed(out), terminal_.color) + "\n";
  }

  [[nodiscard]] std::string cell_text(const RetentionCell& cell, bool with_count,
                                      bool with_rate) const {
    if (cell.eligible == 0) return std::string(static_cast<std::size_t>(width()), ' ');
    std::string text;
    if (with_count) {
      text = pad_left(amount(cell), cell_count_width_);
    }
    if (with_rate) text += (with_count ? " " : "") + pad_left(percent(*rate(cell)), 4);
    text += cell.complete ? " " : "~";
    return pad_left(text, width());
  }

  [[nodiscard]] std::string colored(const RetentionCell& cell, const std::string& text) const {
    if (cell.eligible == 0 || terminal_.color == ColorMode::none) return text;
    const double share = highest_ > 0 ? *rate(cell) / highest_ : 0;
    const auto step = static_cast<std::size_t>(std::lround(share * (std::size(scale) - 1)));
    return on_background(text, scale[std::min(step, std::size(scale) - 1)], terminal_.color);
  }

  [[nodiscard]] std::string row(const RetentionCohort& cohort) const {
    const std::string size = with_separators(static_cast<std::uint64_t>(cohort.size));
    std::string first =
        "  " + pad_right(label(cohort), label_width_) + "  " +
        pad_left(size, std::max(count_width_, display_width(words_("people", "人数"))));
    std::string second(static_cast<std::size_t>(display_width(first)), ' ');
    for (std::size_t k = first_; k < shown_; ++k) {
      const RetentionCell& cell = cohort.cells[k];
      first += " " + colored(cell, cell_text(cell, !two_lines_, true));
      second += " " + colored(cell, cell_text(cell, true, false));
    }
    return trimmed(first) + "\n" + (two_lines_ ? trimmed(second) + "\n" : "");
  }

  [[nodiscard]] std::string mean_row() const {
    const MeanCurve curve = mean_curve(table_, columns_.size());
    std::string out = "  " + pad_right(words_("mean", "均值"), label_width_) + "  " +
                      std::string(static_cast<std::size_t>(std::max(
                                      count_width_, display_width(words_("people", "人数")))),
                                  ' ');
    for (std::size_t k = first_; k < shown_; ++k) {
      const std::string text = curve.rates[k] ? percent(*curve.rates[k]) + " " : "";
      out += " " + pad_left(text, width());
    }
    return bold(trimmed(out), terminal_.color) + "\n";
  }

  [[nodiscard]] std::string legend() const {
    std::string out =
        two_lines_
            ? fmt::format(fmt::runtime(words_("share of the cohort, below it the {}",
                                              "上行为占同期群的比例，下行为{}")),
                          amount_words(aggregate_, screen_.value_of, words_))
            : fmt::format(fmt::runtime(words_("{} and share of the cohort", "{}与占同期群的比例")),
                          amount_words(aggregate_, screen_.value_of, words_));
    out += words_("; ~ not finished yet; mean over finished cells",
                  "；~ 表示尚未结束；均值只计已结束的格");
    out += hidden_columns(columns_.size() - shown_, words_);
    out = chart_foot(std::span(&out, 1), terminal_);
    out.pop_back();
    return dim(out, terminal_.color) + "\n";
  }

  static std::string trimmed(std::string text) {
    while (text.ends_with(' ')) text.pop_back();
    return text;
  }

  const RetentionTable& table_;
  const std::vector<std::string>& columns_;
  Aggregate aggregate_;
  std::size_t first_;  // Column 0 is the people, who stand before it; what they add up is not.
  const RetentionScreen& screen_;
  const Terminal& terminal_;
  Words words_;
  int label_width_ = 6;
  int count_width_ = 6;
  int cell_count_width_ = 1;
  double highest_ = 0;
  bool two_lines_ = false;
  std::size_t shown_ = 0;
};

std::string flattening(const RetentionAnswer& answer, const RetentionScreen& screen, Words words) {
  const MeanCurve curve = mean_curve(answer.total, answer.columns.size());
  std::size_t end = 1;
  while (end < curve.rates.size() && curve.rates[end] && curve.cohorts[end] >= cohorts_for_mean)
    ++end;
  const std::string noun = period_noun(screen.period, words);
  if (!screen.plain && end > 1) {
    // Columns of several periods, or of all later ones, make no curve that could be flat.
    return fmt::format(
        fmt::runtime(words("Column {0}: {1} of a cohort come back on average; column {2}: {3}.",
                           "第 {0} 列平均有 {1} 的人回来；第 {2} 列 {3}。")),
        answer.columns[1], percent(*curve.rates[1]), answer.columns[end - 1],
        percent(*curve.rates[end - 1]));
  }
  if (end < 4) {
    return fmt::format(fmt::runtime(words("Too few finished {}s to say where the curve flattens.",
                                          "已结束的{}太少，还看不出曲线在哪里走平。")),
                       noun);
  }
  const std::span rates = std::span(curve.rates).first(end);
  for (std::size_t k = 1; k + 2 < end; ++k) {
    double low = 1;
    double high = 0;
    for (std::size_t j = k; j < end; ++j) {
      low = std::min(low, *rates[j]);
      high = std::max(high, *rates[j]);
    }
    // Flat, or rising: what matters is that nobody is lost any more.
    if (*rates[k] - low > flat_band) continue;
    if (high - low <= 2 * flat_band) {
      return fmt::format(
          fmt::runtime(
              words("The curve flattens after {0} {1}{2}: from then on {3} to {4} of a cohort come "
                    "back in any one {5}.",
                    "曲线在第 {0} {1}后走平：此后每{5}都有 {3} 到 {4} 的人回来。")),
          k, noun, k == 1 ? "" : "s", percent(low), percent(high), noun);
    }
    return fmt::format(
        fmt::runtime(words(
            "The curve stops falling after {0} {1}{2}, at {3} of a cohort, and later rises to {4}.",
            "曲线在第 {0} {1}后不再下降，为 {3}，之后升至 {4}。")),
        k, noun, k == 1 ? "" : "s", percent(*rates[k]), percent(high));
  }
  return fmt::format(
      fmt::runtime(words("The curve has not flattened: {0} come back after 1 {1}, {2} after {3}, "
                         "and it still falls.",
                         "曲线尚未走平：第 1 {1}后回来 {0}，第 {3} {1}后 {2}，仍在下降。")),
      percent(*rates[1]), noun, percent(*rates[end - 1]), end - 1);
}

std::string best_and_worst(const RetentionAnswer& answer, const RetentionScreen& screen,
                           Words words) {
  // Cohorts of unlike age are compared over the columns all of them have finished.
  const std::size_t columns = std::min<std::size_t>(answer.columns.size(), 4);
  struct Mean {
    const RetentionCohort* cohort;
    double rate;
  };
  std::vector<Mean> means;
  for (const RetentionCohort& cohort : answer.total.cohorts) {
    std::int64_t count = 0;
    std::int64_t eligible = 0;
    bool complete = cohort.size > 0;
    for (std::size_t k = 1; k < columns; ++k) {
      complete = complete && cohort.cells[k].complete;
      count += cohort.cells[k].count;
      eligible += cohort.cells[k].eligible;
    }
    if (complete && eligible > 0) {
      means.push_back({&cohort, static_cast<double>(count) / static_cast<double>(eligible)});
    }
  }
  const std::string noun = period_noun(screen.period, words);
  if (means.size() < 2) {
    return std::string(
        words("Too few cohorts are old enough to compare.", "还没有足够成熟的同期群可以比较。"));
  }
  const auto [worst, best] = std::ranges::minmax_element(means, {}, &Mean::rate);
  const auto name = [&](const Mean& mean) {
    return period_label(mean.cohort->start, screen.period, words);
  };
  if (!screen.plain) {
    return fmt::format(
        fmt::runtime(words(
            "Best cohort over columns {2} to {3}: {0} with {1} on average; weakest: {4} with {5}.",
            "第 {2} 至 {3} 列最好的同期群：{0}，平均 {1}；最弱：{4}，为 {5}。")),
        name(*best), percent(best->rate), answer.columns[1], answer.columns[columns - 1],
        name(*worst), percent(worst->rate));
  }
  return fmt::format(
      fmt::runtime(
          words("Best cohort: {0}, of whom {1} come back in each of the first {2} {3}s on average; "
                "weakest: {4} with {5}.",
                "最好的同期群：{0}，前 {2} {3}平均有 {1} 的人回来；最弱：{4}，为 {5}。")),
      name(*best), percent(best->rate), columns - 1, noun, name(*worst), percent(worst->rate));
}

std::string unfinished(const RetentionAnswer& answer, const RetentionScreen& screen, Words words) {
  std::size_t cells = 0;
  for (const RetentionCohort& cohort : answer.total.cohorts) {
    for (std::size_t k = 1; k < cohort.cells.size(); ++k) {
      cells += cohort.cells[k].eligible > 0 && !cohort.cells[k].complete;
    }
  }
  const std::string end = date_label(screen.data_end, words);
  if (cells == 0) {
    return fmt::format(fmt::runtime(words("All cells shown are finished (data up to {0}).",
                                          "所有格都已结束（数据截至 {0}）。")),
                       end);
  }
  return fmt::format(
      fmt::runtime(words(
          "Not finished: {0} cell{1} marked ~; the data end on {2}, so these can still rise and "
          "stay out of the mean.",
          "尚未结束：{0} 个标有 ~ 的格；数据截至 {2}，它们还会上升，不计入均值。")),
      cells, cells == 1 ? "" : "s", end);
}

// "1 Jan 2011 to 31 Mar 2011" of a window of whole local days; else its instants.
std::string window_text(const std::string& from, const std::string& to, Words words) {
  constexpr std::string_view midnight = "T00:00:00";
  constexpr std::size_t date_size = 10;
  const auto is_midnight = [&](const std::string& instant) {
    return instant.size() > date_size + midnight.size() &&
           instant.substr(date_size).starts_with(midnight) &&
           instant[date_size + midnight.size()] != '.';
  };
  const auto end = parse_date(to.substr(0, std::min(to.size(), date_size)));
  const bool is_days = is_midnight(from) && is_midnight(to) && end.has_value();
  const std::string first = is_days ? date_label(from.substr(0, date_size), words) : from;
  const std::string last = is_days ? date_label(to_string(*end - 1), words) : to;
  return fmt::format(fmt::runtime(words("{} to {}", "{} 至 {}")), first, last);
}

// A line a group: who was there first, and how many of them came back.
std::string window_groups(const RetentionAnswer& answer, const Terminal& terminal, Words words) {
  std::vector<ChartColumn> columns = {{std::string(words("group", "分组")), {}},
                                      {std::string(words("initial", "起始")), {}},
                                      {std::string(words("retained", "留存")), {}},
                                      {std::string(words("rate", "留存率")), {}}};
  std::vector<double> rates;
  const auto add = [&](const RetentionTable& table, const std::string& name) {
    const WindowRetention& w = table.windows;
    columns[0].cells.push_back(cut(name, name_width(terminal)));
    columns[1].cells.push_back(count_text(w.initial));
    columns[2].cells.push_back(count_text(w.retained));
    columns[3].cells.push_back(share_text(w.retained, w.initial));
    rates.push_back(
        w.initial == 0 ? 0 : static_cast<double>(w.retained) / static_cast<double>(w.initial));
  };
  for (const RetentionTable& group : answer.groups) add(group, bucket_text(group.bucket, words));
  add(answer.total, std::string(words("all", "全部")));
  constexpr auto importance = std::to_array<std::size_t>({3, 1, 2});
  const ChartTable chart(std::move(columns), importance, terminal);
  std::vector<std::string> bars;
  for (const double rate : rates) bars.push_back(bar(rate, chart.bar_width()));
  return chart.render(bars);
}

std::string render_windows(const RetentionAnswer& answer, const RetentionScreen& screen,
                           const Terminal& terminal, Words words) {
  const WindowRetention& w = answer.total.windows;
  std::vector<std::pair<std::string, std::string>> lines;
  const auto line = [&](std::string_view english, std::string_view chinese, std::string value) {
    lines.emplace_back(words(english, chinese), std::move(value));
  };
  const auto share = [](std::int64_t numerator, std::int64_t denominator) {
    return fmt::format("{} ({} / {})", share_text(numerator, denominator), count_text(numerator),
                       count_text(denominator));
  };
  line("initial window", "起始窗口", window_text(answer.initial_from, answer.initial_to, words));
  line(
      "current window", "当前窗口",
      window_text(answer.current_from, answer.current_to, words) + (w.current_complete ? "" : "~"));
  line("retention rate", "留存率", share(w.retained, w.initial));
  line("churn rate", "流失率", share(w.initial - w.retained, w.initial));
  line("activity ratio", "活跃比", share(w.current, w.initial));
  if (answer.aggregate != Aggregate::users) {
    const std::string what = amount_words(answer.aggregate, screen.value_of, words);
    line("initial", "起始", what + " " + amount_text(answer.aggregate, w.initial_value, w.initial));
    line("retained", "留存",
         what + " " + amount_text(answer.aggregate, w.current_value, w.retained));
  }
  int label_width = 0;
  for (const auto& [label, value] : lines)
    label_width = std::max(label_width, display_width(label));
  std::string out;
  for (const auto& [label, value] : lines) {
    const std::string text = pad_right(label, label_width) + "  " + value;
    out += chart_foot(std::span(&text, 1), terminal);
  }
  if (!w.current_complete) {
    const std::string told(words("~ not finished yet", "~ 尚未结束"));
    out += "  " + dim(told, terminal.color) + "\n";
  }
  if (answer.has_groups) out += "\n" + window_groups(answer, terminal, words);
  return out;
}

}  // namespace

std::vector<std::string> retention_sentences(const RetentionAnswer& answer,
                                             const RetentionScreen& screen, Words words) {
  return {flattening(answer, screen, words), best_and_worst(answer, screen, words),
          unfinished(answer, screen, words)};
}

std::string render_retention(const RetentionAnswer& answer, const RetentionScreen& screen,
                             const Terminal& terminal, Words words) {
  const ChartScreen head{.title = screen.title,
                         .subtitle = screen.subtitle,
                         .period = screen.period,
                         .data_end = screen.data_end,
                         .notes = screen.notes};
  std::string out = chart_head(head, answer.warnings, terminal);
  if (answer.has_windows) {
    out += render_windows(answer, screen, terminal, words);
    return out;
  }
  for (const RetentionTable& group : answer.groups) {
    std::int64_t people = 0;
    for (const RetentionCohort& cohort : group.cohorts) people += cohort.size;
    out += "  " +
           bold(cut(bucket_text(group.bucket, words), name_width(terminal)), terminal.color) +
           dim(fmt::format("  {}", with_separators(static_cast<std::uint64_t>(people))),
               terminal.color) +
           "\n";
    out += Heatmap(group, answer, screen, terminal, words).render() + "\n";
  }
  if (answer.has_groups) out += "  " + bold(words("all", "全部"), terminal.color) + "\n";
  out += Heatmap(answer.total, answer, screen, terminal, words).render() + "\n";
  out += chart_foot(retention_sentences(answer, screen, words), terminal);
  if (!screen.next_command.empty()) {
    out += "\n  " + std::string(words("Next: ", "下一步：")) +
           bold(screen.next_command, terminal.color) + "\n";
  }
  return out;
}

}  // namespace hf
