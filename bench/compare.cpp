// SPDX-License-Identifier: Apache-2.0
//
// Side by side with DuckDB in one process and one run. See docs/performance.md.
//
//   compare <log.csv> <work directory> <sql directory> [rounds]
//   compare --alone <work directory>
//
// The first loads the log into a store, lives with it (bench/living_log.h), gives DuckDB an export
// of the store, and asks both the same questions: over the store as it lies, then compacted. Each
// round asks DuckDB and Holdfast in turn; medians of wall and CPU seconds are printed, the ratio of
// the medians, and whether the answers are equal, row by row. Holdfast's time goes from JSON query
// in to JSON answer out. The second asks all questions of that store in a process of its own and
// prints its memory.
#include <duckdb.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
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
#include "living_log.h"
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
  if constexpr (!std::is_void_v<T>) return *std::move(result);
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

/// Days since the log's first, a Monday.
std::int64_t day_of(std::string_view date) {
  return *hf::parse_date(date) - *hf::parse_date("2025-01-06");
}
std::int64_t day_of(const hf::Json& row) { return day_of(row.find("start")->text); }

/// Q1: cohort week, offset, users; empty cells are no rows in SQL.
Rows q1_rows(const hf::Json& answer) {
  Rows rows;
  for (const hf::Json& cohort : answer.find("data")->find("cohorts")->array) {
    const auto& cells = cohort.find("cells")->array;
    for (std::size_t k = 0; k < cells.size(); ++k) {
      const std::int64_t count = integer(*cells[k].find("count"));
      if (count > 0) rows.push_back({day_of(cohort) / 7, static_cast<std::int64_t>(k), count});
    }
  }
  std::ranges::sort(rows);
  return rows;
}

/// Q2: day of signup, n days after (-1: size of the cohort), users with a purchase on that day.
/// Column 0 of ours is the size, so of the peer's rows those with n = 0 are left out.
Rows q2_rows(const hf::Json& answer) {
  Rows rows;
  for (const hf::Json& cohort : answer.find("data")->find("cohorts")->array) {
    const auto& cells = cohort.find("cells")->array;
    for (std::size_t k = 0; k < cells.size(); ++k) {
      const std::int64_t count = integer(*cells[k].find("count"));
      const std::int64_t n = k == 0 ? -1 : static_cast<std::int64_t>(k);
      // The peer's log ends with its last day, our columns with as_of.
      if (count > 0) rows.push_back({day_of(cohort), n, count});
    }
  }
  std::ranges::sort(rows);
  return rows;
}

/// Q3: deepest step, users.
Rows q3_rows(const hf::Json& answer) {
  Rows rows;
  const auto& steps = answer.find("data")->find("steps")->array;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const std::int64_t further = k + 1 < steps.size() ? integer(*steps[k + 1].find("count")) : 0;
    const std::int64_t count = integer(*steps[k].find("count")) - further;
    if (count > 0) rows.push_back({static_cast<std::int64_t>(k) + 1, count});
  }
  return rows;
}

/// Q4: day, kind (0 new, 1 returning, 2 resurrecting, 3 dormant), users.
Rows q4_rows(const hf::Json& answer) {
  Rows rows;
  constexpr std::array kinds{"new", "returning", "resurrecting", "dormant"};
  for (const hf::Json& period : answer.find("data")->find("periods")->array) {
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
      const std::int64_t count = std::abs(integer(*period.find(kinds[kind])));
      if (count > 0) rows.push_back({day_of(period), static_cast<std::int64_t>(kind), count});
    }
  }
  std::ranges::sort(rows);
  return rows;
}

/// Q5: day, DAU, WAU, MAU.
Rows q5_rows(const hf::Json& answer) {
  Rows rows;
  for (const hf::Json& period : answer.find("data")->find("over_time")->array) {
    rows.push_back({day_of(period), integer(*period.find("dau")), integer(*period.find("wau")),
                    integer(*period.find("mau"))});
  }
  std::ranges::sort(rows);
  return rows;
}

/// Q8: users.
Rows q8_rows(const hf::Json& answer) { return {{integer(*answer.find("data")->find("count"))}}; }

/// Q9: country as a number of its two letters, weeks after, users.
Rows q9_rows(const hf::Json& answer) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> users;
  for (const hf::Json& group : answer.find("data")->find("groups")->array) {
    const std::string& country = group.find("bucket")->array.front().text;
    const std::int64_t number = country[0] * 256 + country[1];
    for (const hf::Json& cohort : group.find("cohorts")->array) {
      const auto& cells = cohort.find("cells")->array;
      for (std::size_t k = 0; k < cells.size(); ++k) {
        users[{number, static_cast<std::int64_t>(k)}] += integer(*cells[k].find("count"));
      }
    }
  }
  Rows rows;
  for (const auto& [place, count] : users) {
    if (count > 0) rows.push_back({place.first, place.second, count});
  }
  return rows;
}

