// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "cli/session.h"
#include "service/import.h"

namespace hf {

/// Shows how the files are understood, imports them (not with `dry_run`) and tells what happened.
/// `rows_per_part` as in ImportControl.
/// Errors: those of plan_import(), Store::open() and run_import().
[[nodiscard]] Result<void> import_and_tell(Session& session, const ImportOptions& options,
                                           bool dry_run, std::uint32_t rows_per_part = 0);

}  // namespace hf
