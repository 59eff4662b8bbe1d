// SPDX-License-Identifier: Apache-2.0
//
// Test support: small random worlds for second opinions. Few persons, names and times, so that most
// of what happens collides: equal times, clock changes, month ends. Events go in through an import
// and out through a Parquet export; SQL sees nothing but that file.
#pragma once

#include <fmt/format.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/duckdb/duckdb_engine.h"
#include "base/json.h"
#include "base/sim_env.h"
#include "calendar/time_text.h"
#include "metric/query.h"
#include "plain_duckdb.h"
#include "service/import.h"
#include "store/store.h"

namespace hf::test {

inline TimestampMs utc(std::string_view time) { return parse_time(time, {}, *Zone::utc()).value(); }
inline std::string rfc3339(TimestampMs t) { return format_rfc3339(t, *Zone::utc()); }

/// An instant to be around, and the zone in which it is hard.
struct OpinionAnchor {
  const char* time;
  const char* zone;
};
// Clocks forward, back, forward over midnight, back by half an hour; month ends; year's end. Clocks
// that go back over midnight are left to src/metric's own twins.
inline constexpr auto opinion_anchors =
    std::to_array<OpinionAnchor>({{"2026-01-05T09:00", "UTC"},
                                  {"2026-03-28T01:10", "Europe/London"},
                                  {"2025-10-25T00:50", "Europe/London"},
                                  {"2018-11-03T03:20", "America/Sao_Paulo"},
                                  {"2026-04-03T15:20", "Australia/Lord_Howe"},
                                  {"2024-01-30T06:00", "Asia/Kolkata"}});
inline constexpr std::int64_t opinion_minute_ms = 60'000;
inline constexpr auto opinion_steps_ms = std::to_array<std::int64_t>(
    {20 * opinion_minute_ms, 360 * opinion_minute_ms, 720 * opinion_minute_ms,
     1'440 * opinion_minute_ms, 14'400 * opinion_minute_ms});

/// Small numbers that shrink towards 0.
struct OpinionEvent {
  int person = 0;
  int name = 0;
  int slot = 0;    ///< Steps from the anchor.
  int jitter = 0;  ///< Milliseconds.
  int k = 0;       ///< Text.
  int v = 0;       ///< Number.
  int b = 0;       ///< Boolean.
  int l = 0;       ///< List of texts, numbers and booleans.
};

struct OpinionSetting {
  int anchor = 0;
  int step = 0;
  int imports = 0;
  int rows_per_part = 0;
};

inline std::size_t at(int choice) { return static_cast<std::size_t>(choice); }
inline TimestampMs time_at(const OpinionSetting& world, int slot) {
  return utc(opinion_anchors[at(world.anchor)].time) + slot * opinion_steps_ms[at(world.step)];
}

/// [low, high), all of it from the first case on.
inline rc::Gen<int> any_of(int low, int high) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(low, high));
}
/// Half of all options absent.
inline rc::Gen<int> option(int n) { return rc::gen::oneOf(rc::gen::just(0), any_of(0, n)); }

inline constexpr auto opinion_names = std::to_array<const char*>({"a", "b", "c", "identify"});
inline constexpr auto opinion_texts = std::to_array<const char*>(
    {"", R"("x")", R"("Y")", R"("xyz")", R"("1")", R"("ÄB")", R"("")", R"("true")"});
inline constexpr auto opinion_numbers =
    std::to_array<const char*>({"", "1", "2.50", "-3", "10", "0.1", "0"});
inline constexpr auto opinion_booleans = std::to_array<const char*>({"", "true", "false"});
inline constexpr auto opinion_lists = std::to_array<const char*>(
    {"", R"(["x","Y"])", R"(["x"])", R"([1.0,"x",true])", "[]", R"(["xyz","ÄB","xyz"])"});

/// The line of JSON that is imported.
inline std::string row_of(const OpinionEvent& e, const OpinionSetting& world) {
  // The last person is only known by an anonymous id.
  std::string row = fmt::format(
      R"({{"{}":"p{}","event":"{}","time":"{}")", e.person == 3 ? "anonymous_id" : "person",
      e.person, opinion_names[at(e.name)], rfc3339(time_at(world, e.slot) + e.jitter));
  const auto add = [&](const char* name, std::string_view value) {
    if (!value.empty()) row += fmt::format(R"(,"{}":{})", name, value);
  };
  add("k", opinion_texts[at(e.k)]);
  add("v", opinion_numbers[at(e.v)]);
  add("b", opinion_booleans[at(e.b)]);
  add("l", opinion_lists[at(e.l)]);
  return row + "}\n";
}

