// SPDX-License-Identifier: Apache-2.0
//
// Test support: a world and questions, answered by the engine and by SQL. Events go in through an
// import, out through an export, and what answer_query() says of them must be what SQL over the
// exported file says. The SQL is written from docs/metrics.md (metric_sql.h) and runs in a DuckDB
// that knows nothing of Holdfast.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapter/duckdb/duckdb_engine.h"
#include "metric_sql.h"
#include "nearly.h"
#include "opinion_answer.h"
#include "opinion_question.h"
#include "opinion_world.h"

namespace hf::test {

/// The lines that differ, the first few of them.
inline std::string differences(const std::vector<std::string>& sql,
                               const std::vector<std::string>& answer) {
  std::string out;
  for (std::size_t i = 0, shown = 0; i < std::max(sql.size(), answer.size()) && shown < 8; ++i) {
    const auto line = [&](const auto& lines) {
      return i < lines.size() ? lines[i] : std::string("nothing");
    };
    if (are_nearly(line(sql), line(answer))) continue;
    out += fmt::format("line {}\n  SQL    {}\n  answer {}\n", i, line(sql), line(answer));
    ++shown;
  }
  return out;
}

class SecondOpinion : public testing::Test {
 protected:
  SecondOpinion()
      : folder_(std::filesystem::temp_directory_path() /
                fmt::format("hf_opinion_test_{}", ::getpid())),
        sql_(duckdb_) {
    std::filesystem::create_directories(folder_);
    engine_ = std::move(DuckDbEngine::open()).value();
  }
  ~SecondOpinion() override { std::filesystem::remove_all(folder_); }

  /// One world, and a few questions.
  void compare(const Subject& subject) {
    const WorldChoice choice = *any_world();
    const auto events = *rc::gen::nonEmpty(
        rc::gen::scale(0.7, rc::gen::container<std::vector<EventChoice>>(any_event())));
    const auto questions = *rc::gen::nonEmpty(rc::gen::resize(
        16, rc::gen::container<std::vector<QuestionChoice>>(any_question(subject))));
    World world(choice, events, *engine_, parquet());
    RC_ASSERT(sql_.load(parquet()) == static_cast<std::int64_t>(events.size()));
    for (const QuestionChoice& c : questions) {
      const Question question = question_of(c, choice);
      const AnswerLines answer(
          world.answer(question.json(), question.now_ms, c.threads == 0 ? 1 : 3), question);
      const std::vector<std::string> expected = sql_.answer(question);
      if (are_nearly(answer.lines(), expected)) continue;
      RC_LOG() << question.json() << "\nnow " << rfc3339(question.now_ms) << "\nevents\n";
      for (const EventChoice& event : events) RC_LOG() << row_of(event, choice);
      RC_LOG() << differences(expected, answer.lines());
      RC_FAIL("SQL and the engine disagree");
    }
  }

  [[nodiscard]] std::string parquet() const { return (folder_ / "events.parquet").string(); }

  std::filesystem::path folder_;
  PlainDuckDb duckdb_;
  MetricSql sql_;
  std::unique_ptr<DuckDbEngine> engine_;
};

/// Runs a property `cases` times, ten times as often where HOLDFAST_SOAK is 1.
template <class Property>
void check_cases(const char* description, int cases, Property&& property) {
  const char* soak = std::getenv("HOLDFAST_SOAK");
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = soak != nullptr && std::string_view(soak) == "1" ? cases * 10 : cases;
  const auto result = rc::detail::checkTestable(
      std::forward<Property>(property), rc::detail::TestMetadata{description, description}, params);
  std::ostringstream message;
  rc::detail::printResultMessage(result, message);
  EXPECT_TRUE(result.template is<rc::detail::SuccessResult>()) << message.str();
}

}  // namespace hf::test
