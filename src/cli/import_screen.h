// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "cli/session.h"
#include "service/import.h"

namespace hf {

/// The plan as a table: which column is what.
[[nodiscard]] std::string render_plan(const ImportPlan& plan, Words words);
/// What the import did.
[[nodiscard]] std::string render_outcome(const ImportOutcome& outcome, double seconds, Words words);

/// A line on standard error that follows the import, when that is a terminal.
class ProgressLine {
 public:
  ProgressLine(Clock& clock, Words words);
  ~ProgressLine();
  void show(const ImportProgress& progress);

 private:
  Clock& clock_;
  Words words_;
  bool interactive_;
  bool drawn_ = false;
  std::int64_t started_ns_;
  std::int64_t phase_started_ns_;
  std::int64_t drawn_ns_ = 0;
  ImportProgress::Phase phase_ = ImportProgress::Phase::digest;
  std::uint64_t phase_bytes_ = 0;
};

}  // namespace hf
