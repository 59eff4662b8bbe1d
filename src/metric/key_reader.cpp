// SPDX-License-Identifier: Apache-2.0
#include "metric/key_reader.h"

#include <algorithm>

namespace hf {

Result<BucketSet> buckets_of(const ValueView& value, BucketTable& table) {
  if (value.kind != ValueKind::list) {
    HF_TRY(const BucketId id, table.intern(canonical_text(value)));
    return BucketSet{id};
  }
  HF_TRY(const auto items, values_of_list(value.text));
  BucketSet set;
  for (const std::string& item : items) {
    HF_TRY(const BucketId id, table.intern(item));
    set.push_back(id);
  }
  std::ranges::sort(set);
  return set;
}

KeyReader::KeyReader(PropertyReader values, BucketTable& table)
    : values_(std::move(values)), table_(&table), by_code_(values_.column_count()) {
  for (std::size_t i = 0; i < by_code_.size(); ++i) {
    if (values_.info(i).kind != ValueKind::number) {
      by_code_[i].resize(values_.info(i).dictionary_size);
    }
  }
}

Result<const BucketSet*> KeyReader::read(std::uint32_t page, std::uint32_t row) {
  HF_TRY(const PropertyReader::Value value, values_.read(page, row));
  if (value.column == nullptr) return &missing_;
  const BucketSet*& known = value.column->kind == ValueKind::number
                                ? by_number_[{value.number.units, value.number.scale}]
                                : by_code_[value.index][value.code];
  if (known == nullptr) {
    HF_TRY(BucketSet set, buckets_of(values_.view(value), *table_));
    sets_.push_back(std::move(set));
    known = &sets_.back();
  }
  return known;
}

}  // namespace hf
