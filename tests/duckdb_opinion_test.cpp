// SPDX-License-Identifier: Apache-2.0
//
// A second opinion on the metrics: events go in through an import, out through an export,
// and what answer_query() says of them must be what SQL over the exported file says. The SQL is
// written from docs/metrics.md (metric_sql.h) and runs in a DuckDB that knows nothing of Holdfast.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "adapter/duckdb/duckdb_engine.h"
#include "base/json.h"
#include "base/sim_env.h"
#include "calendar/time_text.h"
#include "metric/query.h"
#include "metric_sql.h"
#include "service/import.h"
#include "store/store.h"

namespace hf::test {
namespace {

TimestampMs utc(std::string_view time) { return parse_time(time, {}, *Zone::utc()).value(); }
std::string rfc3339(TimestampMs t) { return format_rfc3339(t, *Zone::utc()); }

// ------------------------------------------------------------------------------------ the events

// Around what makes time hard, with the zone it is hard in: clocks forward and back, back over
// midnight, by half an hour, leap day, year's end.
struct Anchor {
  const char* time;
  std::size_t zone;
};
constexpr auto anchors = std::to_array<Anchor>({{"2026-03-29T01:00", 1},
                                                {"2025-10-26T01:00", 1},
                                                {"2006-10-29T02:31", 2},
                                                {"2026-04-04T15:00", 3},
                                                {"2024-02-29T00:00", 0},
                                                {"2025-12-31T18:30", 4}});
constexpr std::array zones = {"UTC", "Europe/London", "America/St_Johns", "Australia/Lord_Howe",
                              "Asia/Kolkata"};
constexpr std::size_t st_johns = 2;
constexpr std::int64_t minute_in_ms = 60'000;
constexpr auto steps_ms = std::to_array<std::int64_t>(
    {20 * minute_in_ms, 7 * minute_in_ms, 6 * hour_in_ms, 72 * hour_in_ms, 408 * hour_in_ms});

/// Choices are small numbers that shrink towards 0, so that a counterexample is short.
struct EventChoice {
  int person = 0;
  int name = 0;
  int slot = 0;    // Steps from the anchor; few slots, so many ties.
  int jitter = 0;  // Milliseconds.
  int k = 0;
  int v = 0;
  int tags = 0;
};

struct WorldChoice {
  int anchor = 0;
  int step = 0;
  int csv = 0;
  int imports = 0;        // One or two files.
  int rows_per_part = 0;  // 0: by default.
};

std::size_t at(int choice) { return static_cast<std::size_t>(choice); }

std::string csv_cell(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// The row of an event. CSV has no lists, and no types but a column's.
std::string row_of(const EventChoice& e, const WorldChoice& world) {
  constexpr std::array names = {"buy", "visit", "page",  "identify",
                                "buy", "visit", "alias", "group"};
  // 2.50 is the number 2.5; "1" and 1, "true" and true are one bucket.
  constexpr std::array ks = {"",     R"("GB")", R"("DE")",   "1",         R"("1")",
                             "true", "2.50",    R"("true")", R"("ü,;z")", R"("")"};
  // No text that looks like a number (metric_sql.h).
  constexpr std::array vs = {"",   "1", "2.5",      "-3",          "0.1",
                             "10", "0", R"("n/a")", "1234567.891", "true"};
  constexpr std::array tags = {"",
                               R"("GB")",
                               "1.50",
                               R"(["GB","DE","GB"])",
                               R"([1.0,"1",true,null])",
                               "[]",
                               R"(["a, b","\"x\""])"};
  const TimestampMs time =
      utc(anchors[at(world.anchor)].time) + e.slot * steps_ms[at(world.step)] + e.jitter;
  const std::array<std::pair<const char*, std::string>, 3> properties = {
      {{"k", ks[at(e.k)]}, {"v", vs[at(e.v)]}, {"tags", tags[at(e.tags)]}}};
  if (world.csv == 0) {
    // One person is only known by an anonymous id.
    std::string row = fmt::format(R"({{"{}":"p{}","event":"{}","time":"{}")",
                                  e.person == 3 ? "anonymous_id" : "person", e.person,
                                  names[at(e.name)], rfc3339(time));
    for (const auto& [name, value] : properties) {
      if (!value.empty()) row += fmt::format(R"(,"{}":{})", name, value);
    }
    return row + "}\n";
  }
  std::string row = fmt::format("p{},{},{}", e.person, names[at(e.name)], rfc3339(time));
  for (const auto& [name, value] : properties) {
    const Json json = value.empty() ? Json{} : parse_json(value).value();
    const std::string text = json.is_boolean() ? (json.boolean ? "true" : "false")
                             : json.is_array() ? ""
                                               : json.text;
    row += "," + (text.empty() ? "" : csv_cell(text));
  }
  return row + "\n";
}

/// A data directory in memory, filled by imports, and the Parquet file exported from it.
class World {
 public:
  World(const WorldChoice& choice, const std::vector<EventChoice>& events, DuckDbEngine& engine,
        const std::string& parquet)
      : sim_(1) {
    sim_.set_now_ms(utc("2030-01-01T00:00"));  // No event lies ahead of its import.
    auto store = Store::open(sim_.env(), "/data", Store::Access::own);
    RC_ASSERT(store.has_value());
    store_ = *std::move(store);
    const std::size_t first = choice.imports == 0 ? events.size() : events.size() / 2;
    import(choice, std::span(events).first(first));
    import(choice, std::span(events).subspan(first));
    auto snapshot = store_->snapshot();
    RC_ASSERT(snapshot.has_value());
    snapshot_ = *std::move(snapshot);
    const auto rows = engine.export_events(snapshot_, ExportFormat::parquet, parquet);
    RC_ASSERT(rows.has_value());
    RC_ASSERT(*rows == events.size());
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Result<std::string> answer(const std::string& query, TimestampMs now_ms, unsigned threads) {
    sim_.set_now_ms(now_ms);
    const Env sim = sim_.env();
    // The clock of the simulation, the zones of the system.
    const Env env{.files = real_env().files, .clock = sim.clock, .random = sim.random};
    return answer_query(snapshot_, {.env = env, .threads = threads}, query);
  }
  [[nodiscard]] std::size_t parts() const { return snapshot_.parts.size(); }

 private:
  void import(const WorldChoice& choice, std::span<const EventChoice> events) {
    if (events.empty()) return;
    std::string text = choice.csv == 0 ? "" : "person,event,time,k,v,tags\n";
    for (const EventChoice& event : events) text += row_of(event, choice);
    const std::string path =
        fmt::format("/events{}.{}", files_++, choice.csv == 0 ? "jsonl" : "csv");
    const Env env = sim_.env();
    RC_ASSERT(env.files.open(path, OpenMode::create)
                  .value()
                  ->write_at(0, std::as_bytes(std::span(text)))
                  .has_value());
    ImportOptions options;
    options.files = {path};
    options.strict = true;
    if (choice.csv != 0) options.overrides.types = {"k=text", "v=number", "tags=text"};
    const auto plan = plan_import(env, nullptr, options);
    if (!plan) RC_LOG() << plan.error().message << '\n';
    RC_ASSERT(plan.has_value());
    ImportControl control;
    control.rows_per_part = static_cast<std::uint32_t>(choice.rows_per_part);
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

// --------------------------------------------------------------------------------- the questions

struct QuestionChoice {
  int metric = 0;
  int zone = 0;
  int sunday = 0;
  int as_of = 0;
  int as_of_slot = 0;
  int from = 0;
  int from_slot = 0;
  int to = 0;
  int to_slots = 0;  // After from.
  int where = 0;
  int breakdown = 0;
  int top = 0;
  int period = 0;
  int start = 0;
  int returning = 0;
  int entry = 0;
  int columns = 0;
  int rolling = 0;
  int on_or_after = 0;
  int occurrences = 0;
  int adding = 0;
  int windows = 0;
  int cumulative = 0;
  int per_interval = 0;
  int over_time = 0;
  int threads = 0;
};

Question question_of(const QuestionChoice& c, const WorldChoice& world) {
  const TimestampMs anchor = utc(anchors[at(world.anchor)].time);
  const std::int64_t step = steps_ms[at(world.step)];
  const auto date = [](TimestampMs t) {
    const std::string day = rfc3339(t).substr(0, 10);
    return Bound{Bound::Kind::date, day, fmt::format("DATE '{}'", day)};
  };
  const auto instant = [](TimestampMs t) {
    return Bound{Bound::Kind::instant, rfc3339(t), std::to_string(t)};
  };
  Question q;
  q.metric = static_cast<Metric>(c.metric);
  const std::size_t zone = c.zone == 0 ? anchors[at(world.anchor)].zone : at(c.zone - 1);
  q.zone = zones[zone];
  q.sunday = c.sunday != 0;
  q.now_ms = anchor + 21 * step;
  const TimestampMs as_of = anchor + c.as_of_slot * step;
  if (c.as_of == 1) q.as_of = instant(as_of - 1);
  if (c.as_of == 2) q.as_of = instant(as_of);
  if (c.as_of == 3) q.as_of = date(as_of);
  const TimestampMs from = anchor + c.from_slot * step;
  const TimestampMs to = from + c.to_slots * step;
  // In the minute of a date that St John's had before it went back to the date before.
  const TimestampMs early_minute = anchor - minute_in_ms / 2;
  if (c.from == 1) q.range.from = date(from);
  if (c.from == 2) q.range.from = instant(from);
  if (c.from == 5) q.range.from = instant(early_minute);
  if (c.from == 3) {
    q.last = "P3D";
    q.last_sql = "to_days(3)";
  } else if (c.from == 4) {
    q.last = "P2M";
    q.last_sql = "to_months(2)";
  } else {
    if (c.to == 1) q.range.to = date(to);
    if (c.to == 2) q.range.to = instant(to);
    if (c.to == 3) q.range.to = instant(early_minute);
  }
  q.where = at(c.where);
  constexpr std::array breakdowns = {"", "k", "tags", "v"};
  q.breakdown = breakdowns[at(c.breakdown)];
  q.top = c.top;
  q.period = at(c.period);
  // Hours of 24 months would be too many rows; hours of St John's are not asked (metric_sql.h).
  const bool is_long = world.step >= 3;
  if (periods[q.period].by_hour() && (is_long || c.from == 4 || zone == st_johns)) q.period = 0;
  if (periods[q.period].exact_ms > 0 && is_long) q.period = 1;
  q.start = at(c.start);
  q.returning = at(c.returning);
  q.entry = static_cast<Entering>(c.entry);
  if (c.columns == 1) q.column_count = 1;
  if (c.columns == 2) q.column_count = 4;
  if (c.columns == 3) q.brackets = {1, 2};
  if (c.columns == 4) q.brackets = {2, 1, 3};
  q.rolling = c.rolling != 0;
  q.on_or_after = c.on_or_after != 0;
  q.occurrences = 1 + c.occurrences;
  constexpr auto addings =
      std::to_array<Adding>({Adding::nothing, Adding::users, Adding::count, Adding::sum,
                             Adding::avg, Adding::sum, Adding::avg});
  q.adding = addings[at(c.adding)];
  q.by_trait = c.adding >= 5;
  if (c.windows != 0 && q.metric == Metric::retention) {
    q.rolling = false;
    const TimestampMs middle = from + (c.to_slots + 1) * step;
    const TimestampMs gap = c.windows == 1 ? 0 : step / 2;  // 2: they overlap.
    const TimestampMs end = middle + (c.columns + 1) * 5 * step;
    if (c.from % 2 == 0) {
      q.initial = Span{instant(from), instant(middle)};
      q.current = {instant(middle - gap), instant(end)};
    } else {
      q.initial = Span{date(from), date(middle)};
      q.current = {date(middle - gap), date(end)};
    }
  }
  if (q.metric == Metric::trend) {
    q.series = {{at(c.start), c.occurrences > 0}};
    if (c.returning > 0) q.series.push_back({at(c.returning), c.on_or_after != 0});
    q.cumulative = c.cumulative != 0;
  }
  if (q.metric == Metric::stickiness) {
    q.per_interval = static_cast<PerInterval>(c.per_interval);
    q.over_time = c.over_time != 0;
    q.cumulative = c.cumulative != 0 && !q.over_time;
    if (q.over_time) q.period = 0;
  }
  return q;
}

/// [low, high), all of it from the first case on: inRange() alone begins with small ones.
rc::Gen<int> any_of(int low, int high) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(low, high));
}
/// Half of all options absent: each alone, and a few together, is where mistakes are seen.
rc::Gen<int> option(int n) { return rc::gen::oneOf(rc::gen::just(0), any_of(0, n)); }

rc::Gen<EventChoice> any_event() {
  using E = EventChoice;
  return rc::gen::build<E>(
      rc::gen::set(&E::person, any_of(0, 5)), rc::gen::set(&E::name, any_of(0, 8)),
      // Many early ones at few times: which event is first then goes by arrival.
      rc::gen::set(&E::slot, rc::gen::oneOf(any_of(-20, 20), any_of(-20, -18))),
      rc::gen::set(&E::jitter, rc::gen::element(0, 0, -1, 1)), rc::gen::set(&E::k, any_of(0, 10)),
      rc::gen::set(&E::v, any_of(0, 10)), rc::gen::set(&E::tags, any_of(0, 7)));
}

rc::Gen<WorldChoice> any_world() {
  using W = WorldChoice;
  return rc::gen::build<W>(rc::gen::set(&W::anchor, any_of(0, static_cast<int>(anchors.size()))),
                           rc::gen::set(&W::step, any_of(0, static_cast<int>(steps_ms.size()))),
                           rc::gen::set(&W::csv, rc::gen::element(0, 0, 1)),
                           rc::gen::set(&W::imports, any_of(0, 2)),
                           rc::gen::set(&W::rows_per_part, rc::gen::element(0, 3, 10)));
}

/// Of one of these metrics.
rc::Gen<QuestionChoice> any_question(const std::vector<Metric>& metrics) {
  using Q = QuestionChoice;
  const auto slots = [] { return any_of(-21, 21); };
  const int any_condition = static_cast<int>(conditions.size());
  const int any_matcher = static_cast<int>(matchers.size());
  return rc::gen::build<Q>(
      rc::gen::set(&Q::metric,
                   rc::gen::map(rc::gen::elementOf(metrics),
                                [](Metric metric) { return static_cast<int>(metric); })),
      rc::gen::set(&Q::zone, option(static_cast<int>(zones.size()) + 1)),
      rc::gen::set(&Q::sunday, any_of(0, 2)), rc::gen::set(&Q::as_of, option(4)),
      rc::gen::set(&Q::as_of_slot, slots()), rc::gen::set(&Q::from, option(6)),
      rc::gen::set(&Q::from_slot, slots()), rc::gen::set(&Q::to, option(4)),
      rc::gen::set(&Q::to_slots, any_of(0, 30)), rc::gen::set(&Q::where, option(any_condition)),
      rc::gen::set(&Q::breakdown, any_of(0, 4)),
      rc::gen::set(&Q::top, rc::gen::element(0, 1, 1, 2)),
      rc::gen::set(&Q::period, any_of(0, static_cast<int>(periods.size()))),
      rc::gen::set(&Q::start, option(any_matcher)),
      rc::gen::set(&Q::returning, option(any_matcher)), rc::gen::set(&Q::entry, any_of(0, 3)),
      rc::gen::set(&Q::columns, option(5)), rc::gen::set(&Q::rolling, any_of(0, 2)),
      rc::gen::set(&Q::on_or_after, option(2)), rc::gen::set(&Q::occurrences, option(3)),
      rc::gen::set(&Q::adding, option(7)),
      rc::gen::set(&Q::windows, rc::gen::element(0, 0, 0, 0, 1, 2)),
      rc::gen::set(&Q::cumulative, option(2)), rc::gen::set(&Q::per_interval, option(4)),
      rc::gen::set(&Q::over_time, any_of(0, 2)), rc::gen::set(&Q::threads, option(2)));
}

std::ostream& operator<<(std::ostream& out, const EventChoice& e) {
  return out << fmt::format("{{{},{},{},{},{},{},{}}}", e.person, e.name, e.slot, e.jitter, e.k,
                            e.v, e.tags);
}
std::ostream& operator<<(std::ostream& out, const WorldChoice& w) {
  return out << fmt::format("{{{},{},{},{},{}}}", w.anchor, w.step, w.csv, w.imports,
                            w.rows_per_part);
}
std::ostream& operator<<(std::ostream& out, const QuestionChoice& q) {
  return out << question_of(q, {}).json();
}

// ----------------------------------------------------------------------------------- the answers

/// The answer of answer_query() as the lines that MetricSql gives.
class AnswerLines {
 public:
  AnswerLines(const Result<std::string>& answer, const Question& question) : q_(question) {
    if (!answer) {
      lines_.push_back("refused " + std::string(answer.error().reason));
      if (answer.error().reason != "invalid_range") lines_.push_back(answer.error().message);
      return;
    }
    const Json json = parse_json(*answer).value();
    const Json& data = *json.find("data");
    switch (q_.metric) {
      case Metric::retention: add_retention(data); break;
      case Metric::trend: add_trend(data); break;
      case Metric::lifecycle:
        for_groups(data, [&](const Json& group) { add_lifecycle(group); });
        break;
      case Metric::stickiness:
        for_groups(data, [&](const Json& group) { add_stickiness(group); });
        break;
    }
  }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  static std::int64_t integer(const Json& object, std::string_view name) {
    return std::stoll(object.find(name)->text);
  }

