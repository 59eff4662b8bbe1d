// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/env.h"
#include "base/result.h"
#include "http/head_rules.h"
#include "http/message.h"

namespace hf::http {

/// HTTP/1.1 on TCP, with TLS on demand, and on a socket in the file system. It bounds what a client
/// may send, how slowly, and how many may come; what a request means is the handler's.
class Server {
 public:
  struct Limits {
    HeadLimits head = {};
    std::size_t body_bytes = std::size_t{8} << 20;
    std::size_t all_bodies_bytes = std::size_t{256} << 20;  ///< Held at a time; over it: 503.
    unsigned connections = 10'000;
    unsigned connections_per_address = 100;
    std::int64_t head_ms =
        10'000;  ///< From the connection, then from the first byte, to a head's end.
    std::int64_t idle_ms = 60'000;     ///< Between two requests.
    std::int64_t grace_ms = 5'000;     ///< Of a body, from which on it must come at
    std::int64_t bytes_per_s = 1'000;  ///< least so fast; what came sooner counts for grace_ms.
    std::int64_t stall_ms = 30'000;    ///< The same of an answer and how fast it is read.
    std::size_t stream_bytes = std::size_t{1} << 20;  ///< Of a Stream that wait to be read.
  };
  struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 8400;  ///< 0: a free one.
    std::string certificate;    ///< PEM files; both or none.
    std::string private_key;
    std::string socket_path;  ///< Empty: none.
    /// What is refused of requests below this path may be read by pages from anywhere.
    std::string any_page_prefix = {};
    /// Asked on the server's threads, before the body is read; absent: all bodies are held.
    BodyRules body_rules = {};
    unsigned threads = 2;
    Limits limits = {};
  };
  struct Counts {
    std::uint64_t connections = 0;  ///< Open now.
    std::uint64_t accepted = 0;     ///< Since the start, as all that follow.
    std::uint64_t turned_away = 0;  ///< Over a limit of connections.
    std::uint64_t requests = 0;
    std::uint64_t malformed = 0;  ///< Answered 4xx before the handler saw them.
    std::uint64_t timed_out = 0;
    std::uint64_t body_bytes = 0;  ///< Held now.
  };

  /// Listens and answers from now on. `handler` is called on the server's threads, which it must
  /// not keep for long. `env` gives request ids. Errors: invalid_argument/bad_address,
  /// /bad_certificate; failed_precondition/address_in_use; unavailable/cannot_listen.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const Env& env, const Options& options,
                                                             Handler handler);
  virtual ~Server() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual Counts counts() const = 0;
  /// Accepts nobody any more, lets requests that have begun come to their end for at most
  /// `grace_ms`, then hangs up on the rest. The handler is not called any more when it returns.
  virtual void stop(std::int64_t grace_ms) = 0;
};

}  // namespace hf::http
