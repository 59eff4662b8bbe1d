// SPDX-License-Identifier: Apache-2.0
//
// `lifecycle` and `stickiness`: who is active in which periods. Like the commands of
// query_commands.cpp they write a query from flags.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command_table.h"
#include "cli/lifecycle_screen.h"
#include "cli/query_flags.h"
#include "cli/stickiness_screen.h"
#include "cli/table_output.h"
#include "metric/lifecycle.h"
#include "metric/stickiness.h"

namespace hf {
namespace {

struct LifecycleArguments {
  CommonArguments common;
  std::string event;
};

struct StickinessArguments {
  CommonArguments common;
  std::string event;
  bool over_time = false;
  bool cumulative = false;
  std::int64_t at_least = 0;
};

std::string lifecycle_json(const LifecycleArguments& a, const Session::Reading& reading,
                           const Env& env) {
  JsonWriter out;
  out.begin_object().key("metric").text("lifecycle");
  if (!a.event.empty()) write_matcher(out.key("match"), a.event);
  write_common(out, a.common, reading, env);
  return out.end_object().take();
}

std::string stickiness_json(const StickinessArguments& a, const Session::Reading& reading,
                            const Env& env) {
  JsonWriter out;
  out.begin_object().key("metric").text("stickiness");
  if (!a.event.empty()) write_matcher(out.key("match"), a.event);
  if (a.at_least > 0) {
    out.key("per_interval").begin_object().key("gte").integer(a.at_least).end_object();
  }
  if (a.cumulative) out.key("cumulative").boolean(true);
  if (a.over_time) out.key("over_time").boolean(true);
  write_common(out, a.common, reading, env);
  return out.end_object().take();
}

ChartScreen chart_screen(std::string title, const CommonArguments& a,
                         const Session::Reading& reading, const CommonFields& common, Words words) {
  return {.title = std::move(title),
          .subtitle = data_facts(reading, words),
          .period = a.period.empty() ? "day" : a.period,
          .data_end = data_end(reading, common)};
}

std::string title_of(std::string_view english, std::string_view chinese, const Matcher& match,
                     Words words) {
  return std::string(words(english, chinese)) + std::string(words(": ", "：")) +
         event_text(match.label, words);
}

Result<int> show_lifecycle(Session& session, const LifecycleArguments& a) {
  HF_TRY(const auto reading, session.read_store());
  Asking asking(session.env(), a.common.limits);
  const QueryContext context = session.query_context(reading, asking.guard());
  const std::string query = lifecycle_json(a, reading, session.env());
  HF_TRY(const bool printed, print_plainly(a.common, reading, context, asking, query));
  if (printed) return 0;
  HF_TRY(const Json json, parse_json(query));
  HF_TRY(const LifecycleQuery parsed, parse_lifecycle(json, context));
  HF_TRY(const LifecycleAnswer answer, run_lifecycle(reading.snapshot, context, parsed));
  asking.end();
  if (a.common.format == "csv") {
    print(lifecycle_csv(answer));
    return 0;
  }
  const Words words = session.words();
  const ChartScreen screen = chart_screen(title_of("Lifecycle", "生命周期", parsed.match, words),
                                          a.common, reading, parsed.common, words);
  print(render_lifecycle(answer, screen, session.terminal(), words));
  return 0;
}

Result<int> show_stickiness(Session& session, const StickinessArguments& a) {
  HF_TRY(const auto reading, session.read_store());
  Asking asking(session.env(), a.common.limits);
  const QueryContext context = session.query_context(reading, asking.guard());
  const std::string query = stickiness_json(a, reading, session.env());
  HF_TRY(const bool printed, print_plainly(a.common, reading, context, asking, query));
  if (printed) return 0;
  HF_TRY(const Json json, parse_json(query));
  HF_TRY(const StickinessQuery parsed, parse_stickiness(json, context));
  HF_TRY(const StickinessAnswer answer, run_stickiness(reading.snapshot, context, parsed));
  asking.end();
  if (a.common.format == "csv") {
    print(stickiness_csv(answer));
    return 0;
  }
  const Words words = session.words();
  const StickinessScreen screen{
      .chart = chart_screen(title_of("Stickiness", "粘性", parsed.match, words), a.common, reading,
                            parsed.common, words),
      .cumulative = parsed.cumulative,
      .from_first_event = a.common.from.empty() && a.common.last.empty()};
  print(render_stickiness(answer, screen, session.terminal(), words));
  return 0;
}

}  // namespace

void add_activity_commands(CommandTable& table) {
  Session& session = table.session();
  constexpr std::string_view event_help =
      "Event that makes a person active (default: any);\na matcher as JSON works too";

  const auto lifecycle = std::make_shared<LifecycleArguments>();
  CLI::App* command =
      table.add("lifecycle", "Who is new, stays, comes back and goes, period by period",
                "  holdfast lifecycle --period month\n"
                "  holdfast lifecycle --event purchase --period week --last P12W\n"
                "  holdfast lifecycle --period month --by country --top 3\n"
                "  holdfast lifecycle --period quarter --format csv",
                [&session, lifecycle] {
                  return reported([&] { return show_lifecycle(session, *lifecycle); });
                });
  command->add_option("--event", lifecycle->event, std::string(event_help))->type_name("EVENT");
  add_common_options(*command, lifecycle->common);

  const auto stickiness = std::make_shared<StickinessArguments>();
  command =
      table.add("stickiness", "In how many periods people are active; DAU, WAU and MAU over time",
                "  holdfast stickiness --period month\n"
                "  holdfast stickiness --event purchase --period week --cumulative\n"
                "  holdfast stickiness --period week --at-least 3\n"
                "  holdfast stickiness --over-time --last P30D",
                [&session, stickiness] {
                  return reported([&] { return show_stickiness(session, *stickiness); });
                });
  command->add_option("--event", stickiness->event, std::string(event_help))->type_name("EVENT");
  command->add_flag("--over-time", stickiness->over_time,
                    "Day by day: people of the day, its week and its month");
  command->add_flag("--cumulative", stickiness->cumulative, "Count k periods or more");
  command
      ->add_option("--at-least", stickiness->at_least,
                   "Events that make a period an active one (default: 1)")
      ->check(CLI::Range(std::int64_t{1}, StickinessQuery::count_max));
  add_common_options(*command, stickiness->common);
}

}  // namespace hf
