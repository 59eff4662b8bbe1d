// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/json.h"
#include "cli/terminal.h"
#include "cli/words.h"

namespace hf {

/// What a question was answered with.
struct PlanMeans {
  unsigned threads = 1;
  std::size_t kept_bytes = 0;    ///< Of decoded data afterwards,
  std::size_t budget_bytes = 0;  ///< of at most so many.
};
/// How a question was answered, for people: `answer` is that of answer_query() with its plan.
[[nodiscard]] std::string render_plan(const Json& answer, const PlanMeans& means,
                                      const Terminal& terminal, Words words);

}  // namespace hf
