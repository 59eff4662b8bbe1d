// SPDX-License-Identifier: Apache-2.0
//
// Trend straight from its definition, for the tests.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metric/event_world.h"
#include "metric/group_twin.h"
#include "metric/period_twin.h"
#include "metric/trend.h"

namespace hf::test {

class TrendTwin {
 public:
  TrendTwin(const TrendQuery& query, const std::vector<WorldEvent>& events)
      : TrendTwin(query, events, events) {}
  /// `asked` are those of `events` that count (asked_events()).
  TrendTwin(const TrendQuery& query, const std::vector<WorldEvent>& events,
            const std::vector<WorldEvent>& asked)
      : query_(query),
        all_(persons_of(events, query.common.as_of)),
        persons_(persons_of(asked, query.common.as_of)) {}

  TrendAnswer answer() const {
    return answer_with([&](TrendMath math, const Cell& cell) { return value_of(math, cell); });
  }

  /// The same with what its members add up to in place of each value.
  TrendAnswer counts() const {
    return answer_with([](TrendMath math, const Cell& cell) -> TrendValue {
      if (is_of_numbers(math)) return static_cast<std::int64_t>(cell.numbers.size());
      return math == TrendMath::unique || active_days(math) > 0 ? cell.persons : cell.events;
    });
  }

 private:
  // What is in one cell; of the group `other` that of all its buckets, one after the other.
  struct Cell {
    std::int64_t events = 0;
    std::int64_t persons = 0;
    std::vector<Decimal> numbers;

    void add(const Cell& more) {
      events += more.events;
      persons += more.persons;
      numbers.insert(numbers.end(), more.numbers.begin(), more.numbers.end());
    }
  };
  // One series of one group over one range.
  struct Row {
    std::vector<Cell> cells;
    Cell total;
    std::int64_t size = 0;

    void add(const Row& more) {
      for (std::size_t i = 0; i < cells.size(); ++i) cells[i].add(more.cells[i]);
      total.add(more.total);
    }
  };
  struct Table {
    BucketPath bucket;
    std::vector<Row> now;  // By series.
    std::vector<Row> before;
  };
  struct Time {
    TwinRange range;
    TwinPeriods periods;
    std::vector<Day> last_days;  // Of each period, none beyond the range's.
  };

  static TrendValue value_of(TrendMath math, const Cell& cell) {
    std::vector<Decimal> numbers = cell.numbers;
    std::ranges::sort(numbers);
    DecimalSum sum;
    for (const Decimal number : numbers) sum.add(number);
    const auto exact = [](Decimal number) {
      DecimalSum alone;
      alone.add(number);
      return alone;
    };
    if (math == TrendMath::sum) return sum;
    if (math == TrendMath::total) return cell.events;
    if (math == TrendMath::per_user) {
      if (cell.persons == 0) return {};
      return static_cast<double>(cell.events) / static_cast<double>(cell.persons);
    }
    if (!is_of_numbers(math)) return cell.persons;
    if (numbers.empty()) return {};
    if (math == TrendMath::avg) return sum.to_double() / static_cast<double>(numbers.size());
    if (math == TrendMath::min) return exact(numbers.front());
    if (math == TrendMath::max) return exact(numbers.back());
    // On the way from the first number (0 %) to the last one (100 %).
    const int percent = math == TrendMath::median ? 50
                        : math == TrendMath::p90  ? 90
                        : math == TrendMath::p95  ? 95
                                                  : 99;
    int way = percent * static_cast<int>(numbers.size() - 1);
    std::size_t at = 0;
    for (; way >= 100; way -= 100) ++at;
    if (way == 0 || numbers[at] == numbers[at + 1]) return exact(numbers[at]);
    DecimalSum between;
    for (int i = 0; i < 100 - way; ++i) between.add(numbers[at]);
    for (int i = 0; i < way; ++i) between.add(numbers[at + 1]);
    return std::strtod((between.to_string() + "e-2").c_str(), nullptr);
  }

  // Of what was purged only a person's first event is still known, for its cohort.
  bool is_counted(const WorldEvent& e, const TrendQuery::Series& series) const {
    return !e.purged && is_match(e, series.matcher, query_.common.where);
  }

  bool has_active() const {
    return std::ranges::any_of(query_.series,
                               [](const auto& series) { return active_days(series.math) > 0; });
  }

