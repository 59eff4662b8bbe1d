// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <thread>

#include "base/guarded.h"
#include "base/json.h"
#include "base/rng.h"
#include "http/test_client.h"

namespace hf::http {
namespace {

using std::chrono::milliseconds;
using test::Answer;
using test::Client;
using testing::HasSubstr;

template <class Ready>
bool comes_true(Ready&& ready) {
  for (int i = 0; i < 1'000; ++i) {
    if (ready()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

std::string scratch_directory() {
  std::string path = testing::TempDir() + "http_test_XXXXXX";
  EXPECT_NE(::mkdtemp(path.data()), nullptr);
  return path;
}

std::int64_t now_ms() { return real_env().clock.monotonic_ns() / 1'000'000; }

std::string get(std::string_view path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", path);
}
std::string post(std::string_view path, std::string_view body) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", path,
                     body.size(), body);
}
std::string chunked(std::string_view coded) {
  return fmt::format("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{}",
                     coded);
}

/// A server that tells what it was asked, with limits that are soon reached.
class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    options_.port = 0;
    options_.limits = {.head = {.request_line_bytes = 1'024, .bytes = 4'096, .headers = 20},
                       .body_bytes = 64 * 1024,
                       .all_bodies_bytes = 1 << 20,
                       .connections = 50,
                       .connections_per_address = 30,
                       .head_ms = 300,
                       .idle_ms = 700,
                       .grace_ms = 300,
                       .bytes_per_s = 1'000,
                       .stall_ms = 300,
                       .stream_bytes = 64 * 1024};
  }
  ~ServerTest() override {
    if (server_ != nullptr) server_->stop(1'000);
    for (std::thread& thread : *threads_.lock()) thread.join();
  }

  void start() {
    auto started = Server::start(real_env(), options_, [this](Request&& request, Reply reply) {
      handle(std::move(request), std::move(reply));
    });
    ASSERT_TRUE(started) << started.error().message;
    server_ = *std::move(started);
  }
  static void expect_whole_problem(const Answer& answer) {
    EXPECT_THAT(answer.header("date"), testing::EndsWith(" GMT"));
    const auto problem = parse_json(answer.body);
    ASSERT_TRUE(problem.has_value()) << answer.body;
    for (const std::string_view member : {"type", "title", "reason", "detail"}) {
      const Json* const found = problem->find(member);
      ASSERT_NE(found, nullptr) << member;
      EXPECT_NE(found->text, "") << member;
    }
    EXPECT_EQ(problem->find("status")->text, fmt::format("{}", answer.status));
    EXPECT_EQ(problem->find("request_id")->text, answer.header("x-request-id"));
    EXPECT_EQ(answer.header("x-request-id").size(), 16u);
  }
  Client client() { return Client(server_->port()); }
  Server::Counts counts() { return server_->counts(); }
  /// The status and reason of what no handler saw.
  std::string refusal(std::string_view text) {
    Client client(server_->port());
    client.send(text);
    const Answer answer = client.answer();
    if (answer.status == 200) return "200";
    EXPECT_EQ(answer.header("content-type"), "application/problem+json");
    EXPECT_EQ(answer.header("connection"), "close");
    expect_whole_problem(answer);
    EXPECT_TRUE(client.is_hung_up_on());
    const std::string mark = "\"reason\":\"";
    const std::size_t at = answer.body.find(mark);
    if (at == std::string::npos) return fmt::format("{}", answer.status);
    const std::string reason = answer.body.substr(at + mark.size());
    return fmt::format("{} {}", answer.status, reason.substr(0, reason.find('"')));
  }

  void handle(Request&& request, Reply reply) {
    if (request.path == "/drop") return;
    if (request.path == "/never") return kept_.lock()->push_back(std::move(reply));
    if (request.path == "/watched") {
      reply.when_gone([this] { ++gone_; });
      return kept_.lock()->push_back(std::move(reply));
    }
    if (request.path == "/stream") {
      auto stream = reply.stream({.content_type = "text/event-stream"});
      (void)stream->write("hello\n");
      return streams_.lock()->push_back(std::move(stream));
    }
    if (request.path == "/big") {
      return reply({.content_type = "text/plain", .body = std::string(32 << 20, 'b')});
    }
    std::string text = fmt::format("{} {} {} {}", request.method, request.path, request.query,
                                   request.body.size() < 200 ? request.body : "");
    Response response{.content_type = "text/plain", .body = std::move(text)};
    if (request.path == "/peer") {
      response.body = fmt::format("{} {} {}", request.peer, request.is_local, request.is_loopback);
    }
    if (request.path == "/size") response.body = fmt::format("{}", request.body.size());
    if (request.path == "/none") response = {.status = 204};
    if (request.path == "/close") response.close = true;
    if (request.path != "/later") return reply(std::move(response));
    threads_.lock()->emplace_back([reply = std::move(reply), response]() mutable {
      std::this_thread::sleep_for(milliseconds(100));
      reply(std::move(response));
    });
  }

  Server::Options options_;
  std::unique_ptr<Server> server_;
  Guarded<std::vector<Reply>> kept_;
  std::atomic<int> gone_ = 0;
  Guarded<std::vector<std::shared_ptr<Stream>>> streams_;
  Guarded<std::vector<std::thread>> threads_;
};

// -- what is answered -----------------------------------------------------------------------------

TEST_F(ServerTest, AnswersOneRequestAfterTheOtherOnOneConnection) {
  start();
  Client client = this->client();
  std::set<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    const Answer answer = client.ask(post("/echo?q", fmt::format("n{}", i)));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, fmt::format("POST /echo q n{}", i));
    EXPECT_EQ(answer.header("content-type"), "text/plain");
    EXPECT_EQ(answer.header("x-content-type-options"), "nosniff");
    EXPECT_THAT(answer.header("date"), testing::EndsWith(" GMT"));
    EXPECT_EQ(answer.header("connection"), "");
    ids.insert(answer.header("x-request-id"));
  }
  EXPECT_EQ(ids.size(), 20u);
  EXPECT_EQ(counts().accepted, 1u);
  EXPECT_EQ(counts().requests, 20u);
  EXPECT_EQ(counts().body_bytes, 0u);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInTheirOrder) {
  start();
  Client client = this->client();
  std::string all;
  for (int i = 0; i < 30; ++i) {
    all += i % 3 == 0   ? post("/later", fmt::format("{}", i))
           : i % 3 == 1 ? get(fmt::format("/echo?{}", i))
                        : chunked(fmt::format("2\r\n{:02}\r\n0\r\n\r\n", i));
  }
  client.send(all);
  for (int i = 0; i < 30; ++i) {
    const std::string expected = i % 3 == 0   ? fmt::format("POST /later  {}", i)
                                 : i % 3 == 1 ? fmt::format("GET /echo {} ", i)
                                              : fmt::format("POST /echo  {:02}", i);
    EXPECT_EQ(client.answer().body, expected);
  }
  EXPECT_EQ(client.unread(), "");
}

