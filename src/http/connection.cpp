// SPDX-License-Identifier: Apache-2.0
//
// Beast parses; head_rules.h sees each head first. A co_await stands alone in its statement: within
// conditions g++ 12 makes code that does not hold.
#include "http/connection.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <utility>

#include "http/early_answer.h"
#include "http/problem.h"
#include "http/response_head.h"

namespace hf::http {
namespace {

namespace beast = boost::beast;

constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::size_t piece_bytes = 256 * 1024;  // Of bodies that sinks take, and files.
// Unread input that is thrown away so that the client gets to read why it was refused. What takes
// longer than Pace allows is cut off, too.
constexpr std::size_t drain_bytes_max = std::size_t{32} << 20;

}  // namespace

class Connection::BodyParser : public beast::http::request_parser<beast::http::buffer_body> {
 public:
  explicit BodyParser(const Server::Limits& limits) {
    header_limit(static_cast<std::uint32_t>(limits.head.bytes));
    body_limit(boost::none);  // Until it is known who takes the body.
    eager(false);
  }
  /// Its head, which has been read.
  [[nodiscard]] Request request() const {
    Request request;
    const auto& message = get();
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
    return request;
  }
};

Connection::Connection(std::shared_ptr<Worker> worker, std::unique_ptr<ByteStream> stream,
                       Peer peer)
    : worker_(std::move(worker)),
      shared_(*worker_->shared),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      woken_(worker_->context),
      pace_(shared_.limits, shared_.now_ms()) {}

Task<void> Connection::run(std::shared_ptr<Connection> self) {
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

void Connection::check(std::int64_t now_ms) {
  if (awaited_ != nullptr && awaited_->is_watched()) look_after_client();
  if (expired_ || !pace_.is_late(now_ms)) return;
  expired_ = true;
  const Phase phase = pace_.phase();
  if (phase != Phase::idle && phase != Phase::drain) shared_.timed_out.fetch_add(1);
  stream_->cancel();
}

// The end of what a client sends may be all that it wanted to say (RFC 9112 section 9.6), or the
// end of the client. "100 Continue", which may come any number of times before an answer, tells:
// the system of a client that is gone refuses it, and the line is broken when we look again. Of
// HTTP/1.0, which has no such thing, who sends no more is waited for.
void Connection::look_after_client() {
  const Line line = stream_->line();
  if (line == Line::broken) {
    expired_ = true;
    wake();
  } else if (line == Line::half_closed && probe_ == Probe::none && !is_http_1_0_) {
    probe_ = Probe::wanted;
    wake();
  }
}

void Connection::stop(bool now) {
  const Phase phase = pace_.phase();
  if (phase == Phase::idle || phase == Phase::handshake || phase == Phase::drain || now) {
    expired_ = true;
    stream_->cancel();
  }
  woken_.cancel();
}

/// False at the end of the input, and on errors.
Task<bool> Connection::read_more() {
  const std::size_t before = input_.size();
  input_.resize(before + read_bytes);
  error_code error;
  const std::size_t got =
      co_await stream_->read(asio::buffer(input_.data() + before, read_bytes), error);
  input_.resize(before + got);
  pace_.move(got);
  co_return !error && got > 0 && !expired_;
}

/// False on errors.
Task<bool> Connection::write_all(std::string_view text) {
  while (!text.empty()) {
    error_code error;
    const std::size_t put = co_await stream_->write(asio::buffer(text.data(), text.size()), error);
    if (error || expired_) co_return false;
    pace_.move(put);
    text.remove_prefix(put);
  }
  co_return true;
}

/// Reads until a whole head lies at the input's front, and returns its size; 0 where the connection
/// ends.
Task<std::size_t> Connection::read_head() {
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
      co_return end + 4;
    }
    searched = input_.size();
    HeadFault fault{0, {}};
    if (searched > shared_.limits.head.bytes) {
      fault = {431, "headers_too_large"};
    } else if (input_.find("\n\n") != std::string::npos) {
      // A line that ends like no other does not get to wait for the head's end.
      fault = {400, "bad_character"};
    } else {
      const bool has_more = co_await read_more();
      if (!has_more && !(expired_ && pace_.phase() == Phase::head)) co_return 0;
      if (!has_more) fault = {408, "slow_request"};
    }
    if (fault.status != 0) {
      co_await refuse(fault);
      co_return 0;
    }
    if (pace_.phase() == Phase::idle && input_ != "\r\n") begin(Phase::head);
  }
}

