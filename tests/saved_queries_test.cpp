// SPDX-License-Identifier: Apache-2.0
//
// Saved queries on the command line, with and without a server that owns the data directory: what
// is said and done is the same.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/json.h"
#include "served_directory.h"

namespace hf {
namespace {

using test::Ended;
using test::run;
using test::ScratchDirectory;
using test::ServedDirectory;
using testing::HasSubstr;
using testing::Not;

const std::string events = R"({"user_id":"ann","event":"purchase","time":"2026-01-05T09:00:00Z"})"
                           "\n"
                           R"({"user_id":"ann","event":"purchase","time":"2026-01-20T09:00:00Z"})"
                           "\n"
                           R"({"user_id":"bob","event":"purchase","time":"2026-01-06T09:00:00Z"})"
                           "\n"
                           R"({"user_id":"cid","event":"page","time":"2026-01-06T09:00:00Z"})"
                           "\n";
const std::string monthly =
    R"({"metric":"trend","series":[{"event":"purchase"}],"period":"month","from":"2026-01-01","to":"2026-01-31"})";

/// Without what an answer tells of its own making.
std::string timeless(std::string answer) {
  const std::size_t begin = answer.find("\"elapsed_ms\":");
  const std::size_t end = answer.find("\"warnings\":");
  if (begin == std::string::npos || end == std::string::npos) return answer;
  return answer.erase(begin, end - begin);
}

class SavedQueryCommands : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    ASSERT_EQ(holdfast({"settings", "--timezone", "UTC"}).code, 0);
    ASSERT_EQ(holdfast({"append"}, events).code, 0);
    if (GetParam()) server_.emplace(directory_ / "data");
  }
  Ended holdfast(std::vector<std::string> arguments, std::string_view input = {}) {
    arguments.insert(arguments.begin(), {"--data", directory_ / "data"});
    return run(directory_, std::move(arguments), input);
  }
  ScratchDirectory directory_;
  std::optional<ServedDirectory> server_;
};

TEST_P(SavedQueryCommands, SaveShowAskListAndRemove) {
  const Ended saved =
      holdfast({"saved", "save", "monthly", "--title", "每月 purchases"}, "  " + monthly + "\n");
  EXPECT_EQ(saved.code, 0) << saved.err;
  EXPECT_EQ(saved.out, "monthly is saved, version 1\n");
  EXPECT_EQ(holdfast({"saved", "show", "monthly"}).out, monthly + "\n");

  const Ended direct = holdfast({"query"}, monthly);
  EXPECT_THAT(direct.out, HasSubstr(R"("values":[3])"));
  const Ended named = holdfast({"query", "--saved", "monthly"});
  EXPECT_EQ(named.code, 0) << named.err;
  // Asked at another time, each as of its now.
  const auto data_of = [](const Ended& ended) {
    return ended.out.substr(ended.out.find("\"data\""));
  };
  EXPECT_EQ(data_of(named), data_of(direct));
  const std::vector<std::string> pinned = {"--with", R"({"as_of":"2026-02-01"})"};
  EXPECT_EQ(timeless(holdfast({"query", "--saved", "monthly", pinned[0], pinned[1]}).out),
            timeless(holdfast({"query", "-", pinned[0], pinned[1]}, monthly).out));
  EXPECT_THAT(
      holdfast({"query", "--saved", "monthly", "--with", R"({"people":{"did":{"event":"page"}}})"})
          .out,
      HasSubstr(R"("values":[0])"));
  EXPECT_THAT(holdfast({"query", "--saved", "monthly", "--format", "csv"}).out, HasSubstr(",3\n"));
  EXPECT_THAT(holdfast({"query", "--saved", "monthly", "--explain"}).out, HasSubstr("purchase"));

  const Ended list = holdfast({"saved", "list"});
  EXPECT_THAT(list.out, HasSubstr("monthly           每月 purchases\n"));
  EXPECT_THAT(list.out,
              HasSubstr("repurchase        Repurchase: back after an order  (ready-made)\n"));
  EXPECT_EQ(holdfast({"saved"}).out, list.out);
  EXPECT_THAT(holdfast({"--lang", "zh", "saved", "list"}).out,
              HasSubstr("repurchase        复购：购买之后再次回来（内置）\n"));

  EXPECT_EQ(holdfast({"saved", "save", "monthly", "-"}, monthly).out,
            "monthly is saved, version 2\n");
  EXPECT_EQ(holdfast({"saved", "remove", "monthly"}).out, "monthly is removed\n");
  const Ended gone = holdfast({"query", "--saved", "monthly"});
  EXPECT_EQ(gone.code, 3);
  EXPECT_THAT(gone.err, HasSubstr("(unknown_query)"));
}

