// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <span>

#include "metric/trend.h"

namespace hf {

std::optional<double> to_number(const TrendValue& value) {
  if (const auto* count = std::get_if<std::int64_t>(&value)) return static_cast<double>(*count);
  if (const auto* sum = std::get_if<DecimalSum>(&value)) return sum->to_double();
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::nullopt;
}

namespace {

void write_value(JsonWriter& out, const TrendValue& value) {
  if (const auto* count = std::get_if<std::int64_t>(&value)) {
    out.integer(*count);
  } else if (const auto* sum = std::get_if<DecimalSum>(&value)) {
    out.raw(sum->to_string());
  } else if (const auto* number = std::get_if<double>(&value)) {
    out.number(*number);
  } else {
    out.null();
  }
}

void write_values(JsonWriter& out, std::string_view name, std::span<const TrendValue> values) {
  out.key(name).begin_array();
  for (const TrendValue& value : values) write_value(out, value);
  out.end_array();
}

void write_table(JsonWriter& out, const TrendAnswer& answer, const TrendTable& table) {
  out.key("series").begin_array();
  for (std::size_t s = 0; s < table.series.size(); ++s) {
    const TrendSeries& series = table.series[s];
    out.begin_object().key("label").text(answer.labels[s]);
    if (answer.has_formula && s + 1 == table.series.size()) out.key("formula").boolean(true);
    write_values(out, "values", series.values);
    write_value(out.key("total"), series.total);
    if (answer.has_previous) {
      write_values(out, "previous", series.previous);
      write_value(out.key("previous_total"), series.previous_total);
    }
    out.end_object();
  }
  out.end_array();
}

}  // namespace

std::string to_string(const TrendValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return "";
  JsonWriter out;
  write_value(out, value);
  return out.take();
}

void write_json(JsonWriter& out, const TrendAnswer& answer) {
  out.begin_object().key("periods").begin_array();
  for (const std::string& period : answer.periods) out.text(period);
  out.end_array().key("complete").begin_array();
  for (const bool complete : answer.complete) out.boolean(complete);
  out.end_array();
  write_tables(out, answer, [&](const TrendTable& table) { write_table(out, answer, table); });
  out.end_object();
}

}  // namespace hf
