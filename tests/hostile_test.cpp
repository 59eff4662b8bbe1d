// SPDX-License-Identifier: Apache-2.0
//
// The real server among clients who mean it harm, from many addresses, while an honest one sends
// events from another: what it sends is answered in time and stored, and the server outlives it
// all.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <thread>

#include "base/rng.h"
#include "http_client.h"
#include "program.h"

namespace hf {
namespace {

using test::HttpConnection;
using test::run;
using test::Running;
using test::ScratchDirectory;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int slow_senders = 5'000;
constexpr int per_address = 100;  // The server's default.

/// A socket that never waits, from an address of 127.0.0.0/8.
class RawSocket {
 public:
  RawSocket(std::uint16_t port, std::uint32_t from) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(from);
    sockaddr_in there = here;
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    there.sin_port = htons(port);
    if (fd_ < 0) return;
    const bool bound = ::bind(fd_, reinterpret_cast<sockaddr*>(&here), sizeof here) == 0;
    is_open_ = bound && ::connect(fd_, reinterpret_cast<sockaddr*>(&there), sizeof there) == 0;
  }
  ~RawSocket() {
    if (fd_ >= 0) ::close(fd_);
  }
  RawSocket(RawSocket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), is_open_(other.is_open_) {}
  RawSocket& operator=(RawSocket&&) = delete;

  [[nodiscard]] bool is_open() const { return is_open_; }
  /// What the system takes at once; the rest is forgotten.
  void send(std::string_view text) {
    if (::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN) {
      is_open_ = false;
    }
  }
  /// Waits a while for an answer's beginning.
  [[nodiscard]] std::string answer() const {
    const timeval patience{.tv_sec = 3, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char text[512];
    const ssize_t got = ::recv(fd_, text, sizeof text, 0);
    return got > 0 ? std::string(text, static_cast<std::size_t>(got)) : std::string();
  }
  /// Gone without a word: the system sends a reset.
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
  bool is_open_ = false;
};

std::uint32_t address(int number) {
  return (127u << 24) + (1u << 16) + static_cast<std::uint32_t>(number / per_address) + 1;
}

/// Sends one event after the other and notes how long each took.
class HonestClient {
 public:
  HonestClient(std::uint16_t port, std::string key)
      : thread_([this, port, key = std::move(key)] { work(port, key); }) {}
  ~HonestClient() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::vector<double> stop() {
    stop_ = true;
    thread_.join();
    std::ranges::sort(ms_);
    return ms_;
  }

 private:
  void work(std::uint16_t port, const std::string& key) {
    HttpConnection connection(port);
    const test::HttpHeaders headers{{"Content-Type", "application/json"}};
    for (int n = 0; !stop_; ++n) {
      const std::string body = fmt::format(
          R"({{"writeKey":"{}","userId":"honest","event":"e","messageId":"{}"}})", key, n);
      const auto begin = Clock::now();
      const auto answer = connection.ask("POST", "/v1/track", headers, body);
      ms_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
      ASSERT_TRUE(answer.has_value()) << "event " << n << " was not answered";
      ASSERT_EQ(answer->status, 200) << answer->body;
      std::this_thread::sleep_for(milliseconds(5));
    }
  }
  std::atomic<bool> stop_ = false;
  std::vector<double> ms_;
  std::thread thread_;
};

class Hostile : public testing::Test {
 protected:
  void SetUp() override {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < 2 * slow_senders + 500) {
      GTEST_SKIP() << "needs " << 2 * slow_senders + 500 << " open files, may have "
                   << files.rlim_cur;
    }
    ASSERT_EQ(run(commands_, {"--data", data(), "source", "add", "web"}).code, 0);
    key_ = run(commands_, {"--data", data(), "key", "create", "--source", "web"}).out;
    key_.pop_back();
    server_.emplace(directory_,
                    std::vector<std::string>{"--data", data(), "serve", "--listen", "127.0.0.1:0"});
    for (int tries = 0; port_ == 0 && tries < 200; ++tries) {
      std::this_thread::sleep_for(milliseconds(25));
      const std::string out = test::text_of(directory_ / "stdout");
      const std::size_t at = out.find("127.0.0.1:");
      if (at != std::string::npos && out.find('\n', at) != std::string::npos) {
        port_ = static_cast<std::uint16_t>(std::stoi(out.substr(at + 10)));
      }
    }
    ASSERT_NE(port_, 0);
  }