/// Trend: day, number.
Rows trend_rows(const hf::Json& answer) {
  const hf::Json& data = *answer.find("data");
  const auto& periods = data.find("periods")->array;
  const auto& values = data.find("series")->array.front().find("values")->array;
  Rows rows;
  for (std::size_t i = 0; i < periods.size(); ++i) {
    const std::int64_t number = integer(values[i]);
    if (number > 0) rows.push_back({day_of(periods[i].text), number});
  }
  return rows;
}

struct Question {
  std::string name;
  std::string what;
  std::string json;
  std::string sql_file;
  Rows (*rows)(const hf::Json& answer);
  std::string filter = {};  // Of the peer's table.
  bool by_rows = false;     // Where a better shape would do.
};

std::vector<Question> questions() {
  constexpr std::string_view range =
      R"("from":"2025-01-06","to":"2025-07-04","as_of":"2026-01-01")";
  constexpr std::string_view ios = R"(,"where":{"property":"platform","op":"eq","value":"ios"})";
  const auto query = [&](std::string_view fields, std::string_view where = {}) {
    return fmt::format(R"({{{},{}{}}})", fields, range, where);
  };
  constexpr std::string_view q1 =
      R"("metric":"retention","entry":"first_time","period":"week","periods":25)";
  constexpr std::string_view q2 =
      R"("metric":"retention","entry":"first_time","start":{"event":"signup"},)"
      R"("return":{"event":"purchase"},"periods":30)";
  constexpr std::string_view q4 = R"("metric":"lifecycle")";
  constexpr std::string_view q5 = R"("metric":"stickiness","over_time":true)";
  constexpr std::string_view q3 =
      R"("metric":"funnel","window":"PT168H","steps":[{"event":"view_item"},)"
      R"({"event":"add_to_cart"},{"event":"begin_checkout"},{"event":"add_payment"},)"
      R"({"event":"purchase"}])";
  const std::string q8 = R"({"metric":"segment_size","as_of":"2025-07-04","people":{"all":[)"
                         R"({"did":{"event":"add_to_cart"},"count":{"gte":3},"within":"P30D"},)"
                         R"({"did_not":{"event":"purchase"},"within":"P14D"}]}})";
  constexpr std::string_view q9_matcher =
      R"({"any_of":[{"event":"view_item"},{"event":"search"},{"event":"purchase"}]})";
  const std::string q9 = fmt::format(
      R"("metric":"retention","entry":"first_time","start":{0},"return":{0},"period":"week",)"
      R"("periods":12,"breakdown":[{{"property":"country","attribution":"first_touch",)"
      R"("top":1000}}])",
      q9_matcher);
  constexpr std::string_view events = R"("metric":"trend","series":[{"event":"view_item"}])";
  constexpr std::string_view persons =
      R"("metric":"trend","series":[{"event":"view_item","math":"unique"}])";
  const std::string of_ios = "platform = 'ios'";
  return {
      {"Q1", "weekly retention", query(q1), "q1.sql", q1_rows},
      {"Q1", "of one platform", query(q1, ios), "q1.sql", q1_rows, of_ios},
      {"Q1", "by rows", query(q1), "q1.sql", q1_rows, {}, true},
      {"Q2", "signup to purchase, 30 days", query(q2), "q2.sql", q2_rows},
      {"Q2", "by rows", query(q2), "q2.sql", q2_rows, {}, true},
      {"Q3", "funnel of five steps, 7 days", query(q3), "q3.sql", q3_rows},
      {"Q4", "lifecycle by day", query(q4), "q4.sql", q4_rows},
      {"Q4", "of one platform", query(q4, ios), "q4.sql", q4_rows, of_ios},
      {"Q5", "DAU, WAU, MAU", query(q5), "q5.sql", q5_rows},
      {"Q5", "of one platform", query(q5, ios), "q5.sql", q5_rows, of_ios},
      {"Trend", "views by day", query(events), "trend_events.sql", trend_rows},
      {"Trend", "of one platform", query(events, ios), "trend_events.sql", trend_rows, of_ios},
      {"Trend", "who viewed by day", query(persons), "trend_persons.sql", trend_rows},
      {"Q8", "did 3 times in 30 days, not in 14", q8, "q8.sql", q8_rows},
      {"Q9", "of one platform, by country", query(q9, ios), "q9.sql", q9_rows},
  };
}