  void for_groups(const Json& data, auto&& add) {
    if (const Json* groups = data.find("groups")) {
      for (const Json& group : groups->array) {
        const Json& bucket = group.find("bucket")->array.at(0);
        lines_.push_back(bucket.is_null()     ? "bucket null"
                         : bucket.is_object() ? "bucket other"
                                              : "bucket text " + bucket.text);
        add(group);
      }
      add(*data.find("total"));
    } else {
      add(data);
    }
  }

  // Rows of hours and exact durations are named by instants; SQL says those in milliseconds.
  [[nodiscard]] std::string label(const std::string& start) const {
    const SpokenPeriod& period = periods[q_.period];
    if (!period.by_hour() && period.exact_ms == 0) return start;
    return std::to_string(parse_rfc3339(start).value());
  }

  [[nodiscard]] std::string value(const Json& object) const {
    const Json* value = object.find("value");
    if (value == nullptr) return "";
    if (value->is_null()) return "null";
    if (q_.adding == Adding::avg) return shown_double(std::stod(value->text));
    return value->text;
  }

  void add_retention(const Json& data) {
    if (q_.initial) return add_windows(data);
    std::string line = "columns";
    for (const Json& column : data.find("columns")->array) line += " " + column.text;
    columns_ = data.find("columns")->array.size();
    lines_.push_back(line);
    for_groups(data, [&](const Json& group) { add_cohorts(group); });
  }

