// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
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
  std::int64_t periods = -1;
  std::vector<std::int64_t> brackets;
  std::string window;
  std::string count_return;
  std::int64_t min_occurrences = 0;
  std::string value;
  std::string initial;
  std::string current;
};

/// Asks and shows it, under `title` where that is not empty, and `next_command` as what to try
/// next.
[[nodiscard]] Result<int> show_retention(Session& session, const RetentionArguments& arguments,
                                         std::string title, std::string next_command);

/// The text of the file, of standard input where it is "-".
/// Errors: those of read_file(); resource_exhausted/query_too_large.
[[nodiscard]] Result<std::string> read_query(const Env& env, const std::string& path);

}  // namespace hf
