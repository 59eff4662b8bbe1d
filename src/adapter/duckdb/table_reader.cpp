// SPDX-License-Identifier: Apache-2.0
#include "adapter/duckdb/table_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "adapter/duckdb/session.h"
#include "base/assert.h"
#include "base/decimal.h"
#include "base/json.h"

namespace hf::duckdb {
namespace {

constexpr std::int64_t micros_per_ms = 1'000;
constexpr std::int64_t nanos_per_ms = 1'000'000;
constexpr std::int64_t ms_per_s = 1'000;

std::int64_t floor_div(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

bool has_alias(duckdb_logical_type type, std::string_view name) {
  char* alias = duckdb_logical_type_get_alias(type);
  const bool equal = alias != nullptr && alias == name;
  duckdb_free(alias);
  return equal;
}

TableCell cell(ValueView value) { return {.kind = TableCell::Kind::value, .value = value}; }
TableCell local_time(std::int64_t ms) { return {TableCell::Kind::local_time, {}, ms}; }

void write_canonical(JsonWriter& out, const Json& json) {
  switch (json.kind) {
    case Json::Kind::number: out.raw(canonical_number(json.text)); return;
    case Json::Kind::array:
      out.begin_array();
      for (const Json& item : json.array) write_canonical(out, item);
      out.end_array();
      return;
    case Json::Kind::object:
      out.begin_object();
      for (const auto& [name, member] : json.object) {
        if (member.is_null()) continue;
        out.key(name);
        write_canonical(out, member);
      }
      out.end_object();
      return;
    default: out.json(json);
  }
}

TableCell number_cell(std::string_view digits, std::string& text) {
  if (const auto decimal = parse_decimal(digits)) {
    return cell({.kind = ValueKind::number, .number = *decimal});
  }
  text = canonical_number(digits);
  return cell({.kind = ValueKind::big_number, .text = text});
}

}  // namespace

Delivery delivery_of(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_DECIMAL:
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ: return Delivery::as_is;
    case DUCKDB_TYPE_VARCHAR: return has_alias(type, "JSON") ? Delivery::as_json : Delivery::as_is;
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_MAP:
    case DUCKDB_TYPE_UNION: return Delivery::as_json;
    default: return Delivery::as_text;
  }
}

std::string deliver(Delivery delivery, duckdb_logical_type type, const std::string& column) {
  if (delivery == Delivery::as_is) return column;
  if (delivery == Delivery::as_text || duckdb_get_type_id(type) == DUCKDB_TYPE_VARCHAR) {
    return "CAST(" + column + " AS VARCHAR)";
  }
  return "CAST(to_json(" + column + ") AS VARCHAR)";
}

TableCell cell_of_json(std::string_view json, std::string& text) {
  const Result<Json> parsed = parse_json(json);
  if (!parsed) {
    // Nothing that to_json() writes but a NaN inside, and nothing is lost as text.
    text = json;
    return cell({.kind = ValueKind::text, .text = text});
  }
  switch (parsed->kind) {
    case Json::Kind::null: return {};
    case Json::Kind::boolean: return cell({.kind = ValueKind::boolean, .boolean = parsed->boolean});
    case Json::Kind::number: return number_cell(parsed->text, text);
    case Json::Kind::text:
      text = parsed->text;
      return cell({.kind = ValueKind::text, .text = text});
    case Json::Kind::array:
    case Json::Kind::object: break;
  }
  const auto is_scalar = [](const Json& item) { return !item.is_array() && !item.is_object(); };
  const bool list = parsed->is_array() && std::ranges::all_of(parsed->array, is_scalar);
  JsonWriter out;
  write_canonical(out, *parsed);
  text = out.take();
  return cell({.kind = list ? ValueKind::list : ValueKind::json, .text = text});
}

CellReader::CellReader(duckdb_logical_type type, Delivery delivery)
    : type_(duckdb_get_type_id(type)), stored_as_(type_), delivery_(delivery) {
  if (delivery != Delivery::as_is) type_ = DUCKDB_TYPE_VARCHAR;
  if (type_ == DUCKDB_TYPE_DECIMAL) {
    stored_as_ = duckdb_decimal_internal_type(type);
    scale_ = duckdb_decimal_scale(type);
  }
}

void CellReader::set_vector(duckdb_vector vector) {
  data_ = duckdb_vector_get_data(vector);
  validity_ = duckdb_vector_get_validity(vector);
}

TableCell CellReader::number_of_text(std::string_view digits) { return number_cell(digits, text_); }

TableCell CellReader::number(Int128 units, int scale) {
  while (scale > 0 && units % 10 == 0) {
    units /= 10;
    --scale;
  }
  if (scale <= Decimal::scale_max && units >= std::numeric_limits<std::int64_t>::min() &&
      units <= std::numeric_limits<std::int64_t>::max()) {
    return cell({.kind = ValueKind::number,
                 .number = {static_cast<std::int64_t>(units), static_cast<std::int8_t>(scale)}});
  }
  std::string digits;
  UInt128 rest = units < 0 ? UInt128{0} - static_cast<UInt128>(units) : static_cast<UInt128>(units);
  for (int i = 0; rest != 0 || i <= scale; ++i) {
    if (i == scale && scale > 0) digits += '.';
    digits += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  }
  if (units < 0) digits += '-';
  std::ranges::reverse(digits);
  text_ = canonical_number(digits);
  return cell({.kind = ValueKind::big_number, .text = text_});
}

template <class Float>
TableCell CellReader::floating(Float value) {
  if (!std::isfinite(value)) return {};
  char digits[64];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  return number_of_text({digits, end});
}

TableCell CellReader::read(idx_t row) {
  if (validity_ != nullptr && !duckdb_validity_row_is_valid(validity_, row)) return {};
  switch (type_) {
    case DUCKDB_TYPE_BOOLEAN: return cell({.kind = ValueKind::boolean, .boolean = at<bool>(row)});
    case DUCKDB_TYPE_TINYINT: return number(at<std::int8_t>(row), 0);
    case DUCKDB_TYPE_SMALLINT: return number(at<std::int16_t>(row), 0);
    case DUCKDB_TYPE_INTEGER: return number(at<std::int32_t>(row), 0);
    case DUCKDB_TYPE_BIGINT: return number(at<std::int64_t>(row), 0);
    case DUCKDB_TYPE_UTINYINT: return number(at<std::uint8_t>(row), 0);
    case DUCKDB_TYPE_USMALLINT: return number(at<std::uint16_t>(row), 0);
    case DUCKDB_TYPE_UINTEGER: return number(at<std::uint32_t>(row), 0);
    case DUCKDB_TYPE_UBIGINT: return number(at<std::uint64_t>(row), 0);
    case DUCKDB_TYPE_FLOAT: return floating(at<float>(row));
    case DUCKDB_TYPE_DOUBLE: return floating(at<double>(row));
    case DUCKDB_TYPE_DECIMAL:
      switch (stored_as_) {
        case DUCKDB_TYPE_SMALLINT: return number(at<std::int16_t>(row), scale_);
        case DUCKDB_TYPE_INTEGER: return number(at<std::int32_t>(row), scale_);
        case DUCKDB_TYPE_BIGINT: return number(at<std::int64_t>(row), scale_);
        default: break;
      }
      [[fallthrough]];
    case DUCKDB_TYPE_HUGEINT: {
      const auto& value = at<duckdb_hugeint>(row);
      return number((static_cast<Int128>(value.upper) << 64) | value.lower, scale_);
    }
    case DUCKDB_TYPE_UHUGEINT: {
      const auto& value = at<duckdb_uhugeint>(row);
      UInt128 rest = (static_cast<UInt128>(value.upper) << 64) | value.lower;
      if (value.upper >> 63 == 0) return number(static_cast<Int128>(rest), 0);
      std::string digits;
      for (; rest != 0; rest /= 10) digits += static_cast<char>('0' + static_cast<int>(rest % 10));
      std::ranges::reverse(digits);
      return number_of_text(digits);
    }
    case DUCKDB_TYPE_DATE: {
      const auto& date = at<duckdb_date>(row);
      return duckdb_is_finite_date(date) ? local_time(date.days * ms_per_day) : TableCell{};
    }
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ: {
      const auto& time = at<duckdb_timestamp>(row);
      if (!duckdb_is_finite_timestamp(time)) return {};
      TableCell out = local_time(floor_div(time.micros, micros_per_ms));
      if (type_ == DUCKDB_TYPE_TIMESTAMP_TZ) out.kind = TableCell::Kind::instant;
      return out;
    }
    case DUCKDB_TYPE_TIMESTAMP_S: {
      const auto& time = at<duckdb_timestamp_s>(row);
      return duckdb_is_finite_timestamp_s(time) ? local_time(time.seconds * ms_per_s) : TableCell{};
    }
    case DUCKDB_TYPE_TIMESTAMP_MS: {
      const auto& time = at<duckdb_timestamp_ms>(row);
      return duckdb_is_finite_timestamp_ms(time) ? local_time(time.millis) : TableCell{};
    }
    case DUCKDB_TYPE_TIMESTAMP_NS: {
      const auto& time = at<duckdb_timestamp_ns>(row);
      return duckdb_is_finite_timestamp_ns(time) ? local_time(floor_div(time.nanos, nanos_per_ms))
                                                 : TableCell{};
    }
    default: {
      HF_ASSERT(type_ == DUCKDB_TYPE_VARCHAR);
      // A short string's bytes lie in the vector itself, which is not ours to change.
      auto* string = const_cast<duckdb_string_t*>(&at<duckdb_string_t>(row));
      const std::string_view text(duckdb_string_t_data(string), duckdb_string_t_length(*string));
      if (delivery_ == Delivery::as_json) return cell_of_json(text, text_);
      return cell({.kind = ValueKind::text, .text = text});
    }
  }
}

}  // namespace hf::duckdb
