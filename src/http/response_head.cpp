// SPDX-License-Identifier: Apache-2.0
#include "http/response_head.h"

#include <fmt/format.h>

#include <array>

#include "calendar/date.h"

namespace hf::http {
namespace {

constexpr std::int64_t ms_per_s = 1'000;
constexpr std::int64_t s_per_day = 86'400;

constexpr std::int64_t divided_down(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

// IMF-fixdate, RFC 9110 section 5.6.7.
std::string imf_fixdate(std::int64_t second) {
  constexpr std::array weekdays{"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};  // From day 0.
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::int64_t day = divided_down(second, s_per_day);
  const std::int64_t of_day = second - day * s_per_day;
  const std::int64_t weekday = day - 7 * divided_down(day, 7);
  const CivilDate date = civil_from_day(static_cast<Day>(day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     weekdays[static_cast<std::size_t>(weekday)], date.day,
                     months[static_cast<std::size_t>(date.month - 1)], date.year, of_day / 3'600,
                     of_day / 60 % 60, of_day % 60);
}

}  // namespace

std::string_view HttpDate::at(TimestampMs now_ms) {
  const std::int64_t second = divided_down(now_ms, ms_per_s);
  if (second != second_) {
    second_ = second;
    text_ = imf_fixdate(second);
  }
  return text_;
}

std::string head_of(const Response& response, const HeadOptions& options) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                                 reason_phrase(response.status), options.date);
  if (!response.content_type.empty()) {
    head += fmt::format("Content-Type: {}\r\n", response.content_type);
  }
  if (!options.is_stream && response.status != 204 && response.status != 304) {
    head += fmt::format("Content-Length: {}\r\n",
                        response.file ? response.file->bytes : response.body.size());
  }
  for (const Header& header : response.headers) {
    head += fmt::format("{}: {}\r\n", header.name, header.value);
  }
  head += fmt::format("X-Request-Id: {}\r\n", options.request_id);
  head += "X-Content-Type-Options: nosniff\r\n";
  head += options.closes ? "Connection: close\r\n\r\n" : "\r\n";
  return head;
}

}  // namespace hf::http
