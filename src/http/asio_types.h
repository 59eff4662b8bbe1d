// SPDX-License-Identifier: Apache-2.0
//
// Asio as the server uses it: coroutines on io_contexts of one thread each. Only for the .cpp files
// of byte_stream, connection and server, and their private headers: it takes long to compile.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#if defined(__GNUC__) && !defined(__clang__)
// With sanitizers g++ 12 inlines what allocates a coroutine's frame and not what frees it, and
// takes aligned_alloc() and Asio's operator delete, which calls free(), for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace hf::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Local = asio::local::stream_protocol;
using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
inline constexpr asio::use_awaitable_t<Executor> awaiting;
template <class Protocol>
using SocketOf = asio::basic_stream_socket<Protocol, Executor>;
template <class Protocol>
using AcceptorOf = asio::basic_socket_acceptor<Protocol, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

}  // namespace hf::http
