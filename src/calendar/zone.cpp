// SPDX-License-Identifier: Apache-2.0
//
// A TZif file (RFC 9636) is a header of 44 bytes and a data block with 32-bit times; from version 2
// on, a second header and block with 64-bit times follow, which replace the first, and a footer
// "\n<TZ string>\n" for the time after the last transition. All numbers are big-endian.
//   header  "TZif", version, 15 unused bytes, then six counts of 4 bytes: isut, isstd, leap,
//           time, type, char
//   block   transition times, type index of each (1 byte), types (offset 4, is_dst 1,
//           designation 1), designations, leap seconds (time + 4), isstd, isut
#include "calendar/zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "calendar/posix_zone.h"

namespace hf {

namespace {

constexpr std::uint64_t zone_file_bytes_max = 1 << 20;
// zic, which writes these files, itself stops at 2000.
constexpr std::uint32_t file_transitions_max = 10'000;
constexpr std::size_t header_bytes = 44;
constexpr std::size_t type_bytes = 6;
// RFC 9636 section 3.2: what an offset should lie between. Everything below relies on it.
constexpr std::int32_t offset_s_min = -89'999;
constexpr std::int32_t offset_s_max = 93'599;
// About 33,000 BC: old files place a first transition at the big bang, where ms would overflow.
constexpr std::int64_t from_s_min = -(std::int64_t{1} << 40);
constexpr TimestampMs before_all = std::numeric_limits<TimestampMs>::min();
constexpr std::int64_t instant_ms_bound = std::int64_t{1} << 57;

using Bytes = std::span<const std::byte>;

// Requires at + size <= bytes.size().
std::int64_t big_endian(Bytes bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  if (size == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  return static_cast<std::int64_t>(value);
}

struct Header {
  char version;
  std::uint32_t isut_count;
  std::uint32_t isstd_count;
  std::uint32_t leap_count;
  std::uint32_t time_count;
  std::uint32_t type_count;
  std::uint32_t char_count;

  std::uint64_t block_bytes(std::uint64_t time_size) const {
    return time_count * (time_size + 1) + std::uint64_t{type_count} * type_bytes + char_count +
           leap_count * (time_size + 4) + isstd_count + isut_count;
  }
};

// Takes the header off the front; nothing if it is damaged or its block does not fit.
std::optional<Header> take_header(Bytes& bytes, std::uint64_t time_size) {
  constexpr char magic[] = {'T', 'Z', 'i', 'f'};
  if (bytes.size() < header_bytes) return std::nullopt;
  for (std::size_t i = 0; i < sizeof magic; ++i) {
    if (std::to_integer<char>(bytes[i]) != magic[i]) return std::nullopt;
  }
  const auto count = [&](std::size_t i) {
    return static_cast<std::uint32_t>(big_endian(bytes, 20 + 4 * i, 4));
  };
  const Header header{
      std::to_integer<char>(bytes[4]), count(0), count(1), count(2), count(3), count(4), count(5)};
  bytes = bytes.subspan(header_bytes);
  const bool version_known =
      header.version == '\0' || (header.version >= '2' && header.version <= '9');
  if (!version_known || header.block_bytes(time_size) > bytes.size()) return std::nullopt;
  return header;
}

void append(std::vector<Zone::Transition>& entries, Zone::Transition entry) {
  if (entry.offset_s != entries.back().offset_s) entries.push_back(entry);
}

// What a block says, and when it last says something.
struct BlockTimes {
  std::vector<Zone::Transition> entries;
  std::optional<std::int64_t> last_s;
};

// Requires block.size() >= header.block_bytes(time_size).
std::optional<BlockTimes> read_block(Bytes block, const Header& header, std::size_t time_size) {
  if (header.type_count == 0 || header.type_count > 256 || header.char_count == 0) {
    return std::nullopt;
  }
  if (header.time_count > file_transitions_max) return std::nullopt;
  if (header.isut_count != 0 && header.isut_count != header.type_count) return std::nullopt;
  if (header.isstd_count != 0 && header.isstd_count != header.type_count) return std::nullopt;
  const std::size_t indexes_at = header.time_count * time_size;
  const std::size_t types_at = indexes_at + header.time_count;

  std::vector<std::int32_t> offsets_s(header.type_count);
  for (std::size_t i = 0; i < offsets_s.size(); ++i) {
    const std::size_t at = types_at + i * type_bytes;
    offsets_s[i] = static_cast<std::int32_t>(big_endian(block, at, 4));
    const auto is_dst = std::to_integer<unsigned>(block[at + 4]);
    const auto designation = std::to_integer<unsigned>(block[at + 5]);
    if (offsets_s[i] < offset_s_min || offsets_s[i] > offset_s_max) return std::nullopt;
    if (is_dst > 1 || designation >= header.char_count) return std::nullopt;
  }

  BlockTimes times{.entries = {{before_all, offsets_s[0]}}, .last_s = std::nullopt};
  for (std::size_t i = 0; i < header.time_count; ++i) {
    const std::int64_t from_s = big_endian(block, i * time_size, time_size);
    const auto type = std::to_integer<std::size_t>(block[indexes_at + i]);
    if (type >= offsets_s.size()) return std::nullopt;
    if (times.last_s && from_s <= *times.last_s) return std::nullopt;
    times.last_s = from_s;
    if (from_s < from_s_min) {
      times.entries = {{before_all, offsets_s[type]}};
    } else if (from_s < timestamp_end_ms / 1'000) {
      append(times.entries, {from_s * 1'000, offsets_s[type]});
    }
  }
  return times;
}

// Continues `times` by the footer's rule to the end of time as we know it.
bool apply_footer(Bytes footer, BlockTimes& times) {
  if (footer.empty() || std::to_integer<char>(footer[0]) != '\n') return false;
  std::string text;
  std::size_t at = 1;
  for (; at < footer.size() && std::to_integer<char>(footer[at]) != '\n'; ++at) {
    text += std::to_integer<char>(footer[at]);
  }
  if (at == footer.size()) return false;
  if (text.empty()) return true;  // No rule is known: the last offset stays.
  const auto zone = parse_posix_zone(text);
  if (!zone) return false;

  constexpr int first_year = 1969;  // The offset on 1 January 1970 may be one of the year before.
  constexpr int last_year = 2101;
  for (const Zone::Transition& change : zone->transitions(first_year, last_year)) {
    if (times.last_s && change.from_ms / 1'000 <= *times.last_s) continue;
    if (change.from_ms < timestamp_end_ms) append(times.entries, change);
  }
  return true;
}

std::optional<std::vector<Zone::Transition>> read_tzif(Bytes bytes) {
  auto header = take_header(bytes, 4);
  if (!header) return std::nullopt;
  std::size_t time_size = 4;
  if (header->version != '\0') {
    bytes = bytes.subspan(header->block_bytes(4));
    time_size = 8;
    header = take_header(bytes, time_size);
    if (!header) return std::nullopt;
  }
  auto times = read_block(bytes, *header, time_size);
  if (!times) return std::nullopt;
  if (time_size == 8 && !apply_footer(bytes.subspan(header->block_bytes(8)), *times)) {
    return std::nullopt;
  }
  return std::move(times->entries);
}

// The same offsets by local reading: the first occurrence of one that comes twice, the offset
// before the jump for one that never comes.
std::vector<Zone::Transition> by_local_reading(std::span<const Zone::Transition> transitions) {
  std::vector<Zone::Transition> entries{transitions.front()};
  const auto reading = [](TimestampMs utc_ms, std::int32_t offset_s) {
    return utc_ms + offset_s * std::int64_t{1'000};
  };
  std::int64_t shown_to = before_all;  // Every reading below is decided.
  for (std::size_t i = 1; i < transitions.size(); ++i) {
    const auto [from_ms, offset_s] = transitions[i];
    const std::int32_t offset_before_s = transitions[i - 1].offset_s;
    shown_to = std::max(shown_to, reading(from_ms, offset_before_s));
    const std::int64_t begin = reading(from_ms, offset_s);
    const bool is_last = i + 1 == transitions.size();
    const std::int64_t end = is_last ? std::numeric_limits<std::int64_t>::max()
                                     : reading(transitions[i + 1].from_ms, offset_s);
    if (end <= shown_to) continue;  // All of it was shown before.
    if (begin > shown_to) append(entries, {shown_to, offset_before_s});
    append(entries, {std::max(begin, shown_to), offset_s});
  }
  return entries;
}

bool is_zone_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name.front() == '/' || name.back() == '/') return false;
  if (name.find("//") != std::string_view::npos) return false;
  return std::ranges::all_of(name, [](char c) {  // No dot, so no "..", either.
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
  });
}

std::unexpected<Error> unknown_timezone(std::string_view name) {
  return fail(ErrorCode::invalid_argument, "unknown_timezone",
              fmt::format("no time zone has this IANA name: \"{}\"", name.substr(0, 64)));
}

std::unexpected<Error> bad_timezone_file(std::string_view name) {
  return fail(ErrorCode::data_loss, "bad_timezone_file",
              fmt::format("not an intact TZif file (RFC 9636): {}", name));
}

}  // namespace

Zone::OffsetTable::OffsetTable(std::vector<Transition> entries)
    : entries_(std::move(entries)), first_of_bucket_(bucket_count) {
  HF_ASSERT(!entries_.empty() && entries_.size() < std::numeric_limits<std::uint16_t>::max());
  HF_ASSERT(entries_.front().from_ms == before_all);
  entries_.push_back({std::numeric_limits<std::int64_t>::max(), entries_.back().offset_s});
  std::size_t entry = 0;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    const auto begin = static_cast<std::int64_t>(bucket << bucket_bits);
    while (entries_[entry + 1].from_ms <= begin) ++entry;
    first_of_bucket_[bucket] = static_cast<std::uint16_t>(entry);
  }
}

std::int32_t Zone::OffsetTable::at_any(std::int64_t ms) const {
  HF_ASSERT(ms > -instant_ms_bound && ms < instant_ms_bound);
  const auto after = std::ranges::upper_bound(entries_, ms, {}, &Transition::from_ms);
  return std::prev(after)->offset_s;
}

Zone::Zone(std::string name, std::vector<Transition> transitions)
    : name_(std::move(name)),
      by_utc_(std::move(transitions)),
      by_local_(by_local_reading(by_utc_.entries())) {}

Result<std::shared_ptr<const Zone>> Zone::load(const Env& env, std::string_view name) {
  if (name == "UTC") return utc();
  if (name == "Etc/UTC") {
    return std::shared_ptr<const Zone>(new Zone(std::string(name), {{before_all, 0}}));
  }
  // The files below right/ count leap seconds, which no time of ours does.
  if (!is_zone_name(name) || name.starts_with("right/")) return unknown_timezone(name);
  const char* directory = std::getenv("TZDIR");
  if (directory == nullptr || *directory == '\0') directory = "/usr/share/zoneinfo";
  const std::string path = fmt::format("{}/{}", directory, name);
  // A continent is a directory, no zone.
  if (!env.files.exists(path) || env.files.list(path)) return unknown_timezone(name);
  const auto bytes = read_file(env, path, zone_file_bytes_max);
  if (!bytes) {
    if (bytes.error().code == ErrorCode::not_found) return unknown_timezone(name);
    if (bytes.error().code == ErrorCode::resource_exhausted) return bad_timezone_file(name);
    return std::unexpected(bytes.error());
  }
  return parse(std::string(name), std::as_bytes(std::span(*bytes)));
}

Result<std::shared_ptr<const Zone>> Zone::parse(std::string name, std::span<const std::byte> tzif) {
  auto transitions = read_tzif(tzif);
  if (!transitions) return bad_timezone_file(name);
  return std::shared_ptr<const Zone>(new Zone(std::move(name), *std::move(transitions)));
}

std::shared_ptr<const Zone> Zone::utc() {
  static const std::shared_ptr<const Zone> zone(new Zone("UTC", {{before_all, 0}}));
  return zone;
}

TimestampMs Zone::start_of_day(Day day) const {
  const std::int64_t midnight = day * ms_per_day;
  const std::span<const Transition> all = transitions();
  // No offset shows midnight earlier than the largest one does.
  const TimestampMs earliest = midnight - offset_s_max * std::int64_t{1'000};
  const auto after = std::ranges::upper_bound(all, earliest, {}, &Transition::from_ms);
  for (auto entry = std::prev(after);; ++entry) {
    const TimestampMs start =
        std::max(midnight - entry->offset_s * std::int64_t{1'000}, entry->from_ms);
    const auto next = std::next(entry);
    if (next == all.end() || start < next->from_ms) return start;
  }
}

TimestampMs earlier(TimestampMs utc_ms, const Duration& duration, int times, const Zone& zone) {
  TimestampMs result = utc_ms;
  // Without a calendar part local time is left alone: it may be one that occurs twice.
  if (times != 0 && (duration.months != 0 || duration.days != 0)) {
    const std::int64_t local_ms = utc_ms + zone.offset_s(utc_ms) * std::int64_t{1'000};
    const Day day = zone.local_day(utc_ms);
    const Day target = add_months(day, -duration.months * times) - duration.days * times;
    result = zone.from_local(local_ms + (std::int64_t{target} - day) * ms_per_day);
  }
  return result - duration.ms * times;
}

}  // namespace hf