std::string with_table(std::string sql, const std::string& filter) {
  const std::string table =
      filter.empty() ? "log" : fmt::format("(SELECT * FROM log WHERE {})", filter);
  for (std::size_t at; (at = sql.find("{T}")) != std::string::npos;) sql.replace(at, 3, table);
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

hf::QueryContext context_of(const hf::Env& env, const Question& question, unsigned threads) {
  return {
      .env = env, .threads = threads, .day_sets = !question.by_rows, .postings = !question.by_rows};
}

void print_bytes(const hf::Snapshot& snapshot) {
  std::map<std::string, std::uint64_t> bytes;
  std::uint64_t rows = 0;
  std::uint64_t files = 0;
  std::uint64_t columns = 0;
  for (const auto& part : snapshot.parts) {
    rows += part->row_count();
    files += part->file_bytes();
    for (std::uint32_t c = 0; c < part->columns().size(); ++c) {
      const hf::ColumnInfo& info = part->columns()[c];
      const std::string name = info.role == hf::part_format::ColumnRole::property
                                   ? info.property
                                   : fmt::format("(column {})", static_cast<int>(info.role));
      bytes[name] += part->column_bytes(c);
      columns += part->column_bytes(c);
    }
  }
  bytes["(all else)"] = files - columns;
  for (const auto& [name, count] : bytes) {
    fmt::print("  {:<12} {:.3f} bytes/event\n", name,
               static_cast<double>(count) / static_cast<double>(rows));
  }
  fmt::print("  parts        {}\n\n", snapshot.parts.size());
}

bool ask_both(const hf::Env& env, const hf::Snapshot& snapshot, DuckDb& duckdb, const fs::path& sql,
              int rounds) {
  fmt::print(
      "| question | Holdfast ms (CPU) | 1 thread ms (CPU) | DuckDB ms (CPU) | ratio wall | ratio "
      "CPU | first ms | answers |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  bool all_equal = true;
  for (const Question& question : questions()) {
    const std::string peer = with_table(read_text(sql / question.sql_file), question.filter);
    const hf::QueryContext both = context_of(env, question, 2);
    const hf::QueryContext alone = context_of(env, question, 1);
    std::string answer;
    const auto ask = [&](const hf::QueryContext& context) {
      return measure([&] { answer = must(hf::answer_query(snapshot, context, question.json)); });
    };
    const Cost first = ask(both);
    Rows peer_rows = duckdb.run(peer);
    std::vector<Cost> ours, ours_alone, theirs;
    for (int round = 0; round < rounds; ++round) {
      theirs.push_back(measure([&] { peer_rows = duckdb.run(peer); }));
      ours.push_back(ask(both));
      ours_alone.push_back(ask(alone));
    }
    if (question.name == "Q2")
      std::erase_if(peer_rows, [](const auto& row) { return row[1] == 0; });
    const bool equal = question.rows(must(hf::parse_json(answer))) == peer_rows;
    all_equal = all_equal && equal;
    const Cost a = median(ours);
    const Cost one = median(ours_alone);
    const Cost b = median(theirs);
    fmt::print(
        "| {} {} | {:.2f} ({:.2f}) | {:.2f} ({:.2f}) | {:.0f} ({:.0f}) | {:.0f}x | {:.0f}x | "
        "{:.1f} | {} |\n",
        question.name, question.what, a.wall * 1e3, a.cpu * 1e3, one.wall * 1e3, one.cpu * 1e3,
        b.wall * 1e3, b.cpu * 1e3, b.wall / a.wall, b.cpu / a.cpu, first.wall * 1e3,
        equal ? fmt::format("equal ({} rows)", peer_rows.size()) : "DIFFERENT");
    std::fflush(stdout);
  }
  fmt::print("\n");
  return all_equal;
}

/// All questions by whatever shape is best, each twice.
int ask_alone(const fs::path& work) {
  const hf::Env env = hf::real_env();
  const auto store =
      must(hf::Store::open(env, (work / "holdfast").string(), hf::Store::Access::read));
  const hf::Snapshot snapshot = must(store->snapshot());
  fmt::print("after opening {} MiB\n", peak_memory_mb());
  for (int round = 0; round < 2; ++round) {
    for (const Question& question : questions()) {
      if (question.by_rows) continue;
      std::string answer;
      const Cost cost = measure([&] {
        answer = must(hf::answer_query(snapshot, context_of(env, question, 2), question.json));
      });
      fmt::print("{} {}: {:.1f} ms, {} MiB\n", question.name, question.what, cost.wall * 1e3,
                 peak_memory_mb());
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--alone") return ask_alone(argv[2]);
  if (argc < 4) {
    fmt::print(stderr,
               "usage: compare <log.csv> <work directory> <sql directory> [rounds]\n"
               "       compare --alone <work directory>\n");
    return 2;
  }
  const std::string csv = argv[1];
  const fs::path work = argv[2];
  const fs::path sql = argv[3];
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 5;
  constexpr std::uint64_t seed = 42;
  fs::remove_all(work);
  fs::create_directories(work);
  const hf::bench::LogSplit split = hf::bench::split_log(csv, work.string(), seed);

  // Both loads end durable on disk; ours is atomic, with persons, dictionaries and checksums.
  const hf::Env env = hf::real_env();
  const auto engine = must(hf::DuckDbEngine::open());
  const std::string data = (work / "holdfast").string();
  std::uint64_t events = 0;
  auto store = must(hf::Store::open(env, data, hf::Store::Access::own));
  const Cost import = measure([&] {
    hf::ImportOptions options;
    options.files = {split.bulk};
    const hf::ImportPlan plan = must(hf::plan_import(env, engine.get(), options));
    events = must(hf::run_import(*store, engine.get(), plan, {})).counts.events;
  });
  const long import_memory = peak_memory_mb();
  DuckDb duckdb((work / "log.duckdb").string());
  const Cost copy = measure([&] {
    duckdb.run(
        "CREATE TABLE bulk AS SELECT * FROM read_csv('" + split.bulk +
        "', header = true, columns = {'user_id':'UBIGINT','ts':'TIMESTAMP','event':'VARCHAR',"
        "'country':'VARCHAR','platform':'VARCHAR','revenue':'INTEGER'}) ORDER BY user_id, ts");
    duckdb.run("CHECKPOINT");
  });
  duckdb.run("DROP TABLE bulk");
  const double millions = static_cast<double>(events) / 1e6;
  fmt::print("| load of {} events | Holdfast | DuckDB |\n| --- | --- | --- |\n", events);
  fmt::print("| CSV to durable, s (CPU s) | {:.2f} ({:.2f}) | {:.2f} ({:.2f}) |\n", import.wall,
             import.cpu, copy.wall, copy.cpu);
  fmt::print("| million events/s | {:.2f} | {:.2f} |\n", millions / import.wall,
             millions / copy.wall);
  fmt::print("| peak memory after our import, MB | {} | |\n\n", import_memory);

  const hf::bench::LivingState state = must(hf::bench::live(*store, split, seed));
  hf::Snapshot snapshot = must(store->snapshot());
  fmt::print("then {} late events, {} links, {} events in the head\n\n", state.late_events,
             state.links, state.head_events);

  // Its fastest form for the questions: sorted, enumerations instead of texts, ids as numbers.
  const std::string exported = (work / "events.parquet").string();
  (void)must(engine->export_events(snapshot, hf::ExportFormat::parquet, exported));
  duckdb.run(
      "CREATE TABLE log AS SELECT hash(person) AS user_id, time::TIMESTAMP AS ts, event, "
      "country, platform, revenue::INTEGER AS revenue FROM read_parquet('" +
      exported + "') ORDER BY 1, 2");
  for (const std::string column : {"event", "country", "platform"}) {
    duckdb.run(fmt::format("CREATE TYPE {0}_enum AS ENUM (SELECT DISTINCT {0} FROM log ORDER BY 1)",
                           column));
    duckdb.run(fmt::format("ALTER TABLE log ALTER {0} TYPE {0}_enum", column));
  }
  duckdb.run("CHECKPOINT");
  fs::remove(exported);

  fmt::print("As it lies:\n\n");
  print_bytes(snapshot);
  bool all_equal = ask_both(env, snapshot, duckdb, sql, rounds);

  snapshot = {};
  const Cost compaction = measure([&] {
    must(store->flush());
    must(store->compact(hf::Store::CompactionKind::full));
  });
  snapshot = must(store->snapshot());
  fmt::print("Compacted, in {:.1f} s ({:.1f} s CPU):\n\n", compaction.wall, compaction.cpu);
  double rows = 0;  // What came late and lies in the head among them.
  for (const auto& part : snapshot.parts) rows += part->row_count();
  fmt::print("parts hold {:.2f} bytes/event, DuckDB's file {:.2f}\n",
             static_cast<double>(directory_bytes(data + "/parts")) / rows,
             static_cast<double>(fs::file_size(work / "log.duckdb")) / rows);
  print_bytes(snapshot);
  all_equal = ask_both(env, snapshot, duckdb, sql, rounds) && all_equal;
  return all_equal ? 0 : 1;
}
