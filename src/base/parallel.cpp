// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace hf {

Result<void> for_each_item(unsigned threads, std::uint32_t items,
                           const std::function<Result<void>(unsigned, std::uint32_t)>& work) {
  const std::uint32_t count = std::max(1u, std::min<std::uint32_t>(threads, items));
  std::vector<Result<void>> outcomes(count);
  std::atomic<std::uint32_t> next = 0;
  std::atomic<bool> has_failed = false;
  const auto run = [&](unsigned thread) {
    for (std::uint32_t item = next++; item < items && !has_failed; item = next++) {
      outcomes[thread] = work(thread, item);
      if (outcomes[thread]) continue;
      has_failed = true;
      return;
    }
  };
  {
    std::vector<std::jthread> others;
    for (unsigned thread = 1; thread < count; ++thread) others.emplace_back(run, thread);
    run(0);
  }
  for (const Result<void>& outcome : outcomes) HF_CHECK(outcome);
  return {};
}

}  // namespace hf
