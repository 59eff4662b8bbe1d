// SPDX-License-Identifier: Apache-2.0
//
// Test support: HTTP/1.1 over a plain blocking socket, so that a test sees when a connection breaks
// and decides itself what is sent again.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hf::test {

struct HttpAnswer {
  int status = 0;
  std::string head;  ///< As received, with the empty line at its end.
  std::string body;

  /// The value behind "name: ", which is compared as written.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const {
    const std::string start = fmt::format("\r\n{}: ", name);
    const std::size_t at = head.find(start);
    if (at == std::string::npos) return std::nullopt;
    const std::size_t value = at + start.size();
    return head.substr(value, head.find("\r\n", value) - value);
  }
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// One connection to a port of this machine, made when it is needed and kept as long as it lives.
class HttpConnection {
 public:
  explicit HttpConnection(std::uint16_t port) : port_(port) {}
  ~HttpConnection() { hang_up(); }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// Nothing where no whole answer came: refused, reset, or silent for ten seconds. Whether the
  /// server took the request is not known then.
  std::optional<HttpAnswer> ask(std::string_view method, std::string_view path,
                                const HttpHeaders& headers = {}, std::string_view body = {}) {
    std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", method, path, port_);
    for (const auto& [name, value] : headers) text += fmt::format("{}: {}\r\n", name, value);
    if (method != "GET") text += fmt::format("Content-Length: {}\r\n", body.size());
    text += "\r\n";
    text += body;
    std::optional<HttpAnswer> answer;
    if ((fd_ >= 0 || call()) && send_all(text)) answer = receive();
    if (!answer || answer->header("Connection") == "close") hang_up();
    return answer;
  }
  void hang_up() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  bool call() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_GE(fd_, 0);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  bool send_all(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t put = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  std::optional<HttpAnswer> receive() const {
    std::string text;
    std::size_t whole = std::string::npos;  // Not known yet.
    std::size_t head = 0;
    while (text.size() < whole) {
      std::array<char, 16'384> piece;
      const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
      if (got <= 0) return std::nullopt;
      text.append(piece.data(), static_cast<std::size_t>(got));
      if (whole != std::string::npos) continue;
      const std::size_t end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      head = end + 4;
      const HttpAnswer so_far{.head = text.substr(0, head)};
      whole = head + number(so_far.header("Content-Length").value_or("0"));
    }
    EXPECT_EQ(text.size(), whole) << "more than was announced: " << text;
    constexpr std::size_t status_at = 9;  // Behind "HTTP/1.1 ".
    return HttpAnswer{.status = static_cast<int>(number(text.substr(status_at, 3))),
                      .head = text.substr(0, head),
                      .body = text.substr(head)};
  }
  static std::size_t number(const std::string& text) {
    std::size_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    EXPECT_TRUE(read.ec == std::errc() && read.ptr == text.data() + text.size()) << text;
    return value;
  }

  std::uint16_t port_;
  int fd_ = -1;
};

inline std::string gzipped(std::string_view text) {
  z_stream stream{};
  constexpr int as_gzip = 16 + MAX_WBITS;
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, as_gzip, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace hf::test
