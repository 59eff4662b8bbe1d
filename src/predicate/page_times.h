// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "store/part.h"

namespace hf {

/// The times of one page of a part after the other, for one thread, in half the bytes where they
/// fit.
class PageTimes {
 public:
  /// `part` must outlive it.
  explicit PageTimes(const Part& part) : part_(&part) {}

  /// Errors: those of Part's readers.
  [[nodiscard]] Result<void> seek(std::uint32_t page) {
    return page == page_ ? Result<void>{} : load(page);
  }
  /// Of a row of the page last sought.
  [[nodiscard]] TimestampMs at(std::uint32_t row_in_page) const {
    return times_ != nullptr
               ? times_->values[row_in_page]
               : compact_->base_ms + compact_->offsets[row_in_page] * compact_->unit_ms;
  }
  /// The first of rows [first, last) of a run that is not before `time_ms`; last where all are.
  [[nodiscard]] std::uint32_t first_from(std::uint32_t first, std::uint32_t last,
                                         TimestampMs time_ms) const {
    if (first == last || at(last - 1) < time_ms) return last;  // As most runs are asked about.
    while (first < last) {
      const std::uint32_t middle = first + (last - first) / 2;
      if (at(middle) < time_ms) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    return first;
  }

 private:
  Result<void> load(std::uint32_t page) {
    page_ = no_page;
    times_ = nullptr;
    HF_TRY(compact_, part_->compact_times(page));
    if (compact_->offsets.empty()) {
      HF_TRY(times_, part_->times(page));
    }
    page_ = page;
    return {};
  }

  static constexpr std::uint32_t no_page = 0xffffffff;
  const Part* part_;
  std::uint32_t page_ = no_page;
  std::shared_ptr<const CompactTimePage> compact_;
  std::shared_ptr<const TimePage> times_;  // Only where the compact ones do not fit.
};

}  // namespace hf
