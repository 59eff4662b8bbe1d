// SPDX-License-Identifier: Apache-2.0
//
// http_load PORT KEY EVENTS_A_REQUEST SECONDS [CONNECTIONS]: posts /v1/batch to a server of this
// machine as fast as it answers, each event with a message id of its own, and prints what was
// acknowledged and how long a request took. Bodies are made once; only the ids in them change, so
// that the client takes little of the machine that it shares with the server.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(std::string_view what) {
  fmt::print(stderr, "http_load: {}\n", what);
  std::exit(1);
}

int open_connection(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    die(std::strerror(errno));
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

constexpr std::size_t id_digits = 16;

/// A request whose ids are counted up in place.
struct Request {
  std::string text;
  std::vector<std::size_t> ids;    // Where the digits of each are.
  std::vector<std::size_t> users;  // Where the six digits of each user are.
};

Request request_of(std::string_view key, unsigned events) {
  std::string body =
      fmt::format(R"({{"writeKey":"{}","sentAt":"2026-11-23T08:00:00.000Z","batch":[)", key);
  Request request;
  for (unsigned i = 0; i < events; ++i) {
    if (i > 0) body += ',';
    body += R"({"type":"track","messageId":"node-next-)";
    request.ids.push_back(body.size());
    body += std::string(id_digits, '0');
    body += R"(","userId":"user-)";
    request.users.push_back(body.size());
    body += "000000";
    body += fmt::format(
        R"(","event":"{}","originalTimestamp":"2026-11-23T07:59:{:02}.{:03}Z","properties":)"
        R"({{"product":"a white hanging heart","price":{}.95,"quantity":{},"in_stock":true}},)"
        R"("context":{{"library":{{"name":"@segment/analytics-node","version":"3.1.0"}}}}}})",
        i % 3 == 0 ? "buy" : "view", i % 60, i % 1000, i % 50, 1 + i % 7);
  }
  body += "]}";
  request.text = fmt::format(
      "POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n\r\n",
      body.size());
  for (std::size_t& at : request.ids) at += request.text.size();
  for (std::size_t& at : request.users) at += request.text.size();
  request.text += body;
  return request;
}

void put_digits(char* at, std::size_t digits, std::uint64_t value) {
  for (std::size_t i = digits; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

/// The status; reads the whole answer.
int post(int fd, const std::string& text, std::string& answer) {
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t put = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (put <= 0) return 0;
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  answer.clear();
  char piece[4'096];
  while (true) {
    const ssize_t got = ::recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return 0;
    answer.append(piece, static_cast<std::size_t>(got));
    const std::size_t head_end = answer.find("\r\n\r\n");
    if (head_end == std::string::npos) continue;
    constexpr std::string_view name = "Content-Length: ";
    const std::size_t at = answer.find(name);
    std::size_t length = 0;
    if (at != std::string::npos && at < head_end) {
      std::from_chars(answer.data() + at + name.size(), answer.data() + head_end, length);
    }
    if (answer.size() >= head_end + 4 + length) break;
  }
  int status = 0;
  std::from_chars(answer.data() + 9, answer.data() + 12, status);
  return status;
}

struct Outcome {
  std::vector<double> ms;
  std::uint64_t events = 0;
  std::uint64_t turned_away = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) die("usage: http_load PORT KEY EVENTS_A_REQUEST SECONDS [CONNECTIONS]");
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const std::string key = argv[2];
  const auto events = static_cast<unsigned>(std::atoi(argv[3]));
  const double seconds = std::atof(argv[4]);
  const unsigned connections = argc > 5 ? static_cast<unsigned>(std::atoi(argv[5])) : 4;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  std::atomic<std::uint64_t> next = static_cast<std::uint64_t>(
      std::chrono::system_clock::now().time_since_epoch().count() / 1'000 % 1'000'000'000'000);
  std::vector<Outcome> outcomes(connections);
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < connections; ++i) {
      threads.emplace_back([&, i] {
        Outcome& outcome = outcomes[i];
        Request request = request_of(key, events);
        std::string answer;
        int fd = open_connection(port);
        while (Clock::now() < end) {
          const std::uint64_t first = next.fetch_add(events);
          for (unsigned at = 0; at < events; ++at) {
            put_digits(request.text.data() + request.ids[at], id_digits, first + at);
            put_digits(request.text.data() + request.users[at], 6, (first + at) * 7'919 % 100'003);
          }
          const auto sent = Clock::now();
          const int status = post(fd, request.text, answer);
          if (status == 200) {
            outcome.events += events;
            outcome.ms.push_back(
                std::chrono::duration<double, std::milli>(Clock::now() - sent).count());
          } else if (status == 503) {
            ++outcome.turned_away;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
          } else {
            die(fmt::format("status {}: {}", status, answer.substr(0, 300)));
          }
        }
        ::close(fd);
      });
    }
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  Outcome all;
  for (const Outcome& each : outcomes) {
    all.events += each.events;
    all.turned_away += each.turned_away;
    all.ms.insert(all.ms.end(), each.ms.begin(), each.ms.end());
  }
  if (all.ms.empty()) die("nothing was acknowledged");
  std::ranges::sort(all.ms);
  const auto at = [&](double share) {
    return all.ms[static_cast<std::size_t>(share * static_cast<double>(all.ms.size() - 1))];
  };
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto cpu = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  fmt::print(
      "{} events acknowledged in {:.1f} s: {:.0f}/s, {} a request of {} bytes, {} connections\n"
      "request ms: p50 {:.2f}, p90 {:.2f}, p99 {:.2f}, most {:.2f}; turned away {}\n"
      "client's CPU {:.1f} s\n",
      all.events, took, static_cast<double>(all.events) / took, events,
      request_of(key, events).text.size(), connections, at(0.5), at(0.9), at(0.99), all.ms.back(),
      all.turned_away, cpu(usage.ru_utime) + cpu(usage.ru_stime));
}
