// SPDX-License-Identifier: Apache-2.0
//
// Test support: random predicates, said in JSON and in SQL. The SQL is written from
// docs/predicates.md: what holds of a person at a moment is a correlated subquery over its events.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "small_world.h"

namespace hf::test {

struct PredicateSpan {
  const char* text;
  int months;
  int days;
  std::int64_t exact_ms;
};
inline constexpr auto predicate_spans = std::to_array<PredicateSpan>({
    {"P3D", 0, 3, 0},
    {"PT20M", 0, 0, 20 * opinion_minute_ms},
    {"PT12H", 0, 0, 720 * opinion_minute_ms},
    {"P1D", 0, 1, 0},
    {"PT24H", 0, 0, 1'440 * opinion_minute_ms},
    {"P1M", 1, 0, 0},
    {"P1DT12H", 0, 1, 720 * opinion_minute_ms},
    {"P1W", 0, 7, 0},
});

/// A value to compare with.
struct Operand {
  const char* json;
  const char* canonical;
  bool is_number = false;
};
// The first six are texts.
inline constexpr auto operands_known = std::to_array<Operand>({{R"("x")", "x"},
                                                               {R"("Y")", "Y"},
                                                               {R"("1")", "1"},
                                                               {R"("y")", "y"},
                                                               {R"("äb")", "äb"},
                                                               {R"("true")", "true"},
                                                               {"1", "1", true},
                                                               {"2.5", "2.5", true},
                                                               {"true", "true"},
                                                               {"0", "0", true},
                                                               {"10", "10", true}});

/// A condition in both languages. `sql` speaks of the moment as a row with person, t and seq.
struct Said {
  std::string json;
  std::string sql;
};

/// Decides a predicate by a list of numbers, which shrinks with it.
class PredicateWriter {
 public:
  /// Tables seen and events are those of SQL; `anchor` is where dates are chosen around.
  PredicateWriter(const std::vector<int>& choices, std::string zone, const OpinionSetting& world)
      : choices_(choices), zone_(std::move(zone)), world_(world) {}

  /// A single comparison, of the event at hand or of what the person was then.
  Said value(const std::string& m) { return coin() ? property(m) : trait(m, true); }

  /// Of the moment `m`, an alias; `has_event` where an event is at hand there.
  Said condition(const std::string& m, bool has_event, int depth = 0) {
    switch (next(depth < 3 ? 16 : 4)) {
      case 0:
      case 14: return has_event ? property(m) : trait(m, false);
      case 1:
      case 15: return trait(m, has_event);
      case 2:
      case 3: return did(m, depth);
      case 4:
      case 5: return sequence(m, depth);
      case 6:
      case 7: return first(m, depth);
      case 8:
      case 9: return regularly(m, depth);
      case 10:
      case 11: return change(m, depth);
      case 12: {
        const Said inner = condition(m, has_event, depth + 1);
        return {fmt::format(R"({{"not":{}}})", inner.json), fmt::format("(NOT {})", inner.sql)};
      }
      default: return several(m, has_event, depth);
    }
  }

 private:
  int next(int n) { return at_ < choices_.size() ? choices_[at_++] % n : 0; }
  bool coin() { return next(2) == 1; }
  template <std::size_t N>
  const char* one_of(const std::array<const char*, N>& all) {
    return all[at(next(static_cast<int>(N)))];
  }
  std::string alias() { return fmt::format("e{}", aliases_++); }

  Said several(const std::string& m, bool has_event, int depth) {
    const bool is_all = coin();
    const int n = 1 + next(3) - (is_all ? next(2) : 0);
    std::string json;
    std::string sql = is_all ? "TRUE" : "FALSE";
    for (int i = 0; i < n; ++i) {
      const Said part = condition(m, has_event, depth + 1);
      json += (i == 0 ? "" : ",") + part.json;
      sql += (is_all ? " AND " : " OR ") + part.sql;
    }
    return {fmt::format(R"({{"{}":[{}]}})", is_all ? "all" : "any", json), "(" + sql + ")"};
  }

  // ---------------------------------------------------------------------------------------- values

  Said property(const std::string& m) {
    const char* name = one_of(names);
    const Said rest = operation(name, fmt::format("{}.{}", m, name));
    return {fmt::format(R"({{"property":"{}",{}}})", name, rest.json), rest.sql};
  }

  Said trait(const std::string& m, bool has_event) {
    const char* name = one_of(names);
    const bool then = has_event && coin();
    const std::string e = alias();
    const std::string value = fmt::format(
        "(SELECT {0}.{1} FROM seen {0} WHERE {0}.person = {2}.person AND {0}.event = 'identify' "
        "AND "
        "{0}.{1} IS NOT NULL{3} ORDER BY {0}.t DESC, {0}.seq DESC LIMIT 1)",
        e, name, m, then ? " AND " + up_to(e, m) : "");
    const Said rest = operation(name, value);
    return {
        fmt::format(R"({{"trait":"{}",{}{}}})", name, rest.json, then ? R"(,"at":"event")" : ""),
        rest.sql};
  }

  // What follows the name, and the condition on the canonical texts of the values: a positive
  // operator holds where one satisfies it, a negative one where none satisfies the opposite.
  Said operation(std::string_view name, const std::string& text) {
    const auto said = [&](std::string_view op, const std::string& value, bool is_positive,
                          const std::string& of_x) {
      return Said{fmt::format(R"("op":"{}"{}{})", op, value.empty() ? "" : R"(,"value":)", value),
                  fmt::format("(len(list_filter(values_of({}), lambda x: {})) {} 0)", text, of_x,
                              is_positive ? ">" : "=")};
    };
    const auto is = [&](const Operand& operand, std::string_view op) {
      return name == "v" && operand.is_number
                 ? fmt::format("CAST(x AS DECIMAL(38, 9)) {} {}", op, operand.canonical)
                 : fmt::format("x {} '{}'", op, operand.canonical);
    };
    const auto any_is = [&](const std::vector<const Operand*>& all, auto&& of) {
      std::string sql = "(FALSE";
      for (const Operand* operand : all) sql += " OR " + of(*operand);
      return sql + ")";
    };
    // With _ci a text is compared in lower case.
    const bool is_ci = next(3) == 1;
    const auto equals = [&](const Operand& o) {
      return is_ci && !o.is_number ? fmt::format("lower(x) = lower('{}')", o.canonical)
                                   : is(o, "=");
    };
    const std::string ci = is_ci ? "_ci" : "";
    const bool is_negative = coin();
    switch (next(9)) {
      case 0:
      case 1: {
        // Of a list: any of them, or none.
        const auto all = operands(next(3) == 1 ? 2 : 1, is_ci);
        return said((is_negative ? "ne" : "eq") + ci,
                    all.size() == 1 ? all[0]->json : json_list(all), !is_negative,
                    any_is(all, equals));
      }
      case 2: {
        const auto all = operands(1 + next(3), is_ci);
        return said((is_negative ? "not_in" : "in") + ci, json_list(all), !is_negative,
                    any_is(all, equals));
      }
      case 3:
      case 4: {
        constexpr auto orders = std::to_array<std::array<const char*, 2>>(
            {{"lt", "<"}, {"lte", "<="}, {"gt", ">"}, {"gte", ">="}});
        const auto& [op, sign] = orders[at(next(4))];
        const auto all = operands(1, false);
        return said(op, all[0]->json, true, is(*all[0], sign));
      }
      case 5: {
        const Said both = between(is);
        return said("between", both.json, true, both.sql);
      }
      case 6: {
        constexpr auto ways =
            std::to_array<std::array<const char*, 3>>({{"contains", "not_contains", "contains"},
                                                       {"starts_with", "", "starts_with"},
                                                       {"ends_with", "", "ends_with"}});
        const auto& [op, negative, sql] = ways[at(next(3))];
        const bool denies = is_negative && *negative != '\0';
        const auto all = operands(1 + next(2), true);
        return said((denies ? negative : op) + ci, all.size() == 1 ? all[0]->json : json_list(all),
                    !denies, any_is(all, [&](const Operand& o) {
                      return is_ci ? fmt::format("{}(lower(x), lower('{}'))", sql, o.canonical)
                                   : fmt::format("{}(x, '{}')", sql, o.canonical);
                    }));
      }
      case 7: {
        const char* pattern = one_of(std::to_array<const char*>({"^x", "[a-yä]$", "1|e", "^.?$"}));
        return said("matches" + ci, fmt::format(R"("{}")", pattern), true,
                    fmt::format("regexp_matches(x, '{}'{})", pattern, is_ci ? ", 'i'" : ""));
      }
      default:  // An empty list is there.
        return {fmt::format(R"("op":"{}")", is_negative ? "not_exists" : "exists"),
                fmt::format("({} IS {} NULL)", text, is_negative ? "" : "NOT")};
    }
  }

  static constexpr std::array<const char*, 4> names = {"k", "v", "b", "l"};
  std::vector<const Operand*> operands(int n, bool texts_only) {
    std::vector<const Operand*> all;
    for (int i = 0; i < n; ++i) all.push_back(&operands_known[at(next(texts_only ? 6 : 11))]);
    return all;
  }
  static std::string json_list(const std::vector<const Operand*>& all) {
    std::string list;
    for (const Operand* o : all) list += fmt::format("{}{}", list.empty() ? "" : ",", o->json);
    return "[" + list + "]";
  }
  template <class Is>
  Said between(const Is& is) {
    constexpr auto ranges =
        std::to_array<std::array<Operand, 2>>({{{{"0", "0", true}, {"2.5", "2.5", true}}},
                                               {{{R"("1")", "1"}, {R"("x")", "x"}}},
                                               {{{"1", "1", true}, {"10", "10", true}}}});
    const auto& [low, high] = ranges[at(next(3))];
    return {fmt::format("[{},{}]", low.json, high.json),
            fmt::format("{} AND {}", is(low, ">="), is(high, "<="))};
  }

  // ------------------------------------------------------------------------------------ behaviours

  // Events before the moment and at it, in the order that counts.
  static std::string up_to(const std::string& e, const std::string& m) {
    return fmt::format("({0}.t < {1}.t OR ({0}.t = {1}.t AND {0}.seq <= {1}.seq))", e, m);
  }
  static std::string past(const std::string& e, const std::string& m) {
    return fmt::format("{0}.person = {1}.person AND {2}", e, m, up_to(e, m));
  }
  // The instant `times` the span before the moment.
  [[nodiscard]] std::string before(const std::string& m, const PredicateSpan& s,
                                   int times = 1) const {
    return fmt::format("later('{}', {}.t, {}, {}, {})", zone_, m, -times * s.months,
                       -times * s.days, -times * s.exact_ms);
  }
  const PredicateSpan& span() { return predicate_spans[at(next(8))]; }

  Said matcher(const std::string& e, int depth) {
    constexpr auto matchers = std::to_array<std::array<const char*, 2>>(
        {{R"("event":"a")", "{}.event = 'a'"},
         {R"("event":"b")", "{}.event = 'b'"},
         {R"("event":"*")", "is_active({}.event)"},
         {R"("any_of":[{"event":"c"},{"event":"identify"}])", "{}.event IN ('c', 'identify')"}});
    const auto& [json, sql] = matchers[at(next(4))];
    Said said{json, fmt::format(fmt::runtime(sql), e)};
    if (std::string_view(json).starts_with(R"("event")") && next(3) == 1) {
      const Said where = condition(e, true, depth + 1);
      said.json += R"(,"where":)" + where.json;
      said.sql += " AND " + where.sql;
    }
    said.json = "{" + said.json + "}";
    return said;
  }

  Said did(const std::string& m, int depth) {
    const std::string e = alias();
    const Said of = matcher(e, depth);
    const bool denies = next(3) == 1;
    std::string json = fmt::format(R"({{"{}":{})", denies ? "did_not" : "did", of.json);
    std::string rule = ">= 1";
    if (coin()) {
      constexpr auto counts =
          std::to_array<std::array<const char*, 2>>({{R"({"gte":2})", "BETWEEN 2 AND 1000"},
                                                     {R"({"lte":1})", "<= 1"},
                                                     {R"({"eq":1})", "= 1"},
                                                     {R"({"gte":1,"lte":2})", "BETWEEN 1 AND 2"},
                                                     {R"({"eq":0})", "= 0"}});
      const auto& [text, sql] = counts[at(next(5))];
      json += fmt::format(R"(,"count":{})", text);
      rule = sql;
    }
    std::string window;
    const int kind = next(4);
    if (kind == 1 || kind == 2) {
      const PredicateSpan& s = span();
      json += fmt::format(R"(,"within":"{}")", s.text);
      window = fmt::format(" AND {}.t >= {}", e, before(m, s));
    }
    if (kind == 3) {
      const TimestampMs low = time_at(world_, next(6));
      const TimestampMs high = low + (1 + next(4)) * opinion_steps_ms[at(world_.step)];
      const bool by_date = coin();
      const auto date = [](TimestampMs t) { return rfc3339(t).substr(0, 10); };
      const auto local = fmt::format("local_date('{}', {}.t)", zone_, e);
      const int ends = next(3);
      if (ends != 1) {
        json += fmt::format(R"(,"from":"{}")", by_date ? date(low) : rfc3339(low));
        window += by_date ? fmt::format(" AND {} >= DATE '{}'", local, date(low))
                          : fmt::format(" AND {}.t >= {}", e, low);
      }
      if (ends != 2) {
        json += fmt::format(R"(,"to":"{}")", by_date ? date(high) : rfc3339(high));
        window += by_date ? fmt::format(" AND {} <= DATE '{}'", local, date(high))
                          : fmt::format(" AND {}.t < {}", e, high);
      }
    }
    return {json + "}", fmt::format("({}(SELECT count(*) FROM seen {} WHERE {} AND {}{}) {})",
                                    denies ? "NOT " : "", e, past(e, m), of.sql, window, rule)};
  }

  Said sequence(const std::string& m, int depth) {
    const int n = 1 + next(3);
    std::string json;
    std::string from;
    std::string where;
    std::string previous;
    std::string begin;
    for (int i = 0; i < n; ++i) {
      const std::string e = alias();
      const Said of = matcher(e, depth + 1);
      json += (i == 0 ? "" : ",") + of.json;
      from += fmt::format("{}seen {}", i == 0 ? "" : ", ", e);
      where += fmt::format("{}{} AND {}", i == 0 ? "" : " AND ", past(e, m), of.sql);
      if (i > 0) where += fmt::format(" AND ({0}.t, {0}.seq) > ({1}.t, {1}.seq)", e, previous);
      if (i == 0) begin = e;
      previous = e;
    }
    std::string within;
    if (coin()) {
      const PredicateSpan& s = span();
      within = fmt::format(R"(,"within":"{}")", s.text);
      where += fmt::format(" AND {}.t >= {}", begin, before(m, s));
    }
    return {fmt::format(R"({{"sequence":[{}]{}}})", json, within),
            fmt::format("EXISTS (SELECT 1 FROM {} WHERE {})", from, where)};
  }

  Said first(const std::string& m, int depth) {
    const std::string e = alias();
    const Said of = matcher(e, depth);
    const PredicateSpan& s = span();
    return {
        fmt::format(R"({{"first":{},"within":"{}"}})", of.json, s.text),
        fmt::format("coalesce((SELECT min({0}.t) FROM seen {0} WHERE {1} AND {2}) >= {3}, FALSE)",
                    e, past(e, m), of.sql, before(m, s))};
  }

  Said regularly(const std::string& m, int depth) {
    constexpr auto units = std::to_array<PredicateSpan>(
        {{"day", 0, 1, 0}, {"week", 0, 7, 0}, {"month", 1, 0, 0}, {"quarter", 3, 0, 0}});
    const PredicateSpan& unit = units[at(next(4))];
    const int last = 1 + next(4);
    const int at_least = 1 + next(last);
    const std::string e = alias();
    const Said of = matcher(e, depth);
    std::string sum;
    for (int i = 0; i < last; ++i) {
      sum += fmt::format(
          "{}CAST(EXISTS (SELECT 1 FROM seen {} WHERE {} AND {} AND {}.t <= {} AND "
          "{}.t > {}) AS INTEGER)",
          i == 0 ? "" : " + ", e, past(e, m), of.sql, e, before(m, unit, i), e,
          before(m, unit, i + 1));
    }
    return {fmt::format(R"({{"regularly":{},"periods":{{"of":"{}","at_least":{},"last":{}}}}})",
                        of.json, unit.text, at_least, last),
            fmt::format("({} >= {})", sum, at_least)};
  }

  Said change(const std::string& m, int depth) {
    const std::string e = alias();
    const Said of = matcher(e, depth);
    const bool is_sum = coin();
    const PredicateSpan& s = span();
    const int benchmark = next(2) * (1 + next(5));
    constexpr auto orders = std::to_array<std::array<const char*, 3>>(
        {{"lt", "<", ">"}, {"lte", "<=", ">="}, {"gt", ">", "<"}, {"gte", ">=", "<="}});
    const std::size_t order = at(next(4));
    const auto& [op, sign, reversed] = orders[order];
    const char* ratio = one_of(std::to_array<const char*>({"1", "0.5", "2", "0.6"}));
    const bool is_significant = next(3) == 1;
    std::string json = fmt::format(R"({{"change":{},"within":"{}","op":"{}","ratio":{})", of.json,
                                   s.text, op, ratio);
    if (is_sum) json += R"(,"of":"sum","property":"v")";
    if (benchmark > 0) json += fmt::format(R"(,"against":{})", benchmark);
    if (is_significant) json += R"(,"significant":true)";
    const std::string measure = is_sum ? fmt::format("coalesce(sum({}.v_num), 0)", e) : "count(*)";
    const std::string is_now = fmt::format("{}.t >= {}", e, before(m, s));
    const std::string was =
        fmt::format("{}.t < {} AND {}.t >= {}", e, before(m, s), e, before(m, s, 2));
    const auto over = [&](const std::string& what, const std::string& window) {
      return fmt::format("(SELECT {} FROM seen {} WHERE {} AND {} AND {})", what, e, past(e, m),
                         of.sql, window);
    };
    const std::string now = over(measure, is_now);
    const std::string base = benchmark > 0 ? std::to_string(benchmark) : over(measure, was);
    // Divided by what is below 0, an order turns round.
    std::string sql = fmt::format(
        "(CASE WHEN {1} > 0 THEN {0} {2} {1} * {4} WHEN {1} < 0 THEN {0} "
        "{3} {1} * {4} ELSE FALSE END",
        now, base, sign, reversed, ratio);
    if (is_significant) {
      const bool is_down = order < 2;
      const std::string squares =
          over(fmt::format("coalesce(sum({0}.v_num * {0}.v_num), 0)", e),
               benchmark > 0 ? is_now : fmt::format("({} OR {})", is_now, was));
      std::string chance;
      if (is_sum) {
        // The normal distribution leaves 0.05 beyond 1.6448536.
        chance =
            fmt::format("({0} > 0 AND {1}(CAST({2} AS DOUBLE) - {3}) >= 1.6448536269 * sqrt({0}))",
                        squares, is_down ? "-" : "", now, base);
      } else if (benchmark > 0) {
        chance = fmt::format("((SELECT {} FROM poisson p WHERE p.n = {} AND p.b = {}) <= 0.05)",
                             is_down ? "low" : "high", now, base);
      } else {
        chance = fmt::format("((SELECT {} FROM binomial p WHERE p.n = {} AND p.b = {}) <= 0.05)",
                             is_down ? "low" : "high", now, base);
      }
      sql += " AND " + chance;
    }
    return {json + "}", sql + ")"};
  }

  const std::vector<int>& choices_;
  std::size_t at_ = 0;
  int aliases_ = 1;
  std::string zone_;
  OpinionSetting world_;
};

/// What predicates are said with: the values of a property, and how likely a count of at most (low)
/// or at least (high) n is where b is expected, or where n and b are equally likely.
inline void define_predicate_words(PlainDuckDb& db) {
  db.run(
      "CREATE MACRO values_of(value) AS CASE WHEN value IS NULL THEN [] WHEN value LIKE '[%' THEN "
      "json_extract_string(value, '$[*]') ELSE [value] END");
  const char* chances =
      "CREATE TABLE {} AS SELECT n, b, (SELECT coalesce(sum({}), 0) FROM range(0, 200) r(i) WHERE "
      "i "
      "<= n) AS low, 1 - (SELECT coalesce(sum({}), 0) FROM range(0, 200) r(i) WHERE i < n) AS high "
      "FROM range(0, 60) x(n), range(0, 60) y(b)";
  const char* poisson = "exp(-b + i * ln(b) - lgamma(i + 1))";
  const char* binomial =
      "CASE WHEN i > n + b THEN 0 ELSE exp(lgamma(n + b + 1) - lgamma(i + 1) - lgamma(n + b - i + "
      "1) "
      "- (n + b) * ln(2)) END";
  db.run(fmt::format(fmt::runtime(chances), "binomial", binomial, binomial));
  db.run(fmt::format(fmt::runtime(chances), "poisson", poisson, poisson) + " WHERE b > 0");
}

}  // namespace hf::test
