// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hf::http {

/// The value of a field of a request's query, percent-decoded; of repeated ones the first, nothing
/// where it is absent. Errors: invalid_argument/bad_parameter.
[[nodiscard]] Result<std::optional<std::string>> parameter(std::string_view query,
                                                           std::string_view name);
/// The same, of a whole number.
[[nodiscard]] Result<std::optional<std::uint64_t>> number_parameter(std::string_view query,
                                                                    std::string_view name);

}  // namespace hf::http