/// One request and its answer. False when the connection ends.
Task<bool> Connection::serve_one() {
  if (shared_.stopping) co_return false;
  is_for_any_page_ = false;
  is_to_head_ = false;
  begin(input_.empty() ? Phase::idle : Phase::head);
  const std::size_t head_bytes = co_await read_head();
  if (head_bytes == 0) co_return false;
  const std::string_view head = std::string_view(input_).substr(0, head_bytes);
  const std::string& prefix = shared_.any_page_prefix;
  is_for_any_page_ = !prefix.empty() && head.substr(head.find(' ') + 1).starts_with(prefix);
  is_to_head_ = head.starts_with("HEAD ");
  if (const auto fault = find_fault(head, shared_.limits.head)) {
    co_return co_await refuse(*fault);
  }
  BodyParser parser(shared_.limits);
  error_code error;
  const std::size_t parsed = parser.put(asio::buffer(head.data(), head.size()), error);
  if (error || parsed != head_bytes || !parser.is_header_done()) {
    co_return co_await refuse({400, "bad_header"});
  }
  Request request = parser.request();
  request.peer = peer_.address;
  request.is_local = peer_.address.empty();
  request.is_loopback = peer_.is_loopback;
  request.id = shared_.new_request_id();
  input_.erase(0, head_bytes);
  bool keeps_alive = parser.keep_alive();
  is_http_1_0_ = parser.get().version() < 11;
  BodyRule rule;
  if (shared_.body_rules) rule = shared_.body_rules(request);
  request.sink = std::move(rule.sink);
  if (request.sink == nullptr && !rule.is_unread) {
    const std::size_t limit = shared_.limits.body_bytes;
    if (parser.content_length().value_or(0) > limit) {
      co_return co_await refuse({413, "body_too_large"});
    }
    parser.body_limit(limit);
  }
  if (!parser.is_done() && rule.is_unread) {
    keeps_alive = false;
  } else if (!parser.is_done()) {
    if (const auto expect = request.header("expect")) {
      if (!beast::iequals(*expect, "100-continue")) {
        co_return co_await refuse({417, "bad_expectation"});
      }
      bool is_told = true;
      if (input_.empty()) is_told = co_await write_all(continue_line);
      if (!is_told) co_return false;
    }
    const HeadFault fault = co_await read_body(parser, request);
    if (fault.status > 0) co_return co_await refuse(fault);
    if (fault.status < 0) co_return false;
    if (!parser.is_done()) keeps_alive = false;  // The sink wants no more of it.
  }
  co_return co_await answer(std::move(request), keeps_alive);
}

/// Status 0: it came, or all that its sink wanted; below: the client is gone.
Task<HeadFault> Connection::read_body(BodyParser& parser, Request& request) {
  begin(Phase::body);
  std::string& body = request.body;
  std::array<char, read_bytes> piece;
  std::uint64_t taken = 0;
  std::uint64_t came = 0;
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
      came += made;
      held_ += made;
      input_.erase(0, used);
      taken += used;
      const std::size_t all = shared_.body_bytes.fetch_add(made) + made;
      if (all > shared_.limits.all_bodies_bytes) co_return HeadFault{503, "too_many_bodies"};
      if (error == beast::http::error::need_buffer) error = {};
      if (error == beast::http::error::body_limit) co_return HeadFault{413, "body_too_large"};
      // What says how long the chunks are is no body, and not endless either.
      if (taken > 2 * came + (64 << 10)) co_return HeadFault{400, "bad_chunk"};
      if (error && error != beast::http::error::need_more) co_return HeadFault{400, "bad_chunk"};
      if (request.sink != nullptr && body.size() >= piece_bytes) {
        const bool goes_on = co_await hand_over(*request.sink, body);
        if (expired_) co_return HeadFault{-1, {}};
        if (!goes_on) co_return HeadFault{0, {}};
      }
      if (made > 0 || used > 0 || parser.is_done()) continue;
    }
    const bool has_more = co_await read_more();
    if (!has_more) {
      if (expired_) co_return HeadFault{408, "slow_request"};
      co_return HeadFault{-1, {}};
    }
  }
  if (request.sink != nullptr && !body.empty()) {
    const bool goes_on = co_await hand_over(*request.sink, body);
    if (!goes_on && expired_) co_return HeadFault{-1, {}};
  }
  co_return HeadFault{0, {}};
}

/// Waits until the sink has taken what is in `body`. False where it wants no more.
Task<bool> Connection::hand_over(BodySink& sink, std::string& body) {
  begin(Phase::handler);
  enum : int { waits, wants_more, has_enough };
  const auto outcome = std::make_shared<std::atomic<int>>(waits);
  sink.write(std::exchange(body, {}),
             [outcome, worker = worker_, weak = weak_from_this()](bool goes_on) {
               *outcome = goes_on ? wants_more : has_enough;
               asio::dispatch(worker->context, [weak] {
                 if (const auto alive = weak.lock()) alive->wake();
               });
             });
  while (*outcome == waits) {
    if (expired_) co_return false;
    co_await sleep();
  }
  release_body();
  begin(Phase::body);
  co_return *outcome == wants_more;
}

