// SPDX-License-Identifier: Apache-2.0
//
// Each option of the query and predicate language does something: one question is asked with it
// and with something else in its place, over the same few events, and the answers differ as
// docs/coverage.md says. Whoever removes an option's code, or has it ignored, breaks the test of
// its name. What the options mean is the matter of the twins and of the worked examples.
//
// docs/coverage.md is written by this test where HOLDFAST_WRITE is 1.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "coverage_cases.h"
#include "metric/event_world.h"
#include "metric/query.h"
#include "program.h"

namespace hf::test {
namespace {

constexpr const char* coverage_path = HOLDFAST_SOURCE_DIR "/docs/coverage.md";

using Properties = std::vector<std::pair<std::string, WorldValue>>;

/// A few weeks of seven people, with something for each option.
std::vector<WorldEvent> events() {
  std::vector<WorldEvent> all;
  const auto add = [&](const char* person, const char* name, const char* time,
                       const Properties& properties = {}) {
    all.push_back({person, name, utc(time), properties});
  };
  const auto visit = [&](const char* person, const char* time, const char* country,
                         const char* platform, const char* account, const char* sku = "red") {
    add(person, "visit", time,
        {{"country", text(country)},
         {"platform", text(platform)},
         {"account", text(account)},
         {"sku", text(sku)}});
  };
  const auto buy = [&](const char* person, const char* time, const char* category,
                       const char* amount, const char* sku) {
    add(person, "buy", time,
        {{"category", text(category)},
         {"amount", number(amount)},
         {"country", text("GB")},
         {"sku", text(sku)}});
  };
  add("ann", "identify", "2026-01-01T09:00",
      {{"plan", text("free")}, {"seats", number("3")}, {"createdAt", text("2026-01-06")}});
  visit("ann", "2026-01-05T09:00", "GB", "ios", "a1");
  add("ann", "cart", "2026-01-05T09:10", {{"sku", text("red")}});
  add("ann", "help", "2026-01-05T09:20");
  buy("ann", "2026-01-05T09:30", "shoes", "30", "red");
  visit("ann", "2026-01-06T09:00", "DE", "ios", "a1");
  visit("ann", "2026-01-06T18:00", "DE", "web", "a2");
  visit("ann", "2026-01-08T09:00", "GB", "web", "a2");
  add("ann", "identify", "2026-01-20T09:00", {{"plan", text("pro")}, {"seats", number("5")}});
  buy("ann", "2026-01-20T10:00", "shoes", "10", "red");
  add("ann", "hf:trait", "2026-02-01T00:00",
      {{"stage", text("active")},
       {"layer", text("core")},
       {"stay", text("long_stay")},
       {"segment.vip", boolean(true)},
       {"consent.marketing", boolean(true)},
       {"tier.main", text("silver")},
       {"balance.points", number("120")},
       {"score.churn", number("0.2")}});
  buy("ann", "2026-02-04T10:00", "bags", "5.5", "red");

  add("bob", "identify", "2026-01-04T09:00", {{"plan", text("pro")}, {"seats", number("7")}});
  visit("bob", "2026-01-05T20:00", "GB", "web", "a1", "blue");
  visit("bob", "2026-01-05T23:00", "GB", "web", "a1", "blue");
  visit("bob", "2026-01-07T08:00", "FR", "web", "a1", "blue");
  add("bob", "cart", "2026-01-07T08:30", {{"sku", text("red")}});
  add("bob", "help", "2026-01-07T08:10");
  buy("bob", "2026-01-07T09:00", "bags", "20", "green");

  buy("cid", "2026-01-06T08:00", "shirts", "5", "red");
  visit("cid", "2026-01-06T12:00", "GB", "ios", "a3");
  visit("cid", "2026-01-07T12:00", "GB", "ios", "a3");
  buy("cid", "2026-01-09T12:00", "Shoes", "40", "red");

  add("dan", "cart", "2026-01-06T10:00", {{"sku", text("red")}});
  visit("dan", "2026-01-11T10:00", "DE", "ios", "a2");  // A Sunday.
  visit("dan", "2026-01-12T10:00", "DE", "ios", "a2");

  for (const char* day : {"01-02", "01-03", "01-04", "01-05", "01-06", "01-07", "01-08", "01-09",
                          "01-10", "02-05", "02-06"}) {
    visit("eve", fmt::format("2026-{}T07:00", day).c_str(), "FR", "web", "a4");
  }
  buy("eve", "2026-01-10T07:05", "hats", "12.5", "red");
  buy("eve", "2026-01-22T07:05", "hats", "0.5", "red");

  visit("fay", "2025-12-20T09:00", "DE", "web", "a4");
  visit("fay", "2026-01-07T09:00", "DE", "web", "a4");
  visit("gus", "2026-01-05T09:00", "GB", "web", "a5");
  buy("gus", "2026-01-03T09:00", "hats", "15", "red");
  std::ranges::stable_sort(all, {}, &WorldEvent::time_ms);
  return all;
}

std::string with_double_quotes(std::string_view json) {
  std::string text(json);
  std::ranges::replace(text, '\'', '"');
  return text;
}
std::string written(const Json& json) {
  JsonWriter out;
  out.json(json);
  return out.take();
}

/// The value in whose object or array the pointer's last part is named, and that part.
std::pair<Json*, std::string> place_of(Json& root, std::string_view pointer) {
  Json* at = &root;
  std::string name;
  std::istringstream parts{std::string(pointer.substr(1))};
  for (std::string part; std::getline(parts, part, '/');) {
    if (!name.empty()) {
      at = at->is_array() ? &at->array.at(std::stoul(name))
                          : &std::ranges::find(at->object, name, &Json::Member::first)->second;
    }
    name = part;
  }
  return {at, name};
}

/// The question with something else in the option's place.
Json without(const CoveredOption& covered, Json question) {
  const auto [holder, name] = place_of(question, covered.at);
  if (holder->is_array()) {
    const auto item = holder->array.begin() + std::stol(name);
    if (covered.instead == nullptr) {
      holder->array.erase(item);
    } else {
      *item = parse_json(with_double_quotes(covered.instead)).value();
    }
    return question;
  }
  const auto member = std::ranges::find(holder->object, name, &Json::Member::first);
  EXPECT_NE(member, holder->object.end()) << covered.question << " has no " << covered.at;
  if (covered.instead == nullptr) {
    holder->object.erase(member);
  } else {
    member->second = parse_json(with_double_quotes(covered.instead)).value();
  }
  return question;
}

Result<std::string> ask(const Json& question) {
  static EventWorld world(events(), utc("2026-02-10T12:00"));
  return answer_query(world.snapshot(), world.context(), written(question));
}

/// The data of the answer, with what says whether it is exact; or why there is none.
Json answer_to(const Json& question) {
  const auto answer = ask(question);
  Json shown;
  shown.kind = Json::Kind::object;
  if (!answer) {
    shown.object.emplace_back(
        "refused", Json{.kind = Json::Kind::text, .text = std::string(answer.error().reason)});
    return shown;
  }
  const Json whole = parse_json(*answer).value();
  for (const char* name : {"data", "exact"}) {
    if (const Json* value = whole.find(name)) shown.object.emplace_back(name, *value);
  }
  return shown;
}

/// Where two answers differ first, and what they say there.
struct Difference {
  std::string at;
  std::string here = "nothing";
  std::string there = "nothing";
};
std::string shortened(const Json& json) {
  std::string text = written(json);
  constexpr std::size_t longest = 48;
  if (text.size() > longest) text = text.substr(0, longest) + "..";
  return text;
}
Difference first_difference(const Json& here, const Json& there, const std::string& at = "") {
  if (const Json* reason = there.is_object() ? there.find("refused") : nullptr) {
    return {"", shortened(here), "refused: " + reason->text};
  }
  if (here.kind == there.kind && here.is_object()) {
    for (const auto& [name, value] : here.object) {
      const Json* other = there.find(name);
      if (other == nullptr) return {pointer_to(at, name), shortened(value)};
      if (value != *other) return first_difference(value, *other, pointer_to(at, name));
    }
    for (const auto& [name, value] : there.object) {
      if (here.find(name) == nullptr) return {pointer_to(at, name), "nothing", shortened(value)};
    }
  }
  if (here.kind == there.kind && here.is_array()) {
    for (std::size_t i = 0; i < std::min(here.array.size(), there.array.size()); ++i) {
      if (here.array[i] != there.array[i]) {
        return first_difference(here.array[i], there.array[i], pointer_to(at, i));
      }
    }
    return {at, fmt::format("{} items", here.array.size()),
            fmt::format("{} items", there.array.size())};
  }
  return {at, shortened(here), shortened(there)};
}

/// Letters and digits of it: the name of its test.
std::string test_name(const CoveredOption& covered) {
  std::string name;
  for (const char c : fmt::format("{} {}", covered.of, covered.option)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      name += c;
    } else if (c == '*') {
      name += "any";
    } else if (name.back() != '_') {
      name += '_';
    }
  }
  if (name.ends_with('_')) name.pop_back();
  return name;
}

class EachOption : public testing::TestWithParam<CoveredOption> {};

TEST_P(EachOption, ChangesTheAnswer) {
  const Json question = parse_json(with_double_quotes(GetParam().question)).value();
  const Json answer = answer_to(question);
  ASSERT_EQ(answer.find("refused"), nullptr) << written(question) << "\n" << written(answer);
  const Json other = without(GetParam(), question);
  EXPECT_NE(other, question);
  EXPECT_NE(written(answer), written(answer_to(other)))
      << written(question) << "\nasks no more than\n"
      << written(other);
}

INSTANTIATE_TEST_SUITE_P(Coverage, EachOption, testing::ValuesIn(covered_options),
                         [](const auto& covered) { return test_name(covered.param); });

// For whoever compares them with their description in docs/api/openapi.yaml: a line for each
// question, {"question", "answer"}.
TEST(Coverage, ItsQuestionsAndAnswersCanBeHad) {
  std::string lines;
  for (const CoveredOption& covered : covered_options) {
    const Json question = parse_json(with_double_quotes(covered.question)).value();
    const auto answer = ask(question);
    ASSERT_TRUE(answer) << written(question) << answer.error().message;
    lines += fmt::format("{{\"question\":{},\"answer\":{}}}\n", written(question), *answer);
  }
  EXPECT_EQ(std::ranges::count(lines, '\n'), std::ssize(covered_options));
  if (const char* path = std::getenv("HOLDFAST_ASKED")) std::ofstream(path) << lines;
}

/// Metrics of the query language that are not built yet: refused by name.
constexpr auto later_metrics = std::to_array<const char*>(
    {"paths", "interval", "correlation", "revenue", "rfm", "survival", "nps", "csat", "ces",
     "loyalty_index", "six_factors", "engagement", "activity_score", "early_warning",
     "stay_contrast", "sessions", "virality", "compare_groups"});

std::string coverage_page() {
  std::string page =
      "# Coverage: what each option of a question changes\n\n"
      "Every option of the query language ([metrics](metrics.md)) and of its conditions\n"
      "([predicates](predicates.md)) stands here with the test that fails when its code is "
      "removed. The test asks a\n"
      "question of a few events (`events()` in [coverage_test.cpp](../tests/coverage_test.cpp)), "
      "once with the option\n"
      "and once with something else in its place, and says where the answers differ first. Run one "
      "by\n"
      "`build/release/tests/coverage_test --gtest_filter='*NAME*'`. What the numbers mean is "
      "tested elsewhere: by the\n"
      "examples of those pages, by slow twins, and by SQL. This page is written by that test where "
      "`HOLDFAST_WRITE=1`.\n";
  std::string_view of;
  for (const CoveredOption& covered : covered_options) {
    if (of != covered.of) {
      of = covered.of;
      page += fmt::format(
          "\n## Of {}\n\n| option | at | with it | else | test |\n"
          "|---|---|---|---|---|\n",
          of);
    }
    const Json question = parse_json(with_double_quotes(covered.question)).value();
    const Difference difference =
        first_difference(answer_to(question), answer_to(without(covered, question)));
    page += fmt::format("| `{}` | `{}` | `{}` | `{}` | {} |\n", covered.option, difference.at,
                        difference.here, difference.there, test_name(covered));
  }
  page += "\n## Not built yet\n\nRefused with `unsupported_metric`: ";
  for (const char* metric : later_metrics) {
    page += fmt::format("{}`{}`", metric == later_metrics.front() ? "" : ", ", metric);
  }
  return page + ".\n";
}

TEST(Coverage, IsWrittenDown) {
  const std::string page = coverage_page();
  const char* write = std::getenv("HOLDFAST_WRITE");
  if (write != nullptr && std::string_view(write) == "1") {
    std::ofstream(coverage_path) << page;
  }
  EXPECT_EQ(text_of(coverage_path), page) << "HOLDFAST_WRITE=1 writes docs/coverage.md anew";
}

TEST(Coverage, WhatIsNotBuiltIsRefused) {
  for (const char* metric : later_metrics) {
    const Json question = parse_json(fmt::format(R"({{"metric":"{}"}})", metric)).value();
    EXPECT_EQ(written(answer_to(question)), R"({"refused":"unsupported_metric"})") << metric;
  }
}

/// The words in backticks of the first cells of a page's tables whose head is one of `heads`.
std::set<std::string> documented(const char* page, const std::set<std::string>& heads) {
  std::set<std::string> words;
  std::istringstream lines(text_of(fmt::format("{}/docs/{}", HOLDFAST_SOURCE_DIR, page)));
  bool is_table = false;
  bool is_asked = false;
  for (std::string line; std::getline(lines, line);) {
    const bool is_row = line.starts_with('|');
    const std::string first = is_row ? line.substr(1, line.find('|', 1) - 1) : "";
    if (is_row && !is_table) is_asked = heads.contains(first);
    is_table = is_row;
    if (!is_asked) continue;
    for (std::size_t at = first.find('`'); at != std::string::npos;) {
      const std::size_t end = first.find('`', at + 1);
      words.insert(first.substr(at + 1, end - at - 1));
      at = first.find('`', end + 1);
    }
  }
  return words;
}

/// "window" of "window: rolling", and "rolling".
std::set<std::string> covered_words() {
  std::set<std::string> words;
  for (const CoveredOption& covered : covered_options) {
    std::istringstream parts{std::string(covered.option)};
    for (std::string part; parts >> part;) {
      if (part.ends_with(':')) part.pop_back();
      words.insert(part);
    }
  }
  return words;
}

// An option that is documented and has no row here would be one that nobody tried.
TEST(Coverage, HasEveryOptionThatIsDocumented) {
  std::set<std::string> words = documented(
      "metrics.md", {" field ", " member ", " `attribution` ", " `aggregate` ", " math "});
  EXPECT_GT(words.size(), 50u);
  for (const std::string& word : documented("predicates.md", {" field ", " `op` ", " "})) {
    words.insert(word);
  }
  EXPECT_TRUE(words.contains("not_contains"));
  EXPECT_TRUE(words.contains("balance"));
  // Heads, and what Ann of the examples did.
  for (const char* no_option :
       {"attribution", "aggregate", "op", "identify", "visit", "purchase", "hf:trait"}) {
    words.erase(no_option);
  }
  const std::set<std::string> covered = covered_words();
  for (const std::string& word : words) {
    EXPECT_TRUE(covered.contains(word)) << word << " has no row in coverage_cases.h";
  }
  for (const char* op : {"eq", "ne", "in", "not_in", "contains", "not_contains", "starts_with",
                         "ends_with", "matches"}) {
    EXPECT_TRUE(covered.contains(fmt::format("{}_ci", op))) << op;
  }
}

}  // namespace
}  // namespace hf::test
