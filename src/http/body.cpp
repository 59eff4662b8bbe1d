// SPDX-License-Identifier: Apache-2.0
#include "http/body.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <utility>

namespace hf::http {
namespace {

constexpr auto invalid = ErrorCode::invalid_argument;

// Events of one kind compress well; what is worth a thousandth of its size is no events.
constexpr std::size_t unquestioned_bytes = std::size_t{1} << 20;
constexpr std::size_t ratio_max = 100;

Result<std::string> inflated(const std::string& body, std::size_t bytes_max, std::size_t padding) {
  const std::size_t limit =
      std::min(bytes_max, std::max(unquestioned_bytes, body.size() * ratio_max));
  z_stream stream{};
  constexpr int only_gzip = 16 + MAX_WBITS;
  if (inflateInit2(&stream, only_gzip) != Z_OK) {
    return fail(ErrorCode::resource_exhausted, "out_of_memory", "no memory to decompress a body");
  }
  struct End {
    z_stream* stream;
    ~End() { inflateEnd(stream); }
  } const end{&stream};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  std::string out;
  std::size_t made = 0;
  while (true) {
    // One byte over the limit tells what is over it.
    const std::size_t room = std::min(limit + 1, std::max(4 * body.size(), 2 * made) + 4'096);
    out.reserve(room + padding);
    out.resize(room);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + made);
    stream.avail_out = static_cast<uInt>(room - made);
    const int outcome = inflate(&stream, Z_NO_FLUSH);
    made = room - stream.avail_out;
    if (made > limit) {
      return fail(invalid, "body_too_large",
                  fmt::format("the body is larger than {} bytes when decompressed", limit));
    }
    if (outcome == Z_STREAM_END) break;
    if (outcome != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) {
      return fail(invalid, "bad_gzip", "the body is not whole gzip");
    }
  }
  if (stream.avail_in > 0) {
    return fail(invalid, "bad_gzip", "something follows the body's gzip");
  }
  out.resize(made);
  return out;
}

}  // namespace

Result<std::string> decoded_body(Request& request, std::size_t bytes_max, std::size_t padding) {
  const std::string_view encoding = request.header("content-encoding").value_or("");
  if (encoding.empty() || encoding == "identity") {
    request.body.reserve(request.body.size() + padding);
    return std::move(request.body);
  }
  if (encoding == "gzip" || encoding == "x-gzip") {
    return inflated(request.body, bytes_max, padding);
  }
  return fail(invalid, "unsupported_encoding", "a body's Content-Encoding can be gzip or identity");
}

}  // namespace hf::http
