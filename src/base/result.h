// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace hf {

/// Answers "what can the caller do?". A closed set; HTTP status and exit code are mapped from it.
enum class ErrorCode : std::uint8_t {
  invalid_argument,
  unauthenticated,
  permission_denied,
  not_found,
  already_exists,
  failed_precondition,
  resource_exhausted,
  unavailable,
  data_loss,
  in_doubt,
  cancelled,
};

/// The code as it is printed and sent: "invalid_argument".
[[nodiscard]] std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code;
  std::string_view reason;   ///< Stable literal, part of the public API: "unknown_field".
  std::string message;       ///< For the operator: static text first, values last.
  std::string pointer = {};  ///< JSON pointer of the offending place in a request body, if any.
};

template <class T>
using Result = std::expected<T, Error>;

/// Builds the error a function hands to its caller: `return fail(code, "reason", "message")`.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string_view reason,
                                                 std::string message, std::string pointer = {}) {
  return std::unexpected(Error{code, reason, std::move(message), std::move(pointer)});
}

}  // namespace hf

#define HF_CONCAT_(a, b) a##b
#define HF_CONCAT(a, b) HF_CONCAT_(a, b)

/// `HF_TRY(const auto part, PartReader::open(..))`: the value, or hands the error to the caller.
#define HF_TRY(decl, ...) HF_TRY_(HF_CONCAT(hf_try_, __LINE__), decl, __VA_ARGS__)
#define HF_TRY_(name, decl, ...)                              \
  auto name = (__VA_ARGS__);                                  \
  if (!name) return std::unexpected(std::move(name).error()); \
  decl = *std::move(name)

/// The same for a Result<void>.
#define HF_CHECK(...)                             \
  if (auto hf_check_ = (__VA_ARGS__); !hf_check_) \
  return std::unexpected(std::move(hf_check_).error())
