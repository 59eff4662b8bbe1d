// SPDX-License-Identifier: Apache-2.0
//
// HTTP as handlers see it: whole requests in, whole responses out, or a stream of text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env.h"

namespace hf::http {

struct Header {
  std::string name;  ///< Of requests in lower case.
  std::string value;
};

/// Takes the body of one request, which is too large to be held, piece by piece.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// Takes the next piece and calls `done` once, from any thread; no other call comes before.
  /// false: what follows of the body is not read, and the handler knows why.
  virtual void write(std::string piece, std::function<void(bool goes_on)> done) = 0;
};

struct Request {
  std::string method;
  std::string path;   ///< As sent, without the query: "/v1/batch".
  std::string query;  ///< Behind '?', as sent; empty where there is none.
  std::vector<Header> headers;
  std::string body;  ///< As sent: maybe compressed. Empty where `sink` took it.
  std::shared_ptr<BodySink> sink;
  std::string peer;       ///< The client's address; empty for the socket in the data directory.
  bool is_local = false;  ///< Came by that socket, which only this user can open.
  bool is_loopback = false;
  std::string id;  ///< Of the request, in the answer's X-Request-Id and in the access log.

  /// Nothing where it is absent; of repeated ones the first.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view lower_case_name) const {
    for (const Header& header : headers) {
      if (header.name == lower_case_name) return header.value;
    }
    return std::nullopt;
  }
};

struct Response {
  int status = 200;
  std::string content_type = {};  ///< Empty: no body.
  std::string body = {};
  std::vector<Header> headers = {};
  bool close = false;  ///< The connection ends with it.
  /// In place of `body`, the first bytes of a file, which has them.
  struct FileBody {
    std::shared_ptr<const File> file;
    std::uint64_t bytes = 0;
  };
  std::optional<FileBody> file = {};
};

/// What a client that stays on the line still gets to read. From any thread.
class Stream {
 public:
  virtual ~Stream() = default;
  /// False when the client is gone, or so slow that what waits for it is over a limit: it is hung
  /// up on then.
  virtual bool write(std::string text) = 0;
  virtual void end() = 0;
  /// The client is gone.
  [[nodiscard]] virtual bool is_closed() const = 0;
};

/// How a request is answered: exactly once, from any thread, now or later. Dropped unanswered, the
/// client gets 500.
class Reply {
 public:
  class Target {
   public:
    virtual ~Target() = default;
    virtual void send(Response response) = 0;
    virtual std::shared_ptr<Stream> stream(Response head) = 0;
    virtual void when_gone(std::function<void()> call) = 0;
  };
  explicit Reply(std::shared_ptr<Target> target) : target_(std::move(target)) {}

  void operator()(Response response) const { target_->send(std::move(response)); }
  /// Sends the head; the body follows piece by piece.
  [[nodiscard]] std::shared_ptr<Stream> stream(Response head) const {
    return target_->stream(std::move(head));
  }
  /// Has `call` called, at most once and from any thread, when the client is gone or hung up on
  /// before it is answered. Asked once. Unasked, the server does not look whether the client waits.
  void when_gone(std::function<void()> call) const { target_->when_gone(std::move(call)); }

 private:
  std::shared_ptr<Target> target_;
};

using Handler = std::function<void(Request&&, Reply)>;

/// What becomes of a request's body, as its head alone decides.
struct BodyRule {
  std::shared_ptr<BodySink> sink = nullptr;  ///< Null: it is held, where it is not too large.
  bool is_unread = false;  ///< The handler answers without it, and the connection ends.
};
using BodyRules = std::function<BodyRule(const Request& head)>;

/// "Bad Request"; "" for a status that we never send.
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace hf::http
