// SPDX-License-Identifier: Apache-2.0
#include "cli/lifecycle_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace hf {
namespace {

// Told apart by colour, and by everyone: of Okabe & Ito, "Color Universal Design" (2008). Where
// there are no colours, by shade; what touches differs most.
struct Ink {
  Rgb color;
  std::string_view shade;
};
constexpr Ink returning_ink = {{0, 114, 178}, "█"};
constexpr Ink resurrecting_ink = {{86, 180, 233}, "▒"};
constexpr Ink new_ink = {{0, 158, 115}, "▓"};
constexpr Ink dormant_ink = {{213, 94, 0}, "░"};

std::string cells_of(const Ink& ink, std::int64_t count, ColorMode mode) {
  std::string out;
  for (std::int64_t i = 0; i < count; ++i) out += mode == ColorMode::none ? ink.shade : "█";
  return in_color(out, ink.color, mode);
}

std::string quick_ratio(const LifecycleRow& row) {
  if (row.dormant == 0) return "-";
  return fmt::format("{:.2f}", static_cast<double>(row.fresh + row.resurrecting) /
                                   static_cast<double>(row.dormant));
}

class LifecycleChart {
 public:
  LifecycleChart(const LifecycleAnswer& answer, const LifecycleTable& table,
                 const ChartScreen& screen, const Terminal& terminal, Words words)
      : answer_(answer), table_(table), screen_(screen), terminal_(terminal), words_(words) {
    // By importance; who is there and who came and went tells most.
    constexpr auto importance = std::to_array<std::size_t>({5, 1, 4, 2, 3, 6});
    constexpr int roomy = 30;
    chart_.emplace(columns(/*full_headings=*/true), importance, terminal_);
    if (terminal_.width > 0 && chart_->bar_width() < roomy) {
      chart_.emplace(columns(/*full_headings=*/false), importance, terminal_);
    }
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      gained_max_ = std::max(gained_max_, table.rows[i].active());
      lost_max_ = std::max(lost_max_, lost(i));
    }
  }

  [[nodiscard]] std::string render() const {
    std::vector<std::string> bars;
    for (std::size_t i = 0; i < table_.rows.size(); ++i) bars.push_back(bar_of(i));
    return chart_->render(bars);
  }

  [[nodiscard]] std::string legend() const {
    const auto entry = [&](const Ink& ink, std::string_view english, std::string_view chinese) {
      return cells_of(ink, 1, terminal_.color) + " " + std::string(words_(english, chinese));
    };
    std::string out;
    if (chart_->bar_width() > 0) {
      out = "  " + entry(dormant_ink, "dormant", "沉睡") + " │ " +
            entry(returning_ink, "returning", "持续") + "  " +
            entry(resurrecting_ink, "resurrecting", "回流") + "  " + entry(new_ink, "new", "新增") +
            "\n";
    }
    std::string rest(words_("quick ratio: (new + resurrecting) / dormant; ~ not finished yet",
                            "速动比：(新增 + 回流) / 沉睡；~ 表示尚未结束"));
    rest += hidden_columns(chart_->hidden(), words_);
    rest = chart_foot(std::span(&rest, 1), terminal_);
    rest.pop_back();
    return out + dim(rest, terminal_.color) + "\n";
  }

 private:
  [[nodiscard]] std::vector<ChartColumn> columns(bool full_headings) const {
    const auto heading = [&](std::string_view full, std::string_view brief,
                             std::string_view chinese) {
      return ChartColumn{std::string(words_(full_headings ? full : brief, chinese)), {}};
    };
    std::vector<ChartColumn> out = {
        heading("period", "period", "周期"),      heading("new", "new", "新增"),
        heading("returning", "return.", "持续"),  heading("resurrecting", "resurr.", "回流"),
        heading("dormant", "dormant", "沉睡"),    heading("active", "active", "活跃"),
        heading("quick ratio", "quick", "速动比")};
    for (std::size_t i = 0; i < table_.rows.size(); ++i) {
      const LifecycleRow& row = table_.rows[i];
      const std::string cells[] = {period_label(answer_.periods[i], screen_.period, words_) +
                                       (answer_.complete[i] ? "" : "~"),
                                   count_text(row.fresh),
                                   count_text(row.returning),
                                   count_text(row.resurrecting),
                                   count_text(-row.dormant),
                                   count_text(row.active()),
                                   quick_ratio(row)};
      for (std::size_t c = 0; c < out.size(); ++c) out[c].cells.push_back(cells[c]);
    }
    return out;
  }

  // Drawn as lost. Of an unfinished period that would be all who have yet to come.
  [[nodiscard]] std::int64_t lost(std::size_t i) const {
    return answer_.complete[i] ? table_.rows[i].dormant : 0;
  }

