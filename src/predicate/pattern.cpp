// SPDX-License-Identifier: Apache-2.0
#include "predicate/pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <utility>

namespace hf {

struct Pattern::Body {
  RE2 expression;
};

Pattern::Pattern(std::unique_ptr<const Body> body) : body_(std::move(body)) {}
Pattern::~Pattern() = default;

Result<std::shared_ptr<const Pattern>> Pattern::compile(const std::string& expression,
                                                        bool case_insensitive,
                                                        const std::string& pointer) {
  if (expression.size() > expression_bytes_max) {
    return fail(ErrorCode::invalid_argument, "invalid_pattern",
                fmt::format("a pattern has at most {} bytes, this one: {}", expression_bytes_max,
                            expression.size()),
                pointer);
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_case_sensitive(!case_insensitive);
  options.set_max_mem(memory_bytes_max);
  std::unique_ptr<const Body> body(new Body{RE2(expression, options)});
  if (!body->expression.ok()) {
    return fail(ErrorCode::invalid_argument, "invalid_pattern",
                fmt::format("not a pattern in RE2 syntax: {}", body->expression.error()), pointer);
  }
  return std::shared_ptr<const Pattern>(new Pattern(std::move(body)));
}

bool Pattern::matches(std::string_view text) const {
  const re2::StringPiece piece(text.data(), text.size());
  return body_->expression.Match(piece, 0, piece.size(), RE2::UNANCHORED, nullptr, 0);
}

}  // namespace hf
