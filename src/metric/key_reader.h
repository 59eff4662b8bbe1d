// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "metric/bucket.h"
#include "store/property_reader.h"

namespace hf {

/// The buckets a value is in. Errors: those of BucketTable.
[[nodiscard]] Result<BucketSet> buckets_of(const ValueView& value, BucketTable& table);

/// The buckets of one property's values on one part, for one thread: each distinct value is turned
/// into its buckets once.
class KeyReader {
 public:
  KeyReader(PropertyReader values, BucketTable& table);

  /// Never null; it lives as long as the reader. Errors: those of Part's readers and BucketTable.
  [[nodiscard]] Result<const BucketSet*> read(std::uint32_t page, std::uint32_t row);

 private:
  struct NumberHash {
    std::size_t operator()(const std::pair<std::int64_t, std::int8_t>& n) const {
      return static_cast<std::size_t>(
          (static_cast<std::uint64_t>(n.first) * 16 + static_cast<std::uint64_t>(n.second)) *
              0x9e3779b97f4a7c15u >>
          7);
    }
  };

  PropertyReader values_;
  BucketTable* table_;
  BucketSet missing_{BucketTable::missing};
  std::deque<BucketSet> sets_;
  std::vector<std::vector<const BucketSet*>> by_code_;  // By column of the property, then code.
  std::unordered_map<std::pair<std::int64_t, std::int8_t>, const BucketSet*, NumberHash> by_number_;
};

}  // namespace hf
