// SPDX-License-Identifier: Apache-2.0
//
// Test support: a simulated machine with files to import, and what the store holds afterwards,
// read back from its parts.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sim_env.h"
#include "calendar/time_text.h"
#include "calendar/zone.h"
#include "service/import.h"
#include "store/store.h"

namespace hf::test {

/// One stored event as text.
struct StoredEvent {
  PersonOrdinal ordinal = 0;
  std::string user_id;
  std::string anonymous_id;
  std::string name;
  std::string time;         ///< RFC 3339 in UTC.
  std::string received_at;  ///< The same.
  std::string raw_time;     ///< The same; empty where the time is the client's own.
  std::string message_id;
  std::string channel;
  std::map<std::string, std::string> properties = {};  ///< "kind value"

  [[nodiscard]] std::string text() const {
    std::string out =
        fmt::format("#{} {}|{} {} at {} received {} raw {} id {} by {}", ordinal, user_id,
                    anonymous_id, name, time, received_at, raw_time, message_id, channel);
    for (const auto& [property, value] : properties) out += fmt::format(" {}={}", property, value);
    return out;
  }
  friend std::ostream& operator<<(std::ostream& out, const StoredEvent& event) {
    return out << event.text();
  }
};

/// The value of a Result a test cannot go on without.
template <class T>
T must(Result<T> result) {
  if (!result) {
    // GoogleTest catches it: this test ends, the others run.
    throw std::runtime_error(fmt::format("{}: {}", result.error().reason, result.error().message));
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// "ok", or the reason it failed.
template <class T>
std::string reason_of(const Result<T>& result) {
  return result ? "ok" : std::string(result.error().reason);
}

inline std::string utc_text(TimestampMs time) { return format_rfc3339(time, *Zone::utc()); }

/// The events of one part, in its order.
inline void read_part(const Part& part, std::vector<StoredEvent>& out) {
  using part_format::ColumnRole;
  const auto ids = must(part.ids());
  std::uint32_t person = 0;
  for (std::uint32_t page = 0; page < part.page_count(); ++page) {
    const std::uint32_t rows = part.rows_in_page(page);
    const std::size_t first = out.size();
    const RowNumber first_row = page * part_format::page_rows;
    const auto times = must(part.times(page));
    const auto received = must(part.received_at(page));
    const auto names = must(part.name_codes(page));
    const auto id_codes = must(part.codes(*part.find(ColumnRole::id_code), page));
    for (std::uint32_t i = 0; i < rows; ++i) {
      while (part.row_offsets()[person + 1] <= first_row + i) ++person;
      const IdTable::Entry& id = ids->entries[ids->first[person] + id_codes->codes[i]];
      out.push_back({.ordinal = part.persons()[person],
                     .user_id = std::string(id.user_id),
                     .anonymous_id = std::string(id.anonymous_id),
                     .name = part.names()[names->codes[i]].name,
                     .time = utc_text(times->values[i]),
                     .received_at = utc_text(received->values[i])});
    }
    for (std::uint32_t c = 0; c < part.columns().size(); ++c) {
      const ColumnInfo& column = part.columns()[c];
      const auto set = [&](std::uint32_t i, const std::string& value) {
        StoredEvent& event = out[first + i];
        switch (column.role) {
          case ColumnRole::raw_time: event.raw_time = utc_text(std::stoll(value)); break;
          case ColumnRole::channel: event.channel = value; break;
          case ColumnRole::message_id: event.message_id = value; break;
          case ColumnRole::property: {
            std::string& slot = event.properties[column.property];
            EXPECT_EQ(slot, "") << "two values of one property";
            slot = fmt::format("{} {}", to_string(column.kind), value);
            break;
          }
          case ColumnRole::time:
          case ColumnRole::name:
          case ColumnRole::id_code:
          case ColumnRole::received_at:
          case ColumnRole::message_key:
          case ColumnRole::source:
          case ColumnRole::import: break;
        }
      };
      if (column.role == ColumnRole::message_id) {
        const auto texts = must(part.texts(c, page));
        for (std::uint32_t i = 0; i < rows; ++i) {
          if (!texts->at(i).empty()) set(i, std::string(texts->at(i)));
        }
      } else if (column.role == ColumnRole::raw_time ||
                 (column.role == ColumnRole::property && column.kind == ValueKind::number)) {
        const auto numbers = must(part.numbers(c, page));
        for (std::uint32_t i = 0; i < rows; ++i) {
          if (numbers->has(i)) set(i, numbers->at(i).to_string());
        }
      } else if (column.role == ColumnRole::channel || column.role == ColumnRole::property) {
        const auto codes = must(part.codes(c, page));
        const auto dictionary = must(part.dictionary(c));
        for (std::uint32_t i = 0; i < rows; ++i) {
          if (codes->codes[i] != CodePage::missing) {
            set(i, std::string(dictionary->at(codes->codes[i])));
          }
        }
      }
    }
  }
}

inline std::vector<StoredEvent> visible_events(Store& store) {
  const Snapshot snapshot = must(store.snapshot());
  std::vector<StoredEvent> out;
  for (const auto& part : snapshot.parts) {
    EXPECT_EQ(reason_of(part->verify()), "ok");
    read_part(*part, out);
  }
  return out;
}

inline void put_file(const Env& env, const std::string& path, std::string_view bytes) {
  must(env.files.make_directories(path.substr(0, path.find_last_of('/'))));
  must(replace_file(env, path, bytes));
}

inline std::string gzipped(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string zstd_compressed(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

/// A machine with a store on it that is opened when first used.
class ImportWorld {
 public:
  /// Its clock stands at 2026-06-01T00:00:00Z.
  explicit ImportWorld(std::uint64_t seed = 1) : sim(seed) { sim.set_now_ms(1'780'272'000'000); }

  SimEnv sim;

  [[nodiscard]] Env env() { return sim.env(); }
  Store& store() {
    if (!store_) store_ = must(Store::open(env(), "/data", Store::Access::own));
    return *store_;
  }
  void close() { store_.reset(); }

  std::string put(const std::string& name, std::string_view bytes) {
    put_file(env(), "/in/" + name, bytes);
    return "/in/" + name;
  }
  /// Makes the zones a test names known to this machine.
  void install_zone(const std::string& name) {
    const std::string path = "/usr/share/zoneinfo/" + name;
    put_file(env(), path, must(read_file(real_env(), path, 1 << 20)));
  }

  Result<ImportOutcome> import(const ImportOptions& options, std::uint32_t rows_per_part = 0) {
    HF_TRY(const ImportPlan plan, plan_import(env(), nullptr, options));
    return run_import(store(), nullptr, plan,
                      {.background_writes = false, .rows_per_part = rows_per_part});
  }
  /// Imports one file of these bytes.
  Result<ImportOutcome> import_text(const std::string& name, std::string_view bytes,
                                    ImportOptions options = {}) {
    options.files = {put(name, bytes)};
    return import(options);
  }

  std::vector<StoredEvent> events() { return visible_events(store()); }
  /// The property of the visible events, in their order; "-" where absent.
  std::vector<std::string> values(const std::string& property) {
    std::vector<std::string> out;
    for (const StoredEvent& event : events()) {
      const auto found = event.properties.find(property);
      out.push_back(found == event.properties.end() ? "-" : found->second);
    }
    return out;
  }
  /// The reject file of an import; empty when there is none.
  std::string rejects(std::uint32_t import = 1) {
    const std::string path = store().reject_path(import);
    return env().files.exists(path) ? must(read_file(env(), path, 1 << 24)) : "";
  }
  /// "line reason" of its rows.
  std::vector<std::string> rejected(std::uint32_t import = 1) {
    std::vector<std::string> out;
    auto bytes = ByteSource::from_bytes(rejects(import));
    CsvReader reader(std::move(bytes), {});
    while (true) {
      const auto next = must(reader.next());
      const auto* row = std::get_if<CsvRow>(&next);
      if (row == nullptr) return out;
      out.push_back(fmt::format("{} {}", row->fields[1], row->fields[4]));
    }
  }

 private:
  std::unique_ptr<Store> store_;
};

}  // namespace hf::test
