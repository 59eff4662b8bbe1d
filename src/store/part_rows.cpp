// SPDX-License-Identifier: Apache-2.0
#include "store/part_rows.h"

#include <algorithm>

namespace hf {

using part_format::ColumnRole;
using part_format::page_rows;

bool PartRows::Column::has(std::uint32_t i) const {
  return numbers ? numbers->has(i) : codes->codes[i] != CodePage::missing;
}

ValueView PartRows::Column::value(std::uint32_t i) const {
  ValueView value{.kind = info->kind};
  if (numbers) {
    value.number = numbers->at(i);
  } else if (info->kind == ValueKind::boolean) {
    value.boolean = codes->codes[i] == 1;
  } else {
    value.text = dictionary->at(codes->codes[i]);
  }
  return value;
}

Result<PartRows> PartRows::open(std::shared_ptr<const Part> part) {
  PartRows rows(std::move(part));
  HF_TRY(rows.ids_, rows.part_->ids());
  const auto& columns = rows.part_->columns();
  rows.columns_.reserve(columns.size());  // Pointers into it stay.
  for (std::uint32_t i = 0; i < columns.size(); ++i) {
    const ColumnInfo& info = columns[i];
    Column** place = nullptr;
    switch (info.role) {
      case ColumnRole::id_code: rows.id_code_column_ = i; continue;
      case ColumnRole::message_id: rows.message_id_column_ = i; continue;
      case ColumnRole::time:
      case ColumnRole::name:
      case ColumnRole::received_at:
      case ColumnRole::message_key: continue;
      case ColumnRole::raw_time: place = &rows.raw_time_; break;
      case ColumnRole::channel: place = &rows.channel_; break;
      case ColumnRole::source: place = &rows.source_; break;
      case ColumnRole::import: place = &rows.import_; break;
      case ColumnRole::property: break;
    }
    Column& column = rows.columns_.emplace_back(Column{.index = i, .info = &info});
    if (info.kind != ValueKind::number) {
      HF_TRY(column.dictionary, rows.part_->dictionary(i));
    }
    if (place != nullptr) *place = &column;
  }
  return rows;
}

Result<const PartRows::Row*> PartRows::at(RowNumber row) {
  if (const std::uint32_t page = row / page_rows; page != page_) HF_CHECK(turn_to(page));
  const std::uint32_t i = row - page_ * page_rows;
  const auto offsets = part_->row_offsets();
  if (row < offsets[row_.position] || row >= offsets[row_.position + 1]) {
    const auto after = std::ranges::upper_bound(offsets, row);
    row_.position = static_cast<std::uint32_t>(after - offsets.begin() - 1);
  }
  row_.id_code = id_codes_->codes[i];
  const std::uint64_t entry = std::uint64_t{ids_->first[row_.position]} + row_.id_code;
  if (entry >= ids_->first[row_.position + 1]) {
    return fail(ErrorCode::data_loss, "bad_part",
                part_->path() + ": a row with an id that its person has not");
  }
  row_.stored_time_ms = times_->values[i];
  const bool was_ahead = raw_time_ != nullptr && raw_time_->has(i);
  views_.clear();
  for (const Column* property : properties_) {
    if (property->has(i)) views_.push_back({property->info->property, property->value(i)});
  }
  const auto text = [&](const Column* column) {
    return column != nullptr && column->has(i) ? column->value(i).text : std::string_view{};
  };
  row_.event = {
      .user_id = ids_->entries[entry].user_id,
      .anonymous_id = ids_->entries[entry].anonymous_id,
      .name = part_->names()[names_->codes[i]].name,
      .time_ms = was_ahead ? raw_time_->numbers->at(i).units : row_.stored_time_ms,
      .received_at_ms = received_->values[i],
      .message_id = message_ids_ ? message_ids_->at(i) : std::string_view{},
      .channel = text(channel_),
      .properties = views_,
  };
  row_.source = text(source_);
  if (row_.source.empty()) row_.source = part_->source();
  const bool of_import = import_ != nullptr && import_->has(i);
  row_.import = of_import ? static_cast<std::uint32_t>(import_->numbers->at(i).units) : 0;
  return &row_;
}

Result<void> PartRows::turn_to(std::uint32_t page) {
  page_ = none;
  HF_TRY(times_, part_->times(page));
  HF_TRY(received_, part_->received_at(page));
  HF_TRY(names_, part_->name_codes(page));
  HF_TRY(id_codes_, part_->codes(id_code_column_, page));
  if (message_id_column_ != none) {
    HF_TRY(message_ids_, part_->texts(message_id_column_, page));
  }
  properties_.clear();
  for (Column& column : columns_) {
    HF_CHECK(turn_to(page, column));
    if (column.info->role != ColumnRole::property) continue;
    bool any = false;
    for (std::uint32_t i = 0; i < part_->rows_in_page(page) && !any; ++i) any = column.has(i);
    if (any) properties_.push_back(&column);
  }
  page_ = page;
  return {};
}

Result<void> PartRows::turn_to(std::uint32_t page, Column& column) {
  if (column.info->kind == ValueKind::number) {
    HF_TRY(column.numbers, part_->numbers(column.index, page));
  } else {
    HF_TRY(column.codes, part_->codes(column.index, page));
  }
  return {};
}

}  // namespace hf
