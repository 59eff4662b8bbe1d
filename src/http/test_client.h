// SPDX-License-Identifier: Apache-2.0
//
// Test support: a plain blocking HTTP client that sends what it is told to, byte by byte.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace hf::http::test {

struct Answer {
  int status = 0;  ///< 0: the server hung up, or was silent for too long.
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< Names in lower case.
  std::string body = {};

  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& [known, value] : headers) {
      if (known == name) return value;
    }
    return {};
  }
};

class Client {
 public:
  /// Nobody waits longer for an answer.
  static constexpr int patience_s = 10;

  explicit Client(std::uint16_t port, int receive_buffer_bytes = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    HF_ASSERT(fd_ >= 0);
    if (receive_buffer_bytes > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  /// By a socket in the file system.
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    HF_ASSERT(fd_ >= 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    HF_ASSERT(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.data(), path.size());
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        is_connected_(other.is_connected_),
        input_(std::move(other.input_)) {}
  Client& operator=(Client&&) = delete;
  ~Client() { close(); }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_connected() const { return is_connected_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  /// The server finds out at once, and not by a polite end.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  /// False when the server does not take it.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t put = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }

  /// Reads one answer; its body by Content-Length, or to the end of the connection.
  Answer answer(bool is_to_head = false) {
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return {};
    }
    Answer answer = parse_head(input_.substr(0, end + 2));
    input_.erase(0, end + 4);
    const bool has_body =
        !is_to_head && answer.status / 100 != 1 && answer.status != 204 && answer.status != 304;
    if (!has_body) return answer;
    const std::string length = answer.header("content-length");
    if (length.empty()) {
      while (read_more()) {
      }
      answer.body = std::exchange(input_, {});
      return answer;
    }
    std::size_t bytes = 0;
    std::from_chars(length.data(), length.data() + length.size(), bytes);
    while (input_.size() < bytes) {
      if (!read_more()) return {};
    }
    answer.body = input_.substr(0, bytes);
    input_.erase(0, bytes);
    return answer;
  }
  Answer ask(std::string_view text, bool is_head = false) {
    send(text);
    return answer(is_head);
  }
  /// Reads until `text` has come; false at the end of the connection.
  bool wait_for(std::string_view text) {
    std::size_t at = 0;
    while ((at = input_.find(text)) == std::string::npos) {
      if (!read_more()) return false;
    }
    input_.erase(0, at + text.size());
    return true;
  }
  /// Throws away what comes; true where the server hangs up, false where it stays for longer than
  /// we wait.
  bool is_hung_up_on() {
    while (read_more()) input_.clear();
    return has_ended_;
  }
  /// Bytes that were sent and read by nobody yet.
  [[nodiscard]] const std::string& unread() const { return input_; }

 private:
  void connect(const sockaddr* address, socklen_t size) {
    const timeval patience{patience_s, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    is_connected_ = ::connect(fd_, address, size) == 0;
  }
  bool read_more() {
    std::array<char, 16'384> piece;
    const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
    if (got <= 0) {
      has_ended_ = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
      return false;
    }
    input_.append(piece.data(), static_cast<std::size_t>(got));
    return true;
  }
  static Answer parse_head(std::string_view head) {
    Answer answer;
    constexpr std::size_t status_at = 9;  // Behind "HTTP/1.1 ".
    if (head.size() < status_at + 3) return answer;
    std::from_chars(head.data() + status_at, head.data() + status_at + 3, answer.status);
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find("\r\n"));
      head.remove_prefix(line.size() + 2);
      std::string name(line.substr(0, line.find(':')));
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      answer.headers.emplace_back(std::move(name), line.substr(line.find(':') + 2));
    }
    return answer;
  }

  int fd_;
  bool is_connected_ = false;
  bool has_ended_ = false;
  std::string input_;
};

}  // namespace hf::http::test
