// SPDX-License-Identifier: Apache-2.0
#include "store/day_counts.h"

#include <algorithm>
#include <utility>

#include "store/part.h"

namespace hf {

DayCounts::DayCounts(std::vector<Count> counts, std::vector<std::uint32_t> first, ZoneRules rules)
    : counts_(std::move(counts)), first_(std::move(first)), rules_(std::move(rules)) {
  memory_bytes = sizeof *this + counts_.size() * sizeof(Count) +
                 first_.size() * sizeof(std::uint32_t) +
                 rules_.size() * sizeof(ZoneRules::value_type);
}

Result<std::shared_ptr<DayCounts>> read_day_counts(const Part& part, ZoneRules rules) {
  LocalDays local(rules);
  // Clocks that are put back may put a later time on an earlier day.
  const Day first_day = local.of(part.time_min()) - 1;
  const auto days = static_cast<std::size_t>(local.of(part.time_max()) + 2 - first_day);
  const std::size_t names = part.names().size();
  // A table where that is not much larger than the rows; else where each row would be in it.
  const bool is_dense = days * names <= std::size_t{part.row_count()} + 4'096;
  std::vector<std::uint32_t> table(is_dense ? days * names : 0);
  std::vector<std::size_t> sparse;
  if (!is_dense) sparse.reserve(part.row_count());
  for (std::uint32_t page = 0; page < part.page_count(); ++page) {
    HF_TRY(const auto codes, part.name_codes(page));
    HF_TRY(const auto times, part.read_times(page));
    for (std::uint32_t i = 0; i < times.size(); ++i) {
      const std::size_t at =
          codes->codes[i] * days + static_cast<std::size_t>(local.of(times[i]) - first_day);
      if (is_dense) {
        ++table[at];
      } else {
        sparse.push_back(at);
      }
    }
  }
  std::vector<DayCounts::Count> counts;
  std::vector<std::uint32_t> first(names + 1);
  const auto add = [&](std::size_t at, std::uint32_t rows) {
    counts.push_back({first_day + static_cast<Day>(at % days), rows});
    ++first[at / days + 1];
  };
  for (std::size_t at = 0; at < table.size(); ++at) {
    if (table[at] != 0) add(at, table[at]);
  }
  std::ranges::sort(sparse);
  for (auto begin = sparse.begin(); begin != sparse.end();) {
    const auto end = std::upper_bound(begin, sparse.end(), *begin);
    add(*begin, static_cast<std::uint32_t>(end - begin));
    begin = end;
  }
  for (std::size_t name = 0; name < names; ++name) first[name + 1] += first[name];
  counts.shrink_to_fit();
  return std::make_shared<DayCounts>(std::move(counts), std::move(first), std::move(rules));
}

}  // namespace hf
