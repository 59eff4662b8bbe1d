// SPDX-License-Identifier: Apache-2.0
//
// Test support: a state to compare with, and all that a state can be asked.
#pragma once

#include <algorithm>
#include <iterator>
#include <vector>

#include "service/memory_state.h"
#include "service/state.h"

namespace hf {

/// All answers of a state, or the first error.
struct StateAnswers {
  std::vector<Source> sources;
  std::vector<StoredKey> keys;
  std::vector<StoredAccount> accounts;
  std::vector<StoredSession> sessions;
  std::vector<SetupToken> setup_tokens;
  std::vector<Refusal> refusals;
  RefusalCounts counts;
  std::vector<SavedQuery> queries;
  SavedQueryTotals query_totals;
  friend bool operator==(const StateAnswers&, const StateAnswers&) = default;
};

inline Result<StateAnswers> answers_of(const StateView& state) {
  StateAnswers answers;
  HF_TRY(answers.sources, state.sources());
  HF_TRY(answers.keys, state.keys());
  HF_TRY(answers.accounts, state.accounts());
  HF_TRY(answers.sessions, state.sessions());
  HF_TRY(answers.setup_tokens, state.setup_tokens());
  HF_TRY(answers.counts, state.refusal_counts());
  HF_TRY(answers.queries, state.saved_queries());
  HF_TRY(answers.query_totals, state.saved_query_totals());
  RefusalQuery query = {.limit = refusal_page_max};
  do {
    HF_TRY(RefusalPage page, state.refusals(query));
    std::ranges::move(page.refusals, std::back_inserter(answers.refusals));
    query.before = page.next_before;
  } while (query.before);
  return answers;
}

}  // namespace hf
