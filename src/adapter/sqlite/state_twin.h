// SPDX-License-Identifier: Apache-2.0
//
// The state as whoever reads its contract would write it: lists in memory, searched from end to
// end.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "service/state.h"

namespace hf {

struct StateRows {
  std::map<std::string, Source> sources;
  std::vector<StoredKey> keys;
  std::vector<Refusal> refusals;  // Oldest first.
  std::map<std::string, std::uint64_t> ever;
  std::uint64_t refusals_ever = 0;
};

class TwinChange final : public StateChange {
 public:
  explicit TwinChange(StateRows& rows) : rows_(rows) {}

  Result<std::vector<Source>> sources() const override {
    std::vector<Source> out;
    for (const auto& [name, source] : rows_.sources) out.push_back(source);
    return out;
  }
  Result<std::optional<Source>> source(std::string_view name) const override {
    const auto found = rows_.sources.find(std::string(name));
    return found == rows_.sources.end() ? std::nullopt : std::optional(found->second);
  }
  Result<std::vector<StoredKey>> keys() const override { return rows_.keys; }
  Result<std::optional<Key>> key(std::uint64_t id) const override {
    for (const StoredKey& one : rows_.keys) {
      if (one.key.id == id) return one.key;
    }
    return std::nullopt;
  }
  Result<RefusalPage> refusals(const RefusalQuery& query) const override {
    std::vector<Refusal> all;
    for (const Refusal& one : rows_.refusals) {
      if (query.before && one.id >= *query.before) continue;
      if (query.source && one.source != *query.source) continue;
      if (query.reason && one.reason != *query.reason) continue;
      all.push_back(one);
    }
    std::ranges::reverse(all);
    RefusalPage page;
    if (all.size() > query.limit) {
      all.resize(query.limit);
      page.next_before = all.back().id;
    }
    page.refusals = std::move(all);
    return page;
  }
  Result<RefusalCounts> refusal_counts() const override {
    std::map<std::pair<std::string, std::string>, std::uint64_t> kept;
    for (const Refusal& one : rows_.refusals) ++kept[{one.source, one.reason}];
    RefusalCounts counts;
    for (const auto& [what, n] : kept) counts.kept.push_back({what.first, what.second, n});
    for (const auto& [source, n] : rows_.ever) counts.ever.push_back({source, n});
    return counts;
  }
  Result<void> save_source(const Source& source) override {
    rows_.sources[source.name] = source;
    return {};
  }
  Result<std::uint64_t> add_key(const StoredKey& key) override {
    rows_.keys.push_back(key);
    return rows_.keys.back().key.id = rows_.keys.size();
  }
  Result<void> save_key(const Key& key) override {
    const auto found =
        std::ranges::find(rows_.keys, key.id, [](const auto& k) { return k.key.id; });
    HF_ASSERT(found != rows_.keys.end());
    found->key = key;
    return {};
  }
  Result<void> add_refusals(std::span<const Refusal> refusals) override {
    for (Refusal one : refusals) {
      one.id = ++rows_.refusals_ever;
      one.message.resize(std::min(one.message.size(), refusal_message_bytes_max));
      one.text.resize(std::min(one.text.size(), refusal_text_bytes_max));
      ++rows_.ever[one.source];
      rows_.refusals.push_back(std::move(one));
    }
    // From the newest back, as long as it fits.
    std::uint64_t bytes = 0;
    std::size_t kept = 0;
    while (kept < rows_.refusals.size() && kept < refusals_kept_max) {
      bytes += kept_bytes(rows_.refusals[rows_.refusals.size() - 1 - kept]);
      if (bytes > refusal_bytes_kept_max) break;
      ++kept;
    }
    rows_.refusals.erase(rows_.refusals.begin(),
                         rows_.refusals.end() - static_cast<std::ptrdiff_t>(kept));
    return {};
  }

 private:
  StateRows& rows_;
};

/// Of the same answers as a State, for one thread.
class StateTwin {
 public:
  Result<void> change(const State::Work& work) {
    StateRows changed = rows_;
    TwinChange change(changed);
    HF_CHECK(work(change));
    rows_ = std::move(changed);
    return {};
  }
  const StateView& view() const { return view_; }

 private:
  StateRows rows_;
  TwinChange view_{rows_};
};

/// All answers of a state, or the first error.
struct StateAnswers {
  std::vector<Source> sources;
  std::vector<StoredKey> keys;
  std::vector<Refusal> refusals;
  RefusalCounts counts;
  friend bool operator==(const StateAnswers&, const StateAnswers&) = default;
};

inline Result<StateAnswers> answers_of(const StateView& state) {
  StateAnswers answers;
  HF_TRY(answers.sources, state.sources());
  HF_TRY(answers.keys, state.keys());
  HF_TRY(answers.counts, state.refusal_counts());
  RefusalQuery query = {.limit = refusal_page_max};
  do {
    HF_TRY(RefusalPage page, state.refusals(query));
    std::ranges::move(page.refusals, std::back_inserter(answers.refusals));
    query.before = page.next_before;
  } while (query.before);
  return answers;
}

}  // namespace hf
