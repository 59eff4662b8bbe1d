// SPDX-License-Identifier: Apache-2.0
#include "http/idempotency_key.h"

#include <gtest/gtest.h>

namespace hf::http {
namespace {

/// "none", "bad", or the key between brackets.
std::string read(const std::vector<std::string>& values) {
  Request request;
  for (const std::string& value : values) request.headers.push_back({"idempotency-key", value});
  const auto key = idempotency_key_of(request);
  if (!key) {
    EXPECT_EQ(key.error().reason, "bad_idempotency_key");
    return "bad";
  }
  return *key ? "[" + **key + "]" : "none";
}

TEST(IdempotencyKey, IsAStringWithOrWithoutQuotes) {
  const std::string full(255, 'k');
  const struct {
    std::string name;
    std::vector<std::string> values;
    std::string expected;
  } cases[] = {
      {"absent", {}, "none"},
      {"quoted", {R"("8e03978e-40d5")"}, "[8e03978e-40d5]"},
      {"bare", {"8e03978e-40d5"}, "[8e03978e-40d5]"},
      {"escapes", {R"("a\"b\\c")"}, R"([a"b\c])"},
      {"base64", {"aGk/+=="}, "[aGk/+==]"},
      {"a list within quotes", {R"("a,b;c")"}, "[a,b;c]"},
      {"255 characters", {full}, "[" + full + "]"},
      {"255 characters, quoted", {'"' + full + '"'}, "[" + full + "]"},
      {"256 characters", {full + "k"}, "bad"},
      {"empty", {""}, "bad"},
      {"empty, quoted", {R"("")"}, "bad"},
      {"one quote", {R"(")"}, "bad"},
      {"no end", {R"("abc)"}, "bad"},
      {"an escaped end", {R"("abc\")"}, "bad"},
      {"another escape", {R"("a\bc")"}, "bad"},
      {"a quote within", {R"("a"b")"}, "bad"},
      {"a parameter", {R"("abc";x=1)"}, "bad"},
      {"a bare list", {"a,b"}, "bad"},
      {"a blank", {"a b"}, "bad"},
      {"a blank, quoted", {R"("a b")"}, "bad"},
      {"no ASCII", {"\xc3\xa9"}, "bad"},
      {"two headers", {"a", "a"}, "bad"},
  };
  for (const auto& each : cases) EXPECT_EQ(read(each.values), each.expected) << each.name;
}

}  // namespace
}  // namespace hf::http
