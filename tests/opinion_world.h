// SPDX-License-Identifier: Apache-2.0
//
// Test support: random events in a data directory and, exported from it, in a Parquet file.
#pragma once

#include <fmt/format.h>
#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapter/duckdb/duckdb_engine.h"
#include "base/json.h"
#include "base/sim_env.h"
#include "calendar/time_text.h"
#include "metric/query.h"
#include "service/import.h"
#include "spoken.h"
#include "store/store.h"

namespace hf::test {

inline TimestampMs utc(std::string_view time) { return parse_time(time, {}, *Zone::utc()).value(); }
inline std::string rfc3339(TimestampMs t) { return format_rfc3339(t, *Zone::utc()); }

// Around what makes time hard, with the zone it is hard in: clocks forward and back, back over
// midnight, by half an hour, leap day, year's end.
struct Anchor {
  const char* time;
  std::size_t zone;
};
inline constexpr auto anchors = std::to_array<Anchor>({{"2026-03-29T01:00", 1},
                                                       {"2025-10-26T01:00", 1},
                                                       {"2006-10-29T02:31", 2},
                                                       {"2026-04-04T15:00", 3},
                                                       {"2024-02-29T00:00", 0},
                                                       {"2025-12-31T18:30", 4}});
inline constexpr std::array zones = {"UTC", "Europe/London", "America/St_Johns",
                                     "Australia/Lord_Howe", "Asia/Kolkata"};
inline constexpr std::size_t st_johns = 2;
inline constexpr std::int64_t minute_in_ms = 60'000;
inline constexpr auto steps_ms = std::to_array<std::int64_t>(
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
  int created = 0;  // What an identify call says of the profile's creation; 0: nothing.
};

struct WorldChoice {
  int anchor = 0;
  int step = 0;
  int csv = 0;
  int imports = 0;        // One or two files.
  int rows_per_part = 0;  // 0: by default.
};

inline std::size_t at(int choice) { return static_cast<std::size_t>(choice); }

inline std::string csv_cell(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// When a profile was created, in the forms in which traits say so; nothing in three.
inline std::string created_of(const EventChoice& e, const WorldChoice& world) {
  if (e.created == 0) return "";
  const int slot = e.created / 8 - 5;
  const TimestampMs t = utc(anchors[at(world.anchor)].time) + slot * steps_ms[at(world.step)];
  const std::string text = rfc3339(t);
  switch (e.created % 8) {
    case 0: return fmt::format(R"("{}")", text);
    case 1: return std::to_string(t);
    case 2: return fmt::format(R"("{}")", text.substr(0, 10));
    case 3: return std::to_string(t / 1000);
    case 4: return fmt::format(R"("{}")", text.substr(0, 19));
    case 5: return fmt::format(R"("{}")", t / 1000);
    case 6: return fmt::format(R"("{}+05:30")", text.substr(0, 19));
    default: return slot % 2 == 0 ? R"("soon")" : "12";
  }
}

/// The row of an event. CSV has no lists, and no types but a column's.
inline std::string row_of(const EventChoice& e, const WorldChoice& world) {
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
  const bool is_identify = std::string_view(names[at(e.name)]) == "identify";
  // Of two traits the former counts; CSV has only the latter.
  const std::string created = is_identify ? created_of(e, world) : "";
  const bool has_both = e.created % 3 == 2;
  const std::array<std::pair<const char*, std::string>, 5> properties = {
      {{"k", ks[at(e.k)]},
       {"v", vs[at(e.v)]},
       {"tags", tags[at(e.tags)]},
       {"created_at", has_both && world.csv == 0 && !created.empty() ? "0" : created},
       {"createdAt", has_both && world.csv == 0 ? created : ""}}};
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
  for (const auto& [name, value] : std::span(properties).first(4)) {
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
    std::string text = choice.csv == 0 ? "" : "person,event,time,k,v,tags,created_at\n";
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
    if (choice.csv != 0)
      options.overrides.types = {"k=text", "v=number", "tags=text", "created_at=text"};
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

/// [low, high), all of it from the first case on: inRange() alone begins with small ones.
inline rc::Gen<int> any_of(int low, int high) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(low, high));
}
/// Half of all options absent: each alone, and a few together, is where mistakes are seen.
inline rc::Gen<int> option(int n) { return rc::gen::oneOf(rc::gen::just(0), any_of(0, n)); }

inline rc::Gen<EventChoice> any_event() {
  using E = EventChoice;
  return rc::gen::build<E>(
      rc::gen::set(&E::person, any_of(0, 5)), rc::gen::set(&E::name, any_of(0, 8)),
      // Many early ones at few times: which event is first then goes by arrival.
      rc::gen::set(&E::slot, rc::gen::oneOf(any_of(-20, 20), any_of(-20, -18))),
      rc::gen::set(&E::jitter, rc::gen::element(0, 0, -1, 1)), rc::gen::set(&E::k, any_of(0, 10)),
      rc::gen::set(&E::v, any_of(0, 10)), rc::gen::set(&E::tags, any_of(0, 7)),
      rc::gen::set(&E::created, option(80)));
}

inline rc::Gen<WorldChoice> any_world() {
  using W = WorldChoice;
  return rc::gen::build<W>(rc::gen::set(&W::anchor, any_of(0, static_cast<int>(anchors.size()))),
                           rc::gen::set(&W::step, any_of(0, static_cast<int>(steps_ms.size()))),
                           rc::gen::set(&W::csv, rc::gen::element(0, 0, 1)),
                           rc::gen::set(&W::imports, any_of(0, 2)),
                           rc::gen::set(&W::rows_per_part, rc::gen::element(0, 3, 10)));
}

/// Of one of these metrics.
inline std::ostream& operator<<(std::ostream& out, const EventChoice& e) {
  return out << fmt::format("{{{},{},{},{},{},{},{},{}}}", e.person, e.name, e.slot, e.jitter, e.k,
                            e.v, e.tags, e.created);
}
inline std::ostream& operator<<(std::ostream& out, const WorldChoice& w) {
  return out << fmt::format("{{{},{},{},{},{}}}", w.anchor, w.step, w.csv, w.imports,
                            w.rows_per_part);
}
}  // namespace hf::test