inline std::ostream& operator<<(std::ostream& out, const OpinionEvent& e) {
  return out << row_of(e, {});
}
inline std::ostream& operator<<(std::ostream& out, const OpinionSetting& w) {
  return out << fmt::format("{{{},{},{},{}}}", w.anchor, w.step, w.imports, w.rows_per_part);
}

/// Events of `slots` different times.
inline rc::Gen<OpinionEvent> any_opinion_event(int slots) {
  using E = OpinionEvent;
  const auto any = [](std::size_t n) { return any_of(0, static_cast<int>(n)); };
  return rc::gen::build<E>(
      rc::gen::set(&E::person, rc::gen::element(0, 0, 0, 1, 1, 2, 3)),
      rc::gen::set(&E::name, rc::gen::element(0, 0, 0, 1, 1, 1, 2, 2, 3, 3)),
      rc::gen::set(&E::slot, any_of(0, slots)),
      rc::gen::set(&E::jitter, rc::gen::element(0, 0, 0, 0, 1, 1'800'000)),
      rc::gen::set(&E::k, rc::gen::oneOf(any_of(0, 3), any(opinion_texts.size()))),
      rc::gen::set(&E::v, any(opinion_numbers.size())),
      rc::gen::set(&E::b, any(opinion_booleans.size())),
      rc::gen::set(&E::l, any(opinion_lists.size())));
}

inline rc::Gen<OpinionSetting> any_opinion_setting() {
  using W = OpinionSetting;
  return rc::gen::build<W>(
      rc::gen::set(&W::anchor, any_of(0, static_cast<int>(opinion_anchors.size()))),
      rc::gen::set(&W::step, any_of(0, static_cast<int>(opinion_steps_ms.size()))),
      rc::gen::set(&W::imports, any_of(0, 2)),
      rc::gen::set(&W::rows_per_part, rc::gen::element(0, 3, 10)));
}

/// A data directory in memory, filled by imports, and the Parquet file exported from it.
class OpinionWorld {
 public:
  OpinionWorld(const OpinionSetting& setting, const std::vector<OpinionEvent>& events,
               DuckDbEngine& engine, const std::string& parquet)
      : sim_(1) {
    sim_.set_now_ms(utc("2030-01-01T00:00"));  // No event lies ahead of its import.
    auto store = Store::open(sim_.env(), "/data", Store::Access::own);
    RC_ASSERT(store.has_value());
    store_ = *std::move(store);
    const std::size_t first = setting.imports == 0 ? events.size() : events.size() / 2;
    import(setting, std::span(events).first(first));
    import(setting, std::span(events).subspan(first));
    auto snapshot = store_->snapshot();
    RC_ASSERT(snapshot.has_value());
    snapshot_ = *std::move(snapshot);
    const auto rows = engine.export_events(snapshot_, ExportFormat::parquet, parquet);
    RC_ASSERT(rows.has_value());
    RC_ASSERT(*rows == events.size());
  }
  OpinionWorld(const OpinionWorld&) = delete;
  OpinionWorld& operator=(const OpinionWorld&) = delete;

  Result<std::string> answer(const std::string& query, TimestampMs now_ms, unsigned threads = 1) {
    sim_.set_now_ms(now_ms);
    const Env sim = sim_.env();
    // The clock of the simulation, the zones of the system.
    const Env env{.files = real_env().files, .clock = sim.clock, .random = sim.random};
    return answer_query(snapshot_, {.env = env, .threads = threads}, query);
  }

 private:
  void import(const OpinionSetting& setting, std::span<const OpinionEvent> events) {
    if (events.empty()) return;
    std::string text;
    for (const OpinionEvent& event : events) text += row_of(event, setting);
    const std::string path = fmt::format("/events{}.jsonl", files_++);
    const Env env = sim_.env();
    RC_ASSERT(env.files.open(path, OpenMode::create)
                  .value()
                  ->write_at(0, std::as_bytes(std::span(text)))
                  .has_value());
    ImportOptions options;
    options.files = {path};
    options.strict = true;
    const auto plan = plan_import(env, nullptr, options);
    if (!plan) RC_LOG() << plan.error().message << '\n';
    RC_ASSERT(plan.has_value());
    ImportControl control;
    control.rows_per_part = static_cast<std::uint32_t>(setting.rows_per_part);
    control.background_writes = false;
    const auto outcome = run_import(*store_, nullptr, *plan, control);
    if (!outcome) RC_LOG() << outcome.error().message << '\n';
    RC_ASSERT(outcome.has_value());
    RC_ASSERT(outcome->counts.events == events.size());
  }

