// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "http/answer.h"
#include "http/asio_types.h"
#include "http/byte_stream.h"
#include "http/head_rules.h"
#include "http/message.h"
#include "http/pace.h"
#include "http/worker.h"

namespace hf::http {

struct Peer {
  std::string address;  ///< Empty: the socket in the file system.
  bool is_loopback = false;
};

/// One client: its requests one after the other, each read, handed over and answered. It is one
/// coroutine on its worker's thread, from where its methods are called.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Worker> worker, std::unique_ptr<ByteStream> stream, Peer peer);

  /// From the handshake to the end; the connection was counted as open before.
  static Task<void> run(std::shared_ptr<Connection> self);

  /// Called by the sweep.
  void check(std::int64_t now_ms);
  void wake() { woken_.cancel(); }
  /// Where no request is under way, or only a stream, which has no end of its own. `now`: wherever.
  void stop(bool now);

 private:
  using Phase = Pace::Phase;
  class BodyParser;

  void begin(Phase phase) { pace_.begin(phase, shared_.now_ms()); }
  Task<bool> read_more();
  Task<bool> write_all(std::string_view text);
  Task<bool> serve_one();
  Task<std::size_t> read_head();
  Task<HeadFault> read_body(BodyParser& parser, Request& request);
  Task<bool> hand_over(BodySink& sink, std::string& body);
  Task<bool> answer(Request request, bool keeps_alive);
  Task<bool> wait_for(Answer& answer);
  void look_after_client();
  Task<void> pass_on(Answer& answer);
  Task<bool> send_file(const Response::FileBody& body);
  Task<void> sleep();
  Task<bool> refuse(HeadFault fault);
  Task<void> finish();
  void release_body();

  std::shared_ptr<Worker> worker_;
  Shared& shared_;
  std::unique_ptr<ByteStream> stream_;
  Peer peer_;
  Timer woken_;
  Pace pace_;
  std::list<Connection*>::iterator place_;
  std::string input_;  // Read and not yet understood.
  std::size_t held_ = 0;
  bool is_for_any_page_ = false;  // Server::Options::any_page_prefix
  bool is_to_head_ = false;       // What is asked by HEAD is answered without a body.
  bool is_http_1_0_ = false;
  bool expired_ = false;       // Too late, or to be hung up on.
  Answer* awaited_ = nullptr;  // While its handler has it.
  enum class Probe : std::uint8_t { none, wanted, sent };
  Probe probe_ = Probe::none;  // Whether who sends no more still reads.
};

}  // namespace hf::http
