// SPDX-License-Identifier: Apache-2.0
//
// From what was counted to what an answer says.
#include <algorithm>
#include <bit>
#include <charconv>
#include <numeric>
#include <span>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "metric/trend_tally.h"

namespace hf {
namespace {

using Number = RangeTally::Number;

// Rounded once: what lies between 0.1 and 0.2 is 0.199, and no 0.19899999999999998.
double hundredth_of(const DecimalSum& sum) {
  const std::string text = sum.to_string() + "e-2";
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  HF_ASSERT(error == std::errc() && end == text.data() + text.size());
  return value;
}

// The number at (count - 1) * percent / 100 of those in order, from 0; between two of them as far
// along as it says (type 7 of Hyndman and Fan 1996). nth(k) is the k-th.
template <class Nth>
TrendValue percentile(std::size_t count, int percent, Nth&& nth) {
  if (count == 0) return {};
  const std::size_t at = (count - 1) * static_cast<std::size_t>(percent);
  const std::size_t hundredths = at % 100;
  const Decimal low = nth(at / 100);
  const Decimal high = hundredths == 0 ? low : nth(at / 100 + 1);
  DecimalSum sum;
  if (low == high) {
    sum.add(low);
    return sum;
  }
  for (std::size_t i = 0; i < 100; ++i) sum.add(i < hundredths ? high : low);
  return hundredth_of(sum);
}

// The k-th smallest of numbers that are added one by one, known by their places in the final order
// (P. Fenwick 1994, A new data structure for cumulative frequency tables).
class GrowingOrder {
 public:
  explicit GrowingOrder(std::size_t places) : counts_(places + 1) {}

  void add(std::size_t place) {
    for (std::size_t i = place + 1; i < counts_.size(); i += i & (0 - i)) ++counts_[i];
    ++size_;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The place of the k-th, from 0. Requires k < size().
  [[nodiscard]] std::size_t nth(std::size_t k) const {
    HF_ASSERT(k < size_);
    std::size_t place = 0;
    for (std::size_t step = std::bit_floor(counts_.size()); step > 0; step /= 2) {
      if (place + step >= counts_.size() || counts_[place + step] > k) continue;
      place += step;
      k -= counts_[place];
    }
    return place;
  }

 private:
  std::vector<std::uint32_t> counts_;
  std::size_t size_ = 0;
};

TrendValue percentile_of_sorted(std::span<const Number> numbers, int percent) {
  return percentile(numbers.size(), percent, [&](std::size_t k) { return numbers[k].value; });
}

// Of each period's numbers and all before them. `numbers` are by cell, the first of which is
// `first_cell`, and then by value.
std::vector<TrendValue> growing_percentiles(std::span<const Number> numbers, std::size_t first_cell,
                                            std::size_t rows, int percent) {
  std::vector<std::uint32_t> by_value(numbers.size());
  std::iota(by_value.begin(), by_value.end(), 0u);
  std::ranges::sort(by_value, {}, [&](std::uint32_t i) { return numbers[i].value; });
  std::vector<std::uint32_t> place_of(numbers.size());
  for (std::uint32_t place = 0; place < by_value.size(); ++place) place_of[by_value[place]] = place;
  GrowingOrder order(numbers.size());
  std::vector<TrendValue> values;
  std::size_t next = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    for (; next < numbers.size() && numbers[next].cell == first_cell + row; ++next) {
      order.add(place_of[next]);
    }
    values.push_back(percentile(order.size(), percent, [&](std::size_t k) {
      return numbers[by_value[order.nth(k)]].value;
    }));
  }
  return values;
}

// What one or more cells of a series are together.
struct Amount {
  std::int64_t count = 0;
  std::int64_t persons = 0;
  DecimalSum sum;
  Decimal extreme;

