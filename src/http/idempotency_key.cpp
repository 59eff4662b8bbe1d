// SPDX-License-Identifier: Apache-2.0
#include "http/idempotency_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace hf::http {
namespace {

bool is_visible(char c) { return c > ' ' && c < 0x7f; }

/// Nothing where `text` is no whole string in quotes.
std::optional<std::string> unquoted(std::string_view text) {
  if (text.size() < 2 || !text.ends_with('"')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::string out;
  while (!text.empty()) {
    char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return std::nullopt;
    if (c == '\\') {
      if (text.empty()) return std::nullopt;
      c = text.front();
      text.remove_prefix(1);
      if (c != '"' && c != '\\') return std::nullopt;
    }
    out += c;
  }
  return out;
}

std::optional<std::string> bare(std::string_view text) {
  if (text.find_first_of("\"\\,;") != std::string_view::npos) return std::nullopt;
  return std::string(text);
}

}  // namespace

Result<std::optional<std::string>> idempotency_key_of(const Request& request) {
  const auto is_it = [](const Header& header) { return header.name == "idempotency-key"; };
  const auto count = std::ranges::count_if(request.headers, is_it);
  if (count == 0) return std::optional<std::string>();
  const std::string_view text = *request.header("idempotency-key");
  auto key = text.starts_with('"') ? unquoted(text) : bare(text);
  if (count > 1 || !key || key->empty() || key->size() > idempotency_key_characters_max ||
      !std::ranges::all_of(*key, is_visible)) {
    return fail(ErrorCode::invalid_argument, "bad_idempotency_key",
                fmt::format("one Idempotency-Key is one string of 1 to {} visible characters",
                            idempotency_key_characters_max));
  }
  return key;
}

}  // namespace hf::http
