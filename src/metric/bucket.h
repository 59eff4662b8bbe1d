// SPDX-License-Identifier: Apache-2.0
//
// The buckets of a breakdown. A bucket is the canonical text of a value, so 0 and "0" are one; a
// missing value is a bucket of its own; what lies beyond `top` is summed in one marked other.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/guarded.h"
#include "base/json.h"
#include "base/result.h"

namespace hf {

struct Bucket {
  enum class Kind : std::uint8_t {
    missing,
    value,
    other
  };  // In the order in which they are shown.
  Kind kind = Kind::missing;
  std::string text = {};  ///< kind value
  friend auto operator<=>(const Bucket&, const Bucket&) = default;
};
/// One bucket a dimension of the breakdown.
using BucketPath = std::vector<Bucket>;

/// Writes ["GB"], [null, "ios"] or [{"other": true}].
void write_json(JsonWriter& out, const BucketPath& path);

/// Writes the tables of an answer as members of the object at hand: those of the total, or with a
/// breakdown `groups`, each with its bucket, and `total`. write_table(table) writes a table's.
template <class Answer, class WriteTable>
void write_tables(JsonWriter& out, const Answer& answer, WriteTable&& write_table) {
  if (!answer.has_groups) {
    write_table(answer.total);
    return;
  }
  out.key("groups").begin_array();
  for (const auto& group : answer.groups) {
    out.begin_object().key("bucket");
    write_json(out, group.bucket);
    write_table(group);
    out.end_object();
  }
  out.end_array().key("total").begin_object();
  write_table(answer.total);
  out.end_object();
}

using BucketId = std::uint32_t;
/// The buckets one value is in, ascending: one, several of a list, none of an empty list.
using BucketSet = std::vector<BucketId>;

/// Numbers the distinct values of one dimension. Methods may run concurrently.
class BucketTable {
 public:
  static constexpr BucketId missing = 0;
  static constexpr std::size_t buckets_max = 1'000'000;

  BucketTable();
  /// Errors: resource_exhausted/too_many_buckets beyond buckets_max.
  [[nodiscard]] Result<BucketId> intern(std::string_view text);
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Bucket bucket(BucketId id) const;

 private:
  struct State {
    std::deque<std::string> texts;  // By id; stable, so the index may point into them.
    std::unordered_map<std::string_view, BucketId> ids;
  };
  Guarded<State> state_;
};

/// True where it says no more than that the value is missing.
[[nodiscard]] inline bool is_missing(const BucketSet& set) {
  return set.size() == 1 && set.front() == BucketTable::missing;
}

/// How large a bucket is in an answer. Mergeable.
struct BucketSize {
  std::int64_t size = 0;
  bool present = false;  ///< Something is to be shown for it, though its size may be 0.

  void add(const BucketSize& more) {
    size += more.size;
    present = present || more.present;
  }
};

/// Which buckets of one dimension an answer shows.
struct BucketRanking {
  static constexpr std::int32_t none = -1;
  std::vector<Bucket> shown;        ///< By size, then bucket; `other` last where it is needed.
  std::vector<std::int32_t> slots;  ///< Index into `shown` by bucket id, or none.

  [[nodiscard]] std::int32_t slot(BucketId id) const {
    return id < slots.size() ? slots[id] : none;
  }
  /// Counts those that are not present by this dimension alone as beyond the top.
  void add_absent_to_other();
};

/// Ranks the buckets that are present: by size descending, then null, then text ascending bytewise.
[[nodiscard]] BucketRanking rank_buckets(const BucketTable& table,
                                         std::span<const BucketSize> sizes, std::size_t top);

}  // namespace hf
