// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/query_flags.h"
#include "cli/session.h"

namespace hf {

struct RetentionArguments {
  CommonArguments common;
  std::string start;
  std::string returning;
  std::string entry;
  std::optional<std::int64_t> periods;
  std::vector<std::int64_t> brackets;
  std::string window;
  std::string count_return;
  std::optional<std::int64_t> min_occurrences;
  std::string value;
  std::string initial;
  std::string current;
};

/// Asks and shows it. Errors: those of show_question().
[[nodiscard]] Result<int> show_retention(Session& session, const RetentionArguments& arguments,
                                         const OwnWords& own = {});

/// The text of the file, of standard input where it is "-".
/// Errors: those of read_file(); resource_exhausted/query_too_large.
[[nodiscard]] Result<std::string> read_query(const Env& env, const std::string& path);

}  // namespace hf
