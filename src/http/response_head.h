// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/env.h"
#include "http/message.h"

namespace hf::http {

/// The Date header's value (RFC 9110 section 6.6.1), written anew when the second is another. For
/// one thread.
class HttpDate {
 public:
  /// "Sun, 06 Nov 1994 08:49:37 GMT"; valid until the next call.
  [[nodiscard]] std::string_view at(TimestampMs now_ms);

 private:
  std::int64_t second_ = INT64_MIN;
  std::string text_;
};

struct HeadOptions {
  std::string_view date;
  std::string_view request_id;
  bool closes = false;     ///< The connection ends with the answer.
  bool is_stream = false;  ///< The body has no length, but the connection's end.
};
/// Status line and headers, with the empty line at their end.
[[nodiscard]] std::string head_of(const Response& response, const HeadOptions& options);

}  // namespace hf::http
