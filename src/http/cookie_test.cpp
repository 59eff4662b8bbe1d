// SPDX-License-Identifier: Apache-2.0
#include "http/cookie.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hf::http {
namespace {

/// The value of cookie "a" between brackets, or "none".
std::string read(const std::vector<std::string>& values) {
  Request request;
  for (const std::string& value : values) request.headers.push_back({"cookie", value});
  const auto found = cookie_of(request, "a");
  return found ? "[" + std::string(*found) + "]" : "none";
}

TEST(Cookie, IsFoundByItsWholeName) {
  std::string many;
  for (std::size_t i = 0; i + 1 < cookies_max; ++i) many += "x=y; ";
  const struct {
    std::string name;
    std::vector<std::string> values;
    std::string expected;
  } cases[] = {
      {"absent", {}, "none"},
      {"empty header", {""}, "none"},
      {"alone", {"a=1"}, "[1]"},
      {"first", {"a=1; b=2"}, "[1]"},
      {"last", {"b=2; a=1"}, "[1]"},
      {"no blank", {"b=2;a=1"}, "[1]"},
      {"more blanks", {"b=2 ;\t a = 1 \t;"}, "[1]"},
      {"empty", {"a="}, "[]"},
      {"= within", {"a=b=c"}, "[b=c]"},
      {"quotes stay", {R"(a="1")"}, R"(["1"])"},
      {"only semicolons", {";;; ;"}, "none"},
      {"no =", {"a"}, "none"},
      {"no name", {"=1"}, "none"},
      {"a name that ends so", {"ba=1"}, "none"},
      {"a name that begins so", {"ab=1"}, "none"},
      {"case", {"A=1"}, "none"},
      {"another's value", {"b=a=1"}, "none"},
      {"twice the same", {"a=1; a=1"}, "[1]"},
      {"twice and different", {"a=1; a=2"}, "none"},
      {"twice and one empty", {"a=1; a="}, "none"},
      {"in two headers", {"b=1", "a=1"}, "[1]"},
      {"in two headers, different", {"a=2", "a=1"}, "none"},
      {"behind many", {many + "a=1"}, "[1]"},
      {"behind too many", {many + "x=y; a=1"}, "none"},
  };
  for (const auto& each : cases) EXPECT_EQ(read(each.values), each.expected) << each.name;
}

TEST(Cookie, OfASessionIsForNobodyElse) {
  EXPECT_EQ(session_cookie("abc", false),
            "holdfast_session=abc; Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict");
  EXPECT_EQ(session_cookie("abc", true),
            "__Host-holdfast_session=abc; Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict; "
            "Secure");
  EXPECT_EQ(ended_session_cookie(false),
            "holdfast_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
  EXPECT_EQ(ended_session_cookie(true),
            "__Host-holdfast_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure");
}

}  // namespace
}  // namespace hf::http
