// SPDX-License-Identifier: Apache-2.0
//
// Bodies that are not held, over the wire: those a sink takes, those nobody reads, and files.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>

#include "base/guarded.h"
#include "base/sim_env.h"
#include "http/server.h"
#include "http/test_client.h"

namespace hf::http {
namespace {

using std::chrono::milliseconds;
using test::Answer;
using test::Client;

constexpr std::size_t body_bytes_max = 64 * 1024;

/// Keeps what it gets, and says so from another thread.
class Kept final : public BodySink {
 public:
  explicit Kept(std::size_t bytes_max, Guarded<int>& alive) : bytes_max_(bytes_max), alive_(alive) {
    ++*alive_.lock();
  }
  ~Kept() override {
    if (thread_.joinable()) thread_.join();
    --*alive_.lock();
  }
  void write(std::string piece, std::function<void(bool)> done) override {
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([this, piece = std::move(piece), done = std::move(done)] {
      std::this_thread::sleep_for(milliseconds(1));
      text += piece;
      ++pieces;
      done(text.size() <= bytes_max_);
    });
  }
  std::string text;
  int pieces = 0;

 private:
  std::size_t bytes_max_;
  Guarded<int>& alive_;
  std::thread thread_;
};

class BodySinkTest : public testing::Test {
 protected:
  BodySinkTest() {
    Server::Options options{.port = 0};
    options.limits.body_bytes = body_bytes_max;
    options.limits.grace_ms = 300;
    options.body_rules = [this](const Request& head) -> BodyRule {
      if (head.path == "/unread") return {.is_unread = true};
      if (head.path != "/sink") return {};
      return {.sink = std::make_shared<Kept>(std::size_t{20} << 20, alive_)};
    };
    auto started = Server::start(
        real_env(), options, [this](Request&& request, Reply reply) { handle(request, reply); });
    EXPECT_TRUE(started) << started.error().message;
    server_ = *std::move(started);
  }
  ~BodySinkTest() override { server_->stop(1'000); }

  void handle(const Request& request, const Reply& reply) {
    if (request.path == "/file") {
      auto file = sim_.env().files.open("/f", OpenMode::create).value();
      const std::string text(700'000, 'f');
      EXPECT_TRUE(file->write_at(0, std::as_bytes(std::span(text))));
      const std::uint64_t bytes = request.query == "short" ? 800'000 : 700'000;
      return reply({.content_type = "text/csv",
                    .file = Response::FileBody{std::shared_ptr<File>(std::move(file)), bytes}});
    }
    std::string text = fmt::format("held {}", request.body.size());
    if (request.sink != nullptr) {
      const auto kept = std::static_pointer_cast<Kept>(request.sink);
      *taken_.lock() = kept->text;
      text = fmt::format("taken {} in {}", kept->text.size(), kept->pieces);
    }
    reply({.content_type = "text/plain", .body = text});
  }
  static std::string head(std::string_view path, std::size_t bytes) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", path, bytes);
  }
  Client client() { return Client(server_->port()); }
  bool all_are_gone() {
    for (int i = 0; i < 1'000; ++i) {
      if (*alive_.lock() == 0) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }

  SimEnv sim_{1};
  Guarded<int> alive_{0};
  Guarded<std::string> taken_;
  std::unique_ptr<Server> server_;
};

TEST_F(BodySinkTest, AreTakenPieceByPieceWholeAndOverTheLimitOfWhatIsHeld) {
  std::string body;
  for (int i = 0; body.size() < 3'000'000; ++i) body += fmt::format("{},", i);
  Client client = this->client();
  for (int i = 0; i < 3; ++i) {
    const Answer answer = client.ask(head("/sink", body.size()) + body);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, testing::StartsWith(fmt::format("taken {} in 1", body.size())));
    EXPECT_EQ(*taken_.lock(), body);
  }
  EXPECT_EQ(server_->counts().body_bytes, 0u);
  EXPECT_EQ(client.ask(head("/held", 3) + "abc").body, "held 3") << "on the same connection";
  EXPECT_TRUE(all_are_gone());
}

TEST_F(BodySinkTest, AreTakenInChunksToo) {
  const std::string piece(100'000, 'x');
  Client client = this->client();
  client.send("POST /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 10; ++i) client.send(fmt::format("{:x}\r\n{}\r\n", piece.size(), piece));
  client.send("0\r\n\r\n");
  EXPECT_THAT(client.answer().body, testing::StartsWith("taken 1000000 in "));
}

TEST_F(BodySinkTest, MayBeEmpty) {
  Client client = this->client();
  EXPECT_EQ(client.ask(head("/sink", 0)).body, "taken 0 in 0");
  EXPECT_EQ(client.ask(head("/sink", 1) + "x").body, "taken 1 in 1");
}

TEST_F(BodySinkTest, EndWhereTheSinkHasEnough) {
  Client client = this->client();
  const std::string piece(1 << 20, 'y');
  client.send(head("/sink", std::size_t{1} << 40));
  std::thread sender([&] {
    for (int i = 0; i < 64 && client.send(piece); ++i) {
    }
  });
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_THAT(answer.body, testing::StartsWith("taken 2"));
  EXPECT_TRUE(client.is_hung_up_on());
  sender.join();
  EXPECT_TRUE(all_are_gone());
}

TEST_F(BodySinkTest, OfAClientThatGoesAwayLeaveNothing) {
  for (const bool is_polite : {true, false}) {
    Client client = this->client();
    client.send(head("/sink", 10'000'000) + std::string(1'000'000, 'z'));
    std::this_thread::sleep_for(milliseconds(20));
    is_polite ? client.close() : client.reset();
    EXPECT_TRUE(all_are_gone());
  }
  // And of one that stays silent.
  Client client = this->client();
  client.send(head("/sink", 10'000'000) + std::string(10, 'z'));
  EXPECT_EQ(client.answer().status, 408);
  EXPECT_TRUE(all_are_gone());
  EXPECT_EQ(server_->counts().body_bytes, 0u);
}

TEST_F(BodySinkTest, ThatNobodyReadsAreAnsweredAllTheSame) {
  Client client = this->client();
  const Answer answer = client.ask(head("/unread", std::size_t{1} << 40) + "some of it");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "held 0");
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_TRUE(client.is_hung_up_on());
  // Without a body there is none to be left unread.
  Client plain = this->client();
  EXPECT_EQ(plain.ask(head("/unread", 0)).body, "held 0");
  EXPECT_EQ(plain.ask(head("/unread", 0)).body, "held 0");
}

TEST_F(BodySinkTest, OfOtherPathsKeepTheirLimit) {
  Client client = this->client();
  const std::string body(body_bytes_max, 'h');
  EXPECT_EQ(client.ask(head("/held", body.size()) + body).body,
            fmt::format("held {}", body_bytes_max));
  EXPECT_EQ(client.ask(head("/held", body.size() + 1) + body + "h").status, 413);
  Client chunked = this->client();
  chunked.send(fmt::format(
      "POST /held HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}h\r\n",
      body_bytes_max + 1, body));
  EXPECT_EQ(chunked.answer().status, 413);
}

TEST_F(BodySinkTest, FilesAreSentAsFarAsWasSaid) {
  Client client = this->client();
  Answer answer = client.ask("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(answer.header("content-length"), "700000");
  EXPECT_EQ(answer.body, std::string(700'000, 'f'));
  answer = client.ask("HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n", true);
  EXPECT_EQ(answer.header("content-length"), "700000");
  EXPECT_EQ(client.ask(head("/held", 1) + "x").body, "held 1");
  // One that has become shorter must not look whole.
  client.send("GET /file?short HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.is_hung_up_on());
}

}  // namespace
}  // namespace hf::http
