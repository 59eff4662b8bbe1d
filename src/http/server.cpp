// SPDX-License-Identifier: Apache-2.0
//
// One io_context and one thread a worker; a connection lives on one worker and is one coroutine.
// Beast parses; head_rules.h sees each head first. Deadlines are looked after by a sweep over each
// worker's connections, not by a timer each. A co_await stands alone in its statement: within
// conditions g++ 12 makes code that does not hold.
#include "http/server.h"

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer knows nothing of fences. Asio's locks order what these do.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK 1
#endif

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <condition_variable>
#include <list>
#include <map>
#include <span>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/guarded.h"
#include "http/problem.h"

namespace hf::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using Local = asio::local::stream_protocol;
using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
constexpr asio::use_awaitable_t<Executor> awaiting;
template <class Protocol>
using SocketOf = asio::basic_stream_socket<Protocol, Executor>;
template <class Protocol>
using AcceptorOf = asio::basic_socket_acceptor<Protocol, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

constexpr auto sweep_every = std::chrono::milliseconds(250);
constexpr std::size_t read_bytes = 16 * 1024;
// Unread input that is thrown away so that the client gets to read why it was refused.
constexpr std::size_t drain_bytes_max = std::size_t{32} << 20;  // In drain_ms at most.
constexpr std::int64_t drain_ms = 1'000;
constexpr std::int64_t handshake_ms = 10'000;

/// A socket of any kind.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual Task<void> handshake(error_code& error) = 0;
  virtual Task<std::size_t> read(asio::mutable_buffer into, error_code& error) = 0;
  virtual Task<std::size_t> write(asio::const_buffer from, error_code& error) = 0;
  /// Tells that nothing follows. What is read afterwards is good for nothing but the end.
  virtual Task<void> shutdown_send() = 0;
  /// What is under way ends with an error.
  virtual void cancel() = 0;
  virtual void close() = 0;
};

template <class Protocol>
class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(SocketOf<Protocol> socket) : socket_(std::move(socket)) {}
  Task<void> handshake(error_code&) override { co_return; }
  Task<std::size_t> read(asio::mutable_buffer into, error_code& error) override {
    co_return co_await socket_.async_read_some(into, asio::redirect_error(awaiting, error));
  }
  Task<std::size_t> write(asio::const_buffer from, error_code& error) override {
    co_return co_await socket_.async_write_some(from, asio::redirect_error(awaiting, error));
  }
  Task<void> shutdown_send() override {
    error_code ignored;
    socket_.shutdown(SocketOf<Protocol>::shutdown_send, ignored);
    co_return;
  }
  void cancel() override {
    error_code ignored;
    socket_.cancel(ignored);
  }
  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  SocketOf<Protocol> socket_;
};

class TlsStream final : public ByteStream {
 public:
  TlsStream(SocketOf<tcp> socket, asio::ssl::context& context)
      : stream_(std::move(socket), context) {}
  Task<void> handshake(error_code& error) override {
    co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                     asio::redirect_error(awaiting, error));
  }
  Task<std::size_t> read(asio::mutable_buffer into, error_code& error) override {
    if (is_shut_) {
      co_return co_await stream_.next_layer().async_read_some(
          into, asio::redirect_error(awaiting, error));
    }
    co_return co_await stream_.async_read_some(into, asio::redirect_error(awaiting, error));
  }
  Task<std::size_t> write(asio::const_buffer from, error_code& error) override {
    co_return co_await stream_.async_write_some(from, asio::redirect_error(awaiting, error));
  }
  Task<void> shutdown_send() override {
    is_shut_ = true;
    error_code ignored;
    // Sends the alert without which an answer may have been cut off, and waits for the client's.
    co_await stream_.async_shutdown(asio::redirect_error(awaiting, ignored));
    stream_.lowest_layer().shutdown(SocketOf<tcp>::shutdown_send, ignored);
  }
  void cancel() override {
    error_code ignored;
    stream_.lowest_layer().cancel(ignored);
  }
  void close() override {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

 private:
  asio::ssl::stream<SocketOf<tcp>> stream_;
  bool is_shut_ = false;
};

struct Peer {
  std::string address;  // Empty: the socket in the file system.
  bool is_loopback = false;
};

class Connection;

/// What all workers share.
struct Shared {
  Env env;
  Server::Limits limits;
  std::string any_page_prefix;
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
        handler(std::move(h)) {}
  [[nodiscard]] std::int64_t now_ms() const { return env.clock.monotonic_ns() / 1'000'000; }
};

