// SPDX-License-Identifier: Apache-2.0
//
// A part read whole: whether what its footer says of its rows is so.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/part.h"

namespace hf {
namespace {

using part_format::ColumnRole;
using part_format::page_rows;

std::unexpected<Error> bad(std::string why) {
  return fail(ErrorCode::data_loss, "bad_part", std::move(why));
}

}  // namespace

Result<void> Part::verify() const {
  HF_TRY(const auto ids, this->ids());
  HF_CHECK(id_keys());
  HF_CHECK(message_keys());
  HF_CHECK(links());
  HF_TRY(const auto shared, shared_runs());
  for (const SharedRun& run : shared) {
    if (run.owners.size() != ids->first[run.position + 1] - ids->first[run.position]) {
      return bad(fmt::format("{}: person {} with another number of owners than ids", path(),
                             run.position));
    }
  }
  const std::uint32_t id_code_column = find(ColumnRole::id_code).value();
  std::vector<NameInfo> seen(names().size());
  TimestampMs low = std::numeric_limits<TimestampMs>::max();
  TimestampMs high = std::numeric_limits<TimestampMs>::min();
  std::size_t person = 0;
  TimestampMs before = low;
  for (std::uint32_t page = 0; page < page_count(); ++page) {
    HF_TRY(const auto times, this->times(page));
    HF_CHECK(received_at(page));
    HF_TRY(const auto codes, name_codes(page));
    HF_TRY(const auto id_codes, this->codes(id_code_column, page));
    for (std::uint32_t i = 0; i < rows_in_page(page); ++i) {
      const RowNumber row = page * page_rows + i;
      const bool starts = row == row_offsets()[person];
      if (!starts && times->values[i] < before) {
        return bad(fmt::format("{}: row {}: time before the row above", path(), row));
      }
      if (id_codes->codes[i] >= ids->first[person + 1] - ids->first[person]) {
        return bad(fmt::format("{}: row {}: id the person does not have", path(), row));
      }
      before = times->values[i];
      low = std::min(low, before);
      high = std::max(high, before);
      NameInfo& name = seen[codes->codes[i]];
      name.time_min = name.count == 0 ? before : std::min(name.time_min, before);
      name.time_max = name.count == 0 ? before : std::max(name.time_max, before);
      ++name.count;
      if (row + 1 == row_offsets()[person + 1]) ++person;
    }
  }
  if (low != time_min() || high != time_max()) {
    return bad(fmt::format("{}: times differ from the footer's range", path()));
  }
  for (std::size_t i = 0; i < names().size(); ++i) {
    const NameInfo& told = names()[i];
    if (seen[i].count != told.count || seen[i].time_min != told.time_min ||
        seen[i].time_max != told.time_max) {
      return bad(fmt::format("{}: events of name {} differ from the footer's", path(), i));
    }
  }
  for (std::uint32_t column = 0; column < columns().size(); ++column) {
    HF_CHECK(verify_column(column));
  }
  HF_CHECK(verify_days());
  return verify_postings();
}

Result<void> Part::verify_column(std::uint32_t column) const {
  const ColumnInfo& info = columns()[column];
  const bool property = info.role == ColumnRole::property;
  const bool numeric = info.role == ColumnRole::raw_time || info.role == ColumnRole::import ||
                       (property && info.kind == ValueKind::number);
  const bool coded = info.role == ColumnRole::channel || info.role == ColumnRole::source ||
                     (property && info.kind != ValueKind::number);
  // The columns every row has a value in were read with the rows.
  if (!numeric && !coded && info.role != ColumnRole::message_id) return {};
  if (coded) HF_CHECK(dictionary(column));
  std::uint64_t values = 0;
  std::int8_t scale_max = 0;
  std::optional<std::pair<Decimal, Decimal>> bounds;
  for (std::uint32_t page = 0; page < page_count(); ++page) {
    if (coded) {
      HF_TRY(const auto codes, this->codes(column, page));
      for (std::uint32_t i = 0; i < rows_in_page(page); ++i) {
        values += codes->codes[i] != CodePage::missing;
      }
    } else if (numeric) {
      HF_TRY(const auto numbers, this->numbers(column, page));
      for (std::uint32_t i = 0; i < rows_in_page(page); ++i) {
        if (!numbers->has(i)) continue;
        ++values;
        const Decimal value = numbers->at(i);
        scale_max = std::max(scale_max, value.scale);
        if (!bounds) bounds = {value, value};
        bounds->first = std::min(bounds->first, value);
        bounds->second = std::max(bounds->second, value);
      }
    } else {
      HF_TRY(const auto texts, this->texts(column, page));
      for (std::uint32_t i = 0; i < rows_in_page(page); ++i) values += !texts->at(i).empty();
    }
  }
  const bool same_bounds =
      !bounds || (bounds->first == info.number_min && bounds->second == info.number_max &&
                  scale_max == info.scale_max);
  if (values != info.value_count || !same_bounds) {
    return bad(
        fmt::format("{}: values of column {} differ from what the footer says", path(), column));
  }
  return {};
}

}  // namespace hf
