// SPDX-License-Identifier: Apache-2.0
//
// The server's threads: one io_context each, and what they share.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "base/env.h"
#include "base/guarded.h"
#include "http/asio_types.h"
#include "http/message.h"
#include "http/response_head.h"
#include "http/server.h"

namespace hf::http {

class Connection;

/// What all workers share.
struct Shared {
  Env env;
  Server::Limits limits;
  std::string any_page_prefix;
  BodyRules body_rules;
  Handler handler;
  std::atomic<bool> stopping = false;
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> turned_away = 0;
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> malformed = 0;
  std::atomic<std::uint64_t> timed_out = 0;
  std::atomic<std::uint64_t> open = 0;
  std::atomic<std::size_t> body_bytes = 0;
  Guarded<std::map<std::string, unsigned>> by_address;

  Shared(const Env& e, const Server::Options& options, Handler h)
      : env(e),
        limits(options.limits),
        any_page_prefix(options.any_page_prefix),
        body_rules(options.body_rules),
        handler(std::move(h)) {}
  [[nodiscard]] std::int64_t now_ms() const { return env.clock.monotonic_ns() / 1'000'000; }
  [[nodiscard]] std::string new_request_id() const {
    std::uint64_t number = 0;
    env.random.fill(std::as_writable_bytes(std::span(&number, 1)));
    return fmt::format("{:016x}", number);
  }
};

/// One thread. A connection lives on one worker, and all but `context` is of that thread alone.
struct Worker : std::enable_shared_from_this<Worker> {
  explicit Worker(std::shared_ptr<Shared> all) : shared(std::move(all)), sweep(context) {}
  [[nodiscard]] std::string_view date() { return http_date.at(shared->env.clock.now_ms()); }

  asio::io_context context{1};
  std::shared_ptr<Shared> shared;
  Timer sweep;
  HttpDate http_date;
  std::list<Connection*> connections;
  std::thread thread;
};

}  // namespace hf::http
