// SPDX-License-Identifier: Apache-2.0
//
// The answer to any question in a form for people or spreadsheets: which screen or table it is, its
// query says.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/chart.h"
#include "cli/session.h"
#include "metric/common_fields.h"
#include "metric/query_context.h"

namespace hf {

/// What stands above any answer: of whom and of what it is, but for the title. `period` is as in
/// the query.
[[nodiscard]] ChartScreen screen_of(const Json& query, const CommonFields& common,
                                    const Session::Reading& reading, Words words);

/// What a command says of its own accord; empty: nothing.
struct OwnWords {
  std::string title;         ///< Instead of that of the question.
  std::string next_command;  ///< What to try next; told below retention.
};

/// Answers the query as a screen. Errors: those of answer_query().
[[nodiscard]] Result<std::string> answer_screen(const Session::Reading& reading,
                                                const QueryContext& context, std::string_view query,
                                                const Terminal& terminal, Words words,
                                                const OwnWords& own = {});
/// Answers it as CSV (cli/answer_csv.h); of members without a limit, all. Errors: the same.
[[nodiscard]] Result<std::string> answer_csv(const Session::Reading& reading,
                                             const QueryContext& context, std::string_view query);

}  // namespace hf
