// SPDX-License-Identifier: Apache-2.0
#include "http/query_string.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace hf::http {
namespace {

constexpr auto invalid = ErrorCode::invalid_argument;

}  // namespace

Result<std::optional<std::string>> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view field = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), field.size() + 1));
    if (field.substr(0, field.find('=')) != name) continue;
    const std::size_t equals = field.find('=');
    std::string_view coded = equals == std::string_view::npos ? "" : field.substr(equals + 1);
    std::string value;
    while (!coded.empty()) {
      if (coded.front() != '%') {
        value += coded.front() == '+' ? ' ' : coded.front();
        coded.remove_prefix(1);
        continue;
      }
      unsigned byte = 0;
      const char* const begin = coded.data() + 1;
      const char* const end = begin + 2;
      if (coded.size() < 3 || std::from_chars(begin, end, byte, 16).ptr != end) {
        return fail(invalid, "bad_parameter", fmt::format("not percent-encoded: {}", name));
      }
      value += static_cast<char>(byte);
      coded.remove_prefix(3);
    }
    return std::optional(std::move(value));
  }
  return std::optional<std::string>();
}

Result<std::optional<std::uint64_t>> number_parameter(std::string_view query,
                                                      std::string_view name) {
  HF_TRY(const auto text, parameter(query, name));
  if (!text) return std::optional<std::uint64_t>();
  std::uint64_t value = 0;
  const char* const end = text->data() + text->size();
  const auto read = std::from_chars(text->data(), end, value);
  if (read.ec != std::errc() || read.ptr != end || text->empty()) {
    return fail(invalid, "bad_parameter", fmt::format("not a number: {}", name));
  }
  return std::optional(value);
}

}  // namespace hf::http
