// SPDX-License-Identifier: Apache-2.0
#include "metric/window_ends.h"

#include <algorithm>

#include "base/assert.h"

namespace hf {
namespace {

// Local readings, ascending, between which Zone::from_local adds one and the same offset.
std::vector<std::int64_t> local_breaks(const Zone& zone) {
  std::vector<std::int64_t> breaks;
  const auto transitions = zone.transitions();
  for (std::size_t i = 1; i < transitions.size(); ++i) {
    for (const std::int32_t offset_s : {transitions[i - 1].offset_s, transitions[i].offset_s}) {
      breaks.push_back(transitions[i].from_ms + offset_s * std::int64_t{1'000});
    }
  }
  std::ranges::sort(breaks);
  return breaks;
}

}  // namespace

WindowEnds::WindowEnds(const Duration& length, const Zone& zone, const Interval& begins)
    : base_ms_(begins.from_ms) {
  HF_ASSERT(length.ms == 0 || (length.months == 0 && length.days == 0));
  if (length.ms != 0 || begins.from_ms >= begins.to_ms) {
    stretches_.push_back({base_ms_, length.ms});
    return;
  }
  const std::vector<std::int64_t> breaks = local_breaks(zone);
  const std::vector<DateRun> runs = date_runs(zone, begins.from_ms, begins.to_ms);
  const auto transitions = zone.transitions();
  auto next = std::ranges::upper_bound(transitions, begins.from_ms, {}, &Zone::Transition::from_ms);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const TimestampMs run_end = i + 1 < runs.size() ? runs[i + 1].from_ms : begins.to_ms;
    const std::int64_t shift_ms =
        (add_months(runs[i].day, length.months) + length.days - runs[i].day) * ms_per_day;
    for (TimestampMs from = runs[i].from_ms; from < run_end;) {
      while (next != transitions.end() && next->from_ms <= from) ++next;
      const TimestampMs to = next != transitions.end() ? std::min(next->from_ms, run_end) : run_end;
      const std::int64_t to_reading = zone.offset_s(from) * std::int64_t{1'000} + shift_ms;
      TimestampMs piece = from;
      for (auto at = std::ranges::upper_bound(breaks, from + to_reading);; ++at) {
        append({piece, zone.from_local(piece + to_reading) - piece});
        if (at == breaks.end() || *at >= to + to_reading) break;
        piece = *at - to_reading;
      }
      from = to;
    }
  }
  find_outlived(begins.to_ms);
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    const auto bucket = static_cast<std::uint64_t>(stretches_[i].from_ms - base_ms_) >> bucket_bits;
    while (first_of_bucket_.size() <= bucket) {
      first_of_bucket_.push_back(static_cast<std::uint32_t>(i == 0 ? 0 : i - 1));
    }
  }
}

void WindowEnds::find_outlived(TimestampMs end_ms) {
  TimestampMs latest = stretches_.front().from_ms;
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    const auto [from, length] = stretches_[i];
    const TimestampMs to = i + 1 < stretches_.size() ? stretches_[i + 1].from_ms : end_ms;
    if (from + length < latest) {
      outlived_.push_back({from, std::min(to, latest - length)});
    }
    latest = std::max(latest, to - 1 + length);
  }
}

void WindowEnds::append(Stretch stretch) {
  if (!stretches_.empty() && stretches_.back().length_ms == stretch.length_ms) return;
  if (!stretches_.empty() && stretches_.back().from_ms == stretch.from_ms) stretches_.pop_back();
  stretches_.push_back(stretch);
}

std::int64_t WindowEnds::length_ms(TimestampMs begin_ms) const {
  const auto bucket = static_cast<std::uint64_t>(begin_ms - base_ms_) >> bucket_bits;
  HF_ASSERT(begin_ms >= base_ms_);
  std::size_t i = first_of_bucket_[std::min<std::uint64_t>(bucket, first_of_bucket_.size() - 1)];
  while (i + 1 < stretches_.size() && stretches_[i + 1].from_ms <= begin_ms) ++i;
  return stretches_[i].length_ms;
}

}  // namespace hf
