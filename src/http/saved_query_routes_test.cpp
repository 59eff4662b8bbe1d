// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "http/door_world.h"
#include "http/test_client.h"

namespace hf::http::test {
namespace {

using hf::test::gzipped;
using testing::HasSubstr;

const std::string trend = R"({"metric":"trend","series":[{"event":"Visit"}]})";

class SavedQueryRoutes : public DoorTest {
 protected:
  Response put(std::string_view name, std::string body) {
    return asked("PUT", fmt::format("/api/v1/queries/{}", name), std::move(body));
  }
  static std::string body_of(const std::string& query, std::string_view more = "") {
    return fmt::format(R"({{"query":{}{}}})", query, more);
  }
  static std::string member(const Response& response, std::string_view name) {
    const Json json = must(parse_json(response.body));
    const Json* const found = json.find(name);
    return found == nullptr ? "" : found->text;
  }
};

/// Without what an answer tells of its own making.
std::string timeless(std::string answer) {
  const std::size_t begin = answer.find("\"elapsed_ms\":");
  const std::size_t end = answer.find("\"warnings\":");
  if (begin == std::string::npos || end == std::string::npos) return answer;
  return answer.erase(begin, end - begin);
}

TEST_F(SavedQueryRoutes, SaveShowListAndRemove) {
  const Response made = put("visits", R"({"title":"Visits 访问","query": )" + trend + "}");
  EXPECT_EQ(made.status, 201) << made.body;
  const std::string shown =
      R"({"name":"visits","title":"Visits 访问","query":)" + trend +
      R"(,"built_in":false,"version":1,"created_at":"2023-11-14T23:13:20Z","created_by":"key 6",)"
      R"("updated_at":"2023-11-14T23:13:20Z","updated_by":"key 6"})";
  EXPECT_EQ(made.body, shown);
  EXPECT_EQ(asked("GET", "/api/v1/queries/visits").body, shown);
  const std::string list = asked("GET", "/api/v1/queries").body;
  EXPECT_THAT(list, HasSubstr(shown));
  EXPECT_THAT(list, HasSubstr(R"({"name":"acquisition","title":"Acquisition)"));

  const std::string session = become_owner();
  const Response replaced = ask(in_session(
      request("PUT", "/api/v1/queries/visits", body_of(trend, R"(,"description":"d")")), session));
  EXPECT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(member(replaced, "title"), "visits") << "where there is none the name serves";
  EXPECT_EQ(member(replaced, "version"), "2");
  EXPECT_EQ(member(replaced, "created_by"), "key 6");
  EXPECT_EQ(member(replaced, "updated_by"), "ann");
  const Response local = ask(from_socket(request("PUT", "/api/v1/queries/visits", body_of(trend))));
  EXPECT_EQ(member(local, "updated_by"), "local");

  const Response removed = asked("DELETE", "/api/v1/queries/visits");
  EXPECT_EQ(removed.status, 200);
  EXPECT_EQ(removed.body, local.body) << "what it was, for who thinks better of it";
  EXPECT_EQ(outcome_of(asked("GET", "/api/v1/queries/visits")), "404 unknown_query");
  EXPECT_EQ(outcome_of(asked("DELETE", "/api/v1/queries/visits")), "404 unknown_query");
}

// What a list says can be put back as it is, but for who and when.
TEST_F(SavedQueryRoutes, AListCanBeSavedAnew) {
  EXPECT_EQ(put("a", body_of(trend, R"(,"title":"A","description":"one\ntwo")")).status, 201);
  EXPECT_EQ(put("b", body_of(R"({"series":[{"event":"*"}],"metric":"trend","from":"2026-01-01"})"))
                .status,
            201);
  const std::string before = asked("GET", "/api/v1/queries").body;
  const Json list = must(parse_json(before));
  int saved = 0;
  for (const Json& one : list.find("queries")->array) {
    if (one.find("built_in")->boolean) continue;
    const std::string name = one.find("name")->text;
    EXPECT_EQ(asked("DELETE", "/api/v1/queries/" + name).status, 200);
    JsonWriter out;
    out.begin_object();
    for (const std::string_view member : {"title", "description", "query"}) {
      if (const Json* const value = one.find(member)) out.key(member).json(*value);
    }
    out.end_object();
    EXPECT_EQ(put(name, out.take()).status, 201);
    ++saved;
  }
  EXPECT_EQ(saved, 2);
  // The clock stood still; a version is told once.
  const auto without_versions = [](std::string text) {
    for (std::size_t at = 0; (at = text.find("\"version\":", at)) != std::string::npos;) {
      text.erase(at, text.find(',', at) - at);
    }
    return text;
  };
  EXPECT_EQ(without_versions(asked("GET", "/api/v1/queries").body), without_versions(before));
}

TEST_F(SavedQueryRoutes, RefuseWhatCannotBeSaved) {
  const struct {
    std::string method;
    std::string name;
    std::string body;
    std::string expected;
  } cases[] = {
      {"PUT", "q", "", "400 invalid_json"},
      {"PUT", "q", "[]", "400 wrong_type"},
      {"PUT", "q", "{}", "400 missing_field"},
      {"PUT", "q", R"({"query":{}})", "400 missing_field"},
      {"PUT", "q", R"({"query":{"metric":"x"}})", "400 unknown_metric"},
      {"PUT", "q", R"({"query":"retention"})", "400 wrong_type"},
      {"PUT", "q", body_of(trend, R"(,"titel":"x")"), "400 unknown_field"},
      {"PUT", "q", body_of(trend, R"(,"title":7)"), "400 wrong_type"},
      {"PUT", "q", body_of(trend, R"(,"title":"a\u0007")"), "400 bad_title"},
      {"PUT", "q", body_of(trend, R"(,"description":"\u001b[1m")"), "400 bad_description"},
      {"PUT", "q", body_of(trend, R"(,"version":-1)"), "400 out_of_range"},
      {"PUT", "q", body_of(trend, R"(,"version":"1")"), "400 wrong_type"},
      {"PUT", "Q", body_of(trend), "400 bad_query_name"},
      {"PUT", "a%20b", body_of(trend), "400 bad_query_name"},
      {"PUT", "repurchase", body_of(trend), "422 built_in_query"},
      {"PUT", "q",
       body_of(fmt::format(R"({{"metric":"trend","series":[{{"event":"{}"}}]}})",
                           std::string(70'000, 'e'))),
       "400 saved_query_too_large"},
      {"PUT", "q", body_of(trend, R"(,"version":1)"), "409 version_conflict"},
      {"PUT", "q", body_of(trend, R"(,"version":0)"), "201"},
      {"PUT", "q", body_of(trend, R"(,"version":0)"), "409 version_conflict"},
      {"PUT", "q", body_of(trend, R"(,"version":1)"), "200"},
      {"DELETE", "q?version=2", "", "409 version_conflict"},
      {"DELETE", "q?version=x", "", "400 bad_parameter"},
      {"DELETE", "q?version=1", "", "200"},
      {"DELETE", "Q", "", "400 bad_query_name"},
      {"DELETE", "repurchase", "", "422 built_in_query"},
      {"GET", "Q", "", "400 bad_query_name"},
      {"GET", "repurchase", "", "200"},
      {"POST", "none/answer", "", "404 unknown_query"},
      {"POST", "Q/answer", "", "400 bad_query_name"},
      {"POST", "repurchase", "", "405 method_not_allowed"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(outcome_of(asked(each.method, "/api/v1/queries/" + each.name, each.body)),
              each.expected)
        << each.method << " " << each.name << " " << each.body.substr(0, 80);
  }
  Request large = with(request("PUT", "/api/v1/queries/q", gzipped(std::string(300'000, ' '))),
                       "content-encoding", "gzip");
  EXPECT_EQ(outcome_of(ask(keyed(std::move(large), admin_))), "413 body_too_large");
  EXPECT_THAT(put("q", R"({"query":{"metric":"trend","series":[{}]}})").body,
              HasSubstr(R"("pointer":"/query/series/0")"));
  state_.failing = true;
  EXPECT_EQ(outcome_of(put("q", body_of(trend))), "503 disk_full");
}

TEST_F(SavedQueryRoutes, AreAnsweredAsTheQueryIs) {
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  EXPECT_EQ(outcome_of(sent("track", event("m2"))), "200");
  const std::string pinned =
      R"({"metric":"trend","series":[{"event":"Visit"}],"as_of":"2099-01-01","last":"P2D"})";
  EXPECT_EQ(put("visits", body_of(pinned)).status, 201);
  const auto answered = [&](const std::string& body) {
    return ask(keyed(request("POST", "/api/v1/queries/visits/answer", body), read_));
  };
  const Response direct = asked("POST", "/api/v1/query", pinned);
  const Response saved = answered("");
  EXPECT_EQ(saved.status, 200) << saved.body;
  EXPECT_EQ(timeless(saved.body), timeless(direct.body));
  EXPECT_THAT(direct.body, HasSubstr("\"cached\":false"));
  EXPECT_THAT(saved.body, HasSubstr("\"cached\":true")) << "one question, however it is asked";

  const Response other = answered(R"({"from":"2023-11-14","to":"2023-11-15","period":"month"})");
  const Response other_direct =
      asked("POST", "/api/v1/query",
            R"({"metric":"trend","series":[{"event":"Visit"}],"as_of":"2099-01-01",)"
            R"("from":"2023-11-14","to":"2023-11-15","period":"month"})");
  EXPECT_EQ(other.status, 200) << other.body;
  EXPECT_EQ(timeless(other.body), timeless(other_direct.body));
  EXPECT_THAT(other.body, HasSubstr(R"("values":[2])"));

  EXPECT_EQ(outcome_of(answered("{")), "400 invalid_json");
  EXPECT_EQ(outcome_of(answered(R"({"series":[]})")), "400 unknown_field");
  EXPECT_EQ(outcome_of(answered(R"({"timezone":"Mars/Olympus"})")), "400 unknown_timezone");
  EXPECT_THAT(answered(R"({"from":"2023-11-14","to":"2023-11-15","period":"month",)"
                       R"("members":{"cell":{"period":"2023-11-01","series":0}}})")
                  .body,
              HasSubstr(R"("person":"u1")"));
  open_door({.query_ms_max = 0});
  EXPECT_EQ(outcome_of(answered("")), "422 time_limit") << "the limits of any question";
  EXPECT_EQ(asked("GET", "/api/v1/queries/visits").status, 200);
}

TEST_F(SavedQueryRoutes, OneThatWaitsForAnAnswerMayLeave) {
  open_door({.query_threads = 1, .queries_waiting_max = 1});
  EXPECT_EQ(put("visits", body_of(trend)).status, 201);
  const auto ask_one = [&] {
    return begin(keyed(request("POST", "/api/v1/queries/visits/answer"), read_));
  };
  std::shared_ptr<Answered> running;
  {
    const Hold hold(*workspace_);
    running = ask_one();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // Its thread takes it.
    const auto waiting = ask_one();
    EXPECT_EQ(outcome_of(ask_one()->wait()), "503 too_many_queries");
    waiting->hang_up();
    EXPECT_EQ(outcome_of(waiting->wait()), "499 cancelled");
  }
  EXPECT_EQ(outcome_of(running->wait()), "200");
}

// The thread of a connection reads and writes none of them: each waits its turn, as questions do.
TEST_F(SavedQueryRoutes, WaitTheirTurn) {
  open_door({.query_threads = 1, .queries_waiting_max = 1});
  EXPECT_EQ(put("visits", body_of(trend)).status, 201);
  const auto ask_one = [&] {
    return begin(keyed(request("POST", "/api/v1/queries/visits/answer"), read_));
  };
  const Hold hold(*workspace_);
  const auto running = ask_one();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // Its thread takes it.
  const auto waiting = ask_one();
  EXPECT_EQ(outcome_of(asked("GET", "/api/v1/queries")), "503 too_many_queries");
  EXPECT_EQ(outcome_of(asked("GET", "/api/v1/queries/visits")), "503 too_many_queries");
  EXPECT_EQ(outcome_of(put("visits", body_of(trend))), "503 too_many_queries");
  EXPECT_EQ(outcome_of(asked("DELETE", "/api/v1/queries/visits")), "503 too_many_queries");
  waiting->hang_up();
}

TEST_F(SavedQueryRoutes, ANamedChangeIsDoneOnceAndAnsweredAgain) {
  const auto named = [&](std::string_view method, std::string_view target, std::string body,
                         const std::string& key) {
    return ask(
        with(keyed(request(method, target, std::move(body)), admin_), "idempotency-key", key));
  };
  const std::string path = "/api/v1/queries/visits";
  const Response first = named("PUT", path, body_of(trend), "k1");
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(put("visits", body_of(trend, R"(,"title":"newer")")).status, 200);
  const Response again = named("PUT", path, body_of(trend), "k1");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(header_of(again, "Idempotent-Replayed"), "true");
  EXPECT_EQ(member(asked("GET", path), "title"), "newer") << "nothing was done";
  EXPECT_EQ(outcome_of(named("PUT", path, body_of(trend, R"(,"title":"x")"), "k1")),
            "409 idempotency_key_reused");
  EXPECT_EQ(outcome_of(named("DELETE", path + "?version=1", "", "k2")), "409 version_conflict");
  EXPECT_EQ(outcome_of(named("DELETE", path + "?version=2", "", "k2")),
            "409 idempotency_key_reused")
      << "another version is another request";
  EXPECT_EQ(outcome_of(named("DELETE", path + "?version=2", "", "k3")), "200");
  EXPECT_EQ(outcome_of(named("DELETE", path + "?version=2", "", "k3")), "200");
  EXPECT_EQ(outcome_of(asked("GET", path)), "404 unknown_query");
}

// Of all who replace the same version one does.
TEST_F(SavedQueryRoutes, OfManyWritersOfOneVersionOneWins) {
  EXPECT_EQ(put("q", body_of(trend)).status, 201);
  std::vector<std::string> outcomes(8);
  {
    std::vector<std::jthread> writers;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      writers.emplace_back([&, i] {
        outcomes[i] =
            outcome_of(put("q", body_of(trend, fmt::format(R"(,"title":"t{}","version":1)", i))));
      });
    }
  }
  EXPECT_EQ(std::ranges::count(outcomes, "200"), 1);
  EXPECT_EQ(std::ranges::count(outcomes, "409 version_conflict"), 7);
  const auto winner = std::ranges::find(outcomes, "200") - outcomes.begin();
  EXPECT_EQ(member(asked("GET", "/api/v1/queries/q"), "title"), fmt::format("t{}", winner));
}

}  // namespace
}  // namespace hf::http::test