  void add_cohorts(const Json& group) {
    std::vector<std::pair<std::string, std::vector<OpinionCell>>> rows;
    for (const Json& cohort : group.find("cohorts")->array) {
      std::vector<OpinionCell> cells;
      for (const Json& cell : cohort.find("cells")->array) {
        cells.push_back({integer(cell, "count"), integer(cell, "eligible"),
                         cell.find("complete")->boolean, value(cell)});
      }
      EXPECT_EQ(integer(cohort, "size"), cells.front().count);
      rows.emplace_back(label(cohort.find("start")->text), std::move(cells));
    }
    add_retention_lines(lines_, rows, columns_);
    // The means of the answer itself must be those of its cells.
    std::string mean = "mean:";
    for (std::size_t c = 0; c < columns_; ++c) {
      const Json& weighted = group.find("mean")->find("weighted")->array.at(c);
      const Json& simple = group.find("mean")->find("simple")->array.at(c);
      mean += fmt::format("  {}/{} {}", integer(weighted, "numerator"),
                          integer(weighted, "denominator"),
                          simple.is_null() ? "null" : shown_double(std::stod(simple.text)));
    }
    lines_.back() = mean;
  }

  void add_windows(const Json& data) {
    const Json& first = data.find("groups") == nullptr ? data : *data.find("total");
    const auto ms = [&](const char* window, const char* end) {
      return parse_rfc3339(first.find(window)->find(end)->text).value();
    };
    lines_.push_back(fmt::format("initial {} {} current {} {}", ms("initial", "from"),
                                 ms("initial", "to"), ms("current", "from"), ms("current", "to")));
    for_groups(data, [&](const Json& group) {
      const Json& initial = *group.find("initial");
      const Json& current = *group.find("current");
      lines_.push_back(fmt::format("initial {} {} current {} {} {}", integer(initial, "count"),
                                   value(initial), integer(current, "count"),
                                   current.find("complete")->boolean ? "complete" : "incomplete",
                                   value(current)));
      const auto ratio = [&](const char* name) {
        const Json& r = *group.find(name);
        return fmt::format("{}/{}", integer(r, "numerator"), integer(r, "denominator"));
      };
      lines_.push_back(fmt::format("retention {} churn {} activity {}", ratio("retention"),
                                   ratio("churn"), ratio("activity_ratio")));
    });
  }

