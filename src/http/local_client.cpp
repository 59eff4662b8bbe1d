// SPDX-License-Identifier: Apache-2.0
#include "http/local_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace hf::http {
namespace {

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> bad_answer(std::string_view why) {
  return fail(ErrorCode::unavailable, "bad_answer",
              fmt::format("the server of the data directory did not answer: {}", why));
}

ErrorCode code_of(int status) {
  switch (status) {
    case 401: return ErrorCode::unauthenticated;
    case 403: return ErrorCode::permission_denied;
    case 404: return ErrorCode::not_found;
    case 409: return ErrorCode::already_exists;
    case 422: return ErrorCode::failed_precondition;
    case 500: return ErrorCode::data_loss;
    case 503: return ErrorCode::unavailable;
    default: return ErrorCode::invalid_argument;
  }
}

}  // namespace

// A reason is a literal where it is made; here it lives as long as the process, which ends soon.
Error problem_error(int status, const Json& problem) {
  const auto member = [&](std::string_view name) -> std::string {
    const Json* const found = problem.is_object() ? problem.find(name) : nullptr;
    return found != nullptr && found->is_text() ? found->text : std::string();
  };
  static std::string reason;
  reason = member("reason");
  return {code_of(status), reason, member("detail"), member("pointer")};
}

std::string socket_path_of(const std::string& data_directory) {
  return data_directory + "/holdfast.sock";
}

Result<std::optional<std::string>> ask_local(const std::string& socket_path,
                                             std::string_view method, std::string_view path,
                                             std::string_view body) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) return std::optional<std::string>();
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  const Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return bad_answer(std::strerror(errno));
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<std::string>();
    return bad_answer(std::strerror(errno));
  }
  std::string out = fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
      method, path, body.size(), body);
  for (std::string_view rest = out; !rest.empty();) {
    const ssize_t put = ::send(socket.fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return bad_answer(std::strerror(errno));
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  std::string answer;
  while (true) {
    std::array<char, 16'384> piece;
    const ssize_t got = ::recv(socket.fd(), piece.data(), piece.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return bad_answer(std::strerror(errno));
    if (got == 0) break;
    answer.append(piece.data(), static_cast<std::size_t>(got));
  }
  const std::size_t head_end = answer.find("\r\n\r\n");
  int status = 0;
  constexpr std::size_t status_at = 9;  // Behind "HTTP/1.1 ".
  if (head_end == std::string::npos || head_end < status_at + 3 ||
      std::from_chars(answer.data() + status_at, answer.data() + status_at + 3, status).ec !=
          std::errc()) {
    return bad_answer("it hung up");
  }
  answer.erase(0, head_end + 4);
  if (status / 100 != 2) {
    const auto problem = parse_json(answer);
    return std::unexpected(problem_error(status, problem ? *problem : Json()));
  }
  return std::optional(std::move(answer));
}

}  // namespace hf::http
