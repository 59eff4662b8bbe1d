// SPDX-License-Identifier: Apache-2.0
//
// `trend`: writes the query from flags, as all commands of metrics do.
#include <algorithm>
#include <array>

#include "cli/command_table.h"
#include "cli/query_flags.h"

namespace hf {
namespace {

struct TrendArguments {
  CommonArguments common;
  std::vector<std::string> series;
  std::string math;
  std::string property;
  bool cumulative = false;
  std::string compare;
  std::string formula;
};

constexpr auto plain_maths = std::to_array<std::string_view>(
    {"total", "unique", "weekly_active", "monthly_active", "per_user"});
constexpr auto number_maths =
    std::to_array<std::string_view>({"sum", "avg", "min", "max", "median", "p90", "p95", "p99"});

/// "purchase:sum:revenue" taken apart.
struct NamedSeries {
  std::string event;
  std::string math;
  std::string property;
};

// Names have colons, too: what stands behind the last one that begins a math, and is all the math
// has, is it.
NamedSeries read_series(const std::string& argument) {
  for (std::size_t colon = argument.rfind(':'); colon != std::string::npos && colon > 0;
       colon = argument.rfind(':', colon - 1)) {
    const std::string rest = argument.substr(colon + 1);
    if (std::ranges::find(plain_maths, rest) != plain_maths.end() ||
        std::ranges::find(number_maths, rest) != number_maths.end()) {
      return {argument.substr(0, colon), rest, ""};
    }
    const std::size_t next = rest.find(':');
    if (next != std::string::npos &&
        std::ranges::find(number_maths, rest.substr(0, next)) != number_maths.end()) {
      return {argument.substr(0, colon), rest.substr(0, next), rest.substr(next + 1)};
    }
  }
  return {argument, "", ""};
}

Result<void> write_series(JsonWriter& out, const std::string& argument, const TrendArguments& a) {
  const NamedSeries named =
      argument.starts_with('{') ? NamedSeries{argument, "", ""} : read_series(argument);
  const std::string& math = named.math.empty() ? a.math : named.math;
  const bool is_of_numbers = std::ranges::find(number_maths, math) != number_maths.end();
  return write_matcher(out, named.event, [&](const Json* matcher) {
    const auto says = [&](std::string_view name) {
      return matcher != nullptr && matcher->find(name) != nullptr;
    };
    if (says("math")) return;
    put_text(out, "math", math);
    if (says("property")) return;
    if (is_of_numbers)
      put_text(out, "property", named.property.empty() ? a.property : named.property);
  });
}

Result<std::string> trend_json(const TrendArguments& a, const Session::Reading& reading,
                               const Env& env) {
  JsonWriter out;
  out.begin_object().key("metric").text("trend").key("series").begin_array();
  for (const std::string& series : a.series) HF_CHECK(write_series(out, series, a));
  out.end_array();
  if (a.cumulative) out.key("cumulative").boolean(true);
  put_text(out, "compare", a.compare);
  put_text(out, "formula", a.formula);
  HF_CHECK(write_common(out, a.common, reading, env));
  return out.end_object().take();
}

}  // namespace

void add_trend_command(CommandTable& table) {
  Session& session = table.session();
  const auto trend = std::make_shared<TrendArguments>();
  CLI::App* command = table.add(
      "trend", "How often things happen, how many people do them, and what their numbers are",
      "  holdfast trend purchase --period month\n"
      "  holdfast trend signup:unique purchase:unique --last P90D\n"
      "  holdfast trend '*:unique' --breakdown country --top 5\n"
      "  holdfast trend purchase:sum:revenue purchase:median:revenue --period month\n"
      "  holdfast trend purchase:unique signup:unique --formula '100 * A / B' --compare P1M",
      [&session, trend] {
        return reported([&] {
          return show_question(session, trend->common, [&](const Session::Reading& reading) {
            return trend_json(*trend, reading, session.env());
          });
        });
      });
  command
      ->add_option("EVENT", trend->series,
                   "Event, with :MATH or :MATH:PROPERTY behind it (default: :total); or a matcher\n"
                   "as JSON")
      ->type_name("EVENT")
      ->required();
  std::vector<std::string> maths(plain_maths.begin(), plain_maths.end());
  maths.insert(maths.end(), number_maths.begin(), number_maths.end());
  command->add_option("--math", trend->math, "Of events that do not say it themselves")
      ->check(CLI::IsMember(maths));
  command
      ->add_option("--property", trend->property,
                   "Whose numbers are added up or ranked, of events that do not say it")
      ->type_name("PROPERTY");
  command->add_flag("--cumulative", trend->cumulative, "Count the range up to each period");
  command
      ->add_option("--compare", trend->compare,
                   "Show the same of so much earlier beside it, e.g. P7D")
      ->type_name("DURATION");
  command
      ->add_option("--formula", trend->formula,
                   "One more series, arithmetic over the others: A, B, C ..")
      ->type_name("FORMULA");
  add_common_options(*command, trend->common);
}

}  // namespace hf
