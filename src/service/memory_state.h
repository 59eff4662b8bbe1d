// SPDX-License-Identifier: Apache-2.0
//
// Test support: the state as whoever reads its contract would write it: lists in memory, searched
// from end to end, and a transaction that is a copy of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/guarded.h"
#include "service/state.h"

namespace hf::test {

struct StateRows {
  std::map<std::string, Source, std::less<>> sources;
  std::vector<StoredKey> keys;
  std::vector<StoredAccount> accounts;
  std::map<TokenHash, StoredSession> sessions;
  std::map<TokenHash, SetupToken> setup_tokens;
  std::vector<Refusal> refusals;  // Oldest first.
  std::map<std::string, std::uint64_t> ever;
  std::uint64_t refusals_ever = 0;
  std::map<RequestHash, RememberedAnswer> answers;
  std::map<std::string, SavedQuery, std::less<>> queries;
  std::uint64_t removed_query_version_max = 0;
};

class MemoryChange final : public StateChange {
 public:
  explicit MemoryChange(StateRows& rows) : rows_(rows) {}

  Result<std::vector<Source>> sources() const override {
    std::vector<Source> out;
    for (const auto& [name, source] : rows_.sources) out.push_back(source);
    return out;
  }
  Result<std::optional<Source>> source(std::string_view name) const override {
    const auto found = rows_.sources.find(name);
    return found == rows_.sources.end() ? std::nullopt : std::optional(found->second);
  }
  Result<std::vector<StoredKey>> keys() const override { return rows_.keys; }
  Result<std::optional<Key>> key(std::uint64_t id) const override {
    for (const StoredKey& one : rows_.keys) {
      if (one.key.id == id) return one.key;
    }
    return std::nullopt;
  }
  Result<std::vector<StoredAccount>> accounts() const override { return rows_.accounts; }
  Result<std::vector<StoredSession>> sessions() const override { return values_of(rows_.sessions); }
  Result<std::vector<SetupToken>> setup_tokens() const override {
    return values_of(rows_.setup_tokens);
  }
  Result<RefusalPage> refusals(const RefusalQuery& query) const override {
    if (query.limit < 1 || query.limit > refusal_page_max) {
      return fail(ErrorCode::invalid_argument, "bad_limit", "a page has 1 to 500");
    }
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
  Result<std::vector<SavedQuery>> saved_queries() const override {
    return values_of(rows_.queries);
  }
  Result<std::optional<SavedQuery>> saved_query(std::string_view name) const override {
    const auto found = rows_.queries.find(name);
    return found == rows_.queries.end() ? std::nullopt : std::optional(found->second);
  }
  Result<SavedQueryTotals> saved_query_totals() const override {
    SavedQueryTotals totals = {.removed_version_max = rows_.removed_query_version_max};
    for (const auto& [name, query] : rows_.queries) {
      ++totals.count;
      totals.bytes += kept_bytes(query);
    }
    return totals;
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
  Result<std::uint64_t> add_account(const StoredAccount& account) override {
    rows_.accounts.push_back(account);
    return rows_.accounts.back().account.id = rows_.accounts.size();
  }
  Result<void> save_account(const StoredAccount& account) override {
    const auto found = std::ranges::find(rows_.accounts, account.account.id,
                                         [](const auto& each) { return each.account.id; });
    HF_ASSERT(found != rows_.accounts.end());
    *found = account;
    return {};
  }
  Result<void> save_session(const StoredSession& session) override {
    HF_ASSERT(session.account >= 1 && session.account <= rows_.accounts.size());
    rows_.sessions[session.hash] = session;
    return {};
  }
  Result<void> remove_session(const TokenHash& hash) override {
    rows_.sessions.erase(hash);
    return {};
  }
  Result<void> save_setup_token(const SetupToken& token) override {
    rows_.setup_tokens[token.hash] = token;
    return {};
  }
  Result<void> remove_setup_token(const TokenHash& hash) override {
    rows_.setup_tokens.erase(hash);
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
  Result<std::optional<RememberedAnswer>> answer(const RequestHash& key) const override {
    const auto found = rows_.answers.find(key);
    return found == rows_.answers.end() ? std::nullopt : std::optional(found->second);
  }
  Result<void> remember(const RememberedAnswer& answer) override {
    const bool is_new = rows_.answers.emplace(answer.key, answer).second;
    HF_ASSERT(is_new);
    return {};
  }
  Result<std::uint64_t> remove_refusals(std::span<const std::uint64_t> ids) override {
    return std::erase_if(rows_.refusals, [&](const Refusal& one) {
      return std::ranges::find(ids, one.id) != ids.end();
    });
  }
  Result<void> save_query(const SavedQuery& query) override {
    rows_.queries[query.name] = query;
    return {};
  }
  Result<void> remove_query(std::string_view name) override {
    const auto found = rows_.queries.find(name);
    if (found == rows_.queries.end()) return {};
    rows_.removed_query_version_max =
        std::max(rows_.removed_query_version_max, found->second.version);
    rows_.queries.erase(found);
    return {};
  }

 private:
  template <class Map>
  static std::vector<typename Map::mapped_type> values_of(const Map& map) {
    std::vector<typename Map::mapped_type> out;
    for (const auto& [key, value] : map) out.push_back(value);
    return out;
  }

  StateRows& rows_;
};

/// A State for any number of threads, which can be told to fail.
class MemoryState : public State {
 public:
  Result<std::vector<Source>> sources() const override {
    return read([](const MemoryChange& rows) { return rows.sources(); });
  }
  Result<std::optional<Source>> source(std::string_view name) const override {
    return read([&](const MemoryChange& rows) { return rows.source(name); });
  }
  Result<std::vector<StoredKey>> keys() const override {
    return read([](const MemoryChange& rows) { return rows.keys(); });
  }
  Result<std::optional<Key>> key(std::uint64_t id) const override {
    return read([&](const MemoryChange& rows) { return rows.key(id); });
  }
  Result<std::vector<StoredAccount>> accounts() const override {
    return read([](const MemoryChange& rows) { return rows.accounts(); });
  }
  Result<std::vector<StoredSession>> sessions() const override {
    return read([](const MemoryChange& rows) { return rows.sessions(); });
  }
  Result<std::vector<SetupToken>> setup_tokens() const override {
    return read([](const MemoryChange& rows) { return rows.setup_tokens(); });
  }
  Result<RefusalPage> refusals(const RefusalQuery& query) const override {
    return read([&](const MemoryChange& rows) { return rows.refusals(query); });
  }
  Result<RefusalCounts> refusal_counts() const override {
    return read([](const MemoryChange& rows) { return rows.refusal_counts(); });
  }
  Result<std::vector<SavedQuery>> saved_queries() const override {
    return read([](const MemoryChange& rows) { return rows.saved_queries(); });
  }
  Result<std::optional<SavedQuery>> saved_query(std::string_view name) const override {
    return read([&](const MemoryChange& rows) { return rows.saved_query(name); });
  }
  Result<SavedQueryTotals> saved_query_totals() const override {
    return read([](const MemoryChange& rows) { return rows.saved_query_totals(); });
  }

  Result<void> change(const Work& work) override {
    const auto rows = rows_.lock();
    // The first time in vain, as the contract allows.
    StateRows in_vain = *rows;
    MemoryChange vain_change(in_vain);
    (void)work(vain_change);
    if (failing) return fail(ErrorCode::resource_exhausted, "disk_full", "no room");
    StateRows changed = *rows;
    MemoryChange change(changed);
    HF_CHECK(work(change));
    *rows = std::move(changed);
    ++changes;
    return {};
  }

  std::atomic<bool> failing = false;
  std::atomic<int> changes = 0;

 private:
  template <class Read>
  auto read(Read&& read) const -> std::invoke_result_t<Read, const MemoryChange&> {
    StateRows rows = *rows_.lock();
    return read(MemoryChange(rows));
  }

  Guarded<StateRows> rows_;
};

}  // namespace hf::test
