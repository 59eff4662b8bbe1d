// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a formula: refused, or a number or nothing of any operands.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "metric/formula.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto formula = hf::Formula::parse({reinterpret_cast<const char*>(data), size}, 3);
  if (!formula) return 0;
  constexpr std::array<std::optional<double>, 3> some{0.0, -2.5, 1e300};
  constexpr std::array<std::optional<double>, 3> fewer{7.0, std::nullopt, 0.0};
  for (const auto& operands : {some, fewer}) {
    const auto outcome = formula->evaluate(operands);
    if (outcome && !std::isfinite(*outcome)) std::abort();
  }
  return 0;
}
