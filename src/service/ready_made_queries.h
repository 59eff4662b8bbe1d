// SPDX-License-Identifier: Apache-2.0
//
// Saved queries that are part of the program: what shops ask first (docs/metrics.md, "Ready-made
// questions"). They name events as Segment's e-commerce spec does, and in the usual other
// spellings.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hf {

struct ReadyMadeQuery {
  std::string_view name;
  std::string_view title;
  std::string_view title_zh;
  std::string_view description;
  std::string_view description_zh;
  std::string query;  ///< The JSON object of QUERY.md.
};

/// By name. Their names are given for good.
[[nodiscard]] std::span<const ReadyMadeQuery> ready_made_queries();
/// Null where there is none of this name.
[[nodiscard]] const ReadyMadeQuery* find_ready_made(std::string_view name);

}  // namespace hf
