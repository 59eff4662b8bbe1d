// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "calendar/zone.h"
#include "cli/terminal.h"
#include "cli/words.h"
#include "service/doctor.h"

namespace hf {

/// What was seen, and what to do about it; empty where there is nothing to do.
struct FindingText {
  std::string seen;
  std::string act;
};
/// Times are told in `zone`.
[[nodiscard]] FindingText tell(const Finding& finding, const Zone& zone, Words words);

/// A line for each fact, two for what wants something, and a last one that sums it up.
[[nodiscard]] std::string render_diagnosis(const Diagnosis& diagnosis, const Zone& zone,
                                           const Terminal& terminal, Words words);
/// One object: directory, severity (the worst), and the findings with their values and texts.
[[nodiscard]] std::string diagnosis_json(const Diagnosis& diagnosis, const std::string& directory,
                                         const Zone& zone, Words words);

}  // namespace hf