struct Worker : std::enable_shared_from_this<Worker> {
  explicit Worker(std::shared_ptr<Shared> all) : shared(std::move(all)), sweep(context) {}
  asio::io_context context{1};
  std::shared_ptr<Shared> shared;
  Timer sweep;
  std::list<Connection*> connections;  // Of this thread.
  std::thread thread;
};

/// The answer to one request on its way from any thread to the connection's.
class Answer final : public Reply::Target, public Stream {
 public:
  Answer(std::shared_ptr<Worker> worker, std::weak_ptr<Connection> connection,
         std::size_t stream_bytes_max)
      : worker_(std::move(worker)),
        connection_(std::move(connection)),
        stream_bytes_max_(stream_bytes_max) {}
  ~Answer() override { close(); }

  void send(Response response) override {
    {
      const auto state = state_.lock();
      if (state->response) return;
      state->response = std::move(response);
    }
    wake();
  }
  std::shared_ptr<Stream> stream(Response head) override {
    {
      const auto state = state_.lock();
      HF_ASSERT(!state->response);
      state->response = std::move(head);
      state->is_stream = true;
    }
    wake();
    return self_.lock();
  }
  bool write(std::string text) override {
    {
      const auto state = state_.lock();
      if (state->closed || state->ended) return false;
      if (state->text.size() + text.size() > stream_bytes_max_) {
        state->closed = true;
      } else {
        state->text += text;
      }
      if (state->closed) return false;
    }
    wake();
    return true;
  }
  void end() override {
    state_.lock()->ended = true;
    wake();
  }
  [[nodiscard]] bool is_closed() const override { return state_.lock()->closed; }
  void close() { state_.lock()->closed = true; }

  struct State {
    std::optional<Response> response;
    bool is_stream = false;
    std::string text;  // Of a stream, not yet written.
    bool ended = false;
    bool closed = false;
  };
  Guarded<State>& state() { return state_; }
  std::weak_ptr<Answer> self_;

 private:
  void wake();
  std::shared_ptr<Worker> worker_;
  std::weak_ptr<Connection> connection_;
  std::size_t stream_bytes_max_;
  mutable Guarded<State> state_;
};

/// Sends 500 where a handler lets go of its Reply unanswered.
class Unanswered final : public Reply::Target {
 public:
  explicit Unanswered(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  ~Unanswered() override { answer_->send({.status = 500, .close = true}); }
  void send(Response response) override { answer_->send(std::move(response)); }
  std::shared_ptr<Stream> stream(Response head) override {
    return answer_->stream(std::move(head));
  }

 private:
  std::shared_ptr<Answer> answer_;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Worker> worker, std::unique_ptr<ByteStream> stream, Peer peer)
      : worker_(std::move(worker)),
        shared_(*worker_->shared),
        stream_(std::move(stream)),
        peer_(std::move(peer)),
        woken_(worker_->context) {
    begin(Phase::handshake);
  }

  static Task<void> run(std::shared_ptr<Connection> self) {
    self->place_ = self->worker_->connections.insert(self->worker_->connections.end(), self.get());
    error_code error;
    co_await self->stream_->handshake(error);
    bool goes_on = !error && !self->expired_;
    while (goes_on) goes_on = co_await self->serve_one();
    self->stream_->close();
    self->release_body();
    self->worker_->connections.erase(self->place_);
    self->shared_.open.fetch_sub(1);
    if (!self->peer_.address.empty()) {
      const auto addresses = self->shared_.by_address.lock();
      const auto at = addresses->find(self->peer_.address);
      if (at != addresses->end() && --at->second == 0) addresses->erase(at);
    }
  }

  /// Called by the sweep.
  void check(std::int64_t now_ms) {
    if (expired_ || !is_late(now_ms)) return;
    expired_ = true;
    if (phase_ != Phase::idle && phase_ != Phase::drain) shared_.timed_out.fetch_add(1);
    stream_->cancel();
  }
  void wake() { woken_.cancel(); }
  /// No request is under way, or only a stream, which has no end of its own.
  void stop(bool now) {
    const bool is_waiting =
        phase_ == Phase::idle || phase_ == Phase::handshake || phase_ == Phase::drain;
    if (is_waiting || now) {
      expired_ = true;
      stream_->cancel();
    }
    woken_.cancel();
  }

 private:
  enum class Phase : std::uint8_t { handshake, idle, head, body, handler, answer, drain };