void Connection::release_body() {
  shared_.body_bytes.fetch_sub(held_);
  held_ = 0;
}

Task<bool> Connection::answer(Request request, bool keeps_alive) {
  begin(Phase::handler);
  shared_.requests.fetch_add(1);
  const std::string id = request.id;
  // The worker lives as long as somebody may wake one of its connections.
  const auto answer = Answer::make(
      [worker = worker_, connection = weak_from_this()] {
        asio::dispatch(worker->context, [connection] {
          if (const auto alive = connection.lock()) alive->wake();
        });
      },
      shared_.limits.stream_bytes);
  shared_.handler(std::move(request), reply_of(answer, id));
  const bool is_answered = co_await wait_for(*answer);
  if (!is_answered) co_return false;
  release_body();
  const auto [response, is_stream] = answer->take();
  const bool closes = response.close || !keeps_alive || is_stream || shared_.stopping;
  begin(Phase::answer);
  std::string text = head_of(
      response,
      {.date = worker_->date(), .request_id = id, .closes = closes, .is_stream = is_stream});
  if (!is_to_head_) text += response.body;
  const bool is_sent = co_await write_all(text);
  if (!is_sent) {
    answer->close();
    co_return false;
  }
  if (is_stream && !is_to_head_) co_await pass_on(*answer);
  if (response.file && !is_to_head_) {
    const bool is_whole = co_await send_file(*response.file);
    if (!is_whole) {
      answer->close();
      co_return false;
    }
  }
  answer->close();
  if (closes) co_await finish();
  co_return !closes;
}

/// False where the client is gone, or the server stops and does not wait for it any longer.
Task<bool> Connection::wait_for(Answer& answer) {
  awaited_ = &answer;
  probe_ = Probe::none;
  while (!answer.is_there() && !expired_) {
    if (probe_ != Probe::wanted) {
      co_await sleep();
      continue;
    }
    probe_ = Probe::sent;
    begin(Phase::answer);
    const bool is_sent = co_await write_all(continue_line);
    begin(Phase::handler);
    if (!is_sent) expired_ = true;
  }
  awaited_ = nullptr;
  const bool is_there = answer.is_there() && !expired_;
  if (!is_there) answer.leave();
  co_return is_there;
}

Task<void> Connection::pass_on(Answer& answer) {
  while (!shared_.stopping) {
    const Answer::Piece piece = answer.take_piece();
    if (piece.text.empty()) {
      if (piece.is_last) co_return;
      begin(Phase::handler);
      co_await sleep();
      continue;
    }
    begin(Phase::answer);
    const bool is_sent = co_await write_all(piece.text);
    if (!is_sent) co_return;
  }
}

/// False where the client is gone, or the file is shorter than was said.
Task<bool> Connection::send_file(const Response::FileBody& body) {
  std::string piece;
  for (std::uint64_t at = 0; at < body.bytes; at += piece.size()) {
    piece.resize(std::min<std::uint64_t>(piece_bytes, body.bytes - at));
    const auto got = body.file->read_at(at, std::as_writable_bytes(std::span(piece)));
    if (!got || *got != piece.size()) co_return false;
    const bool is_sent = co_await write_all(piece);
    if (!is_sent) co_return false;
  }
  co_return true;
}

/// Until wake().
Task<void> Connection::sleep() {
  woken_.expires_at(Timer::time_point::max());
  error_code ignored;
  co_await woken_.async_wait(asio::redirect_error(awaiting, ignored));
}

/// Answers what no handler saw, and ends the connection.
Task<bool> Connection::refuse(HeadFault fault) {
  if (fault.status != 408) shared_.malformed.fetch_add(1);
  expired_ = false;
  const std::string id = shared_.new_request_id();
  Response response = early_answer(fault, shared_.limits, id);
  if (is_for_any_page_) response = for_any_page(std::move(response));
  begin(Phase::answer);
  std::string text = head_of(response, {.date = worker_->date(), .request_id = id, .closes = true});
  if (!is_to_head_) text += response.body;
  const bool is_sent = co_await write_all(text);
  if (is_sent) co_await finish();
  co_return false;
}

// A socket closed with input unread makes the client's system throw the answer away.
Task<void> Connection::finish() {
  begin(Phase::drain);
  co_await stream_->shutdown_send();
  input_.clear();
  bool goes_on = !expired_;
  while (goes_on && pace_.moved() < drain_bytes_max) {
    goes_on = co_await read_more();
    input_.clear();
  }
}

}  // namespace hf::http
