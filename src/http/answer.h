// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/guarded.h"
#include "http/message.h"

namespace hf::http {

/// The answer to one request on its way from any thread to the connection's: what a handler's Reply
/// and Stream stand for. Of what is sent twice the first counts.
class Answer final : public Reply::Target, public Stream {
 public:
  /// `wake` is called, from whatever thread, each time there is something to take.
  [[nodiscard]] static std::shared_ptr<Answer> make(std::function<void()> wake,
                                                    std::size_t stream_bytes_max);
  ~Answer() override { close(); }

  void send(Response response) override;
  std::shared_ptr<Stream> stream(Response head) override;
  bool write(std::string text) override;
  void end() override;
  void when_gone(std::function<void()> call) override;
  [[nodiscard]] bool is_closed() const override { return state_.lock()->closed; }

  // What follows is the connection's.

  [[nodiscard]] bool is_there() const { return state_.lock()->response.has_value(); }
  /// Requires is_there(), and is asked once. A stream's head has the body follow piece by piece.
  struct Head {
    Response response;
    bool is_stream = false;
  };
  [[nodiscard]] Head take();
  struct Piece {
    std::string text;
    bool is_last = false;
  };
  /// Of a stream: what waits to be written.
  [[nodiscard]] Piece take_piece();
  /// Nobody reads any more.
  void close() { state_.lock()->closed = true; }
  /// The same before it was answered: whoever wanted to know is told.
  void leave();
  /// Somebody wants to know whether the client still waits.
  [[nodiscard]] bool is_watched() const { return state_.lock()->gone != nullptr; }

 private:
  struct State {
    std::optional<Response> response;
    bool is_stream = false;
    std::string text;  // Of a stream, not yet written.
    bool ended = false;
    bool closed = false;
    std::function<void()> gone;  // Until it is answered.
  };
  Answer(std::function<void()> wake, std::size_t stream_bytes_max)
      : wake_(std::move(wake)), stream_bytes_max_(stream_bytes_max) {}

  std::function<void()> wake_;
  std::size_t stream_bytes_max_;
  mutable Guarded<State> state_;
  std::weak_ptr<Answer> self_;
};

/// The Reply of an answer: sends 500 where a handler lets go of it unanswered.
[[nodiscard]] Reply reply_of(std::shared_ptr<Answer> answer, std::string request_id);

}  // namespace hf::http
