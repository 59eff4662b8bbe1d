// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "metric/grouping.h"

namespace hf {

/// In which buckets of a dimension that is not by property each person is: of a trait its latest
/// value up to as_of, of a cohort the first date of the local period of the person's first active
/// event up to as_of. Errors: those of Part's readers, of BucketTable and WorkGuard.
[[nodiscard]] Result<std::shared_ptr<const PersonKeys>> find_person_keys(const Snapshot& snapshot,
                                                                         const PeopleScope& scope,
                                                                         const Dimension& dimension,
                                                                         BucketTable& table);

}  // namespace hf
