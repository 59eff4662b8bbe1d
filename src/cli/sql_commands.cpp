// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cli/answer_csv.h"
#include "cli/command_table.h"

namespace hf {
namespace {

constexpr std::size_t table_rows_max = 1'000;
constexpr int cell_width_max = 60;

struct SqlArguments {
  std::string sql;
  std::string format = "table";
  SqlLimits limits;
  std::int64_t seconds = 60;
  std::int64_t memory_mb = 1024;
};

struct ExportArguments {
  std::string path;
  std::string format;
};

std::string shown_cell(const std::optional<std::string>& cell) {
  std::string out = cell.value_or("");
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

using Rows = std::vector<std::vector<std::string>>;

std::string render_table(std::span<const SqlResult::Column> columns, const Rows& rows) {
  std::vector<int> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    int width = display_width(columns[i].name);
    for (const auto& row : rows) width = std::max(width, display_width(row[i]));
    widths.push_back(std::min(width, cell_width_max));
  }
  std::string out;
  const auto line = [&](auto&& text_of) {
    std::string row;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string& text = text_of(i);
      if (i > 0) row += "  ";
      row += columns[i].is_number ? pad_left(text, widths[i]) : pad_right(text, widths[i]);
    }
    while (row.ends_with(' ')) row.pop_back();
    out += row + "\n";
  };
  line([&](std::size_t i) -> const std::string& { return columns[i].name; });
  std::vector<std::string> rules;
  for (const int width : widths) rules.emplace_back(static_cast<std::size_t>(width), '-');
  line([&](std::size_t i) -> const std::string& { return rules[i]; });
  for (const auto& row : rows) line([&](std::size_t i) -> const std::string& { return row[i]; });
  return out;
}

void write_json_row(JsonWriter& out, std::span<const SqlResult::Column> columns,
                    std::span<const std::optional<std::string>> cells) {
  out.begin_object();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    out.key(columns[i].name);
    if (!cells[i]) {
      out.null();
    } else if (columns[i].is_number && is_number(*cells[i])) {
      out.raw(canonical_number(*cells[i]));
    } else {
      out.text(*cells[i]);
    }
  }
  out.end_object();
}

Result<int> run_sql(Session& session, SqlArguments& a) {
  HF_TRY(SqlEngine* const engine, session.engine());
  if (engine == nullptr) {
    return fail(ErrorCode::failed_precondition, "needs_sql_engine", "this build has no SQL engine");
  }
  a.limits.time_ms = a.seconds * 1000;
  a.limits.memory_bytes = static_cast<std::size_t>(a.memory_mb) << 20;
  HF_TRY(const auto reading, session.read_store());
  const StopOnSignal signals([engine] { engine->interrupt(); });
  HF_TRY(const auto result, engine->query(reading.snapshot, *reading.zone, a.sql, a.limits));
  const auto columns = result->columns();
  Rows rows;
  std::uint64_t count = 0;
  if (a.format == "csv") {
    std::string head;
    for (const auto& column : columns) head += (head.empty() ? "" : ",") + csv_field(column.name);
    print(head + "\n");
  } else if (a.format == "json") {
    print("[");
  }
  while (true) {
    HF_TRY(const auto cells, result->next());
    if (cells.empty()) break;
    ++count;
    if (a.format == "csv") {
      std::string line;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) line += ',';
        if (cells[i]) line += cells[i]->empty() ? "\"\"" : csv_field(*cells[i]);
      }
      print(line + "\n");
    } else if (a.format == "json") {
      JsonWriter row;
      write_json_row(row, columns, cells);
      print((count == 1 ? "\n" : ",\n") + row.take());
    } else if (rows.size() < table_rows_max) {
      auto& row = rows.emplace_back();
      for (const auto& cell : cells) row.push_back(shown_cell(cell));
    }
  }
  if (a.format == "json") print("\n]\n");
  if (a.format == "table") {
    print(render_table(columns, rows));
    if (count > rows.size()) {
      print(
          fmt::format(fmt::runtime(session.words()("({} of {} rows; --format csv shows all)\n",
                                                   "（显示 {} / {} 行；--format csv 显示全部）\n")),
                      rows.size(), count));
    }
  }
  return 0;
}

Result<int> run_export(Session& session, const ExportArguments& a) {
  HF_TRY(SqlEngine* const engine, session.engine());
  if (engine == nullptr) {
    return fail(ErrorCode::failed_precondition, "needs_sql_engine", "this build has no SQL engine");
  }
  const bool parquet = a.format.empty() ? a.path.ends_with(".parquet") : a.format == "parquet";
  HF_TRY(const auto reading, session.read_store());
  const StopOnSignal signals([engine] { engine->interrupt(); });
  HF_TRY(const std::uint64_t rows,
         engine->export_events(reading.snapshot,
                               parquet ? ExportFormat::parquet : ExportFormat::csv, a.path));
  print(fmt::format(
      fmt::runtime(session.words()("{} events written to {}\n", "已将 {} 个事件写入 {}\n")),
      with_separators(rows), a.path));
  return 0;
}

}  // namespace

void add_sql_commands(CommandTable& table) {
  Session& session = table.session();
  const auto sql = std::make_shared<SqlArguments>();
  CLI::App* command = table.add(
      "sql", "Ad-hoc SQL over the events (table `events`, read-only)",
      "  holdfast sql \"SELECT event, count(*) FROM events GROUP BY ALL ORDER BY 2 DESC\"\n"
      "  holdfast sql \"SELECT sum(revenue) FROM events\" --format json",
      [&session, sql] { return reported([&] { return run_sql(session, *sql); }); });
  command->add_option("SQL", sql->sql, "One SELECT")->type_name("SELECT")->required();
  command->add_option("--format", sql->format, "Form of the answer")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
  command->add_option("--rows", sql->limits.rows, "Most rows of the answer, 0 for no limit")
      ->capture_default_str();
  command->add_option("--seconds", sql->seconds, "Time limit in seconds")->capture_default_str();
  command->add_option("--memory", sql->memory_mb, "Memory limit in MiB")
      ->type_name("MIB")
      ->capture_default_str();

  const auto target = std::make_shared<ExportArguments>();
  CLI::App* export_command = table.add(
      "export", "Write all events to a Parquet or CSV file",
      "  holdfast export events.parquet\n"
      "  holdfast export events.csv",
      [&session, target] { return reported([&] { return run_export(session, *target); }); });
  export_command->add_option("FILE", target->path, "File to write")->type_name("FILE")->required();
  export_command->add_option("--format", target->format, "Form of the file (default: by its name)")
      ->check(CLI::IsMember({"parquet", "csv"}));
}

}  // namespace hf
