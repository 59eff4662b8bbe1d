// SPDX-License-Identifier: Apache-2.0
#include "cli/query_flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "calendar/time_text.h"
#include "metric/query.h"

namespace hf {
namespace {

std::unexpected<Error> refused(std::string_view why) {
  return fail(ErrorCode::invalid_argument, "unsupported_combination", std::string(why));
}

TimestampMs end_of_data(const Snapshot& snapshot) {
  TimestampMs end = 0;
  for (const auto& part : snapshot.parts) end = std::max(end, part->time_max());
  return end;
}

// "country", "trait:plan", "cohort:month" or a dimension as JSON, which says all by itself.
Result<void> write_dimension(JsonWriter& out, const std::string& argument,
                             const CommonArguments& a) {
  if (argument.starts_with('{')) {
    HF_TRY(const Json dimension, parse_json(argument));
    out.json(dimension);
    return {};
  }
  constexpr std::string_view kinds[] = {"property", "trait", "cohort", "segment", "tier"};
  const std::size_t colon = argument.find(':');
  const std::string_view said = std::string_view(argument).substr(0, colon);
  const bool has_kind =
      colon != std::string::npos && std::ranges::find(kinds, said) != std::end(kinds);
  const std::string_view kind = has_kind ? said : "property";
  out.begin_object().key(kind).text(has_kind ? argument.substr(colon + 1) : argument);
  put_number(out, "top", a.top);
  if (kind == "property" && !a.attribution.empty()) {
    constexpr std::string_view step = "step:";
    if (a.attribution.starts_with(step)) {
      out.key("attribution").text("step").key("step");
      const std::string number = a.attribution.substr(step.size());
      if (number.empty() || number.size() > 3 ||
          number.find_first_not_of("0123456789") != std::string::npos) {
        return fail(ErrorCode::invalid_argument, "invalid_value",
                    "--attribution step:N takes the number of a step, not " + number);
      }
      out.integer(std::stoi(number));
    } else {
      out.key("attribution").text(a.attribution);
    }
  }
  out.end_object();
  return {};
}

}  // namespace

void add_common_options(CLI::App& command, CommonArguments& a, Scope scope) {
  const bool of_events = scope == Scope::events;
  if (of_events) {
    command.add_option("--from", a.from, "First date (2026-01-31) or instant (RFC 3339)")
        ->type_name("DATE");
    command.add_option("--to", a.to, "Last date, inclusive, or instant, exclusive")
        ->type_name("DATE");
    command
        .add_option("--last", a.last,
                    "Whole days up to yesterday, e.g. P90D, instead of --from and --to")
        ->type_name("DURATION");
  }
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
  if (of_events) {
    command.add_option("--where", a.where, "Condition on every event (docs/predicates.md)")
        ->type_name("JSON|FILE");
  }
  command.add_option("--people", a.people, "Condition on people: only they count")
      ->type_name("JSON|FILE");
  command.add_option("--sample", a.sample,
                     "Estimate from this share of the people, e.g. 0.1 (default: exact)");
  if (of_events) {
    command.add_option("--unit", a.unit, "Count the values of this property instead of people")
        ->type_name("PROPERTY");
  }
  command
      .add_option("--breakdown,--by", a.breakdown,
                  of_events
                      ? "Split by a property of events, or by trait:NAME, cohort:month,\n"
                        "segment:NAME or tier:NAME; up to three of them"
                      : "Split by trait:NAME, cohort:month, segment:NAME or tier:NAME; up to\n"
                        "three of them")
      ->type_name("DIMENSION")
      ->allow_extra_args(false);
  command.add_option("--top", a.top, "Values of each breakdown to show (default: 25)");
  if (of_events) {
    command
        .add_option("--attribution", a.attribution,
                    "Which event says in which bucket of a property a person is: first_touch,\n"
                    "last_touch, all, step or step:N (default: all, of funnels first_touch)")
        ->type_name("WHICH");
    command
        .add_option("--period", a.period,
                    "hour, day, week, month, quarter, year or a duration (P14D) (default: day)")
        ->type_name("PERIOD");
  }
  command
      .add_option("--members", a.members,
                  "Who is behind a cell, instead of the answer (docs/metrics.md)")
      ->type_name("CELL");
  command.add_option("--limit", a.limit, "Most members to show (default: 100, as CSV all)");
  command.add_option("--cursor", a.cursor, "Go on with the members after these")
      ->type_name("CURSOR");
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

void put_number(JsonWriter& out, std::string_view name, std::optional<std::int64_t> value) {
  if (value) out.key(name).integer(*value);
}

Result<Json> json_argument(const Env& env, std::string_view flag, const std::string& argument) {
  constexpr std::uint64_t bytes_max = 8u << 20;
  std::string text = argument;
  if (!text.starts_with('{')) {
    HF_TRY(text, read_file(env, argument, bytes_max));
  }
  Result<Json> json = parse_json(text);
  if (!json) json.error().message = fmt::format("{}: {}", flag, json.error().message);
  return json;
}

Result<void> write_matcher(JsonWriter& out, const std::string& argument,
                           const std::function<void(const Json* matcher)>& more) {
  out.begin_object();
  if (argument.starts_with('{')) {
    HF_TRY(const Json matcher, parse_json(argument));
    for (const auto& [name, value] : matcher.object) out.key(name).json(value);
    if (more) more(&matcher);
  } else {
    out.key("event").text(argument);
    if (more) more(nullptr);
  }
  out.end_object();
  return {};
}

Result<void> write_common(JsonWriter& out, const CommonArguments& a,
                          const Session::Reading& reading, const Env& env) {
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
  if (!a.where.empty()) {
    HF_TRY(const Json where, json_argument(env, "--where", a.where));
    out.key("where").json(where);
  }
  if (!a.people.empty()) {
    HF_TRY(const Json people, json_argument(env, "--people", a.people));
    out.key("people").json(people);
  }
  if (!a.unit.empty()) out.key("unit").begin_object().key("property").text(a.unit).end_object();
  if (!a.breakdown.empty()) {
    out.key("breakdown").begin_array();
    for (const std::string& dimension : a.breakdown) HF_CHECK(write_dimension(out, dimension, a));
    out.end_array();
  } else if (a.top || !a.attribution.empty()) {
    return refused("--top and --attribution go with --by");
  }
  put_text(out, "period", a.period);
  if (a.sample) {
    if (!std::isfinite(*a.sample)) return refused("--sample takes a number");
    out.key("sample").number(*a.sample);
  }
  if (!a.members.empty()) {
    HF_TRY(const Json cell, json_argument(env, "--members", a.members));
    out.key("members").begin_object().key("cell").json(cell);
    put_number(out, "limit", a.limit);
    if (a.cursor) out.key("cursor").text(*a.cursor);
    out.end_object();
  } else if (a.limit || a.cursor) {
    return refused("--limit and --cursor go with --members");
  }
  return {};
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

Result<int> show_question(Session& session, const CommonArguments& a,
                          const std::function<Result<std::string>(const Session::Reading&)>& write,
                          const OwnWords& own) {
  HF_TRY(const auto reading, session.read_store());
  HF_TRY(const std::string query, write(reading));
  if (a.show_query) {
    print(query + "\n");
    return 0;
  }
  Asking asking(session.env(), a.limits);
  const QueryContext context = session.query_context(reading, asking.guard());
  HF_TRY(const std::string answer,
         a.format == "json" ? answer_query(reading.snapshot, context, query)
         : a.format == "csv"
             ? answer_csv(reading, context, query)
             : answer_screen(reading, context, query, session.terminal(), session.words(), own));
  asking.end();
  print(a.format == "json" ? answer + "\n" : answer);
  return 0;
}

}  // namespace hf
