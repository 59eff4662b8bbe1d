// SPDX-License-Identifier: Apache-2.0
//
// `query` takes QUERY.md's JSON; `retention` writes such a query from flags, as the commands of the
// other metrics do, so that what is shown can always be asked again as JSON.
#include <fmt/format.h>

#include <cstdio>

#include "cli/answer_screen.h"
#include "cli/command_table.h"
#include "cli/plan_screen.h"
#include "cli/query_commands.h"
#include "cli/query_flags.h"
#include "cli/saved_commands.h"
#include "metric/query.h"
#include "service/saved_queries.h"

namespace hf {
namespace {

constexpr std::uint64_t query_bytes_max = 8u << 20;

Result<void> write_window(JsonWriter& out, std::string_view name, const std::string& argument) {
  if (argument.empty()) return {};
  const std::size_t dots = argument.find("..");
  if (dots == std::string::npos) {
    return fail(ErrorCode::invalid_argument, "invalid_range",
                fmt::format("--{} is FROM..TO, e.g. 2026-01-01..2026-06-30", name));
  }
  out.key(name).begin_object();
  out.key("from").text(argument.substr(0, dots)).key("to").text(argument.substr(dots + 2));
  out.end_object();
  return {};
}

Result<std::string> retention_json(const RetentionArguments& a, const Session::Reading& reading,
                                   const Env& env) {
  JsonWriter out;
  out.begin_object().key("metric").text("retention");
  if (!a.start.empty()) HF_CHECK(write_matcher(out.key("start"), a.start));
  if (!a.returning.empty()) HF_CHECK(write_matcher(out.key("return"), a.returning));
  put_text(out, "entry", a.entry);
  put_number(out, "periods", a.periods);
  if (!a.brackets.empty()) {
    out.key("brackets").begin_array();
    for (const std::int64_t bracket : a.brackets) out.integer(bracket);
    out.end_array();
  }
  put_text(out, "window", a.window);
  put_text(out, "count_return", a.count_return);
  put_number(out, "min_occurrences", a.min_occurrences);
  if (!a.value.empty()) {
    const std::size_t colon = a.value.find(':');
    out.key("value").begin_object().key("aggregate").text(a.value.substr(0, colon));
    constexpr std::string_view trait = "trait:";
    if (colon != std::string::npos) {
      const std::string of = a.value.substr(colon + 1);
      const bool is_trait = of.starts_with(trait);
      out.key(is_trait ? "trait" : "property").text(is_trait ? of.substr(trait.size()) : of);
    }
    out.end_object();
  }
  HF_CHECK(write_window(out, "initial", a.initial));
  HF_CHECK(write_window(out, "current", a.current));
  HF_CHECK(write_common(out, a.common, reading, env));
  return out.end_object().take();
}

struct QueryArguments {
  std::string path = "-";
  std::string saved;   // Its name, in place of the file.
  std::string with;    // Fields in place of the query's own, as JSON.
  std::string format;  // Empty: not said.
  AskingLimits limits;
  bool explain = false;
  bool list = false;
};

Result<int> explain(Session& session, const Session::Reading& reading, Asking& asking,
                    const std::string& query, const QueryArguments& a) {
  if (!a.format.empty() && a.format != "json") {
    return fail(ErrorCode::invalid_argument, "unsupported_combination",
                "--explain goes with --format json, or alone");
  }
  QueryContext context = session.query_context(reading, asking.guard());
  context.explain = true;
  HF_TRY(const std::string answer, answer_query(reading.snapshot, context, query));
  asking.end();
  if (a.format == "json") {
    print(answer + "\n");
    return 0;
  }
  HF_TRY(const Json json, parse_json(answer));
  const PageCache& cache = reading.store->cache();
  const PlanMeans means{context.threads, cache.memory_bytes(), cache.budget_bytes()};
  print(render_plan(json, means, session.terminal(), session.words()));
  return 0;
}

Result<std::string> asked_query(Session& session, const QueryArguments& a) {
  if (!a.saved.empty() && a.path != "-") {
    return fail(ErrorCode::invalid_argument, "unsupported_combination",
                "--saved stands instead of a file");
  }
  HF_TRY(std::string query,
         a.saved.empty() ? read_query(session.env(), a.path) : saved_question(session, a.saved));
  return with_other_fields(query, a.with);
}

Result<int> answer(Session& session, const QueryArguments& a) {
  HF_TRY(const std::string query, asked_query(session, a));
  HF_TRY(const auto reading, session.read_store());
  Asking asking(session.env(), a.limits);
  if (a.explain) return explain(session, reading, asking, query, a);
  const QueryContext context = session.query_context(reading, asking.guard());
  HF_TRY(const std::string text,
         a.format == "csv" ? answer_csv(reading, context, query)
         : a.format == "table"
             ? answer_screen(reading, context, query, session.terminal(), session.words())
             : answer_query(reading.snapshot, context, query));
  asking.end();
  print(a.format.empty() || a.format == "json" ? text + "\n" : text);
  return 0;
}

int list_metrics() {
  for (const MetricInfo& metric : metric_list()) {
    print(fmt::format("{:<12} {}\n", metric.name, metric.description));
  }
  return 0;
}

}  // namespace

Result<std::string> read_query(const Env& env, const std::string& path) {
  if (path != "-") return read_file(env, path, query_bytes_max);
  std::string text;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, stdin)) {
    text.append(buffer, n);
    if (text.size() > query_bytes_max) {
      return fail(ErrorCode::resource_exhausted, "query_too_large", "a query is at most 8 MB");
    }
  }
  return text;
}