  void add_trend(const Json& data) {
    const auto& starts = data.find("periods")->array;
    const auto& complete = data.find("complete")->array;
    for (std::size_t i = 0; i < starts.size(); ++i) {
      lines_.push_back(label(starts[i].text) + (complete.at(i).boolean ? "" : " incomplete"));
    }
    for_groups(data, [&](const Json& group) {
      for (const Json& series : group.find("series")->array) {
        std::string line = series.find("total")->text + ":";
        for (const Json& v : series.find("values")->array) line += " " + v.text;
        lines_.push_back(line);
      }
    });
  }

  [[nodiscard]] std::string row_label(const Json& row) const {
    return label(row.find("start")->text) + (row.find("complete")->boolean ? "" : " incomplete") +
           ":";
  }

  void add_lifecycle(const Json& group) {
    for (const Json& row : group.find("periods")->array) {
      std::string line = row_label(row);
      for (const char* name : {"new", "returning", "resurrecting", "dormant", "active"}) {
        line += fmt::format(" {} {}", name, integer(row, name));
      }
      const Json& quick = *row.find("quick_ratio");
      const std::int64_t gained = integer(quick, "numerator");
      const std::int64_t lost = integer(quick, "denominator");
      const Json& rate = *quick.find("rate");
      EXPECT_EQ(rate.is_null() ? "null" : shown_double(std::stod(rate.text)),
                lost == 0 ? "null"
                          : shown_double(static_cast<double>(gained) / static_cast<double>(lost)));
      lines_.push_back(fmt::format("{} quick {}/{}", line, gained, lost));
    }
  }