  SimEnv sim_;
  int files_ = 0;
  std::unique_ptr<Store> store_;
  Snapshot snapshot_;
};

/// A DuckDB with the words that definitions are written in, and the events of one export.
class OpinionSql {
 public:
  OpinionSql() {
    for (const char* macro : {
             "wall(zone, ms) AS timezone(zone, make_timestamptz(ms * 1000))",
             "local_date(zone, ms) AS CAST(wall(zone, ms) AS DATE)",
             "off(zone, ms) AS epoch_ms(wall(zone, ms)) - ms",
             "hit(zone, l, ms) AS CASE WHEN epoch_ms(wall(zone, ms)) = l THEN ms END",
             // A local time (as UTC milliseconds) that came twice is the first one; one that was
             // skipped is as much later as the clock jumped: by the offset there was before.
             "instant_of(zone, l) AS coalesce(least(hit(zone, l, l - off(zone, l - 129600000)), "
             "hit(zone, l, l - off(zone, l + 129600000))), l - off(zone, l - 129600000))",
             "date_begins(zone, d) AS instant_of(zone, epoch_ms(CAST(d AS TIMESTAMP)))",
             // Calendar parts by the local clock, then time exactly.
             "later(zone, ms, months, days, exact_ms) AS CASE WHEN months = 0 AND days = 0 THEN "
             "ms ELSE instant_of(zone, epoch_ms(wall(zone, ms) + to_months(months) + "
             "to_days(days))) END + exact_ms",
             "is_active(event) AS event NOT IN ('identify', 'alias', 'group') AND "
             "NOT starts_with(event, 'hf:')",
             // The values an event carries: a missing one is 'n', others have a 'v' before them.
             "buckets(value) AS CASE WHEN value IS NULL THEN ['n'] WHEN value LIKE '[%' "
             "THEN list_transform(list_distinct(json_extract_string(value, '$[*]')), "
             "lambda x: 'v' || x) ELSE ['v' || value] END",
         }) {
      db_.run(std::string("CREATE MACRO ") + macro);
    }
  }

  /// Table events: seq, person, event, t and the properties as canonical text; v_num too.
  void load(const std::string& path) {
    std::map<std::string, std::string> types;
    for (const auto& row :
         db_.rows(fmt::format("DESCRIBE SELECT * FROM read_parquet('{}')", path))) {
      types[*row[0]] = *row[1];
    }
    std::string select = "file_row_number AS seq, person, event, epoch_ms(time) AS t";
    for (const std::string name : {"k", "v", "b", "l"}) {
      const std::string text =
          fmt::format("CAST({} AS VARCHAR)", types.contains(name) ? name : "NULL");
      const bool is_decimal = types[name].starts_with("DECIMAL");
      select += fmt::format(
          ", {} AS {}", is_decimal ? fmt::format("rtrim(rtrim({}, '0'), '.')", text) : text, name);
    }
    select += fmt::format(", TRY_CAST({} AS DECIMAL(38, 9)) AS v_num",
                          types.contains("v") ? "v" : "NULL");
    db_.run(
        fmt::format("CREATE OR REPLACE TABLE events AS SELECT {} FROM read_parquet('{}', "
                    "file_row_number = true)",
                    select, path));
  }

  PlainDuckDb& db() { return db_; }
  std::int64_t number(const std::string& sql) {
    const auto rows = db_.rows(sql);
    return rows.empty() || !rows[0][0] ? 0 : std::stoll(*rows[0][0]);
  }
  std::string text(const std::string& sql) {
    const auto rows = db_.rows(sql);
    return rows.empty() ? "" : rows[0][0].value_or("");
  }

 private:
  PlainDuckDb db_;
};

/// Runs a property `cases` times, ten times as often where HOLDFAST_SOAK is 1.
template <class Property>
void check_cases(const char* description, int cases, Property&& property) {
  const char* soak = std::getenv("HOLDFAST_SOAK");
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = soak != nullptr && std::string_view(soak) == "1" ? cases * 10 : cases;
  const auto result = rc::detail::checkTestable(
      std::forward<Property>(property), rc::detail::TestMetadata{description, description}, params);
  std::ostringstream message;
  rc::detail::printResultMessage(result, message);
  EXPECT_TRUE(result.template is<rc::detail::SuccessResult>()) << message.str();
}

}  // namespace hf::test
