// SPDX-License-Identifier: Apache-2.0
//
// Test support: a State in memory, with a transaction that is a copy.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "service/state.h"

namespace hf::test {

class MemoryState : public State {
 public:
  Result<std::vector<Source>> sources() const override { return read().sources(); }
  Result<std::optional<Source>> source(std::string_view name) const override {
    return read().source(name);
  }
  Result<std::vector<StoredKey>> keys() const override { return read().keys(); }
  Result<std::optional<Key>> key(std::uint64_t id) const override { return read().key(id); }
  Result<RefusalPage> refusals(const RefusalQuery& query) const override {
    return read().refusals(query);
  }
  Result<RefusalCounts> refusal_counts() const override { return read().refusal_counts(); }

  Result<void> change(const Work& work) override {
    const auto rows = rows_.lock();
    // The first time in vain, as the contract allows.
    Change in_vain(*rows);
    (void)work(in_vain);
    if (failing) return fail(ErrorCode::resource_exhausted, "disk_full", "no room");
    Change change(*rows);
    HF_CHECK(work(change));
    *rows = change.rows();
    ++changes;
    return {};
  }

  std::atomic<bool> failing = false;
  std::atomic<int> changes = 0;

 private:
  struct Rows {
    std::map<std::string, Source, std::less<>> sources;
    std::vector<StoredKey> keys;
    std::vector<Refusal> refusals;
    std::map<std::string, std::uint64_t> refused_ever;
  };

  class Change final : public StateChange {
   public:
    explicit Change(Rows rows) : rows_(std::move(rows)) {}
    const Rows& rows() const { return rows_; }
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
      if (id < 1 || id > rows_.keys.size()) return std::nullopt;
      return rows_.keys[id - 1].key;
    }
    Result<RefusalPage> refusals(const RefusalQuery& query) const override {
      if (query.limit < 1 || query.limit > refusal_page_max) {
        return fail(ErrorCode::invalid_argument, "bad_limit", "a page has 1 to 500");
      }
      RefusalPage page;
      for (std::size_t i = rows_.refusals.size(); i-- > 0;) {
        const Refusal& refusal = rows_.refusals[i];
        if (query.before && refusal.id >= *query.before) continue;
        if (query.source && refusal.source != *query.source) continue;
        if (query.reason && refusal.reason != *query.reason) continue;
        if (page.refusals.size() == query.limit) {
          page.next_before = page.refusals.back().id;
          break;
        }
        page.refusals.push_back(refusal);
      }
      return page;
    }
    Result<RefusalCounts> refusal_counts() const override {
      std::map<std::pair<std::string, std::string>, std::uint64_t> kept;
      for (const Refusal& refusal : rows_.refusals) ++kept[{refusal.source, refusal.reason}];
      RefusalCounts counts;
      for (const auto& [of, count] : kept) counts.kept.push_back({of.first, of.second, count});
      for (const auto& [source, count] : rows_.refused_ever) counts.ever.push_back({source, count});
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
      rows_.keys.at(key.id - 1).key = key;
      return {};
    }
    Result<void> add_refusals(std::span<const Refusal> refusals) override {
      for (const Refusal& refusal : refusals) {
        const std::uint64_t id = rows_.refusals.empty() ? 1 : rows_.refusals.back().id + 1;
        rows_.refusals.push_back(refusal);
        Refusal& added = rows_.refusals.back();
        added.id = id;
        added.message.resize(std::min(added.message.size(), refusal_message_bytes_max));
        added.text.resize(std::min(added.text.size(), refusal_text_bytes_max));
        ++rows_.refused_ever[added.source];
      }
      return {};
    }

   private:
    Rows rows_;
  };

  [[nodiscard]] Change read() const { return Change(*rows_.lock()); }

  Guarded<Rows> rows_;
};

}  // namespace hf::test
