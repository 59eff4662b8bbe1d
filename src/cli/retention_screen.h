// SPDX-License-Identifier: Apache-2.0
//
// Retention as a screen: title, heatmap, and three sentences computed from the data.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "cli/words.h"
#include "metric/retention.h"

namespace hf {

struct RetentionScreen {
  std::string title;         ///< "Online Retail: who comes back, month by month".
  std::string subtitle;      ///< "4,338 people, 397,884 events, ..".
  std::string period;        ///< As in the query.
  bool plain = true;         ///< One column a period, counted exactly: a curve to speak of.
  std::string data_end;      ///< Local date up to which there is data, "2011-12-09".
  std::string next_command;  ///< Shown last; empty: none.
  std::vector<std::string> notes = {};  ///< As of ChartScreen.
  std::string value_of = {};            ///< Of sum and avg: which property or trait.
};

[[nodiscard]] std::string render_retention(const RetentionAnswer& answer,
                                           const RetentionScreen& screen, const Terminal& terminal,
                                           Words words);

/// The sentences alone: where the mean curve flattens, best and worst cohort, what is unfinished.
[[nodiscard]] std::vector<std::string> retention_sentences(const RetentionAnswer& answer,
                                                           const RetentionScreen& screen,
                                                           Words words);

}  // namespace hf
