// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/event.h"
#include "store/part.h"

namespace hf {

/// Reads whole events back out of a part, as PartBuilder took them. Not thread-safe.
class PartRows {
 public:
  /// Errors: those of Part's readers.
  [[nodiscard]] static Result<PartRows> open(std::shared_ptr<const Part> part);

  struct Row {
    EventView event;  ///< With the client's time and its received_at.
    std::string_view source;
    std::uint32_t import = 0;    ///< As the column of that role says.
    std::uint32_t position = 0;  ///< Of the person in the part's directory with whom it lies.
    std::uint32_t id_code = 0;
    TimestampMs stored_time_ms = 0;
  };
  /// Views live until the next call. Neighbours cost least. Errors: those of Part's readers;
  /// data_loss/bad_part where the row's id is none of its person's.
  [[nodiscard]] Result<const Row*> at(RowNumber row);

  [[nodiscard]] const Part& part() const { return *part_; }

 private:
  struct Column {
    std::uint32_t index;
    const ColumnInfo* info;
    std::shared_ptr<const Dictionary> dictionary;
    std::shared_ptr<const NumberPage> numbers;
    std::shared_ptr<const CodePage> codes;

    [[nodiscard]] bool has(std::uint32_t i) const;
    [[nodiscard]] ValueView value(std::uint32_t i) const;
  };

  explicit PartRows(std::shared_ptr<const Part> part) : part_(std::move(part)) {}
  Result<void> turn_to(std::uint32_t page);
  Result<void> turn_to(std::uint32_t page, Column& column);

  static constexpr std::uint32_t none = 0xffffffff;
  std::shared_ptr<const Part> part_;
  std::shared_ptr<const IdTable> ids_;
  std::vector<Column> columns_;            // Properties, and what the next four name.
  std::vector<const Column*> properties_;  // Those with values in the page, by name.
  Column* raw_time_ = nullptr;
  Column* channel_ = nullptr;
  Column* source_ = nullptr;
  Column* import_ = nullptr;
  std::uint32_t id_code_column_ = 0;
  std::uint32_t message_id_column_ = none;

  std::uint32_t page_ = none;
  std::shared_ptr<const TimePage> times_;
  std::shared_ptr<const TimePage> received_;
  std::shared_ptr<const NamePage> names_;
  std::shared_ptr<const CodePage> id_codes_;
  std::shared_ptr<const TextPage> message_ids_;
  std::vector<PropertyView> views_;
  Row row_;
};

}  // namespace hf
