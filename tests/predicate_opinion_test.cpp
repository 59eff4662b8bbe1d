// SPDX-License-Identifier: Apache-2.0
//
// A second opinion on predicates about persons and on the sizes of segments: what answer_query()
// says of a small random world must be what SQL, written from docs/predicates.md (predicate_sql.h)
// and docs/metrics.md ("Segment size"), says of its export.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "predicate_sql.h"

namespace hf::test {
namespace {

constexpr int slots = 9;

struct QuestionChoice {
  int as_of = 0;
  int as_of_slot = 0;
  int sets = 0;
  int breakdown = 0;
  int top = 0;
  int people = 0;
  int cell = 0;
  int threads = 0;
  std::vector<int> predicate;
  std::vector<int> other;
};

rc::Gen<QuestionChoice> any_question() {
  using Q = QuestionChoice;
  const auto predicate = [] {
    return rc::gen::resize(30, rc::gen::container<std::vector<int>>(any_of(0, 5040)));
  };
  return rc::gen::build<Q>(
      rc::gen::set(&Q::as_of, any_of(0, 3)), rc::gen::set(&Q::as_of_slot, any_of(0, slots)),
      rc::gen::set(&Q::sets, any_of(0, 3)), rc::gen::set(&Q::breakdown, any_of(0, 8)),
      rc::gen::set(&Q::top, rc::gen::element(0, 1, 2)), rc::gen::set(&Q::people, any_of(0, 3)),
      rc::gen::set(&Q::cell, any_of(0, 8)), rc::gen::set(&Q::threads, option(2)),
      rc::gen::set(&Q::predicate, predicate()), rc::gen::set(&Q::other, predicate()));
}

std::ostream& operator<<(std::ostream& out, const QuestionChoice& c) {
  return out << fmt::format("{} {}", c.predicate, c.other);
}

class PredicateOpinion : public testing::Test {
 protected:
  PredicateOpinion()
      : folder_(std::filesystem::temp_directory_path() /
                fmt::format("hf_predicate_opinion_test_{}", ::getpid())) {
    std::filesystem::create_directories(folder_);
    engine_ = std::move(DuckDbEngine::open()).value();
    define_predicate_words(sql_.db());
  }
  ~PredicateOpinion() override { std::filesystem::remove_all(folder_); }

  using Lines = std::vector<std::string>;

  /// One world, and a few questions, each answered by both.
  template <class Ask>
  void compare(Ask&& ask) {
    setting_ = *any_opinion_setting();
    const auto events = *rc::gen::nonEmpty(rc::gen::resize(
        40, rc::gen::container<std::vector<OpinionEvent>>(any_opinion_event(slots))));
    const auto questions = *rc::gen::nonEmpty(
        rc::gen::resize(10, rc::gen::container<std::vector<QuestionChoice>>(any_question())));
    const std::string parquet = (folder_ / "events.parquet").string();
    OpinionWorld world(setting_, events, *engine_, parquet);
    sql_.load(parquet);
    zone_ = opinion_anchors[at(setting_.anchor)].zone;
    for (const QuestionChoice& c : questions) {
      const int after = c.as_of == 0 ? slots : c.as_of == 1 ? slots + 3 : c.as_of_slot;
      as_of_ = time_at(setting_, after) + (c.as_of == 2 ? 0 : 1);
      sql_.db().run(
          fmt::format("CREATE OR REPLACE TEMP TABLE seen AS SELECT *, local_date('{}', t) "
                      "AS d FROM events WHERE t <= {}",
                      zone_, as_of_));
      const std::string head =
          fmt::format(R"("timezone":"{}","as_of":"{}")", zone_, rfc3339(as_of_));
      ask(c, head, [&](const std::string& json, const Lines& expected, auto&& lines_of) {
        const auto answer = world.answer(json, as_of_, c.threads == 0 ? 1 : 3);
        Lines actual;
        if (answer) {
          const Json parsed = parse_json(*answer).value();
          actual = lines_of(*parsed.find("data"));
        } else {
          actual = {std::string(answer.error().reason), answer.error().message,
                    answer.error().pointer};
        }
        if (actual == expected) return;
        RC_LOG() << json << "\nevents\n";
        for (const OpinionEvent& event : events) RC_LOG() << row_of(event, setting_);
        RC_LOG() << fmt::format("SQL\n  {}\nanswer\n  {}\n", fmt::join(expected, "\n  "),
                                fmt::join(actual, "\n  "));
        RC_FAIL("SQL and the engine disagree");
      });
    }
  }

  Said said(const std::vector<int>& choices, bool has_event) const {
    return PredicateWriter(choices, zone_, setting_).condition("m", has_event);
  }
  /// Everybody known, at the moment as_of.
  [[nodiscard]] std::string persons() const {
    return fmt::format("(SELECT DISTINCT person, {} AS t, 9223372036854775807 AS seq FROM seen) m",
                       as_of_);
  }
  Lines one_column(const std::string& query) {
    Lines lines;
    for (const auto& row : sql_.db().rows(query)) lines.push_back(row[0].value_or("null"));
    return lines;
  }

