// SPDX-License-Identifier: Apache-2.0
#include "store/day_rows.h"

#include "store/part.h"

namespace hf {

Result<std::shared_ptr<DayRows>> read_day_rows(const Part& part, ZoneRules rules) {
  auto out = std::make_shared<DayRows>();
  LocalDays local(rules);
  // Clocks that are put back may put a later time on an earlier day.
  out->first_day = local.of(part.time_min()) - 1;
  out->last_day = local.of(part.time_max()) + 1;
  out->starts.resize((part.row_count() + 63) / 64 + 1);
  const auto persons = part.persons();
  out->first_chunk = persons.front() >> PersonChunk::bits;
  const std::uint32_t chunks = (persons.back() >> PersonChunk::bits) - out->first_chunk + 1;
  out->persons.resize(std::size_t{chunks} * PersonChunk::words);
  const PersonOrdinal first_person = out->first_chunk << PersonChunk::bits;
  for (const PersonOrdinal person : persons) {
    const PersonOrdinal at = person - first_person;
    out->persons[at / 64] |= std::uint64_t{1} << (at % 64);
  }
  std::uint32_t position = 0;
  RowNumber person_end = 0;
  std::uint32_t place = 0;
  Day last = 0;
  for (std::uint32_t page = 0; page < part.page_count(); ++page) {
    HF_TRY(const auto times, part.read_times(page));
    for (std::uint32_t i = 0; i < times.size(); ++i) {
      const RowNumber row = page * part_format::page_rows + i;
      const Day day = local.of(times[i]);
      const bool begins = row == person_end;
      if (!begins && day == last) continue;
      if (begins) {
        place = persons[position] & DayRows::place_mask;
        person_end = part.row_offsets()[++position];
      }
      const auto since = static_cast<std::uint32_t>(day - out->first_day);
      out->cuts.push_back(since << PersonChunk::bits | place);
      out->starts[row / 64] |= std::uint64_t{1} << (row % 64);
      last = day;
    }
  }
  std::uint32_t before = 0;
  for (const std::uint64_t word : out->starts) {
    out->cuts_before.push_back(before);
    before += static_cast<std::uint32_t>(std::popcount(word));
  }
  out->cuts.shrink_to_fit();
  out->cuts_before.shrink_to_fit();
  out->memory_bytes = sizeof *out +
                      (out->starts.size() + out->persons.size()) * sizeof(std::uint64_t) +
                      (out->cuts_before.size() + out->cuts.size()) * sizeof(std::uint32_t);
  out->rules = std::move(rules);
  return out;
}

}  // namespace hf
