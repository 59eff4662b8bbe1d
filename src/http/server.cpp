// SPDX-License-Identifier: Apache-2.0
//
// Who listens, and deals what comes to the workers in turn. Deadlines are looked after by a sweep
// over each worker's connections, not by a timer each. A co_await stands alone in its statement:
// within conditions g++ 12 makes code that does not hold.
#include "http/server.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "http/asio_types.h"
#include "http/byte_stream.h"
#include "http/connection.h"
#include "http/early_answer.h"
#include "http/response_head.h"
#include "http/worker.h"

namespace hf::http {
namespace {

constexpr auto sweep_every = std::chrono::milliseconds(250);

Task<void> sweep(Worker* worker) {
  while (true) {
    worker->sweep.expires_after(sweep_every);
    error_code error;
    co_await worker->sweep.async_wait(asio::redirect_error(awaiting, error));
    if (error) co_return;
    const std::int64_t now = worker->shared->now_ms();
    for (Connection* connection : worker->connections) connection->check(now);
  }
}

class AsioServer final : public Server {
 public:
  AsioServer(const Env& env, const Options& options, Handler handler)
      : shared_(std::make_shared<Shared>(env, options, std::move(handler))),
        options_(options),
        workers_(make_workers(shared_, options.threads)) {}
  ~AsioServer() override { stop(0); }

