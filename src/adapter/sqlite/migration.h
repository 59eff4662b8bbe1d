// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "adapter/sqlite/connection.h"
#include "base/result.h"

namespace hf::sqlite {

/// "Hfst": says in the file's header that it is a state of ours.
inline constexpr std::int64_t application_id = 0x48667374;

/// Migration n, counted from 1, makes version n of version n-1; version 0 is an empty file. One
/// that was released is never changed. docs/format/state.md tells what the tables mean.
[[nodiscard]] std::span<const std::string> state_migrations();

/// The version of the file. Errors: data_loss/bad_state where it is not a state of ours (an empty
/// file is none); error_of().
[[nodiscard]] Result<std::int64_t> state_version(Connection& connection);

/// Errors: also failed_precondition/newer_state where a newer program has made it.
[[nodiscard]] Result<void> require_known_version(Connection& connection);

/// Finds rows that are missing or misplaced, and pages that are no pages; not what a row says.
/// Errors: data_loss/bad_state; error_of().
[[nodiscard]] Result<void> check_structure(Connection& connection);

/// Runs the migrations the file lacks, each in one transaction together with its number. Requires
/// its version to be at most migrations.size(). Errors: error_of(); what was reached stays.
[[nodiscard]] Result<void> migrate(Connection& connection, std::span<const std::string> migrations);

}  // namespace hf::sqlite
