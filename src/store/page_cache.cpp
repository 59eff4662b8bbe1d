// SPDX-License-Identifier: Apache-2.0
#include "store/page_cache.h"

namespace hf {

std::shared_ptr<const CachedPage> PageCache::find(const Key& key) {
  return state_.with([&](State& state) -> std::shared_ptr<const CachedPage> {
    const auto found = state.index.find(key);
    if (found == state.index.end()) return nullptr;
    state.by_use.splice(state.by_use.begin(), state.by_use, found->second);
    return found->second->page;
  });
}

void PageCache::insert(const Key& key, std::shared_ptr<const CachedPage> page) {
  state_.with([&](State& state) {
    if (state.index.contains(key)) return;  // Two readers decoded it at once; either will do.
    state.memory_bytes += page->memory_bytes;
    state.by_use.push_front({key, std::move(page)});
    state.index.emplace(key, state.by_use.begin());
    while (state.memory_bytes > budget_bytes_ && !state.by_use.empty()) {
      state.memory_bytes -= state.by_use.back().page->memory_bytes;
      state.index.erase(state.by_use.back().key);
      state.by_use.pop_back();
    }
  });
}

std::vector<PageCache::Key> PageCache::keys_of(std::uint64_t part) const {
  return state_.with([&](const State& state) {
    std::vector<Key> keys;
    for (const Entry& entry : state.by_use) {
      if (entry.key.part == part) keys.push_back(entry.key);
    }
    return keys;
  });
}

void PageCache::erase_part(std::uint64_t part) {
  state_.with([&](State& state) {
    std::erase_if(state.by_use, [&](const Entry& entry) {
      if (entry.key.part != part) return false;
      state.memory_bytes -= entry.page->memory_bytes;
      state.index.erase(entry.key);
      return true;
    });
  });
}

void PageCache::clear() {
  state_.with([](State& state) {
    state.by_use.clear();
    state.index.clear();
    state.memory_bytes = 0;
  });
}

std::size_t PageCache::memory_bytes() const {
  return state_.with([](const State& state) { return state.memory_bytes; });
}

std::uint64_t PageCache::next_part_key() {
  return state_.with([](State& state) { return state.next_part++; });
}

}  // namespace hf
