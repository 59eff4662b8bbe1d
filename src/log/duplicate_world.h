// SPDX-License-Identifier: Apache-2.0
//
// Test support: a simulated directory of runs, message keys of all kinds, and the journal by which
// an index is filled, filled again, and compared with its twin, a map from key to time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/sim_env.h"
#include "log/duplicate_index.h"

namespace hf::test {

inline const std::string duplicates_directory = "/data/duplicates";
inline constexpr TimestampMs first_ms = 1'700'000'000'000;
inline constexpr Hash128 all_ones{~std::uint64_t{0}, ~std::uint64_t{0}};

/// The value of a Result a test cannot go on without. GoogleTest catches what it throws.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

template <class T>
std::string reason_of(const Result<T>& result) {
  return result ? "ok" : std::string(result.error().reason);
}

inline Hash128 uniform_key(Rng& rng) { return {rng.next(), rng.next()}; }

/// Mostly uniform; else such as meet on one page, in one slot, at one end.
inline Hash128 any_key(Rng& rng) {
  switch (rng.below(12)) {
    case 0: return {};
    case 1: return all_ones;
    case 2: return {0, rng.below(4)};
    case 3: return {~std::uint64_t{0}, rng.next()};
    case 4: return {rng.below(3), rng.below(3)};
    case 5: return {(std::uint64_t{7} << 32) + rng.below(100), rng.next()};
    default: return uniform_key(rng);
  }
}

inline std::vector<Hash128> uniform_keys(std::uint64_t seed, std::size_t n) {
  Rng rng(seed);
  std::vector<Hash128> keys(n);
  for (Hash128& key : keys) key = uniform_key(rng);
  return keys;
}

inline std::vector<bool> find(const DuplicateIndex& index, std::span<const Hash128> keys) {
  const auto known = std::make_unique<bool[]>(keys.size());
  must(index.find(keys, {known.get(), keys.size()}));
  return std::vector<bool>(known.get(), known.get() + keys.size());
}
inline bool knows(const DuplicateIndex& index, const Hash128& key) {
  return find(index, {&key, 1})[0];
}
inline std::int64_t count_known(const DuplicateIndex& index, std::span<const Hash128> keys) {
  const std::vector<bool> known = find(index, keys);
  return std::ranges::count(known, true);
}

inline void merge_all(DuplicateIndex& index) {
  while (auto merge = index.begin_merge()) {
    must(merge->run());
    must(index.finish_merge(std::move(merge)));
  }
}

/// What a log would hold, by which an index is filled again, and the twin.
class Journal {
 public:
  struct Batch {
    std::vector<Hash128> keys;
    Offset first;
    Offset end;
    TimestampMs time;
  };

  /// Adds to index and journal those of `keys` that the index does not know.
  void add(DuplicateIndex& index, std::vector<Hash128> keys, std::int64_t ms_later,
           std::uint64_t keyless_records = 0) {
    std::ranges::sort(keys);
    keys.erase(std::ranges::unique(keys).begin(), keys.end());
    const std::vector<bool> known = find(index, keys);
    std::size_t i = 0;
    std::erase_if(keys, [&](const Hash128&) { return known[i++]; });
    Rng(keys.size()).shuffle(keys);
    now_ += ms_later;
    const Offset end = end_ + keys.size() + keyless_records;
    if (end == end_) return;
    add(index, {std::move(keys), end_, end, now_});
    end_ = end;
  }
  void add(DuplicateIndex& index, Batch batch) {
    index.add(batch.keys, batch.first, batch.end, batch.time);
    for (const Hash128& key : batch.keys) added_[key] = batch.time;
    batches_.push_back(std::move(batch));
  }
  /// Adds again what is not in the runs. The twin then knows what it knew.
  void add_again(DuplicateIndex& index) const {
    for (const Batch& batch : batches_) {
      if (batch.end <= index.flushed_end()) continue;
      ASSERT_GE(batch.first, index.flushed_end());
      index.add(batch.keys, batch.first, batch.end, batch.time);
    }
  }
  /// Forgets what is not in the runs: the log lost it too.
  void cut(Offset flushed_end) {
    while (!batches_.empty() && batches_.back().end > flushed_end) {
      for (const Hash128& key : batches_.back().keys) added_.erase(key);
      end_ = batches_.back().first;
      batches_.pop_back();
    }
    now_ = batches_.empty() ? first_ms : batches_.back().time;
  }
  [[nodiscard]] const std::map<Hash128, TimestampMs>& added() const { return added_; }
  [[nodiscard]] TimestampMs now() const { return now_; }
  [[nodiscard]] Offset end() const { return end_; }

  void expect_agreement(const DuplicateIndex& index, std::int64_t window_ms, Rng& rng) const {
    std::vector<Hash128> keys;
    for (const auto& [key, time] : added_) keys.push_back(key);
    for (int i = 0; i < 50; ++i) keys.push_back(any_key(rng));
    rng.shuffle(keys);
    const std::vector<bool> known = find(index, keys);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto at = added_.find(keys[i]);
      if (at == added_.end()) {
        ASSERT_FALSE(known[i]) << keys[i].hex() << " was never added";
      } else if (at->second >= now_ - window_ms) {
        ASSERT_TRUE(known[i]) << keys[i].hex() << " was added " << now_ - at->second << " ms ago";
      }
    }
  }

 private:
  std::vector<Batch> batches_;
  std::map<Hash128, TimestampMs> added_;
  Offset end_ = 1;
  TimestampMs now_ = first_ms;
};

inline std::string bytes_of(const Env& env, const std::string& name) {
  return must(read_file(env, duplicates_directory + '/' + name, 1 << 20));
}
inline void put(const Env& env, const std::string& name, std::string_view bytes) {
  const auto file = must(env.files.open(duplicates_directory + '/' + name, OpenMode::create));
  must(file->write_at(0, std::as_bytes(std::span(bytes))));
}

}  // namespace hf::test
