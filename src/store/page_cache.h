// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/guarded.h"

namespace hf {

/// A decoded page or dictionary; `memory_bytes` is what it costs the cache.
struct CachedPage {
  std::size_t memory_bytes = 0;
  virtual ~CachedPage() = default;
};

/// Keeps decoded pages up to a budget, least recently used out first. Pages in use stay alive
/// through their shared_ptr. Methods may run concurrently.
class PageCache {
 public:
  struct Key {
    std::uint64_t part;  ///< Unique per opened part.
    std::uint32_t column;
    std::uint32_t page;
    friend bool operator==(const Key&, const Key&) = default;
  };
  static constexpr std::uint32_t dictionary_page = 0xffffffff;

  explicit PageCache(std::size_t budget_bytes) : budget_bytes_(budget_bytes) {}

  /// The cached page, or nullptr.
  [[nodiscard]] std::shared_ptr<const CachedPage> find(const Key& key);
  void insert(const Key& key, std::shared_ptr<const CachedPage> page);
  /// Column and page of all that there is of a part, in no order.
  [[nodiscard]] std::vector<Key> keys_of(std::uint64_t part) const;
  /// Drops all pages of a part.
  void erase_part(std::uint64_t part);
  void clear();
  [[nodiscard]] std::size_t memory_bytes() const;
  [[nodiscard]] std::size_t budget_bytes() const { return budget_bytes_; }
  /// A number no other opened part of this cache has.
  [[nodiscard]] std::uint64_t next_part_key();

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      std::uint64_t x = key.part * 0x9e3779b97f4a7c15u + key.column;
      x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u + key.page;
      return static_cast<std::size_t>(x ^ (x >> 32));
    }
  };
  struct Entry {
    Key key;
    std::shared_ptr<const CachedPage> page;
  };
  struct State {
    std::list<Entry> by_use;  ///< Most recently used first.
    std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> index;
    std::size_t memory_bytes = 0;
    std::uint64_t next_part = 0;
  };
  std::size_t budget_bytes_;
  mutable Guarded<State> state_;
};

}  // namespace hf
