// SPDX-License-Identifier: Apache-2.0
//
// Little-endian integers, LEB128 varints and length-prefixed bytes, for every file format.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace hf {

static_assert(std::endian::native == std::endian::little, "file formats are little-endian");

template <class T>
[[nodiscard]] inline T load_le(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (0 - (value & 1)));
}

/// Appends to a string of its own.
class ByteWriter {
 public:
  template <class T>
  void fixed(T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    out_.append(bytes, sizeof(T));
  }
  void u8(std::uint8_t value) { out_ += static_cast<char>(value); }
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    out_ += static_cast<char>(value);
  }
  void signed_varint(std::int64_t value) { varint(zigzag(value)); }
  void bytes(std::string_view value) { out_ += value; }
  /// Length, then bytes.
  void text(std::string_view value) {
    varint(value.size());
    out_ += value;
  }

  [[nodiscard]] std::size_t size() const { return out_.size(); }
  [[nodiscard]] const std::string& str() const { return out_; }
  [[nodiscard]] std::string& mutable_str() { return out_; }
  [[nodiscard]] std::string take() { return std::move(out_); }
  void clear() { out_.clear(); }

 private:
  std::string out_;
};

/// Reads what ByteWriter wrote, from bytes that may be damaged: past the end every read yields
/// zero or nothing and ok() turns false for good, so a caller may check once at the end, but must
/// check before it sizes anything by what was read.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  template <class T>
  [[nodiscard]] T fixed() {
    if (remaining() < sizeof(T)) return fail<T>();
    const T value = load_le<T>(next_);
    next_ += sizeof(T);
    return value;
  }
  [[nodiscard]] std::uint8_t u8() { return fixed<std::uint8_t>(); }
  [[nodiscard]] std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (next_ == end_) return fail<std::uint64_t>();
      const auto byte = static_cast<std::uint8_t>(*next_++);
      if (shift == 63 && byte > 1) return fail<std::uint64_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return fail<std::uint64_t>();
  }
  [[nodiscard]] std::int64_t signed_varint() { return unzigzag(varint()); }
  [[nodiscard]] std::string_view bytes(std::uint64_t count) {
    if (remaining() < count) return fail<std::string_view>();
    const std::string_view value(next_, count);
    next_ += count;
    return value;
  }
  [[nodiscard]] std::string_view text() { return bytes(varint()); }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - next_); }
  /// Everything was read, and nothing beyond.
  [[nodiscard]] bool complete() const { return ok_ && next_ == end_; }

 private:
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
