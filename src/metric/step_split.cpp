// SPDX-License-Identifier: Apache-2.0
#include "metric/step_split.h"

namespace hf {
namespace {

std::uint64_t bit_of(const StepKey& key) { return std::uint64_t{1} << (key.step - 1); }

}  // namespace

void StepSplit::sort(const StepKey& key, const PersonEvents& events, Level& level) {
  level.served.clear();
  level.others.clear();
  for (std::uint32_t i = 0; i < events.events.size(); ++i) {
    const PersonEvent& event = events.events[i];
    if ((event.matched & bit_of(key)) != 0) {
      for (const BucketId value : *events.key(event, key.key)) level.served.emplace_back(value, i);
      if (event.matched == bit_of(key)) continue;
    }
    level.others.push_back(i);
  }
  std::ranges::sort(level.served);
  level.served.erase(std::ranges::unique(level.served).begin(), level.served.end());
}

// The events of one value and those of every bucket, in their order.
void StepSplit::serve(const StepKey& key, std::span<const Served> own, const PersonEvents& events,
                      Level& level) {
  level.events.clear();
  auto other = level.others.begin();
  const auto take_others_before = [&](std::uint32_t end) {
    for (; other != level.others.end() && *other < end; ++other) {
      PersonEvent& kept = level.events.emplace_back(events.events[*other]);
      kept.matched &= ~bit_of(key);
    }
  };
  for (const auto& [value, i] : own) {
    take_others_before(i);
    if (other != level.others.end() && *other == i) ++other;
    level.events.push_back(events.events[i]);
  }
  take_others_before(static_cast<std::uint32_t>(events.events.size()));
}

}  // namespace hf
