// SPDX-License-Identifier: Apache-2.0
#include "http/byte_stream.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <boost/asio/ssl.hpp>
#include <utility>

namespace hf::http {
namespace {

Line line_of(int socket) {
  pollfd asked{.fd = socket, .events = POLLRDHUP, .revents = 0};
  if (::poll(&asked, 1, 0) <= 0) return Line::open;
  if ((asked.revents & (POLLERR | POLLHUP)) != 0) return Line::broken;
  return (asked.revents & POLLRDHUP) != 0 ? Line::half_closed : Line::open;
}

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
  Line line() override { return line_of(socket_.native_handle()); }
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
  Line line() override { return line_of(stream_.lowest_layer().native_handle()); }
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

}  // namespace

std::unique_ptr<ByteStream> plain_stream(SocketOf<tcp> socket) {
  return std::make_unique<PlainStream<tcp>>(std::move(socket));
}

std::unique_ptr<ByteStream> plain_stream(SocketOf<Local> socket) {
  return std::make_unique<PlainStream<Local>>(std::move(socket));
}

struct TlsContext::Impl {
  asio::ssl::context context{asio::ssl::context::tls_server};
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::open(const std::string& certificate,
                                                     const std::string& private_key) {
  auto impl = std::make_unique<Impl>();
  asio::ssl::context& context = impl->context;
  error_code error;
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                          asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                          asio::ssl::context::no_tlsv1_1,
                      error);
  context.use_certificate_chain_file(certificate, error);
  if (!error) context.use_private_key_file(private_key, asio::ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return fail(ErrorCode::invalid_argument, "bad_certificate",
                fmt::format("certificate {} with key {}: {}", certificate, private_key,
                            error ? error.message() : "they do not belong together"));
  }
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

std::unique_ptr<ByteStream> TlsContext::stream(SocketOf<tcp> socket) {
  return std::make_unique<TlsStream>(std::move(socket), impl_->context);
}

}  // namespace hf::http