  Time time_of(const TwinRange& range) const {
    Time time{range, TwinPeriods(query_.period, range, query_.common, 0), {}};
    if (!has_active() || time.periods.rows == 0) return time;
    const Zone& zone = *query_.common.zone;
    std::optional<Day> last = range.last_day;
    for (TimestampMs t = range.end + 26 * hour_ms; !range.last_day && t > range.end - 26 * hour_ms;
         t -= minute_ms) {
      if (!range.contains(t - 1)) continue;
      last = std::max(last.value_or(zone.local_day(t - 1)), zone.local_day(t - 1));
    }
    const TwinPeriods with_next(query_.period, range, query_.common, 1);
    for (int i = 0; i < time.periods.rows; ++i) {
      const Day next = parse_date(with_next.label(i + 1)).value();
      time.last_days.push_back(std::min(next - 1, *last));
    }
    return time;
  }

  TwinRange earlier_range(TwinRange range) const {
    const Zone& zone = *query_.common.zone;
    const Duration& by = *query_.compare;
    if (range.is_empty) return range;
    range.begin = earlier(range.begin, by, 1, zone);
    range.end = earlier(range.end, by, 1, zone);
    if (by.ms != 0) {
      range.first_day.reset();
      range.last_day.reset();
    }
    if (range.first_day) {
      range.first_day = add_months(*range.first_day, -by.months) - by.days;
      range.begin = zone.start_of_day(*range.first_day);
    }
    if (range.last_day) {
      range.last_day = add_months(*range.last_day, -by.months) - by.days;
      range.end = zone.start_of_day(*range.last_day + 1);
    }
    range.is_empty = range.begin >= range.end && !(range.first_day && range.last_day);
    return range;
  }

  Row row_of(const TrendQuery::Series& series, const Time& time, const TwinGroups& groups,
             const TwinFilter& filter) const {
    // Of the events that `holds` picks.
    const auto cell_of = [&](auto&& holds) {
      Cell cell;
      for (std::size_t p = 0; p < persons_.size(); ++p) {
        const std::int64_t before = cell.events;
        for (const WorldEvent& e : persons_[p]) {
          if (!groups.contains(filter, p, e) || !holds(e)) continue;
          if (!is_counted(e, series)) continue;
          ++cell.events;
          const WorldValue* value = e.find(series.property);
          if (is_of_numbers(series.math) && value != nullptr && value->kind == ValueKind::number) {
            cell.numbers.push_back(value->number);
          }
        }
        cell.persons += cell.events > before ? 1 : 0;
      }
      return cell;
    };
    const auto in_periods = [&](int low, int high) {
      return cell_of([&](const WorldEvent& e) {
        if (!time.range.contains(e.time_ms)) return false;
        const int period = time.periods.index_of(e.time_ms);
        return low <= period && period <= high;
      });
    };
    const Day days = active_days(series.math);
    const auto is_active = [&](const WorldEvent& e, Day last) {
      const Day day = query_.common.zone->local_day(e.time_ms);
      return last - days < day && day <= last;
    };
    const int rows = time.periods.rows;
    Row row;
    for (int i = 0; i < rows; ++i) {
      if (days == 0) {
        row.cells.push_back(in_periods(query_.cumulative ? 0 : i, i));
      } else {
        row.cells.push_back(
            cell_of([&](const auto& e) { return is_active(e, time.last_days[i]); }));
      }
    }
    if (days == 0) {
      if (rows > 0) row.total = in_periods(0, rows - 1);
      row.size = series.math == TrendMath::unique ? row.total.persons : row.total.events;
    } else {
      if (rows > 0) row.total = row.cells.back();
      row.size = cell_of([&](const WorldEvent& e) {
                   return std::ranges::any_of(time.last_days,
                                              [&](Day last) { return is_active(e, last); });
                 }).persons;
    }
    return row;
  }

  // `value` says what a cell is by a math.
  template <class Value>
  TrendTable written(const Table& table, std::size_t periods, Value&& value) const {
    TrendTable result{table.bucket, {}};
    for (std::size_t s = 0; s < query_.series.size(); ++s) {
      const TrendMath math = query_.series[s].math;
      TrendSeries& series = result.series.emplace_back();
      for (const Cell& cell : table.now[s].cells) series.values.push_back(value(math, cell));
      series.total = value(math, table.now[s].total);
      if (!query_.compare) continue;
      for (std::size_t i = 0; i < periods; ++i) {
        const auto& cells = table.before[s].cells;
        series.previous.push_back(i < cells.size() ? value(math, cells[i]) : TrendValue());
      }
      series.previous_total = value(math, table.before[s].total);
    }
    if (!query_.formula) return result;
    const auto formula = [&](auto&& pick) {
      std::vector<std::optional<double>> operands;
      for (const TrendSeries& series : result.series) operands.push_back(to_number(pick(series)));
      const auto outcome = query_.formula->evaluate(operands);
      return outcome ? TrendValue(*outcome) : TrendValue();
    };
    TrendSeries last;
    for (std::size_t i = 0; i < periods; ++i) {
      last.values.push_back(formula([&](const TrendSeries& series) { return series.values[i]; }));
      if (!query_.compare) continue;
      last.previous.push_back(
          formula([&](const TrendSeries& series) { return series.previous[i]; }));
    }
    last.total = formula([](const TrendSeries& series) { return series.total; });
    if (query_.compare) {
      last.previous_total =
          formula([](const TrendSeries& series) { return series.previous_total; });
    }
    result.series.push_back(std::move(last));
    return result;
  }