  void begin(Phase phase) {
    phase_ = phase;
    since_ms_ = shared_.now_ms();
    moved_ = 0;
  }
  [[nodiscard]] bool is_late(std::int64_t now_ms) {
    const Server::Limits& limits = shared_.limits;
    const std::int64_t waited = now_ms - since_ms_;
    const auto is_too_slow = [&](std::int64_t grace_ms) {
      const auto bytes_in = [&](std::int64_t ms) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0) * limits.bytes_per_s /
                                          1'000);
      };
      const std::uint64_t wanted = bytes_in(waited - grace_ms);
      if (moved_ < wanted) return true;
      // Who was fast before may not stand still for longer than others.
      moved_ = std::min(moved_, wanted + bytes_in(grace_ms));
      return false;
    };
    switch (phase_) {
      case Phase::handshake: return waited > handshake_ms;
      case Phase::idle: return waited > (has_asked_ ? limits.idle_ms : limits.head_ms);
      case Phase::head: return waited > limits.head_ms;
      case Phase::body: return is_too_slow(limits.grace_ms);
      case Phase::handler: return false;
      case Phase::answer: return is_too_slow(limits.stall_ms);
      case Phase::drain: return waited > drain_ms;
    }
    return true;
  }

  /// False at the end of the input, and on errors.
  Task<bool> read_more() {
    const std::size_t before = input_.size();
    input_.resize(before + read_bytes);
    error_code error;
    const std::size_t got =
        co_await stream_->read(asio::buffer(input_.data() + before, read_bytes), error);
    input_.resize(before + got);
    moved_ += got;
    co_return !error && got > 0 && !expired_;
  }
  /// False on errors.
  Task<bool> write_all(std::string_view text) {
    while (!text.empty()) {
      error_code error;
      const std::size_t put =
          co_await stream_->write(asio::buffer(text.data(), text.size()), error);
      if (error || expired_) co_return false;
      moved_ += put;
      text.remove_prefix(put);
    }
    co_return true;
  }

  /// One request and its answer. False when the connection ends.
  Task<bool> serve_one() {
    if (shared_.stopping) co_return false;
    begin(input_.empty() ? Phase::idle : Phase::head);
    std::size_t head_bytes = 0;
    std::size_t searched = 0;
    bool has_skipped = false;
    while (true) {
      // One stray end of line before a request is no request (RFC 9112 section 2.2).
      if (!has_skipped && input_.starts_with("\r\n")) {
        input_.erase(0, 2);
        searched = 0;
        has_skipped = true;
        if (input_.empty()) begin(Phase::idle);
      }
      const std::size_t from = searched < 3 ? 0 : searched - 3;
      if (const std::size_t end = input_.find("\r\n\r\n", from); end != std::string::npos) {
        head_bytes = end + 4;
        break;
      }
      searched = input_.size();
      if (searched > shared_.limits.head.bytes) {
        co_return co_await refuse(431, "headers_too_large");
      }
      // A line that ends like no other does not get to wait for the head's end.
      if (input_.find("\n\n") != std::string::npos) {
        co_return co_await refuse(400, "bad_character");
      }
      const bool has_more = co_await read_more();
      if (!has_more) {
        if (expired_ && phase_ == Phase::head) co_return co_await refuse(408, "slow_request");
        co_return false;
      }
      if (phase_ == Phase::idle && input_ != "\r\n") begin(Phase::head);
    }
    const std::string_view head = std::string_view(input_).substr(0, head_bytes);
    const std::string& prefix = shared_.any_page_prefix;
    is_for_any_page_ = !prefix.empty() && head.substr(head.find(' ') + 1).starts_with(prefix);
    if (const auto fault = find_fault(head, shared_.limits.head)) {
      co_return co_await refuse(fault->status, fault->reason);
    }
    beast::http::request_parser<beast::http::buffer_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(shared_.limits.head.bytes));
    parser.body_limit(shared_.limits.body_bytes);
    parser.eager(false);
    error_code error;
    const std::size_t parsed = parser.put(asio::buffer(head.data(), head.size()), error);
    if (error == beast::http::error::body_limit) co_return co_await refuse(413, "body_too_large");
    if (error || parsed != head_bytes || !parser.is_header_done()) {
      co_return co_await refuse(400, "bad_header");
    }
    Request request;
    const auto& message = parser.get();
    request.method = std::string_view(message.method_string());
    const std::string_view target = message.target();
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
    for (const auto& field : message) {
      std::string name(std::string_view(field.name_string()));
      std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      request.headers.push_back({std::move(name), std::string(std::string_view(field.value()))});
    }
    input_.erase(0, head_bytes);
    const bool keeps_alive = parser.keep_alive();
    if (!parser.is_done()) {
      if (const auto expect = request.header("expect")) {
        if (!beast::iequals(*expect, "100-continue"))
          co_return co_await refuse(417, "bad_expectation");
        bool is_told = true;
        if (input_.empty()) is_told = co_await write_all("HTTP/1.1 100 Continue\r\n\r\n");
        if (!is_told) co_return false;
      }
      const HeadFault fault = co_await read_body(parser, request.body);
      if (fault.status != 0) {
        if (fault.status > 0) co_await refuse(fault.status, fault.reason);
        co_return false;
      }
    }
    co_return co_await answer(std::move(request), keeps_alive);
  }

  /// Status 0: it came; below: the client is gone.
  Task<HeadFault> read_body(beast::http::request_parser<beast::http::buffer_body>& parser,
                            std::string& body) {
    begin(Phase::body);
    std::array<char, read_bytes> piece;
    std::uint64_t taken = 0;
    while (!parser.is_done()) {
      if (!input_.empty()) {
        auto& out = parser.get().body();
        out.data = piece.data();
        out.size = piece.size();
        out.more = true;
        error_code error;
        const std::size_t used = parser.put(asio::buffer(input_), error);
        const std::size_t made = piece.size() - out.size;
        body.append(piece.data(), made);
        held_ += made;
        input_.erase(0, used);
        taken += used;
        const std::size_t all = shared_.body_bytes.fetch_add(made) + made;
        if (all > shared_.limits.all_bodies_bytes) co_return HeadFault{503, "too_many_bodies"};
        if (error == beast::http::error::need_buffer) error = {};
        if (error == beast::http::error::body_limit) co_return HeadFault{413, "body_too_large"};
        // What says how long the chunks are is no body, and not endless either.
        if (taken > 2 * body.size() + (64 << 10)) co_return HeadFault{400, "bad_chunk"};
        if (error && error != beast::http::error::need_more) co_return HeadFault{400, "bad_chunk"};
        if (made > 0 || used > 0 || parser.is_done()) continue;
      }
      const bool has_more = co_await read_more();
      if (!has_more) {
        if (expired_) co_return HeadFault{408, "slow_request"};
        co_return HeadFault{-1, {}};
      }
    }
    co_return HeadFault{0, {}};
  }

  void release_body() {
    shared_.body_bytes.fetch_sub(held_);
    held_ = 0;
  }

  Task<bool> answer(Request request, bool keeps_alive) {
    begin(Phase::handler);
    has_asked_ = true;
    shared_.requests.fetch_add(1);
    const bool is_head = request.method == "HEAD";
    request.peer = peer_.address;
    request.is_local = peer_.address.empty();
    request.is_loopback = peer_.is_loopback;
    std::uint64_t number = 0;
    shared_.env.random.fill(std::as_writable_bytes(std::span(&number, 1)));
    request.id = fmt::format("{:016x}", number);
    std::string id = request.id;
    const auto answer =
        std::make_shared<Answer>(worker_, weak_from_this(), shared_.limits.stream_bytes);
    answer->self_ = answer;
    shared_.handler(std::move(request), Reply(std::make_shared<Unanswered>(answer)));
    while (!answer->state().lock()->response) {
      if (expired_) co_return false;  // The server stops, and does not wait for it any longer.
      co_await sleep();
    }
    release_body();
    Response response = *std::exchange(answer->state().lock()->response, Response{});
    const bool is_stream = answer->state().lock()->is_stream;
    const bool closes = response.close || !keeps_alive || is_stream || shared_.stopping;
    begin(Phase::answer);
    std::string head = head_of(response, id, closes, is_stream);
    if (!is_head) head += response.body;
    const bool is_sent = co_await write_all(head);
    if (!is_sent) {
      answer->close();
      co_return false;
    }
    if (is_stream && !is_head) co_await pass_on(*answer);
    answer->close();
    if (closes) co_await finish();
    co_return !closes;
  }

  Task<void> pass_on(Answer& answer) {
    while (!shared_.stopping) {
      bool ended = false;
      std::string text;
      {
        const auto state = answer.state().lock();
        text = std::exchange(state->text, {});
        ended = state->ended || state->closed;
      }
      if (text.empty()) {
        if (ended) co_return;
        begin(Phase::handler);
        co_await sleep();
        continue;
      }
      begin(Phase::answer);
      const bool is_sent = co_await write_all(text);
      if (!is_sent) co_return;
    }
  }

  /// Until wake().
  Task<void> sleep() {
    woken_.expires_at(Timer::time_point::max());
    error_code ignored;
    co_await woken_.async_wait(asio::redirect_error(awaiting, ignored));
  }

  static std::string head_of(const Response& response, std::string_view id, bool closes,
                             bool is_stream) {
    std::string head =
        fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
    if (!response.content_type.empty()) {
      head += fmt::format("Content-Type: {}\r\n", response.content_type);
    }
    if (!is_stream && response.status != 204 && response.status != 304) {
      head += fmt::format("Content-Length: {}\r\n", response.body.size());
    }
    for (const Header& header : response.headers) {
      head += fmt::format("{}: {}\r\n", header.name, header.value);
    }
    if (!id.empty()) head += fmt::format("X-Request-Id: {}\r\n", id);
    head += "X-Content-Type-Options: nosniff\r\n";
    head += closes ? "Connection: close\r\n\r\n" : "\r\n";
    return head;
  }

  /// Answers what no handler saw, and ends the connection.
  Task<bool> refuse(int status, std::string_view reason) {
    if (status != 408) shared_.malformed.fetch_add(1);
    expired_ = false;
    Response response{.status = status, .content_type = "application/problem+json"};
    response.body =
        fmt::format(R"({{"type":"about:blank","title":"{}","status":{},"reason":"{}"}})",
                    reason_phrase(status), status, reason);
    if (status == 503) response.headers.push_back({"Retry-After", "1"});
    if (is_for_any_page_) response = for_any_page(std::move(response));
    begin(Phase::answer);
    const std::string text = head_of(response, {}, true, false) + response.body;
    const bool is_sent = co_await write_all(text);
    if (is_sent) co_await finish();
    co_return false;
  }

  // A socket closed with input unread makes the client's system throw the answer away.
  Task<void> finish() {
    begin(Phase::drain);
    co_await stream_->shutdown_send();
    input_.clear();
    bool goes_on = !expired_;
    while (goes_on && moved_ < drain_bytes_max) {
      goes_on = co_await read_more();
      input_.clear();
    }
  }

  std::shared_ptr<Worker> worker_;
  Shared& shared_;
  std::unique_ptr<ByteStream> stream_;
  Peer peer_;
  Timer woken_;
  std::list<Connection*>::iterator place_;
  std::string input_;  // Read and not yet understood.
  std::size_t held_ = 0;
  Phase phase_ = Phase::handshake;
  std::int64_t since_ms_ = 0;
  std::uint64_t moved_ = 0;       // Bytes since then.
  bool is_for_any_page_ = false;  // Server::Options::any_page_prefix
  bool expired_ = false;          // Too late, or to be hung up on.
  bool has_asked_ = false;        // One request at least.
};

