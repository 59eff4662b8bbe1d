// SPDX-License-Identifier: Apache-2.0
#include "cli/answer_csv.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/decimal.h"

namespace hf {
namespace {

std::string bucket_fields(const BucketPath& path) {
  std::string out;
  for (const Bucket& bucket : path) {
    switch (bucket.kind) {
      case Bucket::Kind::missing: break;
      case Bucket::Kind::other: out += "(other)"; break;
      case Bucket::Kind::value:
        out += bucket.text.empty() ? "\"\"" : csv_safe_field(bucket.text);
        break;
    }
    out += ',';
  }
  return out;
}

std::string bucket_heading(std::size_t dimensions) {
  if (dimensions == 1) return "bucket,";
  std::string out;
  for (std::size_t i = 1; i <= dimensions; ++i) out += fmt::format("bucket_{},", i);
  return out;
}

// The rows of all groups and of the total, the bucket before them where there are groups.
// add_rows(out, table, prefix) writes a table's.
std::string csv_of(const auto& answer, std::size_t dimensions, std::string_view heading,
                   auto&& add_rows) {
  std::string out = answer.has_groups ? bucket_heading(dimensions) : "";
  out += heading;
  out += '\n';
  for (const auto& group : answer.groups) add_rows(out, group, bucket_fields(group.bucket));
  std::string all;
  for (std::size_t i = 0; answer.has_groups && i < dimensions; ++i) all += "(all),";
  add_rows(out, answer.total, all);
  return out;
}

// Digits alone, never 1e+05, as sums have them; as many as tell the number from its neighbours.
std::string number_field(double number) {
  if (!std::isfinite(number)) return "";
  if (number == 0) return "0";   // -0, too.
  std::array<char, 400> buffer;  // Of 1e308 each digit; of 1e-308 the zeros before it.
  char* const end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed)
          .ptr;
  return {buffer.data(), end};
}

std::string trend_field(const TrendValue& value) {
  const auto* quotient = std::get_if<double>(&value);
  return quotient == nullptr ? to_string(value) : number_field(*quotient);
}

std::string value_field(Aggregate aggregate, const RetentionValue& value, std::int64_t persons) {
  switch (aggregate) {
    case Aggregate::users: return "";
    case Aggregate::count: return std::to_string(value.events);
    case Aggregate::sum: return value.sum.to_string();
    case Aggregate::avg:
      return persons == 0 ? "" : number_field(value.sum.to_double() / static_cast<double>(persons));
  }
  return "";
}

std::string windows_csv(const RetentionAnswer& answer, std::size_t dimensions) {
  const bool has_value = answer.aggregate != Aggregate::users;
  return csv_of(answer, dimensions,
                has_value ? "initial,retained,current,complete,initial_value,current_value"
                          : "initial,retained,current,complete",
                [&](std::string& out, const RetentionTable& table, const std::string& prefix) {
                  const WindowRetention& w = table.windows;
                  out += fmt::format("{}{},{},{},{}", prefix, w.initial, w.retained, w.current,
                                     w.current_complete);
                  if (has_value) {
                    out += "," + value_field(answer.aggregate, w.initial_value, w.initial) + "," +
                           value_field(answer.aggregate, w.current_value, w.retained);
                  }
                  out += '\n';
                });
}

std::string seconds_field(std::optional<double> seconds) {
  return seconds ? number_field(*seconds) : "";
}

void add_steps(std::string& out, const FunnelAnswer& answer, const FunnelTable& table,
               const std::string& prefix) {
  for (std::size_t k = 0; k < table.steps.size(); ++k) {
    const FunnelStep& step = table.steps[k];
    out += fmt::format("{}{},{},{},{},{},{},{},{}\n", prefix, k + 1,
                       csv_safe_field(answer.labels[k]), step.count, table.steps[0].count,
                       k == 0 ? "" : std::to_string(table.steps[k - 1].count),
                       seconds_field(step.seconds.mean), seconds_field(step.seconds.median),
                       seconds_field(step.seconds.p90));
  }
}

std::string text_of(const Json& object, std::string_view name) {
  const Json* member = object.find(name);
  return member == nullptr ? "" : member->text;
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

std::string csv_safe_field(std::string_view text) {
  constexpr std::string_view formula_begins = "=+-@\t\r\n";
  const bool is_suspect = !text.empty() && formula_begins.find(text[0]) != std::string_view::npos;
  if (!is_suspect || parse_decimal(text)) return csv_field(text);
  return csv_field("'" + std::string(text));
}

std::string retention_csv(const RetentionAnswer& answer, std::size_t dimensions) {
  if (answer.has_windows) return windows_csv(answer, dimensions);
  const bool has_value = answer.aggregate != Aggregate::users;
  return csv_of(answer, dimensions,
                has_value ? "cohort,size,column,count,eligible,complete,value"
                          : "cohort,size,column,count,eligible,complete",
                [&](std::string& out, const RetentionTable& table, const std::string& prefix) {
                  for (const RetentionCohort& cohort : table.cohorts) {
                    for (std::size_t k = 0; k < cohort.cells.size(); ++k) {
                      const RetentionCell& cell = cohort.cells[k];
                      out +=
                          fmt::format("{}{},{},{},{},{},{}", prefix, cohort.start, cohort.size,
                                      answer.columns[k], cell.count, cell.eligible, cell.complete);
                      if (has_value) {
                        out += "," + value_field(answer.aggregate, cell.value, cell.count);
                      }
                      out += '\n';
                    }
                  }
                });
}

std::string trend_csv(const TrendAnswer& answer, std::size_t dimensions) {
  return csv_of(
      answer, dimensions,
      answer.has_previous ? "start,complete,series,value,previous" : "start,complete,series,value",
      [&](std::string& out, const TrendTable& table, const std::string& prefix) {
        for (std::size_t p = 0; p < answer.periods.size(); ++p) {
          for (std::size_t s = 0; s < table.series.size(); ++s) {
            const TrendSeries& series = table.series[s];
            out += fmt::format("{}{},{},{},{}", prefix, answer.periods[p], bool{answer.complete[p]},
                               csv_safe_field(answer.labels[s]), trend_field(series.values[p]));
            if (answer.has_previous) out += "," + trend_field(series.previous[p]);
            out += '\n';
          }
        }
      });
}

std::string lifecycle_csv(const LifecycleAnswer& answer, std::size_t dimensions) {
  return csv_of(answer, dimensions, "start,complete,new,returning,resurrecting,dormant,active",
                [&](std::string& out, const LifecycleTable& table, const std::string& prefix) {
                  for (std::size_t i = 0; i < table.rows.size(); ++i) {
                    const LifecycleRow& row = table.rows[i];
                    out += fmt::format("{}{},{},{},{},{},{},{}\n", prefix, answer.periods[i],
                                       bool{answer.complete[i]}, row.fresh, row.returning,
                                       row.resurrecting, -row.dormant, row.active());
                  }
                });
}

std::string stickiness_csv(const StickinessAnswer& answer, std::size_t dimensions) {
  if (!answer.over_time) {
    return csv_of(answer, dimensions, "active_periods,count",
                  [](std::string& out, const StickinessTable& table, const std::string& prefix) {
                    for (std::size_t i = 0; i < table.histogram.size(); ++i) {
                      out += fmt::format("{}{},{}\n", prefix, i + 1, table.histogram[i]);
                    }
                  });
  }
  return csv_of(answer, dimensions,
                "start,complete,dau,wau,mau,l7_days,l7_persons,l28_days,l28_persons",
                [&](std::string& out, const StickinessTable& table, const std::string& prefix) {
                  for (std::size_t i = 0; i < table.days.size(); ++i) {
                    const StickinessDay& day = table.days[i];
                    out += fmt::format("{}{},{},{},{},{},{},{},{},{}\n", prefix, answer.periods[i],
                                       bool{answer.complete[i]}, day.dau, day.wau, day.mau,
                                       day.l7_days, day.wau, day.l28_days, day.l28);
                  }
                });
}

std::string funnel_csv(const FunnelAnswer& answer, std::size_t dimensions) {
  switch (answer.view) {
    case FunnelView::steps: break;
    case FunnelView::trend:
      return csv_of(answer, dimensions, "start,complete,entered,completed",
                    [&](std::string& out, const FunnelTable& table, const std::string& prefix) {
                      for (std::size_t i = 0; i < table.periods.size(); ++i) {
                        out += fmt::format("{}{},{},{},{}\n", prefix, answer.periods[i],
                                           bool{answer.complete[i]}, table.periods[i].entered,
                                           table.periods[i].completed);
                      }
                    });
    case FunnelView::time_to_convert:
      return csv_of(answer, dimensions, "from,to,count",
                    [](std::string& out, const FunnelTable& table, const std::string& prefix) {
                      for (const FunnelBin& bin : table.bins) {
                        out += fmt::format("{}{},{},{}\n", prefix, number_field(bin.from),
                                           number_field(bin.to), bin.count);
                      }
                    });
  }
  return csv_of(answer, dimensions,
                "step,label,count,first,previous,seconds_mean,seconds_median,seconds_p90",
                [&](std::string& out, const FunnelTable& table, const std::string& prefix) {
                  add_steps(out, answer, table, prefix);
                });
}

std::string segment_size_csv(const SegmentSizeAnswer& answer, std::size_t dimensions) {
  std::string heading = "what,";
  for (const std::string& label : answer.labels) heading += csv_safe_field(label) + ",";
  heading += "count";
  const std::size_t sets = answer.labels.size();
  return csv_of(answer, dimensions, heading,
                [&](std::string& out, const SegmentSizeTable& table, const std::string& prefix) {
                  // `in` says of each set whether the persons are in it: t, f or, where either,
                  // nothing.
                  const auto row = [&](std::string_view what, auto&& in, std::int64_t count) {
                    out += prefix;
                    out += what;
                    for (std::size_t i = 0; i < sets; ++i) {
                      const std::optional<bool> is_in = in(i);
                      out += is_in ? fmt::format(",{}", *is_in) : ",";
                    }
                    out += fmt::format(",{}\n", count);
                  };
                  const auto either = [](std::size_t) -> std::optional<bool> {
                    return std::nullopt;
                  };
                  if (&table == &answer.total) row("known", either, answer.known);
                  row("count", either, table.count);
                  for (std::size_t s = 0; s < table.sets.size(); ++s) {
                    const auto this_one = [&](std::size_t i) -> std::optional<bool> {
                      if (i == s) return true;
                      return std::nullopt;
                    };
                    row("set", this_one, table.sets[s]);
                  }
                  for (const SegmentOverlap& overlap : table.exactly_in) {
                    const auto as_said = [&](std::size_t i) -> std::optional<bool> {
                      return (overlap.sets >> i & 1u) != 0;
                    };
                    row("exactly_in", as_said, overlap.count);
                  }
                });
}

std::string members_csv_heading(const Json& data) {
  const std::vector<Json>& members = data.find("members")->array;
  if (members.empty()) return "person,ids\n";
  std::string out = members[0].find("unit") == nullptr ? "person,ids" : "unit";
  if (members[0].find("count") != nullptr) out += ",count";
  return out + "\n";
}

std::string members_csv_rows(const Json& data) {
  std::string out;
  for (const Json& member : data.find("members")->array) {
    if (member.find("unit") != nullptr) {
      out += csv_safe_field(text_of(member, "unit"));
    } else {
      std::string ids;
      for (const Json& id : member.find("ids")->array) ids += (ids.empty() ? "" : ";") + id.text;
      out += csv_safe_field(text_of(member, "person")) + "," + csv_safe_field(ids);
    }
    if (const Json* count = member.find("count"); count != nullptr) out += "," + count->text;
    out += '\n';
  }
  return out;
}

}  // namespace hf
