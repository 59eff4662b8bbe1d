// SPDX-License-Identifier: Apache-2.0
#include "http/response_head.h"

#include <gtest/gtest.h>
#include <time.h>

#include <array>

#include "base/rng.h"

namespace hf::http {
namespace {

// The twin is the C library's calendar.
std::string written_by_libc(TimestampMs now_ms) {
  const time_t second = now_ms / 1'000 - (now_ms % 1'000 < 0 ? 1 : 0);
  tm fields{};
  gmtime_r(&second, &fields);
  std::array<char, 64> text{};
  const std::size_t size = strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &fields);
  return {text.data(), size};
}

TEST(HttpDate, IsWrittenAsRfc9110Says) {
  HttpDate date;
  EXPECT_EQ(date.at(784'111'777'000), "Sun, 06 Nov 1994 08:49:37 GMT") << "the example there";
  EXPECT_EQ(date.at(784'111'777'999), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(784'111'778'000), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(date.at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date.at(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(date.at(1'709'208'000'000), "Thu, 29 Feb 2024 12:00:00 GMT");
}

TEST(HttpDate, AgreesWithTheCLibrary) {
  HttpDate date;
  Rng rng(1);
  for (int i = 0; i < 20'000; ++i) {
    const TimestampMs now_ms = rng.between(0, 4'133'980'799'999);  // To the end of 2100.
    ASSERT_EQ(date.at(now_ms), written_by_libc(now_ms)) << now_ms;
  }
}

TEST(ResponseHead, SaysALengthUnlessThereIsNone) {
  const HeadOptions options{.date = "D", .request_id = "r1"};
  EXPECT_EQ(head_of({.content_type = "text/plain", .body = "four"}, options),
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n"
            "X-Request-Id: r1\r\nX-Content-Type-Options: nosniff\r\n\r\n");
  EXPECT_EQ(head_of({.status = 204, .headers = {{"Retry-After", "1"}}}, options),
            "HTTP/1.1 204 No Content\r\nDate: D\r\nRetry-After: 1\r\nX-Request-Id: r1\r\n"
            "X-Content-Type-Options: nosniff\r\n\r\n");
  EXPECT_EQ(head_of({.content_type = "text/event-stream"},
                    {.date = "D", .request_id = "r1", .closes = true, .is_stream = true}),
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/event-stream\r\n"
            "X-Request-Id: r1\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
}

}  // namespace
}  // namespace hf::http