  Amount() = default;
  Amount(const RangeTally& tally, std::size_t cell) : count(tally.counts[cell]) {
    if (!tally.persons.empty()) persons = tally.persons[cell];
    if (!tally.sums.empty()) sum = tally.sums[cell];
    if (!tally.extremes.empty()) extreme = tally.extremes[cell];
  }
  void add(const Amount& more, TrendMath math) {
    if (more.count > 0) {
      extreme = count == 0               ? more.extreme
                : math == TrendMath::min ? std::min(extreme, more.extreme)
                                         : std::max(extreme, more.extreme);
    }
    count += more.count;
    persons += more.persons;
    sum.add(more.sum);
  }
};

TrendValue value_of(TrendMath math, const Amount& amount) {
  switch (math) {
    case TrendMath::total:
    case TrendMath::unique:
    case TrendMath::weekly_active:
    case TrendMath::monthly_active: return amount.count;
    case TrendMath::sum: return amount.sum;
    case TrendMath::avg:
      if (amount.count == 0) return {};
      return amount.sum.to_double() / static_cast<double>(amount.count);
    case TrendMath::min:
    case TrendMath::max: {
      if (amount.count == 0) return {};
      DecimalSum extreme;
      extreme.add(amount.extreme);
      return extreme;
    }
    case TrendMath::per_user:
      if (amount.persons == 0) return {};
      return static_cast<double>(amount.count) / static_cast<double>(amount.persons);
    case TrendMath::median:
    case TrendMath::p90:
    case TrendMath::p95:
    case TrendMath::p99: break;
  }
  HF_ASSERT(false);
  return {};
}

struct SeriesValues {
  std::vector<TrendValue> values;
  TrendValue total;
};

// Requires numbers by cell, then value; those of the series are afterwards by value alone.
SeriesValues percentiles_of(const TrendQuery& query, std::size_t s, std::size_t rows,
                            RangeTally& tally) {
  const int percent = percent_of(query.series[s].math);
  const auto at_cell = [&](std::size_t cell) {
    return std::ranges::lower_bound(tally.numbers, cell, {}, &Number::cell);
  };
  const std::span<Number> numbers(at_cell(s * rows), at_cell((s + 1) * rows));
  SeriesValues result;
  if (query.cumulative) {
    result.values = growing_percentiles(numbers, s * rows, rows, percent);
  } else {
    for (std::size_t row = 0; row < rows; ++row) {
      const std::span<const Number> own(at_cell(s * rows + row), at_cell(s * rows + row + 1));
      result.values.push_back(percentile_of_sorted(own, percent));
    }
  }
  std::ranges::sort(numbers, {}, &Number::value);
  result.total = percentile_of_sorted(numbers, percent);
  return result;
}

SeriesValues values_of(const TrendQuery& query, std::size_t s, std::size_t rows,
                       RangeTally& tally) {
  const TrendMath math = query.series[s].math;
  if (percent_of(math) > 0) return percentiles_of(query, s, rows, tally);
  SeriesValues result;
  Amount all;
  for (std::size_t row = 0; row < rows; ++row) {
    const Amount own(tally, s * rows + row);
    all.add(own, math);
    result.values.push_back(value_of(math, query.cumulative ? all : own));
  }
  all.count = tally.count_totals[s];
  if (!tally.person_totals.empty()) all.persons = tally.person_totals[s];
  result.total = value_of(math, all);
  return result;
}

TrendValue value_of(const Formula& formula, std::span<const TrendValue* const> of_series) {
  std::vector<std::optional<double>> operands;
  for (const TrendValue* value : of_series) operands.push_back(to_number(*value));
  const std::optional<double> value = formula.evaluate(operands);
  return value ? TrendValue(*value) : TrendValue();
}

// `pick` says which value of a series.
template <class Pick>
TrendValue apply(const Formula& formula, std::span<const TrendSeries> series, Pick&& pick) {
  std::vector<const TrendValue*> values;
  for (const TrendSeries& each : series) values.push_back(&pick(each));
  return value_of(formula, values);
}

TrendSeries formula_series(const TrendQuery& query, std::span<const TrendSeries> series) {
  const Formula& formula = *query.formula;
  TrendSeries result;
  for (std::size_t row = 0; row < series.front().values.size(); ++row) {
    const auto at_row = [&](const auto& values) -> const TrendValue& { return values[row]; };
    result.values.push_back(apply(
        formula,
        series, [&](const TrendSeries& each) -> const auto& { return at_row(each.values); }));
    if (!query.compare) continue;
    result.previous.push_back(apply(
        formula,
        series, [&](const TrendSeries& each) -> const auto& { return at_row(each.previous); }));
  }
  result.total = apply(
      formula, series, [](const auto& each) -> const auto& { return each.total; });
  if (query.compare) {
    result.previous_total = apply(
        formula, series, [](const auto& each) -> const auto& { return each.previous_total; });
  }
  return result;
}

}  // namespace

TrendTable table_of(const TrendPlan& plan, TrendTally& tally, BucketPath bucket) {
  const TrendQuery& query = *plan.query;
  for (RangeTally& range : tally.ranges) {
    std::ranges::sort(range.numbers, {},
                      [](const Number& number) { return std::tuple(number.cell, number.value); });
  }
  TrendTable table{std::move(bucket), {}};
  for (std::size_t s = 0; s < query.series.size(); ++s) {
    TrendSeries& series = table.series.emplace_back();
    SeriesValues now = values_of(query, s, plan.rows(), tally.ranges.front());
    series.values = std::move(now.values);
    series.total = std::move(now.total);
    if (!query.compare) continue;
    const auto rows = static_cast<std::size_t>(plan.grids.back().rows());
    SeriesValues before = values_of(query, s, rows, tally.ranges.back());
    before.values.resize(plan.rows());
    series.previous = std::move(before.values);
    series.previous_total = std::move(before.total);
  }
  if (query.formula) table.series.push_back(formula_series(query, table.series));
  return table;
}

}  // namespace hf