  std::filesystem::path folder_;
  OpinionSql sql_;
  std::unique_ptr<DuckDbEngine> engine_;
  OpinionSetting setting_;
  std::string zone_;
  TimestampMs as_of_ = 0;
};

// Who a condition holds of at as_of.
TEST_F(PredicateOpinion, SqlOverAnExportSaysOfWhomAConditionHolds) {
  check_cases("people agree with SQL", 50, [&] {
    compare([&](const QuestionChoice& c, const std::string& head, auto&& check) {
      const Said people = said(c.predicate, false);
      const auto who = one_column(
          fmt::format("SELECT person FROM {} WHERE {} ORDER BY person", persons(), people.sql));
      check(fmt::format(R"({{"metric":"segment_size",{},"people":{},"members":{{"cell":{{}}}}}})",
                        head, people.json),
            who, [](const Json& data) {
              Lines lines;
              for (const Json& member : data.find("members")->array) {
                lines.push_back(member.find("person")->text);
              }
              std::ranges::sort(lines);
              return lines;
            });
    });
  });
}

// At which events a condition holds: it sees no further than each of them.
TEST_F(PredicateOpinion, SqlOverAnExportSaysAtWhichEventsAConditionHolds) {
  check_cases("where agrees with SQL", 80, [&] {
    compare([&](const QuestionChoice& c, const std::string& head, auto&& check) {
      // Half of them are a comparison alone: there are many operators, on values of many types.
      PredicateWriter writer(c.predicate, zone_, setting_);
      const Said where = c.cell < 4 ? writer.value("m") : writer.condition("m", true);
      const auto expected = one_column(fmt::format(
          "SELECT event || ' ' || count(*) || ' of ' || count(DISTINCT person) FROM seen m WHERE "
          "event IN ('a', 'b', 'c', 'identify') AND {} GROUP BY event ORDER BY event",
          where.sql));
      std::string series;
      for (const char* name : {"a", "b", "c", "identify"}) {
        for (const char* math : {"total", "unique"}) {
          series += fmt::format(R"({}{{"event":"{}","math":"{}"}})", series.empty() ? "" : ",",
                                name, math);
        }
      }
      check(fmt::format(R"({{"metric":"trend",{},"period":"year","where":{},"series":[{}]}})", head,
                        where.json, series),
            expected, [](const Json& data) {
              Lines lines;
              const auto& all = data.find("series")->array;
              for (std::size_t i = 0; i < all.size(); i += 2) {
                const std::string& total = all[i].find("total")->text;
                if (total == "0") continue;
                lines.push_back(fmt::format("{} {} of {}", opinion_names[i / 2], total,
                                            all[i + 1].find("total")->text));
              }
              return lines;
            });
    });
  });
}

// ------------------------------------------------------------------------------------ segment size

void add_table(std::vector<std::string>& lines, const Json& table) {
  std::string line = "count " + table.find("count")->text;
  if (const Json* sets = table.find("sets")) {
    for (const Json& set : sets->array) line += " " + set.find("count")->text;
  }
  lines.push_back(line);
  if (const Json* exactly = table.find("exactly_in")) {
    std::vector<std::string> overlaps;
    for (const Json& overlap : exactly->array) {
      std::string in = "in";
      for (const Json& label : overlap.find("in")->array) in += " " + label.text;
      overlaps.push_back(in + ": " + overlap.find("count")->text);
    }
    std::ranges::sort(overlaps);
    lines.insert(lines.end(), overlaps.begin(), overlaps.end());
  }
}

TEST_F(PredicateOpinion, SqlOverAnExportSaysHowSegmentsOverlap) {
  constexpr auto breakdowns =
      std::to_array<std::array<const char*, 2>>({{"", ""},
                                                 {R"({"trait":"k")", "k"},
                                                 {R"({"trait":"l")", "l"},
                                                 {R"({"trait":"v")", "v"},
                                                 {R"({"cohort":"day")", "day"},
                                                 {R"({"cohort":"week")", "week"},
                                                 {R"({"cohort":"month")", "month"},
                                                 {R"({"cohort":"quarter")", "quarter"}});
  check_cases("segment_size agrees with SQL", 30, [&] {
    compare([&](const QuestionChoice& c, const std::string& head, auto&& check) {
      // Labels A, B, C: some condition, its opposite's neighbour, and who did anything lately.
      const Said a = said(c.predicate, false);
      const Said b = said(c.other, false);
      const Said lately{R"({"did":{"event":"*"},"within":"P1D"})",
                        fmt::format("EXISTS (SELECT 1 FROM seen e WHERE e.person = m.person AND "
                                    "is_active(e.event) AND e.t >= later('{}', m.t, 0, -1, 0))",
                                    zone_)};
      const int sets = c.sets == 0 ? 0 : c.sets + 1;
      std::string json = R"({"metric":"segment_size",)" + head;
      std::string people = "TRUE";
      if (c.people == 1) {
        json += R"(,"people":{"did":{"event":"a"}})";
        people = "EXISTS (SELECT 1 FROM seen e WHERE e.person = m.person AND e.event = 'a')";
      }
      if (sets > 0) {
        json +=
            fmt::format(R"(,"overlap":[{{"label":"A","people":{}}},{{"label":"B","people":{}}})",
                        a.json, b.json);
        if (sets > 2) json += fmt::format(R"(,{{"label":"C","people":{}}})", lately.json);
        json += "]";
      }
      const auto& [dimension, by] = breakdowns[at(c.breakdown)];
      const bool is_trait = c.breakdown > 0 && c.breakdown < 4;
      const int top = c.top == 0 ? 25 : c.top;
      if (c.breakdown > 0) {
        json += fmt::format(R"(,"breakdown":[{}{}}}])", dimension,
                            c.top == 0 ? "" : fmt::format(R"(,"top":{})", c.top));
      }
      // Table who: each person with its sets, once for each bucket g, and once in the total.
      std::string home = "['']";
      if (is_trait) {
        home = fmt::format(
            "list_concat([''], buckets((SELECT i.{0} FROM seen i WHERE i.person = m.person AND "
            "i.event = 'identify' AND i.{0} IS NOT NULL ORDER BY i.t DESC, i.seq DESC LIMIT 1)))",
            by);
      } else if (c.breakdown > 0) {
        home = fmt::format(
            "['', coalesce('v' || CAST(date_trunc('{}', (SELECT min(i.d) FROM seen i "
            "WHERE i.person = m.person AND is_active(i.event))) AS DATE), 'n')]",
            by);
      }
      const auto in = [&](int i, const char* label, const std::string& sql) {
        return i < sets ? fmt::format("CASE WHEN {} THEN ' {}' ELSE '' END", sql, label) : "''";
      };
      sql_.db().run(fmt::format(
          "CREATE OR REPLACE TEMP TABLE who AS SELECT person, unnest({}) AS g, {} AS a, {} AS b, "
          "{} "
          "AS c FROM {} WHERE {}",
          home, in(0, "A", a.sql), in(1, "B", b.sql), in(2, "C", lately.sql), persons(), people));
      Lines expected = {
          fmt::format("known {}", sql_.number("SELECT count(DISTINCT person) FROM seen"))};
      const auto add = [&](const std::string& of) {
        std::string line = sql_.text("SELECT 'count ' || count(*) FROM who WHERE " + of);
        for (const char* set : {"a", "b", "c"}) {
          if (set[0] - 'a' >= sets) break;
          line += sql_.text(
              fmt::format("SELECT ' ' || count(*) FROM who WHERE {} <> '' AND {}", set, of));
        }
        expected.push_back(line);
        const Lines overlaps = one_column(fmt::format(
            "SELECT 'in' || a || b || c || ': ' || count(*) AS line FROM who WHERE a || b "
            "|| c <> '' AND {} GROUP BY a, b, c ORDER BY line",
            of));
        expected.insert(expected.end(), overlaps.begin(), overlaps.end());
      };
      if (c.breakdown > 0) {
        sql_.db().run(
            "CREATE OR REPLACE TEMP TABLE groups AS SELECT g, row_number() OVER (ORDER BY count(*) "
            "DESC, g) AS rank FROM who WHERE g <> '' GROUP BY g");
        for (const std::string& g :
             one_column(fmt::format("SELECT g FROM groups WHERE rank <= {} ORDER BY rank", top))) {
          expected.push_back(g == "n" ? "bucket null" : "bucket text " + g.substr(1));
          add(fmt::format("g = '{}'", g));
        }
        const std::string rest = fmt::format("SELECT g FROM groups WHERE rank > {}", top);
        if (!one_column(rest).empty()) {
          expected.emplace_back("bucket other");
          add(fmt::format("g IN ({})", rest));
        }
      }
      add("g = ''");
      check(json + "}", expected, [](const Json& data) {
        Lines lines = {"known " + data.find("known")->text};
        if (const Json* groups = data.find("groups")) {
          for (const Json& group : groups->array) {
            const Json& bucket = group.find("bucket")->array.at(0);
            lines.push_back(bucket.is_null()     ? "bucket null"
                            : bucket.is_object() ? "bucket other"
                                                 : "bucket text " + bucket.text);
            add_table(lines, group);
          }
          add_table(lines, *data.find("total"));
        } else {
          add_table(lines, data);
        }
        return lines;
      });
      // Who is in exactly A and not in the others.
      if (sets == 0) return;
      const Lines members = one_column(
          "SELECT person FROM who WHERE g = '' AND a <> '' AND b = '' AND c = '' ORDER BY "
          "person");
      if (members.empty()) return;
      check(json + R"(,"members":{"cell":{"in":["A"]}}})", members, [](const Json& data) {
        Lines lines;
        for (const Json& member : data.find("members")->array) {
          lines.push_back(member.find("person")->text);
        }
        std::ranges::sort(lines);
        return lines;
      });
    });
  });
}

}  // namespace
}  // namespace hf::test
