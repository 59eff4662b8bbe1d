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
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace hf {

static_assert(std::endian::native == std::endian::little, "file formats are read in place");

template <class T>
concept FixedWidth = std::integral<T> || std::floating_point<T>;

/// Reads a little-endian number at `at`, which need not be aligned.
template <FixedWidth T>
[[nodiscard]] inline T load_le(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <FixedWidth T>
inline void store_le(void* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

inline constexpr std::size_t varint_size_max = 10;

[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (0 - (value & 1)));
}

/// Bytes that varint() writes: 1..10.
[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) {
  return static_cast<std::size_t>(std::bit_width(value | 1) + 6) / 7;
}

/// Appends to a string of its own.
class ByteWriter {
 public:
  template <FixedWidth T>
  void fixed(T value) {
    char raw[sizeof value];
    store_le(raw, value);
    out_.append(raw, sizeof value);
  }
  void u8(std::uint8_t value) { out_ += static_cast<char>(value); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  void signed_varint(std::int64_t value) { varint(zigzag(value)); }
  void bytes(std::string_view value) { out_ += value; }
  void bytes(std::span<const std::byte> value) {
    out_.append(reinterpret_cast<const char*>(value.data()), value.size());
  }
  /// The length as a varint, then the bytes.
  void text(std::string_view value) {
    varint(value.size());
    out_ += value;
  }

  [[nodiscard]] std::size_t size() const { return out_.size(); }
  [[nodiscard]] const std::string& str() const { return out_; }
  [[nodiscard]] std::string& mutable_str() { return out_; }
  [[nodiscard]] std::string take() { return std::exchange(out_, {}); }
  void clear() { out_.clear(); }

 private:
  std::string out_;
};

/// Reads what ByteWriter wrote, from bytes that may be damaged. The first read that finds too few
/// bytes, or what no writer can have written, sets the error for good: from then on every read
/// yields zero or nothing and ok() is false. So a caller may check once at the end, but must check
/// before it sizes anything by what was read. Views point into the bytes given.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  template <FixedWidth T>
  [[nodiscard]] T fixed() {
    if (remaining() < sizeof(T)) return fail<T>();
    const T value = load_le<T>(next_);
    next_ += sizeof(T);
    return value;
  }
  [[nodiscard]] std::uint8_t u8() { return fixed<std::uint8_t>(); }
  /// Refuses more than 64 bits and padding (a last byte of 0 after others), so that every number
  /// has one form.
  [[nodiscard]] std::uint64_t varint() {
    if (next_ != end_ && static_cast<std::uint8_t>(*next_) < 0x80) {
      return static_cast<std::uint8_t>(*next_++);
    }
    return long_varint();
  }
  [[nodiscard]] std::int64_t signed_varint() { return unzigzag(varint()); }
  /// A varint that must be at most `max`: for counts and lengths that will be allocated.
  [[nodiscard]] std::uint64_t varint_up_to(std::uint64_t max) {
    const std::uint64_t value = varint();
    return value <= max ? value : fail<std::uint64_t>();
  }
  [[nodiscard]] std::string_view bytes(std::uint64_t count) {
    if (remaining() < count) return fail<std::string_view>();
    const std::string_view value(next_, static_cast<std::size_t>(count));
    next_ += count;
    return value;
  }
  [[nodiscard]] std::string_view text() { return bytes(varint()); }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - next_); }
  /// Everything was read, and nothing beyond.
  [[nodiscard]] bool complete() const { return ok_ && next_ == end_; }

 private:
  [[nodiscard]] std::uint64_t long_varint() {
    std::uint64_t value = 0;
    for (int shift = 0; next_ != end_ && shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(*next_++);
      if (shift == 63 && byte > 1) break;  // Bit 64 and above.
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte == 0 && shift > 0) break;
      return value;
    }
    return fail<std::uint64_t>();
  }
  template <class T>
  T fail() {
    ok_ = false;
    next_ = end_;
    return T{};
  }

  const char* next_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace hf