  void add_stickiness(const Json& group) {
    if (!q_.over_time) {
      for (const Json& row : group.find("histogram")->array) {
        lines_.push_back(
            fmt::format("active in {}: {}", integer(row, "active_periods"), integer(row, "count")));
      }
      return;
    }
    for (const Json& row : group.find("over_time")->array) {
      const auto average = [&](const char* name) {
        const Json& of = *row.find(name);
        return fmt::format("{}/{}", integer(of, "days"), integer(of, "persons"));
      };
      lines_.push_back(fmt::format("{} {} {} {} l7 {} l28 {}", row_label(row), integer(row, "dau"),
                                   integer(row, "wau"), integer(row, "mau"), average("l7"),
                                   average("l28")));
    }
  }

  const Question& q_;
  std::size_t columns_ = 0;
  std::vector<std::string> lines_;
};

// --------------------------------------------------------------------------------------- the test

class SecondOpinion : public testing::Test {
 protected:
  SecondOpinion()
      : folder_(std::filesystem::temp_directory_path() /
                fmt::format("hf_opinion_test_{}", ::getpid())),
        sql_(duckdb_) {
    std::filesystem::create_directories(folder_);
    engine_ = std::move(DuckDbEngine::open()).value();
  }
  ~SecondOpinion() override { std::filesystem::remove_all(folder_); }