void Answer::wake() {
  asio::dispatch(worker_->context, [connection = connection_] {
    if (const auto alive = connection.lock()) alive->wake();
  });
}

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
    if (!options_.certificate.empty()) HF_CHECK(load_certificate());
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

  Result<void> load_certificate() {
    error_code error;
    tls_.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                         asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                         asio::ssl::context::no_tlsv1_1,
                     error);
    tls_.use_certificate_chain_file(options_.certificate, error);
    if (!error) tls_.use_private_key_file(options_.private_key, asio::ssl::context::pem, error);
    if (error || SSL_CTX_check_private_key(tls_.native_handle()) != 1) {
      return fail(
          ErrorCode::invalid_argument, "bad_certificate",
          fmt::format("certificate {} with key {}: {}", options_.certificate, options_.private_key,
                      error ? error.message() : "they do not belong together"));
    }
    return {};
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
      if (!admit(peer.address)) continue;
      socket.set_option(tcp::no_delay(true), error);
      std::unique_ptr<ByteStream> stream;
      if (options_.certificate.empty()) {
        stream = std::make_unique<PlainStream<tcp>>(std::move(socket));
      } else {
        stream = std::make_unique<TlsStream>(std::move(socket), tls_);
      }
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
      begin(worker, std::make_unique<PlainStream<Local>>(std::move(socket)), {});
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
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  // Of the first worker.
  AcceptorOf<tcp> tcp_{workers_.front()->context};
  AcceptorOf<Local> local_{workers_.front()->context};
  Timer retry_{workers_.front()->context};
  std::uint16_t port_ = 0;
  std::size_t turn_ = 0;
};

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    default: return "";
  }
}

Result<std::unique_ptr<Server>> Server::start(const Env& env, const Options& options,
                                              Handler handler) {
  HF_ASSERT(options.certificate.empty() == options.private_key.empty());
  auto server = std::make_unique<AsioServer>(env, options, std::move(handler));
  HF_CHECK(server->listen());
  return server;
}

}  // namespace hf::http
