// SPDX-License-Identifier: Apache-2.0
#include "http/early_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/json.h"

namespace hf::http {
namespace {

using testing::HasSubstr;

constexpr Server::Limits limits{
    .head = {.request_line_bytes = 1'001, .bytes = 1'002, .headers = 1'003}, .body_bytes = 1'004};

std::string detail_of(const HeadFault& fault) {
  const Response response = early_answer(fault, limits, "r1");
  EXPECT_EQ(response.status, fault.status);
  EXPECT_TRUE(response.close);
  EXPECT_EQ(response.content_type, "application/problem+json");
  const auto problem = parse_json(response.body);
  if (!problem) return "no JSON: " + response.body;
  EXPECT_EQ(problem->find("status")->text, std::to_string(fault.status));
  EXPECT_EQ(problem->find("title")->text, reason_phrase(fault.status));
  EXPECT_NE(problem->find("title")->text, "");
  EXPECT_EQ(problem->find("reason")->text, fault.reason);
  EXPECT_EQ(problem->find("request_id")->text, "r1");
  return problem->find("detail")->text;
}

TEST(EarlyAnswer, SaysWhyInWordsWhateverTheFault) {
  for (const std::string& head :
       {std::string("GET / HTTP/1.1"), std::string("x\r\n\r\n"),
        std::string("GET x HTTP/1.1\r\n\r\n"), std::string("GET / HTTP/1.1\r\nx\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\n x: y\r\n\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")}) {
    const auto fault = find_fault(head, limits.head);
    ASSERT_TRUE(fault) << head;
    EXPECT_NE(detail_of(*fault), "") << head;
  }
  for (const HeadFault& fault : {HeadFault{400, "bad_chunk"}, HeadFault{417, "bad_expectation"},
                                 HeadFault{408, "slow_request"}, HeadFault{503, "too_many_bodies"},
                                 HeadFault{503, "too_many_connections"}}) {
    EXPECT_NE(detail_of(fault), "") << fault.reason;
  }
}

TEST(EarlyAnswer, NamesTheLimitThatWasReached) {
  EXPECT_THAT(detail_of({414, "uri_too_long"}), HasSubstr("1001"));
  EXPECT_THAT(detail_of({431, "headers_too_large"}), HasSubstr("1002"));
  EXPECT_THAT(detail_of({431, "too_many_headers"}), HasSubstr("1003"));
  EXPECT_THAT(detail_of({413, "body_too_large"}), HasSubstr("1004"));
}

TEST(EarlyAnswer, TellsWhenToTryAgainWhereThatMayHelp) {
  const auto retry_after = [](const HeadFault& fault) -> std::string {
    for (const Header& header : early_answer(fault, limits, "r1").headers) {
      if (header.name == "Retry-After") return header.value;
    }
    return "";
  };
  EXPECT_EQ(retry_after({503, "too_many_connections"}), "1");
  EXPECT_EQ(retry_after({503, "too_many_bodies"}), "1");
  EXPECT_EQ(retry_after({400, "bad_chunk"}), "");
}

}  // namespace
}  // namespace hf::http