  /// One world, and a few questions of these metrics.
  void compare(const std::vector<Metric>& metrics) {
    const WorldChoice choice = *any_world();
    const auto events = *rc::gen::nonEmpty(
        rc::gen::scale(0.7, rc::gen::container<std::vector<EventChoice>>(any_event())));
    const auto questions = *rc::gen::nonEmpty(rc::gen::resize(
        16, rc::gen::container<std::vector<QuestionChoice>>(any_question(metrics))));
    World world(choice, events, *engine_, parquet());
    RC_ASSERT(sql_.load(parquet()) == static_cast<std::int64_t>(events.size()));
    for (const QuestionChoice& c : questions) {
      const Question question = question_of(c, choice);
      const AnswerLines answer(
          world.answer(question.json(), question.now_ms, c.threads == 0 ? 1 : 3), question);
      const std::vector<std::string> expected = sql_.answer(question);
      if (answer.lines() == expected) continue;
      RC_LOG() << question.json() << "\nnow " << rfc3339(question.now_ms) << "\nevents\n";
      for (const EventChoice& event : events) RC_LOG() << row_of(event, choice);
      RC_LOG() << fmt::format("SQL\n  {}\nanswer\n  {}\n", fmt::join(expected, "\n  "),
                              fmt::join(answer.lines(), "\n  "));
      RC_FAIL("SQL and the engine disagree");
    }
  }

