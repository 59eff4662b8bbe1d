// SPDX-License-Identifier: Apache-2.0
//
// Has a part that takes the place of others ready for the questions that these were asked, before
// anybody asks: to decode it takes up to some ten milliseconds a million rows.
#pragma once

#include <memory>
#include <span>

#include "base/result.h"
#include "calendar/zone.h"
#include "store/page_cache.h"
#include "store/part.h"

namespace hf {

/// Decodes into the cache, which must be the parts', what of `others` is in it: of columns all
/// pages, where at least half of the others' are there. Days only of `zone`, where it is not null.
/// Stops where the cache is nearly full, to drive nothing out. Errors: those of Part's readers.
[[nodiscard]] Result<void> decode_like(std::span<const std::shared_ptr<const Part>> others,
                                       const Part& part, const PageCache& cache, const Zone* zone);

}  // namespace hf
