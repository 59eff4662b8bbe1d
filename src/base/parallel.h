// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"

namespace hf {

/// Calls work(thread, item) for each item in [0, items), on at most `threads` threads, numbered
/// from 0, of which the caller's is one; items are begun in order. The first failure found ends it.
/// Threads that begin when no item is left are not waited for.
[[nodiscard]] Result<void> for_each_item(
    unsigned threads, std::uint32_t items,
    const std::function<Result<void>(unsigned, std::uint32_t)>& work);

}  // namespace hf