  bool any_too_big() const {
    for (const auto& person : persons_) {
      for (const WorldEvent& e : person) {
        for (const auto& series : query_.series) {
          if (!is_of_numbers(series.math)) continue;
          const WorldValue* value = e.find(series.property);
          if (value == nullptr || value->kind != ValueKind::big_number) continue;
          if (is_counted(e, series)) return true;
        }
      }
    }
    return false;
  }

  template <class Value>
  TrendAnswer answer_with(Value&& value) const {
    TrendAnswer answer;
    answer.has_groups = !query_.common.breakdown.empty();
    answer.has_previous = query_.compare.has_value();
    answer.has_formula = query_.formula.has_value();
    std::optional<TimestampMs> first;
    for (const auto& series : query_.series) {
      answer.labels.push_back(series.matcher.label);
      for (const auto& person : all_) {
        for (const WorldEvent& e : person) {
          if (!e.purged && series.matcher.names(e.name))
            first = std::min(first.value_or(e.time_ms), e.time_ms);
        }
      }
    }
    if (query_.formula) answer.labels.push_back(query_.formula->text());
    const TwinRange range(query_.common, query_.period, first);
    const Time now = time_of(range);
    const TwinPeriods& periods = now.periods;
    for (int i = 0; i < periods.rows; ++i) {
      answer.periods.push_back(periods.label(i));
      answer.complete.push_back(periods.end(i) <= query_.common.as_of + 1);
    }
    if (!first || periods.rows == 0) answer.warnings.push_back({"no_events", ""});
    if (query_.common.from && periods.cuts_first()) {
      answer.warnings.push_back({"first_period_partial", ""});
    }
    if (query_.common.to && periods.cuts_last()) {
      answer.warnings.push_back({"last_period_partial", ""});
    }
    std::optional<Time> before;
    if (query_.compare) {
      before.emplace(time_of(periods.rows == 0 ? range : earlier_range(range)));
    }

    const TwinGroups groups(query_.common, persons_, [&](const WorldEvent& e) {
      return std::ranges::any_of(
          query_.series, [&](const TrendQuery::Series& series) { return is_counted(e, series); });
    });
    const auto table = [&](const TwinFilter& filter) {
      Table result;
      for (const auto& series : query_.series) {
        result.now.push_back(row_of(series, now, groups, filter));
        if (before) result.before.push_back(row_of(series, *before, groups, filter));
      }
      return result;
    };
    const auto write = [&](const Table& raw) {
      return written(raw, static_cast<std::size_t>(periods.rows), value);
    };
    answer.total = write(table({}));
    if (periods.rows == 0) return answer;
    if (any_too_big()) answer.warnings.push_back({"numbers_too_big", ""});
    if (!answer.has_groups) return answer;
    const std::vector<Table> raw = groups.tables(
        table,
        [](const Table& t) {
          std::int64_t size = 0;
          std::int64_t earlier_size = 0;
          for (const Row& row : t.now) size += row.size;
          for (const Row& row : t.before) earlier_size += row.size;
          return std::pair(size, size > 0 || earlier_size > 0);
        },
        [](std::vector<Table> tables) {
          Table sum = tables.front();
          for (std::size_t i = 1; i < tables.size(); ++i) {
            for (std::size_t s = 0; s < sum.now.size(); ++s) sum.now[s].add(tables[i].now[s]);
            for (std::size_t s = 0; s < sum.before.size(); ++s) {
              sum.before[s].add(tables[i].before[s]);
            }
          }
          return sum;
        });
    for (const Table& each : raw) answer.groups.push_back(write(each));
    return answer;
  }

  const TrendQuery& query_;
  std::vector<std::vector<WorldEvent>> all_;      // Of everybody.
  std::vector<std::vector<WorldEvent>> persons_;  // Of those asked about.
};

}  // namespace hf::test
