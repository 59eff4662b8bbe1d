// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "http/door_world.h"
#include "http/test_client.h"

namespace hf::http::test {
namespace {

using hf::test::gzipped;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ApiRoutes : public DoorTest {};

TEST_F(ApiRoutes, AnswersQuestions) {
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  const std::string question = R"({"metric":"trend","series":[{"event":"Visit"}]})";
  const Response answer = asked("POST", "/api/v1/query", question);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(header_of(answer, "Cache-Control"), "no-store");
  EXPECT_THAT(answer.body, HasSubstr(R"("metric":"trend")"));
  Request packed =
      with(request("POST", "/api/v1/query", gzipped(question)), "content-encoding", "gzip");
  EXPECT_EQ(ask(keyed(std::move(packed), read_)).status, 200);
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/query", "{")), "400 invalid_json");
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/query", "{}")), "400 missing_field");
  const Response unknown = asked("POST", "/api/v1/query", R"({"metric":"x"})");
  EXPECT_EQ(outcome_of(unknown), "400 unknown_metric");
  EXPECT_THAT(unknown.body, HasSubstr(R"("pointer":"/metric")"));
}

TEST_F(ApiRoutes, LetsSoManyQuestionsWait) {
  open_door({.query_threads = 1, .queries_waiting_max = 2});
  const std::string question = R"({"metric":"trend","series":[{"event":"*"}]})";
  std::vector<std::shared_ptr<Answered>> waiting;
  {
    const Hold hold(*workspace_);
    const auto ask_one = [&] {
      return begin(keyed(request("POST", "/api/v1/query", question), read_));
    };
    waiting.push_back(ask_one());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // Its thread takes it.
    waiting.push_back(ask_one());
    waiting.push_back(ask_one());
    EXPECT_EQ(outcome_of(ask_one()->wait()), "503 too_many_queries");
  }
  for (const auto& each : waiting) EXPECT_EQ(each->wait().status, 200);
}

/// Without what an answer tells of its own making.
std::string timeless(std::string answer) {
  const std::size_t begin = answer.find("\"elapsed_ms\":");
  const std::size_t end = answer.find("\"warnings\":");
  if (begin == std::string::npos || end == std::string::npos) return answer;
  return answer.erase(begin, end - begin);
}

TEST_F(ApiRoutes, TellsTheSameAgainUntilTheDataChanges) {
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  const std::string question =
      R"({"metric":"trend","series":[{"event":"Visit"}],"as_of":"2099-01-01","last":"P1D"})";
  const std::string reordered =
      R"({"last":"P1D", "as_of":"2099-01-01","metric":"trend","series":[{"event":"Visit"}]})";
  const auto is_cached = [&](const std::string& text) {
    const Json answer = must(parse_json(asked("POST", "/api/v1/query", text).body));
    EXPECT_TRUE(answer.find("elapsed_ms")->is_number());
    return answer.find("cached")->boolean;
  };
  const std::string first = asked("POST", "/api/v1/query", question).body;
  EXPECT_THAT(first, HasSubstr("\"cached\":false,"));
  EXPECT_TRUE(is_cached(reordered));
  EXPECT_EQ(timeless(asked("POST", "/api/v1/query", reordered).body), timeless(first));
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  EXPECT_TRUE(is_cached(question)) << "a duplicate changes nothing";
  EXPECT_EQ(outcome_of(sent("track", event("m2"))), "200");
  EXPECT_FALSE(is_cached(question));
  EXPECT_TRUE(is_cached(question));
  const std::string of_now = R"({"metric":"trend","series":[{"event":"Visit"}],"last":"P1D"})";
  EXPECT_FALSE(is_cached(of_now));
  EXPECT_FALSE(is_cached(of_now)) << "now is another one";
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/query", R"({"as_of":"2099-01-01"})")),
            "400 missing_field");
  const std::string metrics = asked("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("holdfast_queries_cache_hits_total 4\n"));
  EXPECT_THAT(metrics, HasSubstr("holdfast_queries_cache_misses_total 3\n"));
  EXPECT_THAT(metrics, Not(HasSubstr("holdfast_queries_cache_bytes 0\n")));
  open_door({.cached_bytes_max = 0});
  EXPECT_FALSE(is_cached(question));
  EXPECT_FALSE(is_cached(question));
}

TEST_F(ApiRoutes, AQuestionWhoseClientIsGoneWaitsNoMoreAndNeverBegins) {
  open_door({.query_threads = 1, .queries_waiting_max = 1});
  const std::string question = R"({"metric":"trend","series":[{"event":"*"}]})";
  const auto ask_one = [&] {
    return begin(keyed(request("POST", "/api/v1/query", question), read_));
  };
  std::shared_ptr<Answered> running;
  std::shared_ptr<Answered> last;
  {
    const Hold hold(*workspace_);
    running = ask_one();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // Its thread takes it.
    const auto waiting = ask_one();
    waiting->hang_up();
    EXPECT_EQ(outcome_of(waiting->wait()), "499 cancelled") << "though nothing was read yet";
    last = ask_one();
    EXPECT_FALSE(last->is_there()) << "there is room again";
    running->hang_up();
  }
  EXPECT_EQ(outcome_of(running->wait()), "499 cancelled");
  EXPECT_EQ(outcome_of(last->wait()), "200");
  last->hang_up();  // Too late: nothing becomes of it.
  const std::string metrics = asked("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("holdfast_queries_cancelled_total 2\n"));
  EXPECT_THAT(metrics, HasSubstr("holdfast_queries_failed_total 0\n"));
  EXPECT_THAT(metrics, HasSubstr("holdfast_queries_total 1\n"));
}

TEST_F(ApiRoutes, AClosingDoorGivesUpWhatItIsAsked) {
  open_door({.query_threads = 1});
  std::vector<std::shared_ptr<Answered>> asked;
  std::thread closing;
  {
    const Hold hold(*workspace_);
    for (int i = 0; i < 3; ++i) {
      asked.push_back(begin(
          keyed(request("POST", "/api/v1/query", R"({"metric":"trend","series":[{"event":"*"}]})"),
                read_)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    closing = std::thread([&] { door_ = nullptr; });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  closing.join();
  for (const auto& each : asked) EXPECT_EQ(outcome_of(each->wait()), "499 cancelled");
}

TEST_F(ApiRoutes, AServersClientThatHangsUpEndsItsQuestion) {
  const auto server =
      must(Server::start(real_env(), {.port = 0}, [this](Request&& request, Reply reply) {
        door_->handle(std::move(request), std::move(reply));
      }));
  const std::string question =
      R"({"metric":"trend","series":[{"event":"*"}],"as_of":"2099-01-01"})";
  const std::string text =
      fmt::format("POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                  question.size(), question);
  const auto cancelled = [&](int count) {
    return asked("GET", "/metrics")
               .body.find(fmt::format("holdfast_queries_cancelled_total {}\n", count)) !=
           std::string::npos;
  };
  Client stays(server->port());
  {
    const Hold hold(*workspace_);
    std::vector<std::unique_ptr<Client>> clients;
    stays.send(text);
    for (int i = 0; i < 4; ++i) {
      clients.push_back(std::make_unique<Client>(server->port()));
      clients.back()->send(text);
    }
    ASSERT_TRUE(comes_true([&] { return server->counts().requests == 5; }));
    clients[0]->close();
    clients[1]->reset();
    clients[2]->send(text);  // Pipelined.
    clients[2]->close();
    clients[3]->close();
    EXPECT_TRUE(comes_true([&] { return server->counts().connections == 1; }));
  }
  EXPECT_TRUE(comes_true([&] { return cancelled(4); })) << asked("GET", "/metrics").body;
  EXPECT_EQ(stays.answer().status, 200);
  server->stop(1'000);
}

TEST_F(ApiRoutes, AnswersWithinSoMuchTimeAndMemory) {
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  const std::string question =
      R"({"metric":"segment_size","people":{"did":{"event":"Visit"},"count":{"gte":1}}})";
  const auto outcome = [&] { return outcome_of(asked("POST", "/api/v1/query", question)); };
  EXPECT_EQ(outcome(), "200");
  open_door({.query_ms_max = 0});
  EXPECT_EQ(outcome(), "422 time_limit");
  EXPECT_EQ(outcome_of(asked("GET", "/api/v1/schema/values?property=a&event=Visit")),
            "422 time_limit");
  EXPECT_THAT(asked("GET", "/metrics").body, HasSubstr("holdfast_queries_failed_total 1\n"));
  open_door({.query_bytes_max = 0});
  EXPECT_EQ(outcome(), "422 memory_limit");
}

TEST_F(ApiRoutes, PagesThroughWhatWasRefused) {
  for (int i = 0; i < 7; ++i) (void)sent("batch", batch({fmt::format("{}", i)}));
  std::vector<std::string> seen;
  std::string before;
  int pages = 0;
  do {
    const auto json =
        must(parse_json(asked("GET", "/api/v1/rejects?limit=3&source=shop" + before).body));
    for (const Json& each : json.find("rejects")->array) seen.push_back(each.find("text")->text);
    const Json* const next = json.find("next_before");
    before = next == nullptr ? "" : "&before=" + next->text;
    EXPECT_EQ(json.find("kept")->array.at(0).find("count")->text, "7");
    EXPECT_EQ(json.find("ever")->array.at(0).find("count")->text, "7");
    ASSERT_LT(++pages, 5);
  } while (!before.empty());
  EXPECT_THAT(seen, ElementsAre("6", "5", "4", "3", "2", "1", "0"));
  EXPECT_EQ(pages, 3);
  const struct {
    std::string query;
    std::string expected;
  } cases[] = {
      {"", "200"},
      {"?", "200"},
      {"?other=1&&=&a", "200"},
      {"?source=none", "200"},
      {"?reason=%6eot_an_object", "200"},
      {"?reason=a+b", "200"},
      {"?limit=500", "200"},
      {"?limit=0", "400 bad_limit"},
      {"?limit=501", "400 bad_limit"},
      {"?limit=", "400 bad_parameter"},
      {"?limit", "400 bad_parameter"},
      {"?limit=-1", "400 bad_parameter"},
      {"?limit=1x", "400 bad_parameter"},
      {"?limit=99999999999999999999", "400 bad_parameter"},
      {"?before=x", "400 bad_parameter"},
      {"?before=18446744073709551615", "200"},
      {"?reason=%", "400 bad_parameter"},
      {"?reason=%4", "400 bad_parameter"},
      {"?reason=%4g", "400 bad_parameter"},
      {"?reason=%-1", "400 bad_parameter"},
      {"?reason=%00", "200"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(outcome_of(asked("GET", "/api/v1/rejects" + each.query)), each.expected)
        << each.query;
  }
}

TEST_F(ApiRoutes, ManagesSourcesAndKeys) {
  const struct {
    std::string method;
    std::string path;
    std::string body;
    std::string expected;
  } cases[] = {
      {"POST", "sources", R"({"name":"app"})", "201"},
      {"POST", "sources", R"({"name":"app"})", "409 source_exists"},
      {"POST", "sources", R"({"name":"App"})", "400 bad_source_name"},
      {"POST", "sources", R"({"name":1})", "400 wrong_type"},
      {"POST", "sources", R"({"name":true})", "400 wrong_type"},
      {"POST", "sources", R"({"nome":"app"})", "400 unknown_field"},
      {"POST", "sources", R"({})", "400 bad_source_name"},
      {"POST", "sources", "[]", "400 not_an_object"},
      {"POST", "sources", "", "400 invalid_json"},
      {"POST", "sources", R"({"name":"a","name":"b"})", "400 duplicate_member"},
      {"POST", "sources", std::string(70'000, ' '), "400 invalid_json"},
      {"POST", "sources/app", R"({"enabled":false})", "200"},
      {"POST", "sources/app", R"({"enabled":"no"})", "400 wrong_type"},
      {"POST", "sources/app", R"({})", "400 wrong_type"},
      {"POST", "sources/none", R"({"enabled":false})", "404 unknown_source"},
      {"POST", "sources/N%20O", R"({"enabled":false})", "400 bad_source_name"},
      {"POST", "keys", R"({"kind":"write","source":"app"})", "422 disabled_source"},
      {"POST", "sources/app", R"({"enabled":true})", "200"},
      {"POST", "keys", R"({"kind":"write","source":"app","label":"a"})", "201"},
      {"POST", "keys", R"({"kind":"write","source":"app"})", "201"},
      {"POST", "keys", R"({"kind":"write","source":"app"})", "422 too_many_keys"},
      {"POST", "keys", R"({"kind":"write","source":"none"})", "404 unknown_source"},
      {"POST", "keys", R"({"kind":"write"})", "400 bad_source_name"},
      {"POST", "keys", R"({"kind":"read","source":"app"})", "400 source_not_needed"},
      {"POST", "keys", R"({"kind":"owner"})", "400 bad_kind"},
      {"POST", "keys", R"({})", "400 bad_kind"},
      {"POST", "keys", R"({"kind":"read","expires_at":"2030-01-01T00:00:00Z"})", "201"},
      {"POST", "keys", R"({"kind":"read","expires_at":"2020-01-01T00:00:00Z"})", "400 bad_expiry"},
      {"POST", "keys", R"({"kind":"read","expires_at":"soon"})", "400 invalid_time"},
      {"POST", "keys/7/revoke", "", "200"},
      {"POST", "keys/7/revoke", "", "200"},
      {"POST", "keys/70/revoke", "", "404 unknown_key_id"},
      {"POST", "keys/0/revoke", "", "404 unknown_key_id"},
      {"POST", "keys/-7/revoke", "", "404 unknown_key_id"},
      {"POST", "keys/7x/revoke", "", "404 unknown_key_id"},
      {"POST", "keys/99999999999999999999/revoke", "", "404 unknown_key_id"},
      {"GET", "sources", "", "200"},
      {"GET", "keys", "", "200"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(outcome_of(asked(each.method, "/api/v1/" + each.path, each.body)), each.expected)
        << each.path << " " << each.body.substr(0, 80);
  }
  EXPECT_EQ(asked("GET", "/api/v1/sources").body,
            R"({"sources":[{"name":"app","created_at":"2023-11-14T23:13:20Z","enabled":true},)"
            R"({"name":"closed","created_at":"2023-11-14T22:13:20Z","enabled":false},)"
            R"({"name":"shop","created_at":"2023-11-14T22:13:20Z","enabled":true}]})");
  state_.failing = true;
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/sources", R"({"name":"b"})")), "503 disk_full");
}

TEST_F(ApiRoutes, HoldsToAChangedKeyAtOnceAndNeverShowsItAgain) {
  const auto made = must(parse_json(
      asked("POST", "/api/v1/keys", R"({"kind":"write","source":"shop","label":"new"})").body));
  const std::string token = made.find("key")->text;
  const auto send = [&] {
    return outcome_of(ask(keyed(request("POST", "/v1/track", event("")), token)));
  };
  EXPECT_EQ(send(), "200");
  EXPECT_THAT(asked("GET", "/api/v1/keys").body, Not(HasSubstr(token)));
  EXPECT_THAT(asked("GET", "/api/v1/keys").body, HasSubstr(token.substr(token.size() - 4)));
  EXPECT_EQ(asked("POST", "/api/v1/sources/shop", R"({"enabled":false})").status, 200);
  EXPECT_EQ(send(), "401 disabled_source");
  EXPECT_EQ(asked("POST", "/api/v1/sources/shop", R"({"enabled":true})").status, 200);
  EXPECT_EQ(send(), "200");
  const std::string id = made.find("id")->text;
  EXPECT_EQ(asked("POST", "/api/v1/keys/" + id + "/revoke").status, 200);
  EXPECT_EQ(send(), "401 revoked_key");
}

TEST_F(ApiRoutes, ShowsWhatArrivesAsItHappens) {
  const auto watching = begin(keyed(request("GET", "/api/v1/live"), read_));
  const Response head = watching->wait();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.content_type, "text/event-stream");
  (void)sent("batch", batch({event("m1"), "7"}));
  const std::string text = watching->text()->text();
  EXPECT_THAT(text, HasSubstr("event: event\ndata: {\"source\":\"shop\""));
  EXPECT_THAT(text, HasSubstr("\"message_id\":\"m1\""));
  EXPECT_THAT(text, HasSubstr("event: refusal\ndata: {\"source\":\"shop\""));
  EXPECT_THAT(asked("GET", "/metrics").body, HasSubstr("\nholdfast_live_watchers 1\n"));
  watching->text()->closed = true;
  EXPECT_TRUE(comes_true([&] {
    return asked("GET", "/metrics").body.find("\nholdfast_live_watchers 0\n") != std::string::npos;
  }));
}

TEST_F(ApiRoutes, DoesANamedChangeOnceAndAnswersItAgain) {
  const auto named = [&](const std::string& name, std::string_view path, std::string body,
                         const std::string& key) {
    return ask(keyed(with(request("POST", path, std::move(body)), "idempotency-key", name), key));
  };
  const std::string made = R"({"kind":"read"})";
  const Response first = named("k1", "/api/v1/keys", made, admin_);
  EXPECT_EQ(first.status, 201);
  EXPECT_THAT(first.body, HasSubstr(R"("key":"hf_r_)"));
  EXPECT_EQ(header_of(first, "Idempotent-Replayed"), "");
  const std::size_t keys = must(state_.keys()).size();
  const Response again = named("\"k1\"", "/api/v1/keys", made, admin_);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(header_of(again, "Idempotent-Replayed"), "true");
  EXPECT_THAT(again.body, Not(HasSubstr("hf_r_")));
  EXPECT_THAT(again.body, HasSubstr(R"("replayed":true)"));
  EXPECT_EQ(must(state_.keys()).size(), keys);
  EXPECT_EQ(outcome_of(named("k1", "/api/v1/keys", R"({"kind":"admin"})", admin_)),
            "409 idempotency_key_reused");
  EXPECT_EQ(outcome_of(named("k1", "/api/v1/sources", made, admin_)), "409 idempotency_key_reused");
  // Another who asks, another name.
  const std::string other = created(KeyKind::admin, "");
  must(keyring_->reload());
  EXPECT_EQ(header_of(named("k1", "/api/v1/keys", made, other), "Idempotent-Replayed"), "");

  // A refusal is a decision, whatever there is by then ..
  EXPECT_EQ(outcome_of(named("k2", "/api/v1/sources/none", R"({"enabled":true})", admin_)),
            "404 unknown_source");
  EXPECT_EQ(outcome_of(asked("POST", "/api/v1/sources", R"({"name":"none"})")), "201");
  const Response refused = named("k2", "/api/v1/sources/none", R"({"enabled":true})", admin_);
  EXPECT_EQ(outcome_of(refused), "404 unknown_source");
  EXPECT_EQ(header_of(refused, "Idempotent-Replayed"), "true");
  EXPECT_EQ(refused.content_type, "application/problem+json");
  // .. and what is wrong with the request, or the disk, is none.
  EXPECT_EQ(outcome_of(named("k3", "/api/v1/sources", R"({"name":"A B"})", admin_)),
            "400 bad_source_name");
  EXPECT_EQ(outcome_of(named("k3", "/api/v1/sources", R"({"name":"new"})", admin_)), "201");
  state_.failing = true;
  EXPECT_EQ(outcome_of(named("k4", "/api/v1/sources", R"({"name":"more"})", admin_)),
            "503 disk_full");
  state_.failing = false;
  EXPECT_EQ(outcome_of(named("k4", "/api/v1/sources", R"({"name":"more"})", admin_)), "201");
  EXPECT_EQ(outcome_of(named("", "/api/v1/sources", R"({"name":"x"})", admin_)),
            "400 bad_idempotency_key");
}

TEST_F(ApiRoutes, AKeyThatWasUsedJustNowDoesNotLookUnused) {
  const auto used = [this] {
    const Json keys = parse_json(asked("GET", "/api/v1/keys").body).value();
    for (const Json& key : keys.find("keys")->array) {
      const Json* const at = key.find("last_used_at");
      if (key.find("kind")->text == "write" && at != nullptr) return at->text;
    }
    return std::string();
  };
  EXPECT_EQ(used(), "");
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  EXPECT_NE(used(), "");
}

}  // namespace
}  // namespace hf::http::test
