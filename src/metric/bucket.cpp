// SPDX-License-Identifier: Apache-2.0
#include "metric/bucket.h"

#include <fmt/format.h>

#include <algorithm>

namespace hf {

void write_json(JsonWriter& out, const BucketPath& path) {
  out.begin_array();
  for (const Bucket& bucket : path) {
    switch (bucket.kind) {
      case Bucket::Kind::value: out.text(bucket.text); break;
      case Bucket::Kind::missing: out.null(); break;
      case Bucket::Kind::other: out.begin_object().key("other").boolean(true).end_object(); break;
    }
  }
  out.end_array();
}

BucketTable::BucketTable() {
  state_.with([](State& state) { state.texts.emplace_back(); });  // The missing value; never found.
}

Result<BucketId> BucketTable::intern(std::string_view text) {
  return state_.with([&](State& state) -> Result<BucketId> {
    if (const auto found = state.ids.find(text); found != state.ids.end()) return found->second;
    if (state.texts.size() >= buckets_max) {
      return fail(ErrorCode::resource_exhausted, "too_many_buckets",
                  fmt::format("the breakdown has more distinct values than {}", buckets_max));
    }
    const auto id = static_cast<BucketId>(state.texts.size());
    state.texts.emplace_back(text);
    state.ids.emplace(state.texts.back(), id);
    return id;
  });
}

std::size_t BucketTable::size() const {
  return state_.with([](const State& state) { return state.texts.size(); });
}

Bucket BucketTable::bucket(BucketId id) const {
  if (id == missing) return {Bucket::Kind::missing, {}};
  return state_.with([&](const State& state) {
    return Bucket{Bucket::Kind::value, state.texts[id]};
  });
}

BucketRanking rank_buckets(const BucketTable& table, std::span<const BucketSize> sizes,
                           std::size_t top) {
  struct Ranked {
    BucketId id;
    std::int64_t size;
    Bucket bucket;
  };
  std::vector<Ranked> ranked;
  for (BucketId id = 0; id < sizes.size(); ++id) {
    if (sizes[id].present) ranked.push_back({id, sizes[id].size, table.bucket(id)});
  }
  std::ranges::sort(ranked, [](const Ranked& a, const Ranked& b) {
    return a.size != b.size ? a.size > b.size : a.bucket < b.bucket;
  });
  BucketRanking ranking;
  ranking.slots.assign(sizes.size(), BucketRanking::none);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    ranking.slots[ranked[i].id] = static_cast<std::int32_t>(std::min(i, top));
    if (i < top) ranking.shown.push_back(std::move(ranked[i].bucket));
  }
  if (ranked.size() > top) ranking.shown.push_back({Bucket::Kind::other, {}});
  return ranking;
}

void BucketRanking::add_absent_to_other() {
  if (shown.empty() || shown.back().kind != Bucket::Kind::other) {
    shown.push_back({Bucket::Kind::other, {}});
  }
  std::ranges::replace(slots, none, static_cast<std::int32_t>(shown.size() - 1));
}

}  // namespace hf
