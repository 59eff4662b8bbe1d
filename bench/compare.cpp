// SPDX-License-Identifier: Apache-2.0
//
// Side by side with DuckDB in one process and one run: the same CSV loaded by both, the same
// questions asked in turn, answers compared row by row. See docs/performance.md.
//
//   compare <log.csv> <work directory> <sql directory> [rounds]
//
// Each round asks DuckDB and Holdfast in turn; medians of wall and CPU seconds are printed, and the
// ratio of the medians. Holdfast's time goes from JSON query in to JSON answer out.
#include <duckdb.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/duckdb/duckdb_engine.h"
#include "base/json.h"
#include "calendar/date.h"
#include "metric/query.h"
#include "service/import.h"
#include "store/store.h"

namespace {

namespace fs = std::filesystem;

template <class T>
T must(hf::Result<T> result) {
  if (!result) {
    fmt::print(stderr, "{} ({})\n", result.error().message, result.error().reason);
    std::exit(1);
  }
  return *std::move(result);
}

double seconds_of(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct Cost {
  double wall = 0;
  double cpu = 0;
};

Cost measure(const std::function<void()>& work) {
  const double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  const double wall = seconds_of(CLOCK_MONOTONIC);
  work();
  return {seconds_of(CLOCK_MONOTONIC) - wall, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu};
}

Cost median(std::vector<Cost> costs) {
  const auto middle = [&](double Cost::*figure) {
    std::ranges::sort(costs, {}, figure);
    return costs[costs.size() / 2].*figure;
  };
  return {middle(&Cost::wall), middle(&Cost::cpu)};
}

long peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

/// Rows of integers, sorted: how both answers are compared.
using Rows = std::vector<std::vector<std::int64_t>>;

class DuckDb {
 public:
  explicit DuckDb(const std::string& file) {
    if (duckdb_open(file.c_str(), &database_) == DuckDBError ||
        duckdb_connect(database_, &connection_) == DuckDBError) {
      fmt::print(stderr, "cannot open DuckDB at {}\n", file);
      std::exit(1);
    }
    run("SET threads = 2");
  }
  ~DuckDb() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  DuckDb(const DuckDb&) = delete;
  DuckDb& operator=(const DuckDb&) = delete;

  Rows run(const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection_, sql.c_str(), &result) == DuckDBError) {
      fmt::print(stderr, "DuckDB: {}\n", duckdb_result_error(&result));
      std::exit(1);
    }
    Rows rows(duckdb_row_count(&result));
    const idx_t columns = duckdb_column_count(&result);
    for (idx_t row = 0; row < rows.size(); ++row) {
      for (idx_t column = 0; column < columns; ++column) {
        rows[row].push_back(duckdb_value_int64(&result, column, row));
      }
    }
    duckdb_destroy_result(&result);
    std::ranges::sort(rows);
    return rows;
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

std::int64_t integer(const hf::Json& json) { return std::stoll(json.text); }

/// Q1 of a Holdfast answer: cohort week, offset, users; empty cells are no rows in SQL.
Rows q1_rows(const hf::Json& answer) {
  const hf::Day first = *hf::parse_date("2025-01-06");
  Rows rows;
  for (const hf::Json& cohort : answer.find("data")->find("cohorts")->array) {
    const std::int64_t week = (*hf::parse_date(cohort.find("start")->text) - first) / 7;
    const auto& cells = cohort.find("cells")->array;
    for (std::size_t k = 0; k < cells.size(); ++k) {
      const std::int64_t count = integer(*cells[k].find("count"));
      if (count > 0) rows.push_back({week, static_cast<std::int64_t>(k), count});
    }
  }
  std::ranges::sort(rows);
  return rows;
}

struct Question {
  std::string name;
  std::string what;
  std::string json;
  std::string sql_file;
  Rows (*rows)(const hf::Json& answer);
  bool by_rows = false;  // Where the days of activity would do.
};

constexpr std::string_view common = R"("from":"2025-01-06","to":"2025-07-04","as_of":"2026-01-01")";

std::vector<Question> questions() {
  const std::string q1 = fmt::format(
      R"({{"metric":"retention","entry":"first_time","period":"week","periods":25,{}}})", common);
  return {{"Q1", "weekly retention, any event", q1, "q1.sql", q1_rows},
          {"Q1", "the same by rows", q1, "q1.sql", q1_rows, true}};
}

std::string with_table(std::string sql) {
  for (std::size_t at; (at = sql.find("{T}")) != std::string::npos;) sql.replace(at, 3, "log");
  return sql;
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::uint64_t directory_bytes(const fs::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: compare <log.csv> <work directory> <sql directory> [rounds]\n");
    return 2;
  }
  const std::string csv = argv[1];
  const fs::path work = argv[2];
  const fs::path sql = argv[3];
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 5;
  fs::remove_all(work);
  fs::create_directories(work);

  // Both loads end durable on disk; ours is atomic, with persons, dictionaries and checksums.
  const hf::Env env = hf::real_env();
  const auto engine = must(hf::DuckDbEngine::open());
  const std::string data = (work / "holdfast").string();
  std::uint64_t events = 0;
  const Cost import = measure([&] {
    const auto store = must(hf::Store::open(env, data, hf::Store::Access::own));
    hf::ImportOptions options;
    options.files = {csv};
    const hf::ImportPlan plan = must(hf::plan_import(env, engine.get(), options));
    events = must(hf::run_import(*store, engine.get(), plan, {})).counts.events;
  });
  const long import_memory = peak_memory_mb();
  DuckDb duckdb((work / "log.duckdb").string());
  const Cost copy = measure([&] {
    duckdb.run(
        "CREATE TABLE log AS SELECT * FROM (SELECT * REPLACE (event::" + std::string("VARCHAR") +
        " AS event) FROM read_csv('" + csv +
        "', header = true, columns = {'user_id':'UBIGINT','ts':'TIMESTAMP','event':'VARCHAR',"
        "'country':'VARCHAR','platform':'VARCHAR','revenue':'INTEGER'})) ORDER BY user_id, ts");
    duckdb.run("CHECKPOINT");
  });
  // Its fastest form for the questions: enumerations instead of texts.
  for (const std::string column : {"event", "country", "platform"}) {
    duckdb.run(fmt::format("CREATE TYPE {0}_enum AS ENUM (SELECT DISTINCT {0} FROM log ORDER BY 1)",
                           column));
    duckdb.run(fmt::format("ALTER TABLE log ALTER {0} TYPE {0}_enum", column));
  }
  duckdb.run("CHECKPOINT");

  const double millions = static_cast<double>(events) / 1e6;
  fmt::print("events {}\n\n", events);
  fmt::print("| load | Holdfast | DuckDB |\n| --- | --- | --- |\n");
  fmt::print("| CSV to durable, s (CPU s) | {:.2f} ({:.2f}) | {:.2f} ({:.2f}) |\n", import.wall,
             import.cpu, copy.wall, copy.cpu);
  fmt::print("| million events/s | {:.2f} | {:.2f} |\n", millions / import.wall,
             millions / copy.wall);
  const auto store = must(hf::Store::open(env, data, hf::Store::Access::read));
  const hf::Snapshot snapshot = must(store->snapshot());
  fmt::print("| bytes/event on disk | {:.2f} | {:.2f} |\n",
             static_cast<double>(directory_bytes(data)) / static_cast<double>(events),
             static_cast<double>(fs::file_size(work / "log.duckdb")) / static_cast<double>(events));
  fmt::print("| peak memory after our import, MB | {} | |\n\n", import_memory);
  std::map<std::string, std::uint64_t> column_bytes;
  for (const auto& part : snapshot.parts) {
    for (std::uint32_t c = 0; c < part->columns().size(); ++c) {
      const hf::ColumnInfo& info = part->columns()[c];
      const std::string name = info.role == hf::part_format::ColumnRole::property
                                   ? info.property
                                   : fmt::format("(column {})", static_cast<int>(info.role));
      column_bytes[name] += part->column_bytes(c);
    }
  }
  for (const auto& [name, bytes] : column_bytes) {
    fmt::print("  {:<12} {:.3f} bytes/event\n", name,
               static_cast<double>(bytes) / static_cast<double>(events));
  }
  fmt::print("  parts {}\n\n", snapshot.parts.size());

  fmt::print(
      "| question | Holdfast s (CPU) | 1 thread s (CPU) | DuckDB s (CPU) | ratio wall | ratio CPU "
      "| first s | answers |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  bool all_equal = true;
  for (const Question& question : questions()) {
    const std::string peer = with_table(read_text(sql / question.sql_file));
    const hf::QueryContext context{.env = env, .threads = 2, .day_sets = !question.by_rows};
    const hf::QueryContext alone{.env = env, .threads = 1, .day_sets = !question.by_rows};
    std::string answer;
    Rows peer_rows;
    const Cost first =
        measure([&] { answer = must(hf::answer_query(snapshot, context, question.json)); });
    peer_rows = duckdb.run(peer);
    std::vector<Cost> ours, ours_alone, theirs;
    for (int round = 0; round < rounds; ++round) {
      theirs.push_back(measure([&] { peer_rows = duckdb.run(peer); }));
      ours.push_back(
          measure([&] { answer = must(hf::answer_query(snapshot, context, question.json)); }));
      ours_alone.push_back(
          measure([&] { answer = must(hf::answer_query(snapshot, alone, question.json)); }));
    }
    const bool equal = question.rows(must(hf::parse_json(answer))) == peer_rows;
    all_equal = all_equal && equal;
    const Cost a = median(ours);
    const Cost one = median(ours_alone);
    const Cost b = median(theirs);
    fmt::print(
        "| {} {} | {:.4f} ({:.4f}) | {:.4f} ({:.4f}) | {:.3f} ({:.3f}) | {:.1f}x | {:.1f}x | "
        "{:.3f} | {} |\n",
        question.name, question.what, a.wall, a.cpu, one.wall, one.cpu, b.wall, b.cpu,
        b.wall / a.wall, b.cpu / a.cpu, first.wall,
        equal ? fmt::format("equal ({} rows)", peer_rows.size()) : "DIFFERENT");
  }
  fmt::print("\npeak memory of the whole run, MB: {}\n", peak_memory_mb());
  return all_equal ? 0 : 1;
}
