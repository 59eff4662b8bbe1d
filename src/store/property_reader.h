// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/value.h"
#include "store/part.h"

namespace hf {

/// The values of one property on one part, for one thread; a property has a column per kind.
class PropertyReader {
 public:
  /// `part` must outlive it. Errors: those of Part's readers.
  [[nodiscard]] static Result<PropertyReader> open(const Part& part, std::string_view property);

  struct Value {
    const ColumnInfo* column = nullptr;  ///< nullptr: missing.
    std::size_t index = 0;               ///< Which of the property's columns.
    std::uint32_t code = 0;              ///< All kinds but number.
    Decimal number = {};                 ///< kind number
  };
  /// Neighbours cost least. Errors: those of Part's readers.
  [[nodiscard]] Result<Value> read(std::uint32_t page, std::uint32_t row_in_page);
  /// Of a value that is there and no number; lives as long as the reader.
  [[nodiscard]] std::string_view text(const Value& value) const {
    return columns_[value.index].dictionary->at(value.code);
  }
  /// Requires that it is there; texts live as long as the reader.
  [[nodiscard]] ValueView view(const Value& value) const;

  [[nodiscard]] std::size_t column_count() const { return columns_.size(); }
  [[nodiscard]] const ColumnInfo& info(std::size_t index) const {
    return part_->columns()[columns_[index].column];
  }

 private:
  explicit PropertyReader(const Part& part) : part_(&part) {}
  Result<void> load(std::uint32_t page);

  struct Column {
    std::uint32_t column;
    ValueKind kind;
    std::shared_ptr<const Dictionary> dictionary;  // All kinds but number.
    std::shared_ptr<const CodePage> codes;
    std::shared_ptr<const NumberPage> numbers;
  };
  static constexpr std::uint32_t no_page = 0xffffffff;
  const Part* part_;
  std::vector<Column> columns_;
  std::uint32_t page_ = no_page;
};

}  // namespace hf
