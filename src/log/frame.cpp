// SPDX-License-Identifier: Apache-2.0
#include "log/frame.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/site.h"
#include "calendar/zone.h"

namespace hf {
namespace {

using namespace log_format;

constexpr std::uint32_t frame_magic = 0x52464648;  // "HFFR"
constexpr std::uint32_t seal_magic = 0x4c534648;   // "HFSL"
constexpr std::size_t envelope_bytes = 44;         // u32 key id, 24 bytes nonce, 16 bytes tag.

std::uint32_t salted_crc(std::uint64_t salt, std::string_view bytes) {
  char raw[sizeof salt];
  store_le(raw, salt);
  return crc32c(bytes, crc32c(std::string_view(raw, sizeof raw)));
}

}  // namespace

std::string encode_log_file_header(const LogFileHeader& header) {
  ByteWriter out;
  out.bytes(magic);
  out.fixed(version);
  out.fixed(static_cast<std::uint16_t>(file_header_bytes));
  out.fixed(std::uint32_t{0});
  out.fixed(header.first);
  out.fixed(header.created_at_ms);
  out.bytes(header.log_id.bytes());
  out.fixed(header.salt);
  out.fixed(std::uint32_t{0});
  out.fixed(crc32c(out.str()));
  HF_ASSERT(out.size() == file_header_bytes);
  return out.take();
}

std::string_view decode_log_file_header(std::string_view bytes, LogFileHeader& out) {
  if (bytes.size() < file_header_bytes) return "shorter than its header";
  bytes = bytes.substr(0, file_header_bytes);
  if (!bytes.starts_with(magic)) return "not a log file";
  if (HF_SITE("log.file_header.checksum") &&
      crc32c(bytes.substr(0, 60)) != load_le<std::uint32_t>(bytes.data() + 60)) {
    return "checksum of its header";
  }
  ByteReader in(bytes.substr(magic.size()));
  if (in.fixed<std::uint16_t>() != version) return "a version this program does not know";
  const bool plain =
      in.fixed<std::uint16_t>() == file_header_bytes && in.fixed<std::uint32_t>() == 0;
  out.first = in.fixed<std::uint64_t>();
  out.created_at_ms = in.fixed<std::int64_t>();
  out.log_id.high = __builtin_bswap64(in.fixed<std::uint64_t>());
  out.log_id.low = __builtin_bswap64(in.fixed<std::uint64_t>());
  out.salt = in.fixed<std::uint64_t>();
  if (!plain || in.fixed<std::uint32_t>() != 0 || out.first == 0 ||
      out.created_at_ms < timestamp_min_ms || out.created_at_ms >= timestamp_end_ms) {
    return "a header no version of this program writes";
  }
  return {};
}

std::optional<FrameHeader> decode_frame_header(std::string_view bytes, std::uint64_t salt) {
  if (bytes.size() < frame_header_bytes) return std::nullopt;
  bytes = bytes.substr(0, frame_header_bytes);
  ByteReader in(bytes);
  if (in.fixed<std::uint32_t>() != frame_magic) return std::nullopt;
  const std::string_view covered = bytes.substr(0, frame_header_bytes - 4);
  if (HF_SITE("log.frame_header.checksum") &&
      salted_crc(salt, covered) != load_le<std::uint32_t>(bytes.data() + covered.size())) {
    return std::nullopt;
  }
  if (in.fixed<std::uint32_t>() != 0) return std::nullopt;  // Codec raw; the rest reserved.
  FrameHeader out;
  out.first = in.fixed<std::uint64_t>();
  out.received_at_ms = in.fixed<std::int64_t>();
  out.records = in.fixed<std::uint32_t>();
  out.payload_bytes = in.fixed<std::uint32_t>();
  const std::string_view envelope = in.bytes(envelope_bytes);
  out.payload_crc = in.fixed<std::uint32_t>();
  if (envelope.find_first_not_of('\0') != std::string_view::npos) return std::nullopt;
  if (out.first == 0 || out.records == 0 || out.payload_bytes > payload_bytes_max ||
      out.received_at_ms < timestamp_min_ms || out.received_at_ms >= timestamp_end_ms) {
    return std::nullopt;
  }
  return out;
}

void FrameBuilder::clear() {
  bytes_.assign(frame_header_bytes, '\0');
  records_ = 0;
}

void FrameBuilder::add(std::string_view record) {
  for (std::size_t n = record.size();; n >>= 7) {
    bytes_ += static_cast<char>(n >= 0x80 ? n | 0x80 : n);
    if (n < 0x80) break;
  }
  bytes_ += record;
  ++records_;
}

std::size_t FrameBuilder::cost(std::string_view record) {
  return varint_size(record.size()) + record.size();
}

std::string_view FrameBuilder::finish(std::uint64_t salt, Offset first,
                                      TimestampMs received_at_ms) {
  HF_ASSERT(records_ > 0 && payload_bytes() <= payload_bytes_max);
  const std::string_view payload = std::string_view(bytes_).substr(frame_header_bytes);
  ByteWriter header;
  header.fixed(frame_magic);
  header.fixed(std::uint32_t{0});
  header.fixed(first);
  header.fixed(received_at_ms);
  header.fixed(records_);
  header.fixed(static_cast<std::uint32_t>(payload.size()));
  header.bytes(std::string(envelope_bytes, '\0'));
  header.fixed(crc32c(payload));
  header.fixed(salted_crc(salt, header.str()));
  HF_ASSERT(header.size() == frame_header_bytes);
  bytes_.replace(0, frame_header_bytes, header.str());
  return bytes_;
}

std::array<char, seal_bytes> encode_seal(std::uint64_t salt, Offset end, std::uint64_t position) {
  std::array<char, seal_bytes> out;
  store_le(out.data(), seal_magic);
  store_le(out.data() + 8, end);
  store_le(out.data() + 16, position);
  store_le(out.data() + 4, salted_crc(salt, std::string_view(out.data() + 8, 16)));
  return out;
}

bool is_seal(std::string_view bytes, std::uint64_t salt, Offset end, std::uint64_t position) {
  const auto expected = encode_seal(salt, end, position);
  return bytes.starts_with(std::string_view(expected.data(), expected.size()));
}

bool has_later_frame(std::string_view bytes, std::uint64_t position, std::uint64_t salt,
                     Offset next) {
  // Both kinds begin with "HF"; a byte that differs in one of the two magics is looked at next.
  for (std::size_t at = bytes.find("HF"); at != std::string_view::npos;
       at = bytes.find("HF", at + 1)) {
    const std::string_view rest = bytes.substr(at);
    if (const auto header = decode_frame_header(rest, salt); header && header->first > next) {
      return true;
    }
    if (rest.size() >= seal_bytes) {
      const auto end = load_le<Offset>(rest.data() + 8);
      if (end > next && is_seal(rest, salt, end, position + at)) return true;
    }
  }
  return false;
}

std::optional<std::string_view> FrameRecords::next() {
  if (rest_.empty()) return std::nullopt;
  ByteReader in(rest_);
  const std::string_view record = in.text();
  if (!in.ok()) {
    ok_ = false;
    rest_ = {};
    return std::nullopt;
  }
  rest_.remove_prefix(rest_.size() - in.remaining());
  return record;
}

}  // namespace hf
