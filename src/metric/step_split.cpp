// SPDX-License-Identifier: Apache-2.0
#include "metric/step_split.h"

namespace hf {
namespace {

std::uint64_t bit_of(const StepKey& key) { return std::uint64_t{1} << (key.step - 1); }

}  // namespace

void StepSplit::list_values(const StepKey& key, const PersonEvents& events,
                            std::vector<BucketId>& values) {
  values.clear();
  for (const PersonEvent& event : events.events) {
    if ((event.matched & bit_of(key)) == 0) continue;
    const BucketSet& own = *events.key(event, key.key);
    values.insert(values.end(), own.begin(), own.end());
  }
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
}

void StepSplit::serve(const StepKey& key, BucketId value, const PersonEvents& events,
                      std::vector<PersonEvent>& served) {
  served.clear();
  for (const PersonEvent& event : events.events) {
    PersonEvent& kept = served.emplace_back(event);
    if ((event.matched & bit_of(key)) == 0) continue;
    if (std::ranges::binary_search(*events.key(event, key.key), value)) continue;
    kept.matched &= ~bit_of(key);
    if (kept.matched == 0) served.pop_back();
  }
}

}  // namespace hf
