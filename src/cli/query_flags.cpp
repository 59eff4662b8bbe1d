// SPDX-License-Identifier: Apache-2.0
#include "cli/query_flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "calendar/time_text.h"
#include "metric/query.h"

namespace hf {
namespace {

TimestampMs end_of_data(const Snapshot& snapshot) {
  TimestampMs end = 0;
  for (const auto& part : snapshot.parts) end = std::max(end, part->time_max());
  return end;
}

}  // namespace

void add_common_options(CLI::App& command, CommonArguments& a) {
  command.add_option("--from", a.from, "First date (2026-01-31) or instant (RFC 3339)")
      ->type_name("DATE");
  command.add_option("--to", a.to, "Last date, inclusive, or instant, exclusive")
      ->type_name("DATE");
  command
      .add_option("--last", a.last,
                  "Whole days up to yesterday, e.g. P90D, instead of --from and --to")
      ->type_name("DURATION");
  command
      .add_option(
          "--as-of", a.as_of,
          "The instant regarded as now (default: now, or the end of the data where that is\n"
          "earlier)")
      ->type_name("INSTANT");
  command.add_option("--timezone", a.timezone, "IANA name (default: the workspace's)")
      ->type_name("ZONE");
  command
      .add_option("--week-start", a.week_start, "First day of a week (default: the workspace's)")
      ->check(CLI::IsMember({"monday", "sunday"}))
      ->type_name("DAY");
  command.add_option("--where", a.where, "Predicate on every event, as JSON")->type_name("JSON");
  command.add_option("--breakdown,--by", a.breakdown, "Split by an event property")
      ->type_name("PROPERTY");
  command.add_option("--top", a.top, "Values of the breakdown to show (default: 25)");
  command
      .add_option("--period", a.period,
                  "hour, day, week, month, quarter, year or a duration (P14D) (default: day)")
      ->type_name("PERIOD");
  command.add_option("--format", a.format, "Form of the answer")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
  add_limit_options(command, a.limits);
  command.add_flag("--show-query", a.show_query, "Print the query as JSON instead of answering it");
}

void add_limit_options(CLI::App& command, AskingLimits& limits) {
  command
      .add_option("--time-limit", limits.seconds,
                  "Seconds that the answer may take (default: no limit)")
      ->check(CLI::Range(1, 1'000'000));
  command.add_option("--memory-limit", limits.mib, "MiB that a question may need at a time")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
}

void put_text(JsonWriter& out, std::string_view name, const std::string& value) {
  if (!value.empty()) out.key(name).text(value);
}

void write_matcher(JsonWriter& out, const std::string& argument) {
  if (argument.starts_with('{')) {
    out.raw(argument);
  } else {
    out.begin_object().key("event").text(argument).end_object();
  }
}

void write_common(JsonWriter& out, const CommonArguments& a, const Session::Reading& reading,
                  const Env& env) {
  put_text(out, "from", a.from);
  put_text(out, "to", a.to);
  put_text(out, "last", a.last);
  // Asked of history, "now" would make every open cell of years past look finished and empty.
  const TimestampMs end = end_of_data(reading.snapshot);
  if (!a.as_of.empty()) {
    put_text(out, "as_of", a.as_of);
  } else if (a.last.empty() && end > 0 && end < env.clock.now_ms()) {
    out.key("as_of").text(format_rfc3339(end, *reading.zone));
  }
  put_text(out, "timezone", a.timezone);
  put_text(out, "week_start", a.week_start);
  if (!a.where.empty()) out.key("where").raw(a.where);
  if (!a.breakdown.empty()) {
    out.key("breakdown").begin_array().begin_object().key("property").text(a.breakdown);
    if (a.top > 0) out.key("top").integer(a.top);
    out.end_object().end_array();
  }
  put_text(out, "period", a.period);
}

std::string data_facts(const Session::Reading& reading, Words words) {
  std::uint64_t events = 0;
  TimestampMs first = timestamp_end_ms;
  for (const auto& part : reading.snapshot.parts) {
    events += part->row_count();
    first = std::min(first, part->time_min());
  }
  std::uint64_t people = 0;
  for_each_person(reading.snapshot, 0, reading.snapshot.person_end,
                  [&](PersonOrdinal, std::span<const PersonRun>) { ++people; });
  if (events == 0) return std::string(words("no events", "没有事件"));
  const Zone& zone = *reading.zone;
  return fmt::format(fmt::runtime(words("{0} events of {1} people, {2} to {3}, {4}",
                                        "{0} 个事件，{1} 人，{2} 至 {3}，{4}")),
                     with_separators(events), with_separators(people),
                     date_label(to_string(zone.local_day(first)), words),
                     date_label(to_string(zone.local_day(end_of_data(reading.snapshot))), words),
                     zone.name());
}

std::string data_end(const Session::Reading& reading, const CommonFields& common) {
  return to_string(common.zone->local_day(
      std::min(common.as_of, std::max<TimestampMs>(end_of_data(reading.snapshot), 0))));
}

Result<bool> print_plainly(const CommonArguments& a, const Session::Reading& reading,
                           const QueryContext& context, Asking& asking, const std::string& query) {
  if (a.show_query) {
    print(query + "\n");
    return true;
  }
  if (a.format != "json") return false;
  HF_TRY(const std::string answer, answer_query(reading.snapshot, context, query));
  asking.end();
  print(answer + "\n");
  return true;
}

}  // namespace hf
