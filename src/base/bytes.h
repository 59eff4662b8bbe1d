// SPDX-License-Identifier: Apache-2.0
//
// How numbers become bytes in our files: little-endian, and LEB128 varints (seven bits a byte, the
// lowest first), with zigzag for signed ones (0, -1, 1, -2, ..). Readers are safe on any input.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "base/assert.h"

namespace hf {

static_assert(std::endian::native == std::endian::little, "file formats are read in place");

/// Reads a little-endian number at `at`, which need not be aligned.
template <class T>
requires std::integral<T> || std::floating_point<T>
[[nodiscard]] inline T load_le(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
requires std::integral<T> || std::floating_point<T>
inline void store_le(std::byte* at, T value) { std::memcpy(at, &value, sizeof value); }

inline constexpr std::size_t varint_size_max = 10;

[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (0 - (value & 1)));
}

/// Bytes that append_varint() would add: 1..10.
[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) {
  return static_cast<std::size_t>(std::bit_width(value | 1) + 6) / 7;
}

/// Appends to a std::string or a std::vector<std::byte>, which must outlive the writer.
template <class Buffer>
class ByteWriter {
 public:
  explicit ByteWriter(Buffer& out) : out_(&out) {}

  template <class T>
  requires std::integral<T> || std::floating_point<T>
  void fixed(T value) {
    std::byte raw[sizeof value];
    store_le(raw, value);
    bytes(raw);
  }
  void varint(std::uint64_t value) {
    std::byte raw[varint_size_max];
    std::size_t n = 0;
    for (; value >= 0x80; value >>= 7) raw[n++] = static_cast<std::byte>(value | 0x80);
    raw[n++] = static_cast<std::byte>(value);
    bytes(std::span(raw, n));
  }
  void signed_varint(std::int64_t value) { varint(zigzag(value)); }
  void bytes(std::span<const std::byte> raw) {
    const auto* begin = reinterpret_cast<const typename Buffer::value_type*>(raw.data());
    out_->insert(out_->end(), begin, begin + raw.size());
  }
  /// The length as a varint, then the bytes.
  void text(std::string_view value) {
    varint(value.size());
    bytes(std::as_bytes(std::span(value)));
  }

 private:
  Buffer* out_;
};

/// Reads what ByteWriter wrote. Each call gives nothing, and stays where it is, when the bytes end
/// too early or are not what a writer can have written; the caller knows path and place and makes
/// the error. Views point into the bytes given.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  explicit ByteReader(std::string_view bytes) : bytes_(std::as_bytes(std::span(bytes))) {}

  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] std::size_t remaining() const { return bytes_.size() - offset_; }
  [[nodiscard]] bool at_end() const { return remaining() == 0; }

  template <class T>
  requires std::integral<T> || std::floating_point<T>
  [[nodiscard]] std::optional<T> fixed() {
    if (remaining() < sizeof(T)) return std::nullopt;
    const T value = load_le<T>(bytes_.data() + offset_);
    offset_ += sizeof(T);
    return value;
  }

  /// Refuses more than 64 bits and padding (a last byte of 0 after others), so that every number
  /// has one form and a checksum of decoded values means something.
  [[nodiscard]] std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    const std::size_t n_max = remaining() < varint_size_max ? remaining() : varint_size_max;
    for (std::size_t n = 0; n < n_max; ++n) {
      const auto byte = static_cast<std::uint64_t>(bytes_[offset_ + n]);
      if (n == varint_size_max - 1 && byte > 1) return std::nullopt;  // Bit 64 and above.
      value |= (byte & 0x7F) << (7 * n);
      if (byte < 0x80) {
        if (byte == 0 && n > 0) return std::nullopt;
        offset_ += n + 1;
        return value;
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::int64_t> signed_varint() {
    const auto value = varint();
    if (!value) return std::nullopt;
    return unzigzag(*value);
  }
  /// A varint that must be at most `max`: for counts and lengths that will be allocated.
  [[nodiscard]] std::optional<std::uint64_t> varint_up_to(std::uint64_t max) {
    const std::size_t begin = offset_;
    const auto value = varint();
    if (value && *value <= max) return value;
    offset_ = begin;
    return std::nullopt;
  }

  [[nodiscard]] std::optional<std::span<const std::byte>> bytes(std::uint64_t size) {
    if (size > remaining()) return std::nullopt;
    const auto view = bytes_.subspan(offset_, static_cast<std::size_t>(size));
    offset_ += static_cast<std::size_t>(size);
    return view;
  }
  [[nodiscard]] std::optional<std::string_view> text() {
    const std::size_t begin = offset_;
    if (const auto size = varint()) {
      if (const auto view = bytes(*size)) {
        return std::string_view(reinterpret_cast<const char*>(view->data()), view->size());
      }
    }
    offset_ = begin;
    return std::nullopt;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t offset_ = 0;
};

}  // namespace hf
