// SPDX-License-Identifier: Apache-2.0
#include "metric/sample.h"

#include <array>
#include <cmath>
#include <string_view>
#include <variant>

#include "base/hash.h"
#include "metric/funnel.h"
#include "metric/lifecycle.h"
#include "metric/retention.h"
#include "metric/segment_size.h"
#include "metric/stickiness.h"
#include "metric/trend.h"

namespace hf {

double sample_fraction(PersonOrdinal person) {
  // The prefix keeps this use apart from every other hash of a number.
  constexpr std::string_view salt = "holdfast sample 1";
  std::array<char, salt.size() + 4> input{};
  salt.copy(input.data(), salt.size());
  for (std::size_t i = 0; i < 4; ++i) {
    input[salt.size() + i] = static_cast<char>(person >> (8 * i) & 0xff);
  }
  const std::uint64_t hash = xxh3_64(std::string_view(input.data(), input.size()));
  return static_cast<double>(hash >> 11) * 0x1p-53;
}

Result<PersonBitmap> sampled_people(const Snapshot& snapshot, double share, WorkGuard& guard) {
  PersonBitmap sampled(snapshot.person_end);
  for (PersonOrdinal person = 0; person < snapshot.person_end; ++person) {
    if (person % PersonChunk::persons == 0) HF_CHECK(guard.check());
    if (sample_fraction(person) < share) sampled.add(person);
  }
  if (snapshot.belonging == nullptr) return sampled;
  PersonBitmap settled(snapshot.person_end);  // By a number lower than their own.
  const std::vector<PersonOrdinal>& of = snapshot.belonging->of;
  for (PersonOrdinal owner = 0; owner < of.size(); ++owner) {
    if (owner % PersonChunk::persons == 0) HF_CHECK(guard.check());
    const PersonOrdinal person = of[owner];
    if (person == Belonging::nobody || person <= owner || settled.contains(person)) continue;
    settled.add(person);
    sampled.remove(person);
    if (sample_fraction(owner) < share) sampled.add(person);
  }
  return sampled;
}

std::int64_t estimated(std::int64_t count, double share) {
  // Doubles are rounded to even where two are as near.
  const double all = std::nearbyint(static_cast<double>(count) / share);
  constexpr std::int64_t most = std::int64_t{1} << 62;
  return all < static_cast<double>(most) ? static_cast<std::int64_t>(all) : most;
}

double sample_error_factor(double share) { return std::sqrt((1 - share) / share); }

namespace {

template <class Answer, class Scale>
void for_each_table(Answer& answer, Scale&& scale) {
  scale(answer.total);
  for (auto& group : answer.groups) scale(group);
}

// Makes estimates of counts, in place.
class Estimate {
 public:
  explicit Estimate(const CommonFields& common) : share_(*common.sample) {}
  template <class... Counts>
  void operator()(Counts&... counts) const {
    ((counts = estimated(counts, share_)), ...);
  }

 private:
  double share_;
};

}  // namespace

void estimate(RetentionAnswer& answer, const RetentionQuery& query) {
  const Estimate make(query.common);
  for_each_table(answer, [&](RetentionTable& table) {
    for (RetentionCohort& cohort : table.cohorts) {
      make(cohort.size);
      for (RetentionCell& cell : cohort.cells) make(cell.count, cell.eligible);
    }
    for (Ratio& ratio : table.mean.weighted) make(ratio.numerator, ratio.denominator);
    make(table.windows.initial, table.windows.retained, table.windows.current);
  });
}

void estimate(TrendAnswer& answer, const TrendQuery& query) {
  const Estimate make(query.common);
  const auto make_value = [&](TrendValue& value) {
    // What is no count is a mean or a quantile.
    if (auto* const count = std::get_if<std::int64_t>(&value)) make(*count);
  };
  for_each_table(answer, [&](TrendTable& table) {
    for (std::size_t s = 0; s < table.series.size(); ++s) {
      const TrendMath math = query.series[s].math;
      if (math != TrendMath::unique && active_days(math) == 0) continue;
      TrendSeries& series = table.series[s];
      for (TrendValue& value : series.values) make_value(value);
      for (TrendValue& value : series.previous) make_value(value);
      make_value(series.total);
      make_value(series.previous_total);
    }
  });
}

void estimate(LifecycleAnswer& answer, const LifecycleQuery& query) {
  const Estimate make(query.common);
  for_each_table(answer, [&](LifecycleTable& table) {
    for (LifecycleRow& row : table.rows) {
      make(row.fresh, row.returning, row.resurrecting, row.dormant);
    }
  });
}

void estimate(StickinessAnswer& answer, const StickinessQuery& query) {
  const Estimate make(query.common);
  for_each_table(answer, [&](StickinessTable& table) {
    for (std::int64_t& count : table.histogram) make(count);
    for (StickinessDay& day : table.days) {
      make(day.dau, day.wau, day.mau, day.l7_days, day.l28_days, day.l28);
    }
  });
}

void estimate(FunnelAnswer& answer, const FunnelQuery& query) {
  const Estimate make(query.common);
  for_each_table(answer, [&](FunnelTable& table) {
    for (FunnelStep& step : table.steps) make(step.count);
    for (FunnelPeriod& period : table.periods) make(period.entered, period.completed);
    for (FunnelBin& bin : table.bins) make(bin.count);
    make(table.converted);
  });
}

void estimate(SegmentSizeAnswer& answer, const SegmentSizeQuery& query) {
  const Estimate make(query.common);
  make(answer.known);
  for_each_table(answer, [&](SegmentSizeTable& table) {
    make(table.count);
    for (std::int64_t& count : table.sets) make(count);
    for (SegmentOverlap& overlap : table.exactly_in) make(overlap.count);
  });
}

}  // namespace hf