TEST_F(ServerTest, ReadsARequestHoweverItIsCut) {
  start();
  const std::string request =
      chunked("5;x=y\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nTrailer: t\r\n\r\n");
  Client client = this->client();
  for (std::size_t cut = 1; cut < request.size(); cut += 3) {
    client.send(request.substr(0, cut));
    std::this_thread::sleep_for(milliseconds(1));
    ASSERT_EQ(client.ask(request.substr(cut)).body, "POST /echo  hello world") << cut;
  }
  for (const char c : post("/echo", "byte by byte")) client.send({&c, 1});
  EXPECT_EQ(client.answer().body, "POST /echo  byte by byte");
}

TEST_F(ServerTest, OverlooksOneEmptyLineBeforeARequestHoweverItComes) {
  start();
  Client client = this->client();
  EXPECT_EQ(client.ask("\r\n" + get("/a")).body, "GET /a  ");
  client.send(get("/b") + "\r\n" + get("/c"));
  EXPECT_EQ(client.answer().body, "GET /b  ");
  EXPECT_EQ(client.answer().body, "GET /c  ");
  client.send("\r\n");
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(client.ask(get("/d")).body, "GET /d  ");
  client.send("\r");
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(client.ask("\n" + get("/e")).body, "GET /e  ");
  EXPECT_EQ(refusal("\r\n\r\n" + get("/f")), "400 bad_request_line");
}

