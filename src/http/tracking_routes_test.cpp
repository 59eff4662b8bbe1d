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
using testing::IsEmpty;

class TrackingRoutes : public DoorTest {};

TEST_F(TrackingRoutes, SaysThatEventsAreTakenWhenTheyAreDurable) {
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  EXPECT_EQ(messages(), (std::map<std::string, int>{{"m1", 1}}));
  const Response response = sent("batch", batch({event("m2"), event("m1"), event("m3")}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"success":true})");
  const std::map<std::string, int> all = {{"m1", 1}, {"m2", 1}, {"m3", 1}};
  EXPECT_EQ(messages(), all);
  EXPECT_EQ(outcome_of(sent("batch", batch({event("m3"), event("m2"), event("m1")}))), "200");
  EXPECT_EQ(messages_after_power_cut(), all) << "without a proper end";
}

TEST_F(TrackingRoutes, TakesEveryKindOfCall) {
  const struct {
    std::string_view endpoint;
    std::string body;
    std::string expected;
  } cases[] = {
      {"identify", R"({"userId":"u","traits":{"plan":"pro"}})", "200"},
      {"identify", R"({"traits":{}})", "400 missing_person"},
      {"track", R"({"userId":"u","event":"e"})", "200"},
      {"track", R"({"userId":"u"})", "400 missing_event"},
      {"track", R"({"userId":"u","event":"hf:granted"})", "400 reserved_name"},
      {"page", R"({"anonymousId":"a","name":"Home"})", "200"},
      {"page", "{}", "400 missing_person"},
      {"screen", R"({"anonymousId":"a"})", "200"},
      {"screen", "[]", "400 not_an_object"},
      {"group", R"({"userId":"u","groupId":"g"})", "200"},
      {"group", R"("u")", "400 not_an_object"},
      {"alias", R"({"userId":"u","previousId":"p"})", "200"},
      {"alias", "", "400 invalid_json"},
      {"batch", batch({event("a")}), "200"},
      {"batch", batch({}), "400 empty_batch"},
      {"batch", "{}", "400 missing_batch"},
      {"batch", batch({event("a")}) + "x", "400 invalid_json"},
      {"batch", "{\"batch\":[\xff]}", "400 invalid_utf8"},
      {"batch", batch({R"({"type":"tell"})", "7"}), "400 unknown_type"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(outcome_of(sent(each.endpoint, each.body)), each.expected)
        << each.endpoint << " " << each.body;
  }
}

TEST_F(TrackingRoutes, SetsBadItemsOfAGoodBatchAsideWhereTheyAreSeen) {
  const std::string nameless = R"({"type":"track","userId":"u1","properties":{"a":"b"}})";
  const Response response = sent("batch", batch({event("m1"), nameless, "7", event("m2")}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            R"({"success":true,"refused_count":2,"refused":[)"
            R"({"index":1,"reason":"missing_event"},{"index":2,"reason":"not_an_object"}]})");
  EXPECT_EQ(messages().size(), 2u);
  EXPECT_THAT(refused(), ElementsAre("shop not_an_object 7", "shop missing_event " + nameless));
  const Response page = asked("GET", "/api/v1/rejects?reason=missing_event&limit=1");
  ASSERT_EQ(page.status, 200);
  const auto json = must(parse_json(page.body));
  ASSERT_EQ(json.find("rejects")->array.size(), 1u);
  EXPECT_EQ(json.find("rejects")->array[0].find("text")->text, nameless);
  EXPECT_EQ(json.find("rejects")->array[0].find("received_at")->text, "2023-11-14T23:13:20Z");
}

TEST_F(TrackingRoutes, TellsOfAHundredRefusedItemsAtMostAndKeepsAll) {
  std::vector<std::string> items(150, "7");
  items.push_back(event("m1"));
  const auto json = must(parse_json(sent("batch", batch(items)).body));
  EXPECT_EQ(json.find("refused_count")->text, "150");
  EXPECT_EQ(json.find("refused")->array.size(), 100u);
  EXPECT_EQ(refused().size(), 150u);
}

TEST_F(TrackingRoutes, RefusesABatchWithoutAGoodItemAndKeepsIt) {
  const Response response = sent("batch", batch({"7", "8"}));
  EXPECT_EQ(outcome_of(response), "400 not_an_object");
  EXPECT_THAT(refused(), ElementsAre("shop not_an_object 8", "shop not_an_object 7"));
  EXPECT_THAT(messages(), IsEmpty());
}

TEST_F(TrackingRoutes, DoesNotSayThatARefusalIsKeptWhereItIsNot) {
  state_.failing = true;
  EXPECT_EQ(outcome_of(sent("batch", batch({"7"}))), "503 disk_full");
  EXPECT_EQ(outcome_of(sent("batch", batch({event("m1"), "7"}))), "503 disk_full");
  state_.failing = false;
  // The client sends it again: the event is known, the refusal is kept.
  EXPECT_EQ(outcome_of(sent("batch", batch({event("m1"), "7"}))), "200");
  EXPECT_EQ(messages(), (std::map<std::string, int>{{"m1", 1}}));
  EXPECT_EQ(refused().size(), 1u);
}

TEST_F(TrackingRoutes, BelievesContentEncodingAloneWhateverTheTypeSays) {
  int next = 0;
  for (const std::string type : {"application/json", "application/x-www-form-urlencoded",
                                 "text/plain", "multipart/form-data", ""}) {
    for (const bool is_packed : {false, true}) {
      const std::string body = event(fmt::format("m{}", next++));
      Request post = request("POST", "/v1/track", is_packed ? gzipped(body) : body);
      if (!type.empty()) post = with(std::move(post), "content-type", type);
      if (is_packed) post = with(std::move(post), "content-encoding", "gzip");
      EXPECT_EQ(outcome_of(ask(keyed(std::move(post), write_))), "200") << type;
    }
  }
  EXPECT_EQ(messages().size(), 10u);
  const auto coded = [&](std::string body, std::string encoding) {
    return outcome_of(ask(keyed(with(request("POST", "/v1/track", std::move(body)),
                                     "content-encoding", std::move(encoding)),
                                write_)));
  };
  EXPECT_EQ(coded(event("x"), "gzip"), "400 bad_gzip");
  EXPECT_EQ(coded(event("x"), "br"), "415 unsupported_encoding");
  EXPECT_EQ(coded(gzipped(std::string(16 << 20, ' ')), "gzip"), "413 body_too_large");
}

TEST_F(TrackingRoutes, FindsTheKeyInBearerBasicAndBody) {
  const auto basic = [](const std::string& text) {
    std::string coded(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(coded.data(), coded.size(),
                      reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    coded.pop_back();
    return "Basic " + coded;
  };
  const auto post = [&](std::string authorization, const std::string& key_in_body) {
    Request out =
        request("POST", "/v1/track",
                fmt::format(R"({{"userId":"u","event":"e","writeKey":"{}"}})", key_in_body));
    if (!authorization.empty())
      out = with(std::move(out), "authorization", std::move(authorization));
    return outcome_of(ask(std::move(out)));
  };
  EXPECT_EQ(post("Bearer " + write_, ""), "200");
  EXPECT_EQ(post("bearer " + write_, ""), "200");
  EXPECT_EQ(post(basic(write_ + ":"), ""), "200");
  EXPECT_EQ(post(basic(write_), ""), "200");
  EXPECT_EQ(post(basic(write_ + ":secret:more"), ""), "200");
  EXPECT_EQ(post("", write_), "200");
  EXPECT_EQ(post("", ""), "401 missing_key");
  EXPECT_EQ(post("", read_), "403 wrong_key_kind");
  EXPECT_EQ(post("", expired_), "401 expired_key");
  // What the header says counts, also where the body knows better.
  EXPECT_EQ(post("Bearer wrong", write_), "401 unknown_key");
  EXPECT_EQ(post("Basic !!", write_), "401 missing_key");
  EXPECT_EQ(post("Basic " + write_, ""), "401 missing_key");
  EXPECT_EQ(post(write_, ""), "401 missing_key");
}

TEST_F(TrackingRoutes, IsPermissiveToPagesForEventsOnly) {
  const auto origin = [](Request request) {
    return with(std::move(request), "origin", "https://shop.example");
  };
  for (const Route& route : Door::routes()) {
    const Response preflight = ask(origin(request("OPTIONS", route.path)));
    const bool is_tracking = route.path.starts_with("/v1/");
    EXPECT_EQ(preflight.status, is_tracking ? 204 : 405) << route.path;
    EXPECT_EQ(header_of(preflight, "Access-Control-Allow-Origin"), is_tracking ? "*" : "");
    EXPECT_EQ(header_of(preflight, "Access-Control-Allow-Credentials"), "");
    const auto answered = begin(
        origin(keyed(request(route.method, route.path, "{}"), is_tracking ? write_ : admin_)));
    EXPECT_EQ(header_of(answered->wait(), "Access-Control-Allow-Origin"), is_tracking ? "*" : "")
        << route.path;
    if (answered->text() != nullptr) answered->text()->end();
  }
  const Response preflight = ask(request("OPTIONS", "/v1/batch"));
  EXPECT_THAT(header_of(preflight, "Access-Control-Allow-Headers"), HasSubstr("Authorization"));
  EXPECT_THAT(header_of(preflight, "Access-Control-Allow-Headers"), HasSubstr("Content-Type"));
  EXPECT_EQ(header_of(sent("track", event("m")), "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header_of(ask(request("POST", "/v1/track", "{}")), "Access-Control-Allow-Origin"), "*")
      << "a page gets to read why";
}

TEST_F(TrackingRoutes, TurnsEventsAwayWhereOthersWaitForLong) {
  {
    const Hold hold(*workspace_);
    const auto waiting = begin(keyed(request("POST", "/v1/track", event("m1")), write_));
    sim_.advance_ms(2'000);
    const auto second = begin(keyed(request("POST", "/v1/track", event("m2")), write_));
    EXPECT_FALSE(second->is_there());
    sim_.advance_ms(1);
    EXPECT_EQ(outcome_of(sent("track", event("m3"))), "503 overloaded");
    EXPECT_FALSE(waiting->is_there()) << "it is not durable";
    EXPECT_EQ(asked("GET", "/healthz").status, 200);
  }
  EXPECT_TRUE(comes_true([&] { return workspace_->status().waiting_groups == 0; }));
  EXPECT_EQ(outcome_of(sent("track", event("m4"))), "200");
  EXPECT_EQ(messages(), (std::map<std::string, int>{{"m1", 1}, {"m2", 1}, {"m4", 1}}));
}

TEST_F(TrackingRoutes, AnswersQuestionsAndNoEventsWhileTheDiskIsFull) {
  EXPECT_EQ(outcome_of(sent("track", event("m1"))), "200");
  EXPECT_EQ(asked("GET", "/readyz").body, R"({"ready":true,"writable":true})");
  sim_.set_capacity(1);
  const std::string large(20'000, 'x');
  std::string outcome = "200";
  for (int i = 0; i < 500 && outcome == "200"; ++i) {
    outcome = outcome_of(sent(
        "track", fmt::format(R"({{"userId":"u","event":"e","properties":{{"a":"{}"}}}})", large)));
  }
  EXPECT_EQ(outcome, "503 not_writable");
  EXPECT_EQ(outcome_of(sent("track", event("m2"))), "503 not_writable");
  const Response readiness = asked("GET", "/readyz");
  EXPECT_EQ(readiness.status, 503);
  EXPECT_EQ(readiness.body, R"({"ready":false,"writable":false})");
  EXPECT_EQ(asked("GET", "/healthz").status, 200);
  EXPECT_EQ(asked("POST", "/api/v1/query", R"({"metric":"trend","series":[{"event":"*"}]})").status,
            200);
  EXPECT_THAT(asked("GET", "/metrics").body, HasSubstr("\nholdfast_writable 0\n"));
  sim_.set_capacity(std::uint64_t{1} << 30);
  EXPECT_TRUE(comes_true([&] {
    sim_.advance_ms(50);
    return sent("track", event("m2")).status == 200;
  }));
}

TEST_F(TrackingRoutes, StaysUntilWhatItTookIsWritten) {
  std::shared_ptr<Answered> waiting;
  std::thread closing;
  {
    const Hold hold(*workspace_);
    waiting = begin(keyed(request("POST", "/v1/batch", batch({event("m1"), "7"})), write_));
    closing = std::thread([&] { door_ = nullptr; });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(waiting->is_there());
  }
  closing.join();
  EXPECT_EQ(waiting->wait().status, 200);
  EXPECT_EQ(refused().size(), 1u);
}

}  // namespace
}  // namespace hf::http::test