  Result<void> listen() {
    if (!options_.certificate.empty()) {
      HF_TRY(tls_, TlsContext::open(options_.certificate, options_.private_key));
    }
    error_code error;
    const auto address = asio::ip::make_address(options_.address, error);
    if (error) {
      return fail(ErrorCode::invalid_argument, "bad_address",
                  fmt::format("not an IP address: {}", options_.address));
    }
    const tcp::endpoint endpoint(address, options_.port);
    tcp_.open(endpoint.protocol(), error);
    if (!error) tcp_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) tcp_.bind(endpoint, error);
    if (!error) tcp_.listen(4'096, error);
    if (error == asio::error::address_in_use) {
      return fail(
          ErrorCode::failed_precondition, "address_in_use",
          fmt::format("somebody else listens there: {}:{}", options_.address, options_.port));
    }
    if (error) return cannot_listen(options_.address, error);
    port_ = tcp_.local_endpoint().port();
    if (!options_.socket_path.empty()) HF_CHECK(listen_locally());
    asio::co_spawn(workers_[0]->context, accept_tcp(), asio::detached);
    for (const auto& worker : workers_) {
      asio::co_spawn(worker->context, sweep(worker.get()), asio::detached);
      worker->thread = std::thread([w = worker.get()] { w->context.run(); });
    }
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  [[nodiscard]] Counts counts() const override {
    return {.connections = shared_->open,
            .accepted = shared_->accepted,
            .turned_away = shared_->turned_away,
            .requests = shared_->requests,
            .malformed = shared_->malformed,
            .timed_out = shared_->timed_out,
            .body_bytes = shared_->body_bytes};
  }

  void stop(std::int64_t grace_ms) override {
    if (shared_->stopping.exchange(true)) return;
    asio::post(workers_[0]->context, [this] {
      error_code ignored;
      tcp_.close(ignored);
      local_.close(ignored);
      retry_.cancel();
    });
    const auto hang_up = [this](bool now) {
      for (const auto& worker : workers_) {
        asio::post(worker->context, [w = worker.get(), now] {
          for (Connection* connection : w->connections) connection->stop(now);
        });
      }
    };
    const std::int64_t end = shared_->now_ms() + grace_ms;
    hang_up(false);
    while (shared_->open > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      hang_up(shared_->now_ms() >= end);
      // A handler that never answers does not keep us.
      if (shared_->now_ms() >= end + 2'000) break;
    }
    for (const auto& worker : workers_) {
      asio::post(worker->context, [w = worker.get()] {
        w->sweep.cancel();
        w->context.stop();
      });
    }
    for (const auto& worker : workers_) {
      if (worker->thread.joinable()) worker->thread.join();
    }
    if (!options_.socket_path.empty()) ::unlink(options_.socket_path.c_str());
    // The acceptors need the workers' contexts for as long as they live themselves.
  }

 private:
  using Workers = std::vector<std::shared_ptr<Worker>>;
  static Workers make_workers(const std::shared_ptr<Shared>& shared, unsigned count) {
    Workers workers;
    for (unsigned i = 0; i < std::max(1u, count); ++i) {
      workers.push_back(std::make_shared<Worker>(shared));
    }
    return workers;
  }

  static std::unexpected<Error> cannot_listen(const std::string& where, const error_code& error) {
    return fail(ErrorCode::unavailable, "cannot_listen",
                fmt::format("cannot listen on {}: {}", where, error.message()));
  }

  // Who holds the data directory's lock removes what the one before left there.
  Result<void> listen_locally() {
    ::unlink(options_.socket_path.c_str());
    error_code error;
    if (options_.socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
      return fail(ErrorCode::invalid_argument, "bad_address",
                  fmt::format("a socket's path has at most {} bytes: {}",
                              sizeof(sockaddr_un::sun_path) - 1, options_.socket_path));
    }
    local_.open(Local(), error);
    if (!error) local_.bind(Local::endpoint(options_.socket_path), error);
    // Nobody can connect before it listens. A umask would hold for files of other threads, too.
    if (!error && ::chmod(options_.socket_path.c_str(), 0600) != 0) {
      error.assign(errno, boost::system::system_category());
    }
    if (!error) local_.listen(128, error);
    if (error) return cannot_listen(options_.socket_path, error);
    asio::co_spawn(workers_[0]->context, accept_local(), asio::detached);
    return {};
  }

  // What waits in a context must not own it.
  Worker* next_worker() { return workers_[turn_++ % workers_.size()].get(); }

  Task<void> accept_tcp() {
    while (!shared_->stopping) {
      Worker* const worker = next_worker();
      error_code error;
      SocketOf<tcp> socket(worker->context);
      co_await tcp_.async_accept(socket, asio::redirect_error(awaiting, error));
      if (shared_->stopping) co_return;
      if (error) {
        co_await pause();  // Out of files, mostly.
        continue;
      }
      const auto address = socket.remote_endpoint(error).address();
      if (error) continue;  // Gone already.
      Peer peer{address.to_string(), address.is_loopback()};
      if (!admit(peer.address)) {
        turn_away(std::move(socket));
        continue;
      }
      socket.set_option(tcp::no_delay(true), error);
      auto stream =
          tls_ == nullptr ? plain_stream(std::move(socket)) : tls_->stream(std::move(socket));
      begin(worker, std::move(stream), std::move(peer));
    }
  }
  Task<void> accept_local() {
    while (!shared_->stopping) {
      Worker* const worker = next_worker();
      error_code error;
      SocketOf<Local> socket(worker->context);
      co_await local_.async_accept(socket, asio::redirect_error(awaiting, error));
      if (shared_->stopping) co_return;
      if (error) {
        co_await pause();
        continue;
      }
      begin(worker, plain_stream(std::move(socket)), {});
    }
  }
  Task<void> pause() {
    retry_.expires_after(std::chrono::milliseconds(100));
    error_code ignored;
    co_await retry_.async_wait(asio::redirect_error(awaiting, ignored));
  }

  bool admit(const std::string& address) {
    const Limits& limits = shared_->limits;
    const auto addresses = shared_->by_address.lock();
    unsigned& of_address = (*addresses)[address];
    if (shared_->open >= limits.connections || of_address >= limits.connections_per_address) {
      if (of_address == 0) addresses->erase(address);
      shared_->turned_away.fetch_add(1);
      return false;
    }
    ++of_address;
    return true;
  }

  // What there are too many of is not read and waited for: who has no room in its buffers for an
  // answer gets none. By TLS there is none either, which would take a handshake.
  void turn_away(SocketOf<tcp> socket) {
    if (tls_ != nullptr) return;
    const std::string id = shared_->new_request_id();
    const Response response = early_answer({503, "too_many_connections"}, shared_->limits, id);
    const std::string text =
        head_of(response, {.date = workers_[0]->date(), .request_id = id, .closes = true}) +
        response.body;
    error_code ignored;
    socket.non_blocking(true, ignored);
    // Closed with input unread, the client's system would throw the answer away.
    std::array<char, 4'096> unread;
    (void)socket.read_some(asio::buffer(unread), ignored);
    (void)socket.write_some(asio::buffer(text), ignored);
    socket.shutdown(SocketOf<tcp>::shutdown_send, ignored);
  }

  void begin(Worker* worker, std::unique_ptr<ByteStream> stream, Peer peer) {
    shared_->open.fetch_add(1);
    shared_->accepted.fetch_add(1);
    auto connection = std::make_shared<Connection>(worker->shared_from_this(), std::move(stream),
                                                   std::move(peer));
    asio::co_spawn(worker->context, Connection::run(std::move(connection)), asio::detached);
  }

  std::shared_ptr<Shared> shared_;
  Options options_;
  Workers workers_;
  std::unique_ptr<TlsContext> tls_;  // Null: no TLS.
  // Of the first worker.
  AcceptorOf<tcp> tcp_{workers_.front()->context};
  AcceptorOf<Local> local_{workers_.front()->context};
  Timer retry_{workers_.front()->context};
  std::uint16_t port_ = 0;
  std::size_t turn_ = 0;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const Env& env, const Options& options,
                                              Handler handler) {
  HF_ASSERT(options.certificate.empty() == options.private_key.empty());
  auto server = std::make_unique<AsioServer>(env, options, std::move(handler));
  HF_CHECK(server->listen());
  return server;
}

}  // namespace hf::http