  [[nodiscard]] std::string bar_of(std::size_t i) const {
    const LifecycleRow& row = table_.rows[i];
    const int width = chart_->bar_width();
    if (width == 0 || gained_max_ + lost_max_ == 0) return "";
    // One scale for both sides of the axis.
    const double persons_per_cell =
        static_cast<double>(gained_max_ + lost_max_) / static_cast<double>(width - 1);
    const auto cells = [&](std::int64_t persons) -> std::int64_t {
      return std::llround(static_cast<double>(persons) / persons_per_cell);
    };
    const std::int64_t left = width - 1 - cells(gained_max_);
    const std::int64_t gone = std::min(left, cells(lost(i)));
    // Each part ends where the sum so far does, so that the whole has its true length.
    const std::int64_t stayed = cells(row.returning);
    const std::int64_t back = cells(row.returning + row.resurrecting);
    return std::string(static_cast<std::size_t>(left - gone), ' ') +
           cells_of(dormant_ink, gone, terminal_.color) + dim("│", terminal_.color) +
           cells_of(returning_ink, stayed, terminal_.color) +
           cells_of(resurrecting_ink, back - stayed, terminal_.color) +
           cells_of(new_ink, cells(row.active()) - back, terminal_.color);
  }

  const LifecycleAnswer& answer_;
  const LifecycleTable& table_;
  const ChartScreen& screen_;
  const Terminal& terminal_;
  Words words_;
  std::optional<ChartTable> chart_;  // Always there, once constructed.
  std::int64_t gained_max_ = 0;
  std::int64_t lost_max_ = 0;
};

std::string last_finished(const LifecycleAnswer& answer, const ChartScreen& screen, Words words) {
  const auto found = std::ranges::find(answer.complete.rbegin(), answer.complete.rend(), true);
  const std::string noun = period_noun(screen.period, words);
  if (found == answer.complete.rend()) {
    return fmt::format(fmt::runtime(words("No {} is finished yet.", "还没有已结束的周期。")), noun);
  }
  const auto at = static_cast<std::size_t>(answer.complete.rend() - found) - 1;
  const LifecycleRow& row = answer.total.rows[at];
  const std::int64_t more = row.fresh + row.resurrecting - row.dormant;
  const std::string_view than = more < 0 ? words("fewer than", "少") : words("more than", "多");
  const std::string change = more == 0
                                 ? std::string(words("as many as", "与上一期相同"))
                                 : fmt::format(fmt::runtime(words("{0} {1}", "比上一期{1} {0} 人")),
                                               count_text(std::abs(more)), than);
  return fmt::format(
      fmt::runtime(words("{0}, the last finished {1}: {2} active, {3} in the {1} before; quick "
                         "ratio {4}.",
                         "最近一个已结束的周期（{0}）：活跃 {2} 人，{3}；速动比 {4}。")),
      period_label(answer.periods[at], screen.period, words), noun, count_text(row.active()),
      change, quick_ratio(row));
}

std::string mean_return(const LifecycleAnswer& answer, const ChartScreen& screen, Words words) {
  std::int64_t were_active = 0;
  std::int64_t returned = 0;
  std::size_t periods = 0;
  for (std::size_t i = 0; i < answer.total.rows.size(); ++i) {
    const LifecycleRow& row = answer.total.rows[i];
    if (!answer.complete[i] || row.returning + row.dormant == 0) continue;
    were_active += row.returning + row.dormant;
    returned += row.returning;
    ++periods;
  }
  const std::string noun = period_noun(screen.period, words);
  if (periods == 0) {
    return fmt::format(
        fmt::runtime(words("Too few finished {}s to say how many return in the next.",
                           "已结束的周期太少，还看不出有多少人会在下一期继续活跃。")),
        noun);
  }
  return fmt::format(
      fmt::runtime(
          words("Of the people active in one {0}, {1} return in the next: the mean over {2} "
                "finished {0}{3}.",
                "某一期的活跃者中，平均有 {1} 在下一期继续活跃（{2} 个已结束的周期）。")),
      noun, share_text(returned, were_active), periods, periods == 1 ? "" : "s");
}

std::string unfinished(const LifecycleAnswer& answer, const ChartScreen& screen, Words words) {
  const std::string end = date_label(screen.data_end, words);
  if (std::ranges::all_of(answer.complete, [](bool c) { return c; })) {
    return fmt::format(fmt::runtime(words("All {1}s shown are finished (data up to {0}).",
                                          "所有周期都已结束（数据截至 {0}）。")),
                       end, period_noun(screen.period, words));
  }
  return fmt::format(
      fmt::runtime(words("The data end on {0}: where ~ stands, who has not come yet counts as "
                         "dormant, and is not drawn.",
                         "数据截至 {0}：标有 ~ 的周期里，还没来的人暂计为沉睡，不画出。")),
      end);
}

}  // namespace

std::string render_lifecycle(const LifecycleAnswer& answer, const ChartScreen& screen,
                             const Terminal& terminal, Words words) {
  std::string out = chart_head(screen, answer.warnings, terminal);
  if (answer.periods.empty()) return out;
  for (const LifecycleTable& group : answer.groups) {
    out += group_head(group.bucket, terminal, words);
    out += LifecycleChart(answer, group, screen, terminal, words).render() + "\n";
  }
  if (answer.has_groups) out += "  " + bold(words("all", "全部"), terminal.color) + "\n";
  const LifecycleChart total(answer, answer.total, screen, terminal, words);
  out += total.render() + total.legend() + "\n";
  const std::string sentences[] = {last_finished(answer, screen, words),
                                   mean_return(answer, screen, words),
                                   unfinished(answer, screen, words)};
  return out + chart_foot(sentences, terminal);
}

}  // namespace hf
