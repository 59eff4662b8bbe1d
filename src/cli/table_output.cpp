// SPDX-License-Identifier: Apache-2.0
#include "cli/table_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/chart.h"

namespace hf {
namespace {

constexpr int bar_width_default = 40;

std::string value_text(const TrendValue& value) {
  const auto* count = std::get_if<std::int64_t>(&value);
  if (count == nullptr) return to_string(value);
  return with_separators(static_cast<std::uint64_t>(*count));
}

std::string bucket_field(const BucketPath& path) {
  std::string out;
  for (const Bucket& bucket : path) {
    if (&bucket != &path.front()) out += ',';
    switch (bucket.kind) {
      case Bucket::Kind::missing: break;
      case Bucket::Kind::other: out += "(other)"; break;
      case Bucket::Kind::value: out += csv_field(bucket.text); break;
    }
  }
  return out;
}

// "bucket,", of several dimensions "bucket_1,bucket_2,"; nothing without a breakdown.
template <class Answer>
std::string bucket_heading(const Answer& answer) {
  const std::size_t dimensions = answer.groups.empty() ? 1 : answer.groups.front().bucket.size();
  if (!answer.has_groups) return "";
  if (dimensions == 1) return "bucket,";
  std::string out;
  for (std::size_t i = 1; i <= dimensions; ++i) out += fmt::format("bucket_{},", i);
  return out;
}

// The same fields of the total.
template <class Answer>
std::string total_prefix(const Answer& answer) {
  std::string out;
  const std::size_t dimensions = answer.groups.empty() ? 1 : answer.groups.front().bucket.size();
  for (std::size_t i = 0; answer.has_groups && i < dimensions; ++i) out += "(all),";
  return out;
}

std::string value_field(const RetentionAnswer& answer, const RetentionCell& cell) {
  switch (answer.aggregate) {
    case Aggregate::users: return "";
    case Aggregate::count: return std::to_string(cell.value.events);
    case Aggregate::sum: return cell.value.sum.to_string();
    case Aggregate::avg:
      return cell.count == 0
                 ? ""
                 : fmt::format("{}", cell.value.sum.to_double() / static_cast<double>(cell.count));
  }
  return "";
}

void append_retention(std::string& out, const RetentionAnswer& answer, const RetentionTable& table,
                      const std::string& prefix) {
  const bool has_value = answer.aggregate != Aggregate::users;
  for (const RetentionCohort& cohort : table.cohorts) {
    for (std::size_t k = 0; k < cohort.cells.size(); ++k) {
      const RetentionCell& cell = cohort.cells[k];
      out += fmt::format("{}{},{},{},{},{},{}", prefix, cohort.start, cohort.size,
                         answer.columns[k], cell.count, cell.eligible, cell.complete);
      if (has_value) out += "," + value_field(answer, cell);
      out += '\n';
    }
  }
}

std::string windows_csv(const RetentionAnswer& answer) {
  std::string out = bucket_heading(answer) + "initial,retained,current,complete\n";
  const auto row = [&](const RetentionTable& table, const std::string& prefix) {
    const WindowRetention& w = table.windows;
    out += fmt::format("{}{},{},{},{}\n", prefix, w.initial, w.retained, w.current,
                       w.current_complete);
  };
  for (const RetentionTable& group : answer.groups) row(group, bucket_field(group.bucket) + ",");
  row(answer.total, total_prefix(answer));
  return out;
}

// The rows of all groups and of the total, the bucket before them where there are groups.
std::string csv_rows(const auto& answer, std::string_view heading, auto&& row_lines) {
  std::string out = bucket_heading(answer) + std::string(heading) + "\n";
  for (const auto& group : answer.groups) row_lines(out, group, bucket_field(group.bucket) + ",");
  row_lines(out, answer.total, total_prefix(answer));
  return out;
}

}  // namespace

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string retention_csv(const RetentionAnswer& answer) {
  if (answer.has_windows) return windows_csv(answer);
  std::string out = bucket_heading(answer);
  out += "cohort,size,column,count,eligible,complete";
  out += answer.aggregate == Aggregate::users ? "\n" : ",value\n";
  for (const RetentionTable& group : answer.groups) {
    append_retention(out, answer, group, bucket_field(group.bucket) + ",");
  }
  append_retention(out, answer, answer.total, total_prefix(answer));
  return out;
}

std::string trend_csv(const TrendAnswer& answer) {
  std::string out = bucket_heading(answer) + "start,complete,series,value";
  out += answer.has_previous ? ",previous\n" : "\n";
  const auto rows = [&](const TrendTable& table, const std::string& prefix) {
    for (std::size_t p = 0; p < answer.periods.size(); ++p) {
      for (std::size_t s = 0; s < table.series.size(); ++s) {
        const TrendSeries& series = table.series[s];
        out += fmt::format("{}{},{},{},{}", prefix, answer.periods[p], bool{answer.complete[p]},
                           csv_field(answer.labels[s]), to_string(series.values[p]));
        if (answer.has_previous) out += "," + to_string(series.previous[p]);
        out += '\n';
      }
    }
  };
  for (const TrendTable& group : answer.groups) rows(group, bucket_field(group.bucket) + ",");
  rows(answer.total, total_prefix(answer));
  return out;
}

std::string lifecycle_csv(const LifecycleAnswer& answer) {
  return csv_rows(answer, "start,complete,new,returning,resurrecting,dormant,active",
                  [&](std::string& out, const LifecycleTable& table, const std::string& prefix) {
                    for (std::size_t i = 0; i < table.rows.size(); ++i) {
                      const LifecycleRow& row = table.rows[i];
                      out += fmt::format("{}{},{},{},{},{},{},{}\n", prefix, answer.periods[i],
                                         bool{answer.complete[i]}, row.fresh, row.returning,
                                         row.resurrecting, -row.dormant, row.active());
                    }
                  });
}

std::string stickiness_csv(const StickinessAnswer& answer) {
  if (!answer.over_time) {
    return csv_rows(answer, "active_periods,count",
                    [](std::string& out, const StickinessTable& table, const std::string& prefix) {
                      for (std::size_t i = 0; i < table.histogram.size(); ++i) {
                        out += fmt::format("{}{},{}\n", prefix, i + 1, table.histogram[i]);
                      }
                    });
  }
  return csv_rows(answer, "start,complete,dau,wau,mau,l7_days,l7_persons,l28_days,l28_persons",
                  [&](std::string& out, const StickinessTable& table, const std::string& prefix) {
                    for (std::size_t i = 0; i < table.days.size(); ++i) {
                      const StickinessDay& day = table.days[i];
                      out +=
                          fmt::format("{}{},{},{},{},{},{},{},{},{}\n", prefix, answer.periods[i],
                                      bool{answer.complete[i]}, day.dau, day.wau, day.mau,
                                      day.l7_days, day.wau, day.l28_days, day.l28);
                    }
                  });
}

std::string render_trend(const TrendAnswer& answer, const std::string& period,
                         const Terminal& terminal, Words words) {
  std::string out = "\n";
  for (const Warning& warning : answer.warnings) out += fmt::format("  ! {}\n", warning.message);
  int label_width = 0;
  for (const std::string& start : answer.periods) {
    label_width = std::max(label_width, display_width(period_label(start, period, words)));
  }
  const auto show = [&](const TrendSeries& series, const std::string& title) {
    double highest = 0;
    int value_width = 1;
    for (const TrendValue& value : series.values) {
      highest = std::max(highest, to_number(value).value_or(0));
      value_width = std::max(value_width, display_width(value_text(value)));
    }
    const int bar_width = terminal.width > 0
                              ? std::clamp(terminal.width - label_width - value_width - 8, 8, 60)
                              : bar_width_default;
    out += fmt::format("  {}  {}\n", bold(title, terminal.color),
                       dim(fmt::format("{} {}", words("total", "合计"), value_text(series.total)),
                           terminal.color));
    for (std::size_t p = 0; p < series.values.size(); ++p) {
      // What is below 0 has no bar.
      const double share =
          highest == 0 ? 0 : std::max(0.0, to_number(series.values[p]).value_or(0)) / highest;
      out += fmt::format("  {}  {}{} {}\n",
                         pad_right(period_label(answer.periods[p], period, words), label_width),
                         pad_left(value_text(series.values[p]), value_width),
                         answer.complete[p] ? " " : "~", bar(share, bar_width));
    }
    out += '\n';
  };
  const auto show_table = [&](const TrendTable& table, const std::string& prefix) {
    for (std::size_t s = 0; s < table.series.size(); ++s) {
      show(table.series[s], prefix + harmless(answer.labels[s]));
    }
  };
  for (const TrendTable& group : answer.groups) {
    show_table(group, bucket_text(group.bucket, words) + " · ");
  }
  show_table(answer.total, answer.has_groups ? std::string(words("all", "全部")) + " · " : "");
  const bool unfinished = std::ranges::any_of(answer.complete, [](bool c) { return !c; });
  if (unfinished) {
    out += "  " + dim(words("~ not finished yet", "~ 尚未结束"), terminal.color) + "\n";
  }
  return out;
}

}  // namespace hf