  [[nodiscard]] std::string data() const { return directory_ / "data"; }

  /// Runs the attack while the honest client works, whose 99th percentile must stay below 100 ms.
  void withstand(const std::function<void()>& attack) {
    HonestClient honest(port_, key_);
    attack();
    const std::vector<double> ms = honest.stop();
    ASSERT_GT(ms.size(), 50u);
    const double p99 = ms[static_cast<std::size_t>(0.99 * static_cast<double>(ms.size() - 1))];
    RecordProperty("p99_ms", fmt::format("{:.1f}", p99));
    fmt::print("  honest client: {} events, p50 {:.1f} ms, p99 {:.1f} ms, most {:.1f} ms\n",
               ms.size(), ms[ms.size() / 2], p99, ms.back());
    EXPECT_LT(p99, 100.0);
    HttpConnection after(port_);
    const auto answer = after.ask("GET", "/readyz");
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 200) << answer->body;
  }

  [[nodiscard]] std::string metric(std::string_view name) const {
    HttpConnection connection(port_);
    const auto answer = connection.ask("GET", "/metrics");
    if (!answer) return {};
    const std::string start = fmt::format("\nholdfast_{} ", name);
    const std::size_t at = answer->body.find(start);
    if (at == std::string::npos) return {};
    return answer->body.substr(at + start.size(),
                               answer->body.find('\n', at + 1) - at - start.size());
  }

  std::string head(std::string_view rest) const {
    return fmt::format("POST /v1/track HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{}", port_, rest);
  }

  ScratchDirectory commands_;
  ScratchDirectory directory_;
  std::string key_;
  std::optional<Running> server_;
  std::uint16_t port_ = 0;
};

/// 5,000 connections, each of which sends `piece` once a second.
void send_slowly(std::uint16_t port, std::string_view begin, std::string_view piece) {
  std::vector<RawSocket> sockets;
  int open = 0;
  for (int i = 0; i < slow_senders; ++i) {
    sockets.emplace_back(port, address(i));
    open += sockets.back().is_open() ? 1 : 0;
    sockets.back().send(begin);
  }
  EXPECT_GT(open, slow_senders * 9 / 10);
  for (int second = 0; second < 3; ++second) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    for (RawSocket& socket : sockets) socket.send(piece);
  }
}

TEST_F(Hostile, SlowSendersOfHeadersKeepNobodyWaiting) {
  withstand([&] { send_slowly(port_, "POST /v1/track HTTP/1.1\r\nHos", "t"); });
}

TEST_F(Hostile, SlowSendersOfBodiesKeepNobodyWaiting) {
  withstand([&] { send_slowly(port_, head("Content-Length: 8000000\r\n\r\n{"), R"("a":1,)"); });
}

