// SPDX-License-Identifier: Apache-2.0
#include "store/trait_reader.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "store/row_walk.h"

namespace hf {
namespace {

constexpr std::string_view identify_name = "identify";

std::optional<std::uint32_t> identify_code(const Part& part) {
  const auto found = std::ranges::find(part.names(), identify_name, &NameInfo::name);
  if (found == part.names().end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - part.names().begin());
}

}  // namespace

Result<TraitReader> TraitReader::open(const Snapshot& snapshot, const std::string& trait) {
  TraitReader reader;
  for (const auto& part : snapshot.parts) {
    auto& traits = reader.parts_.emplace_back();
    const auto identify = identify_code(*part);
    if (!identify) continue;
    HF_TRY(PropertyReader values, PropertyReader::open(*part, trait));
    if (values.column_count() == 0) continue;
    traits.emplace(PartTraits{part.get(), *identify, std::move(values)});
  }
  return reader;
}

Result<std::span<const TraitValue>> TraitReader::history(std::span<const PersonRun> runs) {
  history_.clear();
  for (const PersonRun& run : runs) {
    if (auto& traits = parts_[run.part]) HF_CHECK(append(*traits, run));
  }
  std::ranges::stable_sort(history_, {}, &TraitValue::time_ms);
  return std::span<const TraitValue>(history_);
}

Result<void> TraitReader::append(PartTraits& traits, const PersonRun& run) {
  return for_each_page(
      run, [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) -> Result<void> {
        HF_TRY(const auto names, traits.part->name_codes(page));
        std::shared_ptr<const TimePage> times;
        for (std::uint32_t row = first; row < last; ++row) {
          if (names->codes[row] != traits.identify) continue;
          HF_TRY(const PropertyReader::Value value, traits.values.read(page, row));
          if (value.column == nullptr) continue;
          if (times == nullptr) {
            HF_TRY(times, traits.part->times(page));
          }
          history_.push_back({times->values[row], traits.values.view(value)});
        }
        return {};
      });
}

const TraitValue* value_at(std::span<const TraitValue> history, TimestampMs at_ms) {
  const auto after = std::ranges::upper_bound(history, at_ms, {}, &TraitValue::time_ms);
  return after == history.begin() ? nullptr : &*std::prev(after);
}

Result<std::vector<TraitHistory>> traits_of(const Snapshot& snapshot,
                                            std::span<const PersonRun> runs) {
  std::set<std::string, std::less<>> names;
  for (const PersonRun& run : runs) {
    const Part& part = *snapshot.parts[run.part];
    if (!identify_code(part)) continue;
    for (const ColumnInfo& column : part.columns()) {
      if (column.role == part_format::ColumnRole::property) names.insert(column.property);
    }
  }
  std::vector<TraitHistory> traits;
  for (const std::string& name : names) {
    HF_TRY(TraitReader reader, TraitReader::open(snapshot, name));
    HF_TRY(const auto values, reader.history(runs));
    if (values.empty()) continue;
    TraitHistory& trait = traits.emplace_back(TraitHistory{.trait = name});
    for (const TraitValue& value : values) {
      trait.values.push_back({value.time_ms, value.value.kind, canonical_text(value.value)});
    }
  }
  return traits;
}

}  // namespace hf