TEST_F(ServerTest, SendsNoBodyToHeadAndWithNoContent) {
  start();
  Client client = this->client();
  Answer answer = client.ask("HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n", true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-length"), fmt::format("{}", sizeof("HEAD /echo  ") - 1));
  answer = client.ask(get("/none"));
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("content-length"), "");
  EXPECT_EQ(client.ask(get("/after")).body, "GET /after  ");
  // Nor to one that is refused.
  Client refused = this->client();
  answer = refused.ask("HEAD /a#b HTTP/1.1\r\nHost: a\r\n\r\n", true);
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.header("content-length"), "");
  EXPECT_FALSE(refused.wait_for("reason"));
  // A stream has no end of its own.
  answer = client.ask("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n", true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(client.is_hung_up_on());
  EXPECT_EQ(client.unread(), "");
}

TEST_F(ServerTest, ClosesWhereTheClientOrTheHandlerWantsIt) {
  start();
  for (const std::string request :
       {"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /echo HTTP/1.0\r\n\r\n",
        "GET /close HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    Client client = this->client();
    const Answer answer = client.ask(request + get("/never"));
    EXPECT_EQ(answer.status, 200) << request;
    EXPECT_EQ(answer.header("connection"), "close") << request;
    EXPECT_TRUE(client.is_hung_up_on());
  }
  EXPECT_EQ(kept_.lock()->size(), 0u) << "what is behind the last request is none";
  Client client = this->client();
  EXPECT_EQ(client.ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").body, "GET /a  ");
  EXPECT_EQ(client.ask("GET /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").body, "GET /b  ");
}

TEST_F(ServerTest, SaysThatItWaitsForABody) {
  start();
  for (const std::string_view expectation : {"100-continue", "100-Continue"}) {
    Client client = this->client();
    client.send(fmt::format(
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: {}\r\nContent-Length: 2\r\n\r\n", expectation));
    EXPECT_EQ(client.answer().status, 100) << expectation;
    EXPECT_EQ(client.ask("ok").body, "POST /echo  ok");
  }
  // Not where the body is there already, nor where it is refused.
  Client client = this->client();
  EXPECT_EQ(client
                .ask("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                     "Content-Length: 2\r\n\r\nok")
                .status,
            200);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    "Content-Length: 70000\r\n\r\n"),
            "413 body_too_large");
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n"),
            "417 bad_expectation");
}

TEST_F(ServerTest, AnswersWhatAHandlerDropsWithAnError) {
  start();
  Client client = this->client();
  const Answer answer = client.ask(get("/drop"));
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, HasSubstr("\"unanswered\""));
  expect_whole_problem(answer);
  EXPECT_TRUE(client.is_hung_up_on());
}

TEST_F(ServerTest, SaysWhoAsks) {
  options_.socket_path = scratch_directory() + "/s.sock";
  start();
  EXPECT_EQ(client().ask(get("/peer")).body, "127.0.0.1 false true");
  struct stat found {};
  ASSERT_EQ(::stat(options_.socket_path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_EQ(Client(options_.socket_path).ask(get("/peer")).body, " true false");
  server_->stop(0);
  EXPECT_FALSE(std::filesystem::exists(options_.socket_path));
}

// -- what is refused ------------------------------------------------------------------------------

TEST_F(ServerTest, RefusesWhatCouldBeReadInTwoWays) {
  start();
  const struct {
    std::string name;
    std::string request;
    std::string expected;
  } cases[] = {
      {"two lengths",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
       "0\r\n\r\n",
       "400 two_lengths"},
      {"a length twice",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
       "400 bad_content_length"},
      {"bare line feeds", "GET / HTTP/1.1\nHost: a\n\n", "400 bad_character"},
      {"one bare line feed", "GET / HTTP/1.1\r\nX: y\nHost: a\r\n\r\n", "400 bad_character"},
      {"a folded header", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", "400 folded_header"},
      {"a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400 bad_header"},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 bad_request_line"},
      {"a proxy's request", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad_target"},
      {"a negative chunk", chunked("-1\r\na\r\n0\r\n\r\n"), "400 bad_chunk"},
      {"a signed chunk", chunked("+1\r\na\r\n0\r\n\r\n"), "400 bad_chunk"},
      {"a chunk in 0x", chunked("0x1\r\na\r\n0\r\n\r\n"), "400 bad_chunk"},
      {"a chunk of 2^64", chunked("10000000000000000\r\na\r\n0\r\n\r\n"), "400 bad_chunk"},
      {"a chunk of 2^64-1", chunked("ffffffffffffffff\r\na\r\n"), "413 body_too_large"},
      {"a chunk longer than it says", chunked("1\r\nab\r\n0\r\n\r\n"), "400 bad_chunk"},
      {"a chunk without a size", chunked("\r\na\r\n0\r\n\r\n"), "400 bad_chunk"},
      {"a chunk with a bare line feed", chunked("1\na\r\n0\r\n\r\n"), "400 bad_chunk"},
      {"no chunk", chunked("hello\r\n\r\n"), "400 bad_chunk"},
  };
  for (const auto& each : cases) EXPECT_EQ(refusal(each.request), each.expected) << each.name;
  EXPECT_EQ(counts().requests, 0u);
  EXPECT_EQ(counts().malformed, std::size(cases));
}

TEST_F(ServerTest, HoldsItsLimitsOfSize) {
  start();
  const std::string full(64 * 1024, 'x');
  EXPECT_EQ(client().ask(post("/size", full)).body, "65536");
  EXPECT_EQ(refusal(post("/size", full + "x")), "413 body_too_large");
  // Nobody waits for what is not wanted.
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999\r\n\r\n"),
            "413 body_too_large");
  const std::string half = fmt::format("{:x}\r\n{}\r\n", 32 * 1024, std::string(32 * 1024, 'y'));
  EXPECT_EQ(refusal(chunked(half + half + "0\r\n\r\n")), "200");
  EXPECT_EQ(refusal(chunked(half + half + "1\r\nz\r\n0\r\n\r\n")), "413 body_too_large");
  EXPECT_EQ(refusal(chunked(fmt::format("1;{}\r\n", std::string(1 << 20, 'e')))), "400 bad_chunk");
  EXPECT_EQ(refusal(get("/" + std::string(1'024, 'u'))), "414 uri_too_long");
  EXPECT_EQ(
      refusal(fmt::format("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", std::string(4'096, 'h'))),
      "431 headers_too_large");
  EXPECT_EQ(refusal(std::string(1 << 20, 'h')), "431 headers_too_large");
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 20; ++i) many += "X: y\r\n";
  EXPECT_EQ(refusal(many + "\r\n"), "431 too_many_headers");
  EXPECT_TRUE(comes_true([&] { return counts().body_bytes == 0; }));
}

TEST_F(ServerTest, HoldsNotMoreThanSoMuchOfAllBodies) {
  options_.limits.all_bodies_bytes = 100'000;
  options_.limits.grace_ms = 60'000;
  start();
  std::vector<Client> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(client());
    waiting.back().send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" +
                        std::string(30'000, 'x'));
  }
  ASSERT_TRUE(comes_true([&] { return counts().body_bytes == 90'000; }));
  Client more = client();
  const Answer answer = more.ask(post("/size", std::string(20'000, 'x')));
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("too_many_bodies"));
  EXPECT_EQ(answer.header("retry-after"), "1");
  waiting.pop_back();
  ASSERT_TRUE(comes_true([&] { return counts().body_bytes <= 60'000; }));
  EXPECT_EQ(waiting[0].ask(std::string(30'000, 'x')).body, "60000");
  EXPECT_EQ(waiting[1].ask(std::string(30'000, 'x')).body, "60000");
  EXPECT_TRUE(comes_true([&] { return counts().body_bytes == 0; }));
}

TEST_F(ServerTest, ServesSoManyAtATime) {
  options_.limits.connections = 8;
  options_.limits.connections_per_address = 5;
  options_.limits.head_ms = 60'000;
  options_.socket_path = scratch_directory() + "/s.sock";
  start();
  std::vector<Client> open;
  for (int i = 0; i < 5; ++i) {
    open.push_back(client());
    EXPECT_EQ(open.back().ask(get("/a")).status, 200);
  }
  Client over = client();
  const Answer turned_away = over.ask(get("/a"));
  EXPECT_EQ(turned_away.status, 503);
  EXPECT_THAT(turned_away.body, HasSubstr("too_many_connections"));
  EXPECT_EQ(turned_away.header("retry-after"), "1");
  EXPECT_EQ(turned_away.header("connection"), "close");
  expect_whole_problem(turned_away);
  EXPECT_TRUE(over.is_hung_up_on());
  EXPECT_TRUE(comes_true([&] { return counts().turned_away == 1; }));
  EXPECT_EQ(Client(options_.socket_path).ask(get("/a")).status, 200) << "its own user may";
  open.pop_back();
  EXPECT_TRUE(comes_true([&] { return counts().connections <= 4; }));
  EXPECT_EQ(client().ask(get("/a")).status, 200);

  open.clear();
  server_->stop(0);
  options_.limits.connections = 2;
  start();
  for (int i = 0; i < 2; ++i) {
    open.push_back(client());
    EXPECT_EQ(open.back().ask(get("/a")).status, 200);
  }
  EXPECT_TRUE(client().is_hung_up_on());
}

// -- who is slow ----------------------------------------------------------------------------------

TEST_F(ServerTest, HangsUpOnWhoIsSlow) {
  start();
  // All at once, so that the test waits once.
  Client silent = client();
  Client idle = client();
  EXPECT_EQ(idle.ask(get("/a")).status, 200);
  Client slow_head = client();
  Client slow_body = client();
  slow_body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n");
  Client stalled_body = client();
  stalled_body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" +
                    std::string(50'000, 'x'));
  Client steady_body = client();
  steady_body.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n");
  Client slow_reader(server_->port(), 4'096);
  slow_reader.send(get("/big"));
  const std::int64_t begin = now_ms();
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(milliseconds(50));
    slow_head.send(i == 0 ? "G" : "E");
    slow_body.send("x");
    steady_body.send(std::string(300, 'x'));
  }
  const Answer late = slow_head.answer();
  EXPECT_EQ(late.status, 408);
  expect_whole_problem(late);
  EXPECT_EQ(slow_body.answer().status, 408);
  EXPECT_EQ(stalled_body.answer().status, 408);
  EXPECT_EQ(steady_body.answer().body, "6000");
  EXPECT_TRUE(silent.is_hung_up_on());
  EXPECT_TRUE(idle.is_hung_up_on());
  steady_body.close();
  EXPECT_TRUE(comes_true([&] { return counts().connections <= 4; }));
  slow_head.close();
  slow_body.close();
  stalled_body.close();
  EXPECT_TRUE(comes_true([&] { return counts().connections == 0; })) << "the slow reader too";
  EXPECT_LT(now_ms() - begin, 4'000);
  EXPECT_EQ(counts().timed_out, 4u);
}

TEST_F(ServerTest, WaitsForAHandlerAsLongAsItTakes) {
  start();
  Client client = this->client();
  client.send(get("/never"));
  std::this_thread::sleep_for(milliseconds(1'200));
  ASSERT_EQ(kept_.lock()->size(), 1u);
  kept_.lock()->front()({.content_type = "text/plain", .body = "at last"});
  kept_.lock()->front()({.content_type = "text/plain", .body = "twice"});
  EXPECT_EQ(client.answer().body, "at last");
  EXPECT_EQ(client.ask(get("/b")).body, "GET /b  ");
}

// -- streams --------------------------------------------------------------------------------------

TEST_F(ServerTest, StreamsPieceByPieceToTheEnd) {
  start();
  Client client = this->client();
  client.send(get("/stream"));
  ASSERT_TRUE(client.wait_for("\r\n\r\nhello\n"));
  const auto stream = streams_.lock()->front();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(stream->write(fmt::format("line {}\n", i)));
    if (i % 10 == 0) {
      ASSERT_TRUE(client.wait_for(fmt::format("line {}\n", i)));
    }
  }
  std::this_thread::sleep_for(milliseconds(1'000));  // No time is too long for the next.
  ASSERT_TRUE(stream->write("last\n"));
  EXPECT_FALSE(stream->is_closed());
  stream->end();
  EXPECT_FALSE(stream->write("behind the end\n"));
  EXPECT_TRUE(client.wait_for("last\n"));
  EXPECT_FALSE(client.wait_for("behind"));
}

TEST_F(ServerTest, TellsAStreamThatItsClientIsGone) {
  start();
  for (const bool is_reset : {false, true}) {
    Client client = this->client();
    client.send(get("/stream"));
    ASSERT_TRUE(client.wait_for("hello\n"));
    const auto stream = streams_.lock()->back();
    is_reset ? client.reset() : client.close();
    EXPECT_TRUE(comes_true([&] { return !stream->write("anybody?\n"); }));
    EXPECT_TRUE(stream->is_closed());
  }
  EXPECT_TRUE(comes_true([&] { return counts().connections == 0; }));
}

TEST_F(ServerTest, TellsWhoWantsToKnowThatTheClientIsGone) {
  start();
  int gone = 0;
  for (const bool is_reset : {false, true}) {
    for (const std::string_view behind : {"", "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "GET /"}) {
      Client client = this->client();
      client.send(fmt::format("{}{}", get("/watched"), behind));
      ASSERT_TRUE(comes_true([&] { return kept_.lock()->size() == 1; }));
      is_reset ? client.reset() : client.close();
      ++gone;
      EXPECT_TRUE(comes_true([&] { return gone_ == gone; })) << is_reset << behind;
      kept_.lock()->front()({.content_type = "text/plain", .body = "too late"});
      kept_.lock()->clear();
    }
  }
  EXPECT_TRUE(comes_true([&] { return counts().connections == 0; }));
  EXPECT_EQ(gone_, gone) << "once each";
}

// TCP tells no difference between who sends no more and who is gone: the server has to ask.
TEST_F(ServerTest, AnswersWhoSendsNoMoreAndStillReads) {
  start();
  const struct {
    std::string request;
    bool is_asked;
  } cases[] = {{get("/watched"), true},
               {get("/watched") + get("/b"), true},
               {"GET /watched HTTP/1.0\r\nHost: a\r\n\r\n", false},
               {get("/never"), false}};
  for (const auto& each : cases) {
    Client client = this->client();
    client.send(each.request);
    client.end_sending();
    ASSERT_TRUE(comes_true([&] { return kept_.lock()->size() == 1; }));
    std::this_thread::sleep_for(milliseconds(800));  // Three looks.
    kept_.lock()->front()({.content_type = "text/plain", .body = "patience"});
    kept_.lock()->clear();
    Answer answer = client.answer();
    if (each.is_asked) {
      EXPECT_EQ(answer.status, 100) << each.request;
      answer = client.answer();
    }
    EXPECT_EQ(answer.status, 200) << each.request;
    EXPECT_EQ(answer.body, "patience");
    if (each.request.size() > get("/watched").size() + 10) {
      EXPECT_EQ(client.answer().body, "GET /b  ");
    }
    EXPECT_TRUE(client.is_hung_up_on());
  }
  EXPECT_EQ(gone_, 0);
}

TEST_F(ServerTest, HangsUpOnWhoReadsAStreamTooSlowly) {
  start();
  Client slow(server_->port(), 4'096);
  slow.send(get("/stream"));
  ASSERT_TRUE(slow.wait_for("hello\n"));
  const auto stream = streams_.lock()->front();
  std::size_t written = 0;
  const std::string piece(16 * 1024, 's');
  while (stream->write(piece)) {
    written += piece.size();
    ASSERT_LT(written, std::size_t{64} << 20);
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_TRUE(stream->is_closed());
  EXPECT_TRUE(comes_true([&] { return counts().connections == 0; }));
}

// -- the end --------------------------------------------------------------------------------------

TEST_F(ServerTest, FinishesWhatHasBegunWhenItStops) {
  options_.limits.head_ms = 5'000;
  options_.limits.grace_ms = 5'000;
  start();
  Client idle = client();
  EXPECT_EQ(idle.ask(get("/a")).status, 200);
  Client later = client();
  later.send(get("/later") + get("/behind"));
  Client body = client();
  body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
  Client stream = client();
  stream.send(get("/stream"));
  ASSERT_TRUE(stream.wait_for("hello\n"));
  ASSERT_TRUE(comes_true([&] { return counts().requests == 3 && counts().connections == 4; }));
  std::thread stopping([&] { server_->stop(5'000); });
  EXPECT_TRUE(idle.is_hung_up_on());
  EXPECT_TRUE(stream.is_hung_up_on());
  EXPECT_FALSE(Client(server_->port()).is_connected());
  EXPECT_EQ(body.ask("dy").body, "POST /echo  body");
  const Answer answer = later.answer();
  EXPECT_EQ(answer.body, "GET /later  ");
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_TRUE(later.is_hung_up_on());
  body.close();
  const std::int64_t begin = now_ms();
  stopping.join();
  EXPECT_LT(now_ms() - begin, 2'000);
  EXPECT_EQ(counts().connections, 0u);
  EXPECT_EQ(counts().requests, 4u) << "what was behind the last is not begun";
  server_->stop(0);
}

TEST_F(ServerTest, StopsThoughAHandlerNeverAnswers) {
  start();
  Client never = client();
  never.send(get("/never"));
  Client watched = client();
  watched.send(get("/watched"));
  Client half = client();
  half.send("GET /");
  ASSERT_TRUE(comes_true([&] { return counts().requests == 2 && counts().connections == 3; }));
  const std::int64_t begin = now_ms();
  server_->stop(200);
  EXPECT_LT(now_ms() - begin, 1'500);
  EXPECT_EQ(counts().connections, 0u);
  EXPECT_TRUE(never.is_hung_up_on());
  EXPECT_TRUE(watched.is_hung_up_on());
  EXPECT_EQ(gone_, 1) << "it is told that nobody waits";
  server_ = nullptr;
  // Nobody hears it; nothing breaks.
  kept_.lock()->front()({.body = "too late"});
  kept_.lock()->clear();
}

TEST_F(ServerTest, SaysWhyItCannotStart) {
  start();
  const auto reason = [](const Server::Options& options) -> std::string {
    const auto started = Server::start(real_env(), options, [](Request&&, Reply) {});
    return started ? "ok" : std::string(started.error().reason);
  };
  Server::Options other = options_;
  other.port = server_->port();
  EXPECT_EQ(reason(other), "address_in_use");
  other = options_;
  other.address = "localhost";
  EXPECT_EQ(reason(other), "bad_address");
  other = options_;
  other.socket_path = "/" + std::string(200, 's');
  EXPECT_EQ(reason(other), "bad_address");
  other.socket_path = scratch_directory() + "/missing/s.sock";
  EXPECT_EQ(reason(other), "cannot_listen");
  other = options_;
  other.certificate = other.private_key = "/nowhere.pem";
  EXPECT_EQ(reason(other), "bad_certificate");
}

// -- TLS ------------------------------------------------------------------------------------------

/// A new key and a certificate by itself, as PEM files in `directory`.
void make_certificate(const std::string& directory) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  ASSERT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
  std::FILE* file = std::fopen((directory + "/key.pem").c_str(), "w");
  ASSERT_NE(file, nullptr);
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  file = std::fopen((directory + "/certificate.pem").c_str(), "w");
  ASSERT_NE(file, nullptr);
  PEM_write_X509(file, certificate);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

class TlsClient {
 public:
  TlsClient(std::uint16_t port, int version)
      : client_(port), context_(SSL_CTX_new(TLS_client_method())), ssl_(nullptr) {
    SSL_CTX_set_security_level(context_, 0);  // Or else it would not try the old ones itself.
    SSL_CTX_set_min_proto_version(context_, version);
    SSL_CTX_set_max_proto_version(context_, version);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, client_.fd());
    is_connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  [[nodiscard]] bool is_connected() const { return is_connected_; }
  void send(std::string_view text) {
    EXPECT_GT(SSL_write(ssl_, text.data(), static_cast<int>(text.size())), 0);
  }
  /// Up to the end; `error_` tells which.
  std::string read() {
    std::string out;
    std::array<char, 4'096> piece;
    int got = 0;
    while ((got = SSL_read(ssl_, piece.data(), piece.size())) > 0) {
      out.append(piece.data(), static_cast<std::size_t>(got));
    }
    error_ = SSL_get_error(ssl_, got);
    return out;
  }
  int error_ = SSL_ERROR_NONE;

 private:
  Client client_;
  SSL_CTX* context_;
  SSL* ssl_;
  bool is_connected_ = false;
};

TEST_F(ServerTest, SpeaksTlsOfToday) {
  const std::string directory = scratch_directory();
  make_certificate(directory);
  options_.certificate = directory + "/certificate.pem";
  options_.private_key = directory + "/key.pem";
  start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server_->port(), version);
    ASSERT_TRUE(client.is_connected());
    client.send(post("/size", std::string(50'000, 'x')) + get("/close"));
    const std::string text = client.read();
    EXPECT_THAT(text, HasSubstr("\r\n\r\n50000HTTP/1.1 200 OK"));
    EXPECT_THAT(text, HasSubstr("GET /close"));
    EXPECT_EQ(client.error_, SSL_ERROR_ZERO_RETURN) << "it is told that this is all";
  }
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    EXPECT_FALSE(TlsClient(server_->port(), version).is_connected());
  }
  // Neither plain HTTP nor silence breaks it.
  EXPECT_EQ(client().ask(get("/a")).status, 0);
  Client silent = client();
  TlsClient refused(server_->port(), TLS1_3_VERSION);
  refused.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n" +
               std::string(100'000, 'x'));
  EXPECT_THAT(refused.read(), HasSubstr("413"));
  EXPECT_EQ(counts().requests, 4u);
}

TEST_F(ServerTest, TakesACertificateOnlyWithItsKey) {
  const std::string one = scratch_directory();
  const std::string other = scratch_directory();
  make_certificate(one);
  make_certificate(other);
  options_.certificate = one + "/certificate.pem";
  options_.private_key = other + "/key.pem";
  const auto started = Server::start(real_env(), options_, [](Request&&, Reply) {});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().reason, "bad_certificate");
}

// -- everything at random -------------------------------------------------------------------------

TEST_F(ServerTest, OutlivesTwoThousandClientsThatSendJunk) {
  options_.limits.connections = 200;
  options_.limits.connections_per_address = 200;
  start();
  const std::string pieces[] = {get("/echo"),
                                get("/later"),
                                get("/stream"),
                                get("/drop"),
                                get("/big"),
                                post("/echo", "body"),
                                chunked("5\r\nhello\r\n0\r\n\r\n"),
                                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf",
                                "GET / HT",
                                "\r\n",
                                "\n\n",
                                "Transfer-Encoding: chunked\r\n",
                                std::string(5'000, 'x')};
  constexpr int thread_count = 4;
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 2'000 / thread_count; ++i) {
        Rng rng(i * thread_count + static_cast<std::uint64_t>(t));
        Client client(server_->port());
        for (std::uint64_t n = rng.below(5); n > 0; --n) {
          std::string piece = pieces[rng.below(std::size(pieces))];
          if (rng.chance(0.3)) {
            piece[rng.below(piece.size())] = static_cast<char>(rng.next());
          }
          if (rng.chance(0.2)) piece.resize(rng.below(piece.size() + 1));
          client.send(piece);
        }
        const double end = rng.uniform01();
        if (end < 0.3) client.reset();
        if (end > 0.8) {
          client.end_sending();
          (void)client.wait_for("\r\n\r\n");
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& stream : *streams_.lock()) stream->end();
  EXPECT_TRUE(comes_true([&] {
    for (const auto& stream : *streams_.lock()) stream->end();
    return counts().connections == 0;
  }));
  EXPECT_EQ(counts().body_bytes, 0u);
  EXPECT_GE(counts().accepted + counts().turned_away, 1'000u);
  EXPECT_EQ(client().ask(get("/a")).body, "GET /a  ");
}

}  // namespace
}  // namespace hf::http
