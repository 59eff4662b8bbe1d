// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <random>

#include "base/rng.h"
#include "base/utf8.h"

namespace hf {
namespace {

using testing::HasSubstr;

// The twin: RFC 8259's grammar, rule by rule, deciding only whether a text is JSON.
class Grammar {
 public:
  static bool accepts(std::string_view text) {
    Grammar grammar(text);
    grammar.space();
    if (!grammar.value(0)) return false;
    grammar.space();
    return grammar.at_ == text.size();
  }

 private:
  explicit Grammar(std::string_view text) : text_(text) {}

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void space() {
    while (take(' ') || take('\t') || take('\n') || take('\r')) {
    }
  }
  std::size_t digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - begin;
  }
  bool number() {
    take('-');
    if (!take('0') && digits() == 0) return false;
    if (take('.') && digits() == 0) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits() > 0;
    }
    return true;
  }
  bool code_unit(unsigned& unit) {
    if (at_ + 4 > text_.size()) return false;
    const char* begin = text_.data() + at_;
    if (std::from_chars(begin, begin + 4, unit, 16).ptr != begin + 4 || *begin == '-') return false;
    at_ += 4;
    return true;
  }
  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      if (take('"')) return true;
      if (take('\\')) {
        if (take('u')) {
          unsigned unit = 0;
          if (!code_unit(unit)) return false;
          if (unit >= 0xDC00 && unit < 0xE000) return false;
          if (unit >= 0xD800 && unit < 0xDC00) {
            if (!take("\\u") || !code_unit(unit) || unit < 0xDC00 || unit >= 0xE000) return false;
          }
          continue;
        }
        if (at_ >= text_.size() || !std::string_view("\"\\/bfnrt").contains(text_[at_]))
          return false;
        ++at_;
        continue;
      }
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      const std::size_t length = utf8_sequence_length(text_.substr(at_));
      if (length == 0) return false;
      at_ += length;
    }
    return false;
  }
  bool value(int levels) {
    if (take('[')) {
      if (levels == 64) return false;
      space();
      if (take(']')) return true;
      do {
        space();
        if (!value(levels + 1)) return false;
        space();
      } while (take(','));
      return take(']');
    }
    if (take('{')) {
      if (levels == 64) return false;
      space();
      if (take('}')) return true;
      do {
        space();
        if (!string()) return false;
        space();
        if (!take(':')) return false;
        space();
        if (!value(levels + 1)) return false;
        space();
      } while (take(','));
      return take('}');
    }
    if (at_ < text_.size() && text_[at_] == '"') return string();
    return take("true") || take("false") || take("null") || number();
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string any_text(Rng& rng) {
  static constexpr std::string_view pieces[] = {"a", "B",  "\"", "\\", "/", "\n",   "\x01", "~",
                                                "é", "漢", "🌊",  "\t", " ", "\x7f", "",     "\b"};
  std::string text;
  for (auto n = rng.between(0, 6); n > 0; --n) text += pieces[rng.between(0, 15)];
  return text;
}

Json any_json(Rng& rng, int levels) {
  static constexpr std::string_view numbers[] = {
      "0", "-0", "1e400", "12.50", "-1E+2", "123456789012345678901234567890"};
  Json json;
  json.kind = static_cast<Json::Kind>(rng.between(0, levels > 0 ? 5 : 3));
  if (json.is_boolean()) json.boolean = rng.chance(0.5);
  if (json.is_number()) json.text = numbers[rng.between(0, 5)];
  if (json.is_text()) json.text = any_text(rng);
  if (json.is_array()) {
    for (auto n = rng.between(0, 4); n > 0; --n) json.array.push_back(any_json(rng, levels - 1));
  }
  if (json.is_object()) {
    for (auto n = rng.between(0, 20); n > 0; --n) {
      json.object.emplace_back(any_text(rng) + std::to_string(n), any_json(rng, levels - 1));
    }
  }
  return json;
}

TEST(Json, ReadsBackWhatItWrote) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const Json json = any_json(rng, 3);
    JsonWriter writer;
    const std::string text = writer.json(json).take();
    const auto parsed = parse_json(text);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message << "\n" << text;
    ASSERT_EQ(*parsed, json) << text;
    ASSERT_EQ(writer.json(*parsed).str(), text);
  }
}

