// SPDX-License-Identifier: Apache-2.0
#include "http/answer.h"

#include <atomic>
#include <utility>

#include "base/assert.h"
#include "http/problem.h"

namespace hf::http {
namespace {

class Unanswered final : public Reply::Target {
 public:
  Unanswered(std::shared_ptr<Answer> answer, std::string request_id)
      : answer_(std::move(answer)), request_id_(std::move(request_id)) {}
  ~Unanswered() override {
    if (has_answered_) return;
    Response response = problem(
        500, {ErrorCode::data_loss, "unanswered", "the server has no answer to this request"},
        request_id_);
    response.close = true;
    answer_->send(std::move(response));
  }
  void send(Response response) override {
    has_answered_ = true;
    answer_->send(std::move(response));
  }
  std::shared_ptr<Stream> stream(Response head) override {
    has_answered_ = true;
    return answer_->stream(std::move(head));
  }
  void when_gone(std::function<void()> call) override { answer_->when_gone(std::move(call)); }

 private:
  std::shared_ptr<Answer> answer_;
  std::string request_id_;
  std::atomic<bool> has_answered_ = false;  // By any copy of the Reply, on any thread.
};

}  // namespace

std::shared_ptr<Answer> Answer::make(std::function<void()> wake, std::size_t stream_bytes_max) {
  const std::shared_ptr<Answer> answer(new Answer(std::move(wake), stream_bytes_max));
  answer->self_ = answer;
  return answer;
}

void Answer::send(Response response) {
  std::function<void()> unneeded;  // Let go of without the lock: who knows what it holds.
  {
    const auto state = state_.lock();
    if (state->response) return;
    state->response = std::move(response);
    unneeded = std::exchange(state->gone, nullptr);
  }
  wake_();
}

std::shared_ptr<Stream> Answer::stream(Response head) {
  {
    const auto state = state_.lock();
    HF_ASSERT(!state->response);
    state->response = std::move(head);
    state->is_stream = true;
  }
  wake_();
  return self_.lock();
}

bool Answer::write(std::string text) {
  {
    const auto state = state_.lock();
    if (state->closed || state->ended) return false;
    if (state->text.size() + text.size() > stream_bytes_max_) {
      state->closed = true;
      return false;
    }
    state->text += text;
  }
  wake_();
  return true;
}

void Answer::when_gone(std::function<void()> call) {
  {
    const auto state = state_.lock();
    if (state->response) return;
    if (!state->closed) {
      state->gone = std::move(call);
      return;
    }
  }
  call();
}

void Answer::leave() {
  std::function<void()> gone;
  {
    const auto state = state_.lock();
    state->closed = true;
    gone = std::exchange(state->gone, nullptr);
  }
  if (gone) gone();
}

void Answer::end() {
  state_.lock()->ended = true;
  wake_();
}

Answer::Head Answer::take() {
  const auto state = state_.lock();
  HF_ASSERT(state->response);
  // An empty one stays: it is not answered a second time.
  return {*std::exchange(state->response, Response{}), state->is_stream};
}

Answer::Piece Answer::take_piece() {
  const auto state = state_.lock();
  return {std::exchange(state->text, {}), state->ended || state->closed};
}

Reply reply_of(std::shared_ptr<Answer> answer, std::string request_id) {
  return Reply(std::make_shared<Unanswered>(std::move(answer), std::move(request_id)));
}

}  // namespace hf::http
