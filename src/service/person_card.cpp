// SPDX-License-Identifier: Apache-2.0
#include "service/person_card.h"

#include <algorithm>
#include <map>

#include "store/row_walk.h"

namespace hf {
namespace {

std::vector<PersonRun> runs_of(const Snapshot& snapshot, PersonOrdinal person) {
  std::vector<PersonRun> out;
  for_each_person(snapshot, person, person + 1,
                  [&](PersonOrdinal, auto runs) { out.assign(runs.begin(), runs.end()); });
  return out;
}

/// Calls use(name, time, is_first_seen) for each of the rows.
Result<void> for_each_event(const Snapshot& snapshot, std::span<const PersonRun> runs, auto&& use) {
  for (const PersonRun& run : runs) {
    const Part& part = *snapshot.parts[run.part];
    const bool is_first_seen = run.part < snapshot.first_seen_parts;
    const auto read = [&](std::uint32_t page, std::uint32_t first,
                          std::uint32_t last) -> Result<void> {
      HF_TRY(const auto names, part.name_codes(page));
      HF_TRY(const auto times, part.times(page));
      for (std::uint32_t row = first; row < last; ++row) {
        use(part.names()[names->codes[row]].name, times->values[row], is_first_seen);
      }
      return {};
    };
    HF_CHECK(for_each_page(run, read));
  }
  return {};
}

}  // namespace

Result<PersonCard> read_person_card(Store& store, const PersonId& id) {
  PersonCard card;
  HF_TRY(card.ids, store.ids_of(id));
  if (card.ids.empty()) {
    return fail(ErrorCode::not_found, "no_person", "nothing is known of this id");
  }
  HF_TRY(const auto person, store.person_of(id));
  if (!person) return card;
  HF_TRY(const Snapshot snapshot, store.snapshot());
  const Snapshot& all = snapshot.with_first_seen ? *snapshot.with_first_seen : snapshot;
  std::map<std::string, PersonCard::EventName> by_name;
  const auto note = [&](const std::string& name, TimestampMs time, bool is_first_seen) {
    if (!is_inactive_name(name)) {
      card.first_seen_ms = std::min(card.first_seen_ms.value_or(time), time);
      if (!is_first_seen) card.last_seen_ms = std::max(card.last_seen_ms.value_or(time), time);
    }
    if (is_first_seen) return;
    auto& event = by_name.try_emplace(name, name, 0, time, time).first->second;
    ++event.count;
    event.first_ms = std::min(event.first_ms, time);
    event.last_ms = std::max(event.last_ms, time);
  };
  HF_CHECK(for_each_event(all, runs_of(all, *person), note));
  for (auto& [name, event] : by_name) card.events.push_back(std::move(event));
  std::ranges::stable_sort(card.events, std::ranges::greater{}, &PersonCard::EventName::count);
  HF_TRY(card.traits, traits_of(snapshot, runs_of(snapshot, *person)));
  return card;
}

}  // namespace hf