TEST_F(Hostile, WhoTakesMoreConnectionsThanOneAddressMayIsTurnedAway) {
  withstand([&] {
    std::vector<RawSocket> sockets;
    for (int i = 0; i < 1'000; ++i) sockets.emplace_back(port_, (127u << 24) + (2u << 16) + 7);
    std::this_thread::sleep_for(std::chrono::seconds(2));
    EXPECT_EQ(metric("connections_turned_away_total"), "900");
  });
}

TEST_F(Hostile, SlowReadersAndPipeliningKeepNobodyWaiting) {
  withstand([&] {
    std::vector<RawSocket> sockets;
    std::string many;
    for (int i = 0; i < 500; ++i) {
      many += fmt::format("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", port_);
    }
    for (int i = 0; i < 300; ++i) {
      sockets.emplace_back(port_, address(i));
      sockets.back().send(many);  // Whose answers nobody reads.
    }
    std::this_thread::sleep_for(std::chrono::seconds(3));
  });
}

TEST_F(Hostile, JunkAtFullRateKeepsNobodyWaiting) {
  withstand([&] {
    std::atomic<bool> stop = false;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        Rng rng(static_cast<std::uint64_t>(t));
        std::string junk(4'096, '\0');
        for (int n = 0; !stop; ++n) {
          RawSocket socket(port_, address(t * per_address));
          const bool is_text = rng.chance(0.5);
          for (char& c : junk)
            c = static_cast<char>(rng.between(is_text ? 32 : 0, is_text ? 126 : 255));
          socket.send(rng.chance(0.3) ? head("Content-Length: 4096\r\n\r\n") + junk : junk);
          if (rng.chance(0.3)) socket.reset();
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::seconds(3));
    stop = true;
  });
}

TEST_F(Hostile, HalfOpenAndVanishedConnectionsKeepNobodyWaiting) {
  withstand([&] {
    std::vector<RawSocket> silent;
    for (int i = 0; i < 2'000; ++i) silent.emplace_back(port_, address(i));
    for (int i = 0; i < 2'000; i += 2) silent[static_cast<std::size_t>(i)].reset();
    std::this_thread::sleep_for(std::chrono::seconds(2));
  });
}

std::string gzip_of_zeros(std::size_t bytes) {
  const std::string zeros(bytes, ' ');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
  stream.avail_in = static_cast<uInt>(bytes);
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(Hostile, WhatCouldBeReadInTwoWaysIsRefused) {
  struct Case {
    const char* name;
    std::string text;
    const char* status;
  };
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const std::string bomb = gzip_of_zeros(std::size_t{64} << 20);
  const std::string body = fmt::format(R"({{"writeKey":"{}","userId":"evil","event":"e"}})", key_);
  const Case cases[] = {
      {"both lengths", head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
       "400"},
      {"two lengths", head("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), "400"},
      {"the same length twice", head("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), "400"},
      {"a length with a sign", head("Content-Length: +5\r\n\r\nhello"), "400"},
      {"bare line feeds", "POST /v1/track HTTP/1.1\nHost: 127.0.0.1\n\n", "400"},
      {"a folded header", head("X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n"), "400"},
      {"a blank before the colon", head("Content-Length : 0\r\n\r\n"), "400"},
      {"a chunk of negative size", head("Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n"),
       "400"},
      {"a chunk of huge size",
       head("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab\r\n0\r\n\r\n"), "400"},
      {"a coding unknown", head("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "400"},
      {"a body over the limit", head("Content-Length: 99999999\r\n\r\n"), "413"},
      {"a long target", fmt::format("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", std::string(9'000, 'a')),
       "414"},
      {"many headers", head([] {
         std::string many;
         for (int i = 0; i < 200; ++i) many += fmt::format("X-{}: 1\r\n", i);
         return many + "\r\n";
       }()),
       "431"},
      {"deep JSON", head(fmt::format("Content-Length: {}\r\n\r\n{}", deep.size(), deep)), "400"},
      {"a bomb",
       head(fmt::format("Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{}", bomb.size(),
                        bomb)),
       "413"},
      {"a request behind the first",
       head(fmt::format("Content-Length: {}\r\n\r\n{}GET /admin", body.size(), body)), "200"},
  };
  withstand([&] {
    const auto end = Clock::now() + std::chrono::seconds(2);
    for (int round = 0; Clock::now() < end; ++round) {
      for (const Case& each : cases) {
        RawSocket socket(port_, address(round % 20 * per_address));
        socket.send(each.text);
        const std::string answer = socket.answer();
        EXPECT_EQ(answer.substr(0, 12), fmt::format("HTTP/1.1 {}", each.status)) << each.name;
      }
    }
  });
}

}  // namespace
}  // namespace hf
