// SPDX-License-Identifier: Apache-2.0
#include "cli/members_screen.h"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace hf {
namespace {

std::int64_t number_of(const Json& object, std::string_view name) {
  const Json* member = object.find(name);
  return member == nullptr ? 0 : std::stoll(member->text);
}

// The first of them is who the person is called.
std::string other_ids(const Json& member) {
  std::string out;
  const std::vector<Json>& ids = member.find("ids")->array;
  for (std::size_t i = 1; i < ids.size(); ++i) {
    out += (out.empty() ? "" : ", ") + harmless(ids[i].text);
  }
  return out;
}

}  // namespace

std::string render_members(const Json& data, const ChartScreen& screen, const Terminal& terminal,
                           Words words) {
  constexpr int id_width_max = 48;
  const std::vector<Json>& members = data.find("members")->array;
  std::string out = chart_head(screen, {}, terminal);
  const bool is_unit = !members.empty() && members[0].find("unit") != nullptr;
  const bool has_counts = !members.empty() && members[0].find("count") != nullptr;
  std::vector<ChartColumn> columns = {
      {std::string(is_unit ? words("unit", "单位") : words("person", "人员")), {}}};
  if (has_counts) columns.push_back({std::string(words("events", "事件数")), {}});
  std::vector<std::string> ids;
  for (const Json& member : members) {
    const Json* name = member.find(is_unit ? "unit" : "person");
    columns[0].cells.push_back(name->is_null() ? "-" : cut(harmless(name->text), id_width_max));
    if (has_counts) columns[1].cells.push_back(count_text(number_of(member, "count")));
    ids.push_back(is_unit ? "" : other_ids(member));
  }
  constexpr auto importance = std::to_array<std::size_t>({1});
  const ChartTable table(std::move(columns), std::span(importance).first(has_counts ? 1 : 0),
                         terminal);
  for (std::string& other : ids) {
    if (terminal.width > 0) other = cut(other, table.bar_width());
    if (!other.empty()) other = dim(other, terminal.color);
  }
  if (!members.empty()) out += table.render(ids) + "\n";
  std::vector<std::string> told = {fmt::format(
      fmt::runtime(words("{0} of {1} shown.", "共 {1} 个成员，显示 {0} 个。")),
      count_text(static_cast<std::int64_t>(members.size())), count_text(number_of(data, "count")))};
  if (has_counts) {
    told.push_back(fmt::format(
        fmt::runtime(words("All together have {} events in it.", "全部成员合计 {} 个事件。")),
        count_text(number_of(data, "total"))));
  }
  const Json* cursor = data.find("cursor");
  if (cursor != nullptr && cursor->is_text()) {
    told.push_back(
        fmt::format(fmt::runtime(words("The next ones: --cursor {}", "后续成员：--cursor {}")),
                    harmless(cursor->text)));
  }
  return out + chart_foot(told, terminal);
}

}  // namespace hf