  [[nodiscard]] std::string parquet() const { return (folder_ / "events.parquet").string(); }

  std::filesystem::path folder_;
  PlainDuckDb duckdb_;
  MetricSql sql_;
  std::unique_ptr<DuckDbEngine> engine_;
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

TEST_F(SecondOpinion, SqlOverAnExportSaysWhatTheEngineSays) {
  using enum Metric;
  check_cases("answer_query agrees with SQL", 60, [&] {
    compare({retention, retention, retention, trend});
  });
}

TEST_F(SecondOpinion, SqlOverAnExportSaysWhoIsNewStaysComesBackAndGoes) {
  check_cases("lifecycle agrees with SQL", 40, [&] { compare({Metric::lifecycle}); });
}

TEST_F(SecondOpinion, SqlOverAnExportSaysHowOftenPersonsAreActive) {
  check_cases("stickiness agrees with SQL", 40, [&] { compare({Metric::stickiness}); });
}

// ------------------------------------------------------------------------------- the example shop

/// The example, imported as `holdfast demo` does, its revenue and countries also under the names
/// that questions have for them.
class ExampleShop : public SecondOpinion {
 protected:
  void SetUp() override {
    const Env env = real_env();
    const std::string example = HOLDFAST_SOURCE_DIR "/examples/online_retail";
    ImportOptions options;
    options.files = {example + "/online_retail.csv.zst"};
    options.overrides.timezone = "Europe/London";
    const auto select = read_file(env, example + "/purchases.sql", 1 << 20);
    ASSERT_TRUE(select) << select.error().message;
    options.sql = fmt::format("SELECT *, revenue AS v, country AS k FROM ({})", *select);
    auto store = Store::open(env, (folder_ / "data").string(), Store::Access::own);
    ASSERT_TRUE(store) << store.error().message;
    store_ = *std::move(store);
    const auto plan = plan_import(env, engine_.get(), options);
    ASSERT_TRUE(plan) << plan.error().message;
    ImportControl control;
    control.rows_per_part = 100'000;
    const auto outcome = run_import(*store_, engine_.get(), *plan, control);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(outcome->counts.events, 397'884u);
    snapshot_ = store_->snapshot().value();
    EXPECT_EQ(snapshot_.parts.size(), 4u);
    const auto exported = engine_->export_events(snapshot_, ExportFormat::parquet, parquet());
    ASSERT_TRUE(exported) << exported.error().message;
  }

  std::unique_ptr<Store> store_;
  Snapshot snapshot_;
};

TEST_F(ExampleShop, TurnsOverTheSameToTheLastDigitByEveryWay) {
  constexpr std::string_view sums = "SELECT sum(revenue), count(*), count(DISTINCT person) FROM ";
  const PlainDuckDb::Row expected = {"8911407.904", "397884", "4338"};

  const auto result = engine_->query(snapshot_, *Zone::utc(), std::string(sums) + "events", {});
  ASSERT_TRUE(result) << result.error().message;
  const auto row = (*result)->next();
  ASSERT_TRUE(row) << row.error().message;
  EXPECT_EQ(PlainDuckDb::Row(row->begin(), row->end()), expected);

  EXPECT_EQ(duckdb_.rows(fmt::format("{}read_parquet('{}')", sums, parquet())),
            std::vector<PlainDuckDb::Row>{expected});

  const auto answer = answer_query(snapshot_, {.env = real_env()},
                                   R"({"metric":"retention","period":"P100Y","periods":1,)"
                                   R"("value":{"aggregate":"sum","property":"revenue"}})");
  ASSERT_TRUE(answer) << answer.error().message;
  const Json json = parse_json(*answer).value();
  const Json& cohort = json.find("data")->find("cohorts")->array.at(0);
  EXPECT_EQ(cohort.find("size")->text, "4338");
  EXPECT_EQ(cohort.find("cells")->array.at(0).find("value")->text, "8911407.904");
}

TEST_F(ExampleShop, SqlOverItsExportSaysWhatTheEngineSays) {
  EXPECT_EQ(sql_.load(parquet()), 397'884);
  const auto period = [](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(periods, name, &SpokenPeriod::name) -
                                    periods.begin());
  };
  const auto date = [](const char* day) {
    return Bound{Bound::Kind::date, day, fmt::format("DATE '{}'", day)};
  };
  std::vector<Question> questions(10);
  questions[0].period = period("month");
  questions[0].entry = Entering::first_time;
  questions[1].period = period("week");
  questions[1].breakdown = "k";
  questions[1].top = 3;
  questions[1].adding = Adding::sum;
  questions[2].period = period("P14D");
  questions[2].rolling = true;
  questions[2].on_or_after = true;
  questions[2].adding = Adding::avg;
  questions[3].period = period("month");
  questions[3].occurrences = 3;
  questions[3].brackets = {1, 2, 4};
  questions[3].range = {date("2011-01-15"), date("2011-06-30")};
  questions[4].initial = Span{date("2010-12-01"), date("2011-05-31")};
  questions[4].current = {date("2011-06-01"), date("2011-11-30")};
  questions[4].breakdown = "k";
  questions[5].metric = Metric::trend;
  questions[5].series = {{0, true}, {0, false}};
  questions[5].period = period("quarter");
  questions[5].breakdown = "k";
  questions[5].top = 5;
  questions[6].metric = Metric::lifecycle;
  questions[6].period = period("month");
  questions[7].metric = Metric::lifecycle;
  questions[7].period = period("week");
  questions[7].breakdown = "k";
  questions[7].top = 3;
  questions[7].range = {date("2011-01-15"), date("2011-06-30")};
  questions[8].metric = Metric::stickiness;
  questions[8].period = period("week");
  questions[8].per_interval = PerInterval::gte;
  questions[8].occurrences = 3;
  questions[8].breakdown = "k";
  questions[8].top = 3;
  questions[9].metric = Metric::stickiness;
  questions[9].over_time = true;
  for (Question& question : questions) {
    question.zone = "Europe/London";
    question.as_of = {Bound::Kind::instant, "2011-12-09T12:50:00Z",
                      std::to_string(utc("2011-12-09T12:50"))};
    const AnswerLines answer(answer_query(snapshot_, {.env = real_env()}, question.json()),
                             question);
    EXPECT_EQ(answer.lines(), sql_.answer(question)) << question.json();
  }
}

}  // namespace
}  // namespace hf::test
