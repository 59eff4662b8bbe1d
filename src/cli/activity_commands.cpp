// SPDX-License-Identifier: Apache-2.0
//
// `lifecycle` and `stickiness`: who is active in which periods. Like the commands of
// query_commands.cpp they write a query from flags.
#include "cli/command_table.h"
#include "cli/query_flags.h"
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
  std::int64_t at_most = 0;
  std::int64_t exactly = 0;
};

Result<std::string> lifecycle_json(const LifecycleArguments& a, const Session::Reading& reading,
                                   const Env& env) {
  JsonWriter out;
  out.begin_object().key("metric").text("lifecycle");
  if (!a.event.empty()) HF_CHECK(write_matcher(out.key("match"), a.event));
  HF_CHECK(write_common(out, a.common, reading, env));
  return out.end_object().take();
}

Result<std::string> stickiness_json(const StickinessArguments& a, const Session::Reading& reading,
                                    const Env& env) {
  JsonWriter out;
  out.begin_object().key("metric").text("stickiness");
  if (!a.event.empty()) HF_CHECK(write_matcher(out.key("match"), a.event));
  if (a.at_least > 0 || a.at_most > 0 || a.exactly > 0) {
    out.key("per_interval").begin_object();
    if (a.at_least > 0) out.key("gte").integer(a.at_least);
    if (a.at_most > 0) out.key("lte").integer(a.at_most);
    if (a.exactly > 0) out.key("eq").integer(a.exactly);
    out.end_object();
  }
  if (a.cumulative) out.key("cumulative").boolean(true);
  if (a.over_time) out.key("over_time").boolean(true);
  HF_CHECK(write_common(out, a.common, reading, env));
  return out.end_object().take();
}

}  // namespace

void add_activity_commands(CommandTable& table) {
  Session& session = table.session();
  constexpr std::string_view event_help =
      "Event that makes a person active (default: any);\na matcher as JSON works too";

  const auto lifecycle = std::make_shared<LifecycleArguments>();
  CLI::App* command = table.add(
      "lifecycle", "Who is new, stays, comes back and goes, period by period",
      "  holdfast lifecycle --period month\n"
      "  holdfast lifecycle --event purchase --period week --last P12W\n"
      "  holdfast lifecycle --period month --by country --top 3\n"
      "  holdfast lifecycle --period quarter --format csv",
      [&session, lifecycle] {
        return reported([&] {
          return show_question(session, lifecycle->common, [&](const Session::Reading& reading) {
            return lifecycle_json(*lifecycle, reading, session.env());
          });
        });
      });
  command->add_option("--event", lifecycle->event, std::string(event_help))->type_name("EVENT");
  add_common_options(*command, lifecycle->common);

  const auto stickiness = std::make_shared<StickinessArguments>();
  command = table.add(
      "stickiness", "In how many periods people are active; DAU, WAU and MAU over time",
      "  holdfast stickiness --period month\n"
      "  holdfast stickiness --event purchase --period week --cumulative\n"
      "  holdfast stickiness --period week --at-least 3\n"
      "  holdfast stickiness --over-time --last P30D",
      [&session, stickiness] {
        return reported([&] {
          return show_question(session, stickiness->common, [&](const Session::Reading& reading) {
            return stickiness_json(*stickiness, reading, session.env());
          });
        });
      });
  command->add_option("--event", stickiness->event, std::string(event_help))->type_name("EVENT");
  command->add_flag("--over-time", stickiness->over_time,
                    "Day by day: people of the day, its week and its month");
  command->add_flag("--cumulative", stickiness->cumulative, "Count k periods or more");
  const auto count_of = [&](const std::string& name, std::int64_t& value,
                            const std::string& description) {
    command->add_option(name, value, description)
        ->check(CLI::Range(std::int64_t{1}, StickinessQuery::count_max));
  };
  count_of("--at-least", stickiness->at_least,
           "Events that make a period an active one: at least so many (default: 1)");
  count_of("--at-most", stickiness->at_most, "At most so many, and at least one");
  count_of("--exactly", stickiness->exactly, "Exactly so many");
  add_common_options(*command, stickiness->common);
}

}  // namespace hf
