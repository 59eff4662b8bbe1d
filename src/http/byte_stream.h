// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/asio_types.h"

namespace hf::http {

/// What is known of the other side, without reading.
enum class Line : std::uint8_t {
  open,
  half_closed,  ///< It sends no more. Maybe it still reads, maybe it is gone: TCP does not tell.
  broken,       ///< Nobody is there.
};

/// A socket of any kind, on the thread of its io_context.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual Task<void> handshake(error_code& error) = 0;
  virtual Task<std::size_t> read(asio::mutable_buffer into, error_code& error) = 0;
  virtual Task<std::size_t> write(asio::const_buffer from, error_code& error) = 0;
  /// Tells that nothing follows. What is read afterwards is good for nothing but the end.
  virtual Task<void> shutdown_send() = 0;
  [[nodiscard]] virtual Line line() = 0;
  /// What is under way ends with an error.
  virtual void cancel() = 0;
  virtual void close() = 0;
};

[[nodiscard]] std::unique_ptr<ByteStream> plain_stream(SocketOf<tcp> socket);
[[nodiscard]] std::unique_ptr<ByteStream> plain_stream(SocketOf<Local> socket);

/// A certificate with its key, and the rule that only TLS of today is spoken.
class TlsContext {
 public:
  /// Of PEM files. Errors: invalid_argument/bad_certificate.
  [[nodiscard]] static Result<std::unique_ptr<TlsContext>> open(const std::string& certificate,
                                                                const std::string& private_key);
  ~TlsContext();
  /// The context must outlive the stream.
  [[nodiscard]] std::unique_ptr<ByteStream> stream(SocketOf<tcp> socket);

 private:
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hf::http
