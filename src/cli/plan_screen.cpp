// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/chart.h"

namespace hf {
namespace {

std::string text_of(const Json& object, std::string_view name) {
  const Json* member = object.find(name);
  return member == nullptr ? "" : member->text;
}

std::string number_of(const Json& object, std::string_view name) {
  const std::string text = text_of(object, name);
  return text.empty() ? "-" : count_text(std::stoll(text));
}

std::string way_text(std::string_view shape, Words words) {
  if (shape == "days") {
    return std::string(words("days of activity, no event read", "活跃日期，不读事件"));
  }
  if (shape == "postings") {
    return std::string(words("lists of the rows of rare names", "罕见名称的行列表"));
  }
  if (shape == "day_rows") {
    return std::string(words("matching rows, their days known", "查找匹配的行，日期已知"));
  }
  if (shape == "rows") {
    return std::string(words("rows scanned into sets of people", "逐行扫描，汇成人群集合"));
  }
  if (shape == "events") {
    return std::string(words("events one by one, person by person", "逐人逐个查看事件"));
  }
  return harmless(shape);
}

}  // namespace

std::string render_plan(const Json& answer, const PlanMeans& means, const Terminal& terminal,
                        Words words) {
  std::vector<ChartColumn> columns = {{std::string(words("what", "内容")), {}},
                                      {std::string(words("how", "方式")), {}},
                                      {std::string(words("parts", "文件")), {}},
                                      {std::string(words("events read", "读取事件")), {}}};
  const Json* plan = answer.find("plan");
  if (plan != nullptr && plan->is_array()) {
    constexpr int name_width_max = 24;
    for (const Json& step : plan->array) {
      columns[0].cells.push_back(cut(event_text(text_of(step, "of"), words), name_width_max));
      columns[1].cells.push_back(way_text(text_of(step, "shape"), words));
      columns[2].cells.push_back(number_of(step, "parts"));
      columns[3].cells.push_back(number_of(step, "events"));
    }
  }
  std::string out = "\n";
  if (columns[0].cells.empty()) {
    out += "  " + std::string(words("nothing had to be read", "无需读取任何内容")) + "\n";
  } else {
    // Words to the left, numbers to the right.
    const int way_width = columns[1].width();
    columns[1].heading = pad_right(columns[1].heading, way_width);
    for (std::string& way : columns[1].cells) way = pad_right(way, way_width);
    const std::vector<std::string> no_bars(columns[0].cells.size());
    constexpr auto importance = std::to_array<std::size_t>({1, 3, 2});
    out += ChartTable(std::move(columns), importance, terminal, /*has_bars=*/false).render(no_bars);
  }
  constexpr std::size_t mib = std::size_t{1} << 20;
  const std::string facts[] = {
      fmt::format(
          fmt::runtime(words("answered in {0} ms by {1} thread{2}", "{1} 个线程，{0} 毫秒内答出")),
          text_of(answer, "elapsed_ms"), means.threads, means.threads == 1 ? "" : "s"),
      fmt::format(fmt::runtime(words("decoded data kept: {} of {} MiB (--memory)",
                                     "解码数据占用内存：{} / {} MiB（--memory）")),
                  (means.kept_bytes + mib - 1) / mib, means.budget_bytes / mib)};
  return out + "\n" + chart_foot(facts, terminal);
}

}  // namespace hf
