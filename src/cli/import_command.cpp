// SPDX-License-Identifier: Apache-2.0
#include "cli/import_command.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "cli/command_table.h"
#include "cli/import_screen.h"
#include "cli/within_server.h"
#include "http/import_api.h"
#include "http/local_client.h"

namespace hf {
namespace {

struct ImportArguments {
  ImportOptions options;
  std::string format;
  std::string delimiter;
  bool no_header = false;
  bool yes = false;
  bool dry_run = false;
  std::uint32_t rows_per_part = 0;
  std::uint32_t undo_id = 0;
};

std::string read_sql_argument(const Env& env, const std::string& argument, Result<void>& outcome) {
  if (!argument.starts_with('@')) return argument;
  constexpr std::uint64_t sql_bytes_max = 1u << 20;
  auto text = read_file(env, argument.substr(1), sql_bytes_max);
  if (text) return *std::move(text);
  outcome = std::unexpected(std::move(text).error());
  return {};
}

Result<void> complete(const Env& env, ImportArguments& arguments) {
  if (arguments.format == "csv" || arguments.format == "tsv") {
    arguments.options.format = InputFormat::csv;
  } else if (arguments.format == "json") {
    arguments.options.format = InputFormat::json;
  } else if (arguments.format == "parquet") {
    arguments.options.format = InputFormat::parquet;
  }
  if (!arguments.delimiter.empty() || arguments.no_header || arguments.format == "tsv") {
    CsvDialect dialect;
    if (arguments.format == "tsv" || arguments.delimiter == "\\t") {
      dialect.delimiter = '\t';
    } else if (!arguments.delimiter.empty()) {
      if (arguments.delimiter.size() != 1) {
        return fail(ErrorCode::invalid_argument, "bad_delimiter",
                    "a delimiter is one character (or \\t)");
      }
      dialect.delimiter = arguments.delimiter[0];
    }
    dialect.header = !arguments.no_header;
    arguments.options.dialect = dialect;
  }
  Result<void> outcome;
  arguments.options.sql = read_sql_argument(env, arguments.options.sql, outcome);
  return outcome;
}

/// What became of an import that a server runs; asks until it has ended. Stopped by a signal, the
/// import is stopped.
Result<ImportJobs::Job> follow_job(const std::string& data, std::uint64_t id, Clock& clock,
                                   Words words) {
  constexpr std::chrono::milliseconds between{50};
  const std::string socket = http::socket_path_of(data);
  const std::string path = fmt::format("/api/v1/imports/jobs/{}", id);
  const StopOnSignal signals;
  bool is_stopped = false;
  ProgressLine line(clock, words);
  while (true) {
    if (StopOnSignal::stop() && !std::exchange(is_stopped, true)) {
      HF_CHECK(http::ask_local(socket, "POST", path + "/cancel", {}));
    }
    HF_TRY(const auto answer, http::ask_local(socket, "GET", path, {}));
    if (!answer) {
      return fail(ErrorCode::unavailable, "server_stopped",
                  "the server of the data directory stopped; the same command goes on from where "
                  "the import was");
    }
    HF_TRY(ImportJobs::Job job, http::parse_import_job(*answer, data));
    if (job.ended()) return job;
    line.show(job.progress);
    std::this_thread::sleep_for(between);
  }
}

/// Has the server of the data directory import the files.
Result<void> import_in_server(Session& session, ImportOptions options) {
  for (std::string& path : options.files) path = std::filesystem::absolute(path).string();
  HF_TRY(const auto answer, http::ask_local(http::socket_path_of(session.data), "POST",
                                            "/api/v1/imports", http::import_options_json(options)));
  if (!answer) {
    return fail(ErrorCode::unavailable, "server_stopped",
                "the server of the data directory stopped; try again");
  }
  HF_TRY(const ImportJobs::Job started, http::parse_import_job(*answer, session.data));
  HF_TRY(const ImportJobs::Job job,
         follow_job(session.data, started.id, session.env().clock, session.words()));
  if (job.error) return std::unexpected(*job.error);
  if (!job.outcome) return fail(ErrorCode::cancelled, "cancelled", "stopped on request");
  print(render_outcome(*job.outcome, job.seconds, session.words()));
  return {};
}

Result<void> import_here(Session& session, SqlEngine* engine, const ImportPlan& plan,
                         std::uint32_t rows_per_part) {
  HF_TRY(const auto store, Store::open(session.env(), session.data, Store::Access::own));
  const std::int64_t started = session.env().clock.monotonic_ns();
  const StopOnSignal signals;
  HF_TRY(const ImportOutcome outcome, [&] {
    ProgressLine line(session.env().clock, session.words());
    return run_import(*store, engine, plan,
                      {.on_progress = [&](const ImportProgress& p) { line.show(p); },
                       .stop = &StopOnSignal::stop(),
                       .rows_per_part = rows_per_part});
  }());
  const double seconds = static_cast<double>(session.env().clock.monotonic_ns() - started) / 1e9;
  print(render_outcome(outcome, seconds, session.words()));
  return {};
}

}  // namespace

Result<void> import_and_tell(Session& session, const ImportOptions& options, bool dry_run,
                             std::uint32_t rows_per_part) {
  HF_TRY(SqlEngine* const engine, session.engine());
  const Words words = session.words();
  HF_TRY(const ImportPlan plan, plan_import(session.env(), engine, options));
  print(render_plan(plan, words));
  std::fflush(stdout);
  if (dry_run) return {};
  HF_TRY(const bool serves, is_served(session.data));
  auto outcome = serves ? import_in_server(session, options)
                        : import_here(session, engine, plan, rows_per_part);
  if (!outcome && outcome.error().reason == "cancelled") {
    return fail(
        ErrorCode::cancelled, "cancelled",
        std::string(words("stopped; what is written is kept: the same command goes on from there",
                          "已停止；已写入的部分保留，重复同一命令即可继续")));
  }
  return outcome;
}

namespace {

Result<int> import_files(Session& session, ImportArguments& arguments) {
  HF_CHECK(complete(session.env(), arguments));
  HF_CHECK(import_and_tell(session, arguments.options, arguments.dry_run, arguments.rows_per_part));
  return 0;
}

std::string import_names(const ImportRecord& import) {
  std::string names = import.files.empty() ? "" : import.files.front().name;
  if (import.files.size() > 1) names += fmt::format(" +{}", import.files.size() - 1);
  return names;
}

Result<int> list_imports(Session& session) {
  HF_TRY(const auto store, Store::open(session.env(), session.data, Store::Access::read));
  const Words words = session.words();
  HF_TRY(const auto zone, Zone::load(session.env(), store->settings().timezone));
  print(fmt::format("{}  {}  {}  {}  {}  {}\n", pad_left(words("id", "编号"), 4),
                    pad_right(words("state", "状态"), 11), pad_left(words("events", "事件"), 13),
                    pad_left(words("rejected", "被拒绝"), 9),
                    pad_right(words("started", "开始"), 25), words("file", "文件")));
  for (const ImportRecord& import : store->manifest().imports) {
    const std::string_view state = import.state == ImportState::done ? words("done", "完成")
                                   : import.state == ImportState::undone
                                       ? words("undone", "已撤销")
                                       : words("unfinished", "未完成");
    print(fmt::format("{}  {}  {}  {}  {}  {}\n", pad_left(std::to_string(import.id), 4),
                      pad_right(state, 11), pad_left(with_separators(import.counts.events), 13),
                      pad_left(with_separators(import.counts.rejected), 9),
                      pad_right(format_rfc3339(import.started_at_ms / 1000 * 1000, *zone), 25),
                      import_names(import)));
  }
  return 0;
}

Result<int> undo(Session& session, std::uint32_t id) {
  ImportRecord undone;
  HF_CHECK(session.with_own_store([&](Store& store) -> Result<void> {
    HF_TRY(undone, undo_import(store, id));
    return {};
  }));
  print(fmt::format(fmt::runtime(session.words()("import {} undone: {} events taken away\n",
                                                 "已撤销导入 {}：移除 {} 个事件\n")),
                    id, with_separators(undone.counts.events)));
  return 0;
}

}  // namespace

void add_import_command(CommandTable& table) {
  Session& session = table.session();
  const auto arguments = std::make_shared<ImportArguments>();
  ImportOptions& options = arguments->options;
  CLI::App* import = table.add(
      "import", "Import events from CSV, TSV, JSON lines or Parquet (plain, gzip, zstd)",
      "  holdfast import orders.csv\n"
      "  holdfast import orders.csv.gz --map person=CustomerID,time=InvoiceDate,event==purchase\n"
      "  holdfast import events.jsonl            whole Segment calls, or one object a line\n"
      "  holdfast import log.parquet --sql \"SELECT uid AS person, what AS event, at AS time FROM "
      "input\"\n"
      "  holdfast import list                    what was imported\n"
      "  holdfast import undo 3                  take import 3 away again",
      [&session, arguments] {
        if (arguments->options.files.empty()) {
          return report({ErrorCode::invalid_argument, "empty_input",
                         "no file to import; see holdfast import --help"});
        }
        return reported([&] { return import_files(session, *arguments); });
      });
  import->add_option("FILE", options.files, "Files to import, as one import")->type_name("FILE");
  import
      ->add_option("--map", options.overrides.maps,
                   "ROLE=COLUMN, comma-separated; roles: person, anonymous_id, event, time,\n"
                   "received_at, message_id, channel, ignore; event==NAME and channel==NAME for\n"
                   "every row; any other name renames a property")
      ->type_name("ROLE=COLUMN,..")
      ->delimiter(',')
      ->allow_extra_args(false);
  import
      ->add_option("--type", options.overrides.types,
                   "What a column holds: COLUMN=text, number or boolean")
      ->type_name("COLUMN=TYPE,..")
      ->delimiter(',')
      ->allow_extra_args(false);
  import
      ->add_option(
          "--time-format", options.overrides.time_format,
          "iso, compact, epoch_s, epoch_ms, epoch_us, or a pattern like \"%d/%m/%Y %H:%M\"")
      ->type_name("FORMAT");
  import
      ->add_option("--timezone", options.overrides.timezone,
                   "Time zone of times without an offset (IANA name; default: UTC); the first\n"
                   "import also settles the workspace's zone with it")
      ->type_name("ZONE");
  import
      ->add_option(
          "--sql", options.sql,
          "Import the rows of a SELECT over the table `input`; @FILE reads it from a file.\n"
          "Columns person, event, time, received_at, message_id, channel go by name, all\n"
          "others are properties")
      ->type_name("SELECT");
  import->add_option("--format", arguments->format, "Form of the files (default: recognised)")
      ->check(CLI::IsMember({"csv", "tsv", "json", "parquet"}));
  import->add_option("--delimiter", arguments->delimiter, "Field delimiter (default: recognised)")
      ->type_name("CHARACTER");
  import->add_flag("--no-header", arguments->no_header,
                   "The first row is data; columns are column1, column2, ..");
  import->add_option("--source", options.source, "Source the message ids are unique within")
      ->type_name("NAME")
      ->capture_default_str();
  import->add_flag(
      "--identify-rows", options.identify_rows,
      "Know rows without message id by their content, so that overlapping files add\nno row twice");
  import->add_flag("--strict", options.strict, "Refuse the whole import at the first bad row");
  import->add_flag("--dry-run", arguments->dry_run,
                   "Show how the columns are understood, and stop");
  import->add_option("--rows-per-part", arguments->rows_per_part,
                     "For tests: write a part after so many rows (default: by memory)");

  table.add_below(*import, "list", "List the imports", "  holdfast import list",
                  [&session] { return reported([&] { return list_imports(session); }); });
  CLI::App* undo_command = table.add_below(
      *import, "undo", "Take the events of an import away again", "  holdfast import undo 3",
      session.owning([&session, arguments] { return undo(session, arguments->undo_id); }));
  table.set_owning(undo_command);
  undo_command->add_option("ID", arguments->undo_id, "Its number in `holdfast import list`")
      ->type_name("ID")
      ->required();
}

}  // namespace hf