Result<int> show_retention(Session& session, const RetentionArguments& a, const OwnWords& own) {
  return show_question(
      session, a.common,
      [&](const Session::Reading& reading) { return retention_json(a, reading, session.env()); },
      own);
}

void add_query_commands(CommandTable& table) {
  Session& session = table.session();

  const auto asked = std::make_shared<QueryArguments>();
  CLI::App* query =
      table.add("query", "Answer one question, JSON in, JSON out (docs/metrics.md)",
                "  echo '{\"metric\":\"retention\",\"period\":\"week\"}' | holdfast query -\n"
                "  holdfast query question.json --format table\n"
                "  holdfast query question.json --format csv\n"
                "  holdfast lifecycle --period week --show-query | holdfast query - --explain\n"
                "  holdfast query --saved repurchase --with '{\"last\":\"P180D\"}'\n"
                "  holdfast query --list",
                [&session, asked] {
                  if (asked->list) return list_metrics();
                  return reported([&] { return answer(session, *asked); });
                });
  query->add_option("FILE", asked->path, "File with the query, - for standard input")
      ->type_name("FILE")
      ->capture_default_str();
  query->add_option("--saved", asked->saved, "Name of a saved query, instead of FILE")
      ->type_name("NAME");
  query
      ->add_option("--with", asked->with,
                   "Common fields, as JSON, that replace the query's own; null takes one away")
      ->type_name("JSON");
  query->add_option("--format", asked->format, "Form of the answer (default: json)")
      ->check(CLI::IsMember({"json", "table", "csv"}));
  query->add_flag("--explain", asked->explain,
                  "Show how the question was answered; with --format json, the answer\n"
                  "with its plan");
  add_limit_options(*query, asked->limits);
  query->add_flag("--list", asked->list, "List the metrics");

  const auto retention = std::make_shared<RetentionArguments>();
  CLI::App* command = table.add(
      "retention", "Who comes back: cohorts as a heatmap",
      "  holdfast retention --period month --entry first_time\n"
      "  holdfast retention --start signup --return purchase --period week --count-return "
      "on_or_after\n"
      "  holdfast retention --initial 2026-01-01..2026-06-30 --current 2026-07-01..2026-12-31\n"
      "  holdfast retention --breakdown country --top 5 --format csv",
      [&session, retention] {
        return reported([&] { return show_retention(session, *retention); });
      });
  command
      ->add_option(
          "--start", retention->start,
          "Event that puts a person into a cohort (default: any);\na matcher as JSON works too")
      ->type_name("EVENT");
  command
      ->add_option("--return", retention->returning,
                   "Event that counts as coming back (default: any)")
      ->type_name("EVENT");
  command
      ->add_option("--entry", retention->entry,
                   "Which start events put a person into a cohort (default: every_period)")
      ->check(CLI::IsMember({"every_period", "first_time", "first_ever"}));
  command->add_option("--periods", retention->periods, "Columns after the first");
  command
      ->add_option("--brackets", retention->brackets,
                   "Sizes of the columns in periods, e.g. 4,10,3")
      ->type_name("N,N,..")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option(
          "--window", retention->window,
          "Periods of the calendar, or rolling from each person's own start (default: calendar)")
      ->check(CLI::IsMember({"calendar", "rolling"}));
  command
      ->add_option(
          "--count-return", retention->count_return,
          "Whether a column counts who came back in it, or then or later (default: exactly)")
      ->check(CLI::IsMember({"exactly", "on_or_after"}))
      ->type_name("WHICH");
  command->add_option("--min-occurrences", retention->min_occurrences,
                      "Return events needed in a column");
  command
      ->add_option(
          "--value", retention->value,
          "What a cell adds up: users, count, sum:PROPERTY, avg:PROPERTY or sum:trait:NAME")
      ->type_name("AGGREGATE");
  command
      ->add_option("--initial", retention->initial,
                   "Two windows instead of columns: who was active in this one ..")
      ->type_name("FROM..TO");
  command->add_option("--current", retention->current, ".. and again in this one")
      ->type_name("FROM..TO");
  add_common_options(*command, retention->common);
}

}  // namespace hf
