// SPDX-License-Identifier: Apache-2.0
#include "store/property_reader.h"

namespace hf {

Result<PropertyReader> PropertyReader::open(const Part& part, std::string_view property) {
  PropertyReader reader(part);
  for (const std::uint32_t index : part.find_property(property)) {
    Column& column = reader.columns_.emplace_back(Column{index, part.columns()[index].kind});
    if (column.kind != ValueKind::number) {
      HF_TRY(column.dictionary, part.dictionary(index));
    }
  }
  return reader;
}

Result<PropertyReader::Value> PropertyReader::read(std::uint32_t page, std::uint32_t row_in_page) {
  if (page != page_) HF_CHECK(load(page));
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    if (column.kind == ValueKind::number) {
      if (column.numbers->has(row_in_page)) {
        return Value{&info(i), i, 0, column.numbers->at(row_in_page)};
      }
    } else if (const std::uint32_t code = column.codes->codes[row_in_page];
               code != CodePage::missing) {
      return Value{&info(i), i, code, {}};
    }
  }
  return Value{};
}

ValueView PropertyReader::view(const Value& value) const {
  ValueView view{.kind = value.column->kind};
  switch (view.kind) {
    case ValueKind::number: view.number = value.number; break;
    case ValueKind::boolean: view.boolean = value.code == 1; break;
    default: view.text = text(value);
  }
  return view;
}

Result<void> PropertyReader::load(std::uint32_t page) {
  page_ = no_page;
  for (Column& column : columns_) {
    if (column.kind == ValueKind::number) {
      HF_TRY(column.numbers, part_->numbers(column.column, page));
    } else {
      HF_TRY(column.codes, part_->codes(column.column, page));
    }
  }
  page_ = page;
  return {};
}

}  // namespace hf
