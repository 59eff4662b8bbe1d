// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "metric/retention.h"

namespace hf {
namespace {

void write_rate(JsonWriter& out, const std::optional<double>& rate) {
  if (rate) {
    out.number(*rate);
  } else {
    out.null();
  }
}

void write_ratio(JsonWriter& out, const Ratio& ratio) {
  out.begin_object().key("numerator").integer(ratio.numerator);
  out.key("denominator").integer(ratio.denominator).key("rate");
  write_rate(out, ratio.rate());
  out.end_object();
}

// Writes "value" where the query asked for one; `persons` are those counted.
void write_value(JsonWriter& out, Aggregate aggregate, const RetentionValue& value,
                 std::int64_t persons) {
  switch (aggregate) {
    case Aggregate::users: return;
    case Aggregate::count: out.key("value").integer(value.events); return;
    case Aggregate::sum: out.key("value").raw(value.sum.to_string()); return;
    case Aggregate::avg:
      out.key("value");
      if (persons == 0) {
        out.null();
      } else {
        out.number(value.sum.to_double() / static_cast<double>(persons));
      }
      return;
  }
  HF_ASSERT(false);
}

void write_cohorts(JsonWriter& out, Aggregate aggregate, const RetentionTable& table) {
  out.key("cohorts").begin_array();
  for (const RetentionCohort& cohort : table.cohorts) {
    out.begin_object().key("start").text(cohort.start).key("size").integer(cohort.size);
    out.key("cells").begin_array();
    for (const RetentionCell& cell : cohort.cells) {
      out.begin_object().key("count").integer(cell.count).key("eligible").integer(cell.eligible);
      out.key("complete").boolean(cell.complete);
      write_value(out, aggregate, cell.value, cell.count);
      out.end_object();
    }
    out.end_array().end_object();
  }
  out.end_array();
  out.key("mean").begin_object().key("weighted").begin_array();
  for (const Ratio& ratio : table.mean.weighted) write_ratio(out, ratio);
  out.end_array().key("simple").begin_array();
  for (const auto& rate : table.mean.simple) write_rate(out, rate);
  out.end_array().end_object();
}

void write_windows(JsonWriter& out, const RetentionAnswer& answer, const RetentionTable& table) {
  const WindowRetention& w = table.windows;
  out.key("initial").begin_object();
  out.key("from").text(answer.initial_from).key("to").text(answer.initial_to);
  out.key("count").integer(w.initial);
  write_value(out, answer.aggregate, w.initial_value, w.initial);
  out.end_object().key("current").begin_object();
  out.key("from").text(answer.current_from).key("to").text(answer.current_to);
  out.key("count").integer(w.current).key("complete").boolean(w.current_complete);
  write_value(out, answer.aggregate, w.current_value, w.retained);
  out.end_object();
  out.key("retention");
  write_ratio(out, {w.retained, w.initial});
  out.key("churn");
  write_ratio(out, {w.initial - w.retained, w.initial});
  out.key("activity_ratio");
  write_ratio(out, {w.current, w.initial});
}

void write_table(JsonWriter& out, const RetentionAnswer& answer, const RetentionTable& table) {
  if (answer.has_windows) {
    write_windows(out, answer, table);
  } else {
    write_cohorts(out, answer.aggregate, table);
  }
}

}  // namespace

std::optional<double> Ratio::rate() const {
  if (denominator == 0) return std::nullopt;
  return static_cast<double>(numerator) / static_cast<double>(denominator);
}

void write_json(JsonWriter& out, const RetentionAnswer& answer) {
  out.begin_object();
  if (!answer.has_windows) {
    out.key("columns").begin_array();
    for (const std::string& column : answer.columns) out.text(column);
    out.end_array();
  }
  write_tables(out, answer, [&](const RetentionTable& table) { write_table(out, answer, table); });
  out.end_object();
}

}  // namespace hf