TEST_P(SavedQueryCommands, RefuseWhatCannotBe) {
  const auto refused = [&](std::vector<std::string> arguments, std::string_view input = {}) {
    const Ended ended = holdfast(std::move(arguments), input);
    EXPECT_EQ(ended.out, "");
    const std::size_t open = ended.err.rfind('(');
    return fmt::format("{} {}", ended.code,
                       open == std::string::npos ? ended.err : ended.err.substr(open));
  };
  EXPECT_EQ(refused({"saved", "save", "Big"}, monthly), "2 (bad_query_name)\n");
  EXPECT_EQ(refused({"saved", "save", "a b"}, monthly), "2 (bad_query_name)\n");
  EXPECT_EQ(refused({"saved", "save", "q"}, "{"), "2 (invalid_json)\n");
  EXPECT_EQ(refused({"saved", "save", "q"}, R"({"metric":"x"})"), "2 (unknown_metric)\n");
  EXPECT_THAT(holdfast({"saved", "save", "q"}, R"({"metric":"trend","series":[{}]})").err,
              HasSubstr(" at /query/series/0 ("));
  EXPECT_EQ(refused({"saved", "save", "q", "--title", "a\tb"}, monthly), "2 (bad_title)\n");
  EXPECT_EQ(refused({"saved", "save", "repurchase"}, monthly), "4 (built_in_query)\n");
  EXPECT_EQ(refused({"saved", "remove", "repurchase"}), "4 (built_in_query)\n");
  EXPECT_EQ(refused({"saved", "remove", "q"}), "3 (unknown_query)\n");
  EXPECT_EQ(refused({"saved", "show", "../sources"}), "2 (bad_query_name)\n");
  EXPECT_EQ(refused({"saved", "save", "q", directory_ / "none.json"}).substr(0, 1), "3");
  EXPECT_EQ(refused({"saved", "load"}, "{}"), "2 (wrong_type)\n");
  EXPECT_EQ(refused({"query", "--saved", "repurchase", "q.json"}), "2 (unsupported_combination)\n");
  EXPECT_EQ(refused({"query", "--saved", "repurchase", "--with", R"({"steps":[]})"}),
            "2 (unknown_field)\n");
}

TEST_P(SavedQueryCommands, AListIsLoadedBackHereOrElsewhere) {
  EXPECT_EQ(
      holdfast({"saved", "save", "a", "-", "--title", "A", "--description", "one"}, monthly).code,
      0);
  EXPECT_EQ(holdfast({"saved", "save", "b"}, R"({"metric":"retention","period":"week"})").code, 0);
  const std::string list = holdfast({"saved", "list", "--format", "json"}).out;
  EXPECT_EQ(holdfast({"saved", "load"}, list).out, "a is saved, version 1\nb is saved, version 1\n")
      << "the same again is no change";
  EXPECT_EQ(holdfast({"saved", "list", "--format", "json"}).out, list);

  const auto elsewhere = [&](std::vector<std::string> arguments, std::string_view input = {}) {
    arguments.insert(arguments.begin(), {"--data", directory_ / "other"});
    return run(directory_, std::move(arguments), input);
  };
  EXPECT_EQ(elsewhere({"saved", "list"}).code, 3) << "a directory that is not there is not made";
  EXPECT_EQ(elsewhere({"settings", "--timezone", "UTC"}).code, 0);
  EXPECT_EQ(elsewhere({"saved", "load"}, list).code, 0);
  const auto lasting = [](const std::string& text) {
    const Json json = parse_json(text).value();
    std::string out;
    for (const Json& one : json.find("queries")->array) {
      JsonWriter writer;
      for (const std::string_view name : {"name", "title", "description", "query"}) {
        if (const Json* const value = one.find(name)) writer.json(*value);
      }
      out += writer.take() + "\n";
    }
    return out;
  };
  EXPECT_EQ(lasting(elsewhere({"saved", "list", "--format", "json"}).out), lasting(list));
}

TEST_P(SavedQueryCommands, TheReadyMadeAnswerOfThisData) {
  const auto counts = [&](const std::string& name) {
    const Ended ended = holdfast({"query", "--saved", name});
    EXPECT_EQ(ended.code, 0) << ended.err;
    std::string text;
    const Json answer = parse_json(ended.out).value();
    const Json* const steps = answer.find("data")->find("steps");
    for (const Json& step : steps->array) text += step.find("count")->text + " ";
    return text;
  };
  EXPECT_EQ(counts("repurchase"), "2 1 ");
  EXPECT_EQ(counts("repeat_purchase"), "2 1 ");
  EXPECT_EQ(counts("acquisition"), "1 0 0 ");
  EXPECT_EQ(holdfast({"query", "--saved", "weekly_retention", "--format", "csv"}).code, 0);
}

INSTANTIATE_TEST_SUITE_P(Where, SavedQueryCommands, testing::Bool(), [](const auto& served) {
  return std::string(served.param ? "Served" : "AtRest");
});

// What a server keeps, a command finds when the server is gone; and a backup has it.
TEST(SavedQueriesServed, AreThereAfterTheServerAndInABackup) {
  ServedDirectory server;
  const ScratchDirectory directory;
  test::HttpConnection connection(server.port());
  std::string key = server.command({"key", "create", "--kind", "admin", "--label", "ci"}).out;
  key.pop_back();
  const auto put =
      connection.ask("PUT", "/api/v1/queries/monthly", {{"Authorization", "Bearer " + key}},
                     R"({"query":)" + monthly + "}");
  ASSERT_TRUE(put.has_value());
  EXPECT_EQ(put->status, 201) << put->body;
  EXPECT_EQ(server.command({"saved", "show", "monthly"}).out, monthly + "\n");
  EXPECT_EQ(server.stop().code, 0);
  EXPECT_EQ(server.command({"saved", "show", "monthly"}).out, monthly + "\n");
  EXPECT_THAT(server.command({"saved", "list", "--format", "json"}).out,
              HasSubstr(R"("created_by":"ci")"));
  EXPECT_EQ(server.command({"backup", directory / "backup"}).code, 0);
  EXPECT_EQ(run(directory, {"--data", directory / "back", "restore", directory / "backup"}).code,
            0);
  EXPECT_EQ(run(directory, {"--data", directory / "back", "saved", "show", "monthly"}).out,
            monthly + "\n");
}

}  // namespace
}  // namespace hf