TEST(Json, AcceptsExactlyTheGrammar) {
  static constexpr std::string_view alphabet = "[]{},:\"\\u0d8c1eE+-.tfn \n\x01\xC3\xA9\xED";
  int accepted = 0;
  for (std::uint64_t seed = 0; seed < 40'000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::string text;
    if (rng.chance(0.3)) {  // Short noise meets the odd corners, damaged documents the deep ones.
      for (auto n = rng.between(1, 6); n > 0; --n) {
        text += alphabet[static_cast<std::size_t>(rng.between(0, std::ssize(alphabet) - 1))];
      }
    } else {
      text = JsonWriter().json(any_json(rng, 2)).take();
      for (auto n = rng.between(0, 2); n > 0 && !text.empty(); --n) {
        const auto at = static_cast<std::size_t>(rng.between(0, std::ssize(text) - 1));
        const char c = alphabet[static_cast<std::size_t>(rng.between(0, std::ssize(alphabet) - 1))];
        switch (rng.between(0, 2)) {
          case 0: text[at] = c; break;
          case 1: text.insert(at, 1, c); break;
          default: text.erase(at, 1);
        }
      }
    }
    const auto parsed = parse_json(text);
    const bool taken = parsed.has_value() || parsed.error().reason == "duplicate_member";
    accepted += taken;
    ASSERT_EQ(taken, Grammar::accepts(text)) << text;
  }
  EXPECT_GT(accepted, 5'000);
}

TEST(Json, KeepsNumbersAsWritten) {
  for (const std::string_view token :
       {"0", "-0", "-0.0", "1.50", "1e400", "-1E+2", "1e-9", "99999999999999999999999999"}) {
    const auto alone = parse_json(token);
    ASSERT_TRUE(alone.has_value()) << token;
    EXPECT_EQ(alone->text, token);
    const auto inside = parse_json("[ " + std::string(token) + " ]");
    ASSERT_TRUE(inside.has_value()) << token;
    EXPECT_EQ(inside->array.at(0).text, token);
  }
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const std::string_view text : {"",
                                      " \n",
                                      "1 2",
                                      "[1,]",
                                      "[1 2]",
                                      "{\"a\":1,}",
                                      "{\"a\" 1}",
                                      "{a:1}",
                                      "{\"a\":1 \"b\":2}",
                                      "nul",
                                      "nulll",
                                      "True",
                                      "01",
                                      "+1",
                                      ".5",
                                      "5.",
                                      "1e",
                                      "0x1",
                                      "NaN",
                                      "\"a",
                                      "'a'",
                                      "[",
                                      "{",
                                      "]",
                                      "[1]]",
                                      "[1] x",
                                      "{\"a\":1}}",
                                      "\"\\x\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\x01\"",
                                      "\"\xff\"",
                                      "[1]\xff",
                                      "1\"a\"",
                                      "\"a\"1",
                                      "[true\"x\"]",
                                      "// c\n1",
                                      "\"\\u12g4\"",
                                      "\xEF\xBB\xBF",
                                      "\xEF\xBB\xBF\xEF\xBB\xBF"
                                      "1"}) {
    const auto parsed = parse_json(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().reason, "invalid_json") << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Json, SaysWhereTheTextIsWrong) {
  EXPECT_EQ(parse_json("").error().message,
            "not valid JSON: the text is empty: line 1, column 1 (byte 0)");
  EXPECT_EQ(parse_json("{\n  \"a\": 01\n}").error().message,
            "not valid JSON: a number is malformed: line 2, column 8 (byte 9)");
  EXPECT_EQ(parse_json("1 2").error().message,
            "not valid JSON: something follows the document: line 1, column 3 (byte 2)");
  EXPECT_THAT(parse_json("[1] [2]").error().message, HasSubstr("something follows"));
  EXPECT_THAT(parse_json("[1] 2").error().message, HasSubstr("something follows"));
  EXPECT_THAT(parse_json("[1, [2]").error().message, HasSubstr("missing"));
  EXPECT_THAT(parse_json("{\"a\":1\n,\"b\" 2}").error().message, HasSubstr("line 2, column 6"));
  EXPECT_THAT(parse_json("[\"\xC3\x28\"]").error().message,
              HasSubstr("not UTF-8: line 1, column 3"));
}

TEST(Json, SkipsAByteOrderMark) { EXPECT_TRUE(parse_json("\xEF\xBB\xBF{}").has_value()); }

TEST(Json, TakesSixtyFourLevelsAndNoMore) {
  const auto nested = [](int levels) {
    return std::string(static_cast<std::size_t>(levels), '[') +
           std::string(static_cast<std::size_t>(levels), ']');
  };
  EXPECT_TRUE(parse_json(nested(64)).has_value());
  const auto parsed = parse_json(nested(65));
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().reason, "too_deep");
  EXPECT_EQ(parse_json(nested(100'000)).error().reason, "too_deep");
}

TEST(Json, RefusesARepeatedNameWithItsPointer) {
  const auto parsed = parse_json(R"({"x":[{"a/b":1,"c":2,"a\u002fb":3}]})");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().reason, "duplicate_member");
  EXPECT_EQ(parsed.error().pointer, "/x/0/a~1b");
  std::string many = "{";
  for (int i = 0; i < 1'000; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_EQ(parse_json(many + "\"k7\":0}").error().pointer, "/k7");
  EXPECT_TRUE(parse_json(many + "\"k\":0}").has_value());
}

TEST(Json, FindsMembersAndNamesKinds) {
  const auto parsed = parse_json(R"({"a":null,"":[true,"x"]})");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_TRUE(parsed->find("a")->is_null());
  EXPECT_EQ(parsed->find("")->array[1].text, "x");
  EXPECT_EQ(parsed->find("b"), nullptr);
  EXPECT_EQ(parsed->kind_name(), "an object");
}

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter writer;
  writer.begin_object().key("a").begin_array().integer(-1).boolean(true).null().end_array();
  writer.key("b").begin_object().end_object().key("c").begin_array().end_array();
  writer.key("d").raw("1.50").end_object();
  EXPECT_EQ(writer.str(), R"({"a":[-1,true,null],"b":{},"c":[],"d":1.50})");
  EXPECT_EQ(writer.take().size(), 43u);
  EXPECT_EQ(writer.integer(1).take(), "1") << "a taken writer begins anew";
}

TEST(JsonWriter, EscapesAndReplacesWhatIsNoText) {
  const auto quoted = [](std::string_view text) {
    std::string out;
    append_json_text(out, text);
    return out;
  };
  EXPECT_EQ(quoted("a\"\\/\b\f\n\r\t\x01\x1f\x7f"),
            "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  EXPECT_EQ(quoted(std::string_view("\0", 1)), "\"\\u0000\"");
  EXPECT_EQ(quoted("é漢🌊"), "\"é漢🌊\"");
  EXPECT_EQ(quoted("a\xff"
                   "b"),
            "\"a\uFFFD"
            "b\"");
  EXPECT_EQ(quoted("\xE6\xBC"), "\"\uFFFD\"") << "one per cut-off sequence";
  EXPECT_EQ(quoted("\xED\xA0\x80"), "\"\uFFFD\uFFFD\uFFFD\"") << "a surrogate is three strangers";
}

TEST(JsonWriter, WritesDoublesThatReadBackEqual) {
  Rng rng(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(rng.next());
    const std::string text = JsonWriter().number(value).take();
    if (!std::isfinite(value)) {
      EXPECT_EQ(text, "null");
      continue;
    }
    double back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(back), std::bit_cast<std::uint64_t>(value)) << text;
    ASSERT_TRUE(parse_json(text).has_value()) << text;
  }
  EXPECT_EQ(JsonWriter().number(0.1).take(), "0.1");
  EXPECT_EQ(JsonWriter().number(std::numeric_limits<double>::infinity()).take(), "null");
}

TEST(Json, PointersEscapeTildeAndSlash) {
  EXPECT_EQ(pointer_to("", "a~/b"), "/a~0~1b");
  EXPECT_EQ(pointer_to("/x", std::size_t{3}), "/x/3");
}

}  // namespace
}  // namespace hf
