// SPDX-License-Identifier: Apache-2.0
#include "store/part.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include "base/assert.h"
#include "base/bytes.h"
#include "calendar/zone.h"
#include "store/footer.h"
#include "store/page.h"
#include "store/postings.h"

namespace hf {
namespace {

using part_format::ColumnRole;
using part_format::page_rows;
using part_format::PageKind;

constexpr std::uint32_t compact_pages = 0x40000000;

// What is no column but shares the cache, behind them.
enum class Uncolumned : std::uint32_t { ids, day_sets, day_counts, day_rows, postings };

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return xxh3_64(text); }
};

std::unexpected<Error> bad(std::string why) {
  return fail(ErrorCode::data_loss, "bad_part", std::move(why));
}

}  // namespace

struct Part::Body {
  std::string path;
  std::unique_ptr<File> file;
  std::uint64_t file_bytes = 0;
  PageCache* cache = nullptr;
  std::uint64_t cache_key = 0;
  Footer footer;
  std::vector<ColumnInfo> columns;
  std::vector<PersonOrdinal> persons;
  std::vector<RowNumber> offsets = {0};
  std::unordered_map<std::string, std::vector<std::uint32_t>, TextHash, std::equal_to<>> properties;
  std::array<std::optional<std::uint32_t>, part_format::roles> by_role;

  [[nodiscard]] std::uint32_t rows_in_page(std::uint32_t page) const {
    HF_ASSERT(page * std::uint64_t{page_rows} < footer.row_count);
    return std::min(page_rows, footer.row_count - page * page_rows);
  }

  // Says where a damaged page lies: the decoder only knows why.
  template <class T>
  Result<T> placed(Result<T> result, const PageRef& ref) const {
    if (result || result.error().code != ErrorCode::data_loss) return result;
    return bad(fmt::format("{}: offset {}: {}", path, ref.offset, result.error().message));
  }

  [[nodiscard]] Result<std::string> read(const PageRef& ref, PageKind kind) const {
    if (ref.offset > file_bytes || ref.stored_bytes > file_bytes - ref.offset) {
      return placed<std::string>(bad("page lies beyond the end of the file"), ref);
    }
    std::string stored(ref.stored_bytes, '\0');
    HF_TRY(const std::size_t n,
           file->read_at(ref.offset, std::as_writable_bytes(std::span(stored))));
    if (n != stored.size()) return placed<std::string>(bad("file is shorter than it was"), ref);
    return placed(decode_page(stored, kind), ref);
  }

  [[nodiscard]] std::uint32_t key_of(Uncolumned what) const {
    return static_cast<std::uint32_t>(columns.size()) + static_cast<std::uint32_t>(what);
  }
  [[nodiscard]] DecodedThing thing_of(const PageCache::Key& key) const;

  /// The page from the cache, else what `decode` makes of its payload.
  template <class Page, class Decode>
  [[nodiscard]] Result<std::shared_ptr<const Page>> cached(std::uint32_t column, std::uint32_t page,
                                                           Decode&& decode) const {
    const PageCache::Key key{cache_key, column, page};
    if (auto found = cache->find(key)) return std::static_pointer_cast<const Page>(found);
    HF_TRY(std::shared_ptr<Page> made, decode());
    cache->insert(key, made);
    return std::shared_ptr<const Page>(std::move(made));
  }

  [[nodiscard]] Result<DecodedNumbers> read_numbers(std::uint32_t column,
                                                    std::uint32_t page) const {
    const PageRef& ref = footer.columns[column].pages[page];
    HF_TRY(const std::string payload, read(ref, PageKind::numbers));
    return placed(decode_numbers(payload, rows_in_page(page)), ref);
  }

  // The same of a column in which every row has a value.
  [[nodiscard]] Result<std::vector<std::int64_t>> read_all_numbers(std::uint32_t column,
                                                                   std::uint32_t page) const {
    HF_TRY(DecodedNumbers numbers, read_numbers(column, page));
    if (numbers.present.empty()) return std::move(numbers.values);
    return placed<std::vector<std::int64_t>>(bad("system column with a row that has no value"),
                                             footer.columns[column].pages[page]);
  }

  /// Rows of `page` at which a person begins.
  [[nodiscard]] std::vector<std::uint32_t> run_starts(std::uint32_t page) const {
    const RowNumber first = page * page_rows;
    const auto from = std::lower_bound(offsets.begin(), offsets.end() - 1, first);
    const auto to = std::lower_bound(from, offsets.end() - 1, first + rows_in_page(page));
    std::vector<std::uint32_t> starts;
    for (auto at = from; at != to; ++at) starts.push_back(*at - first);
    return starts;
  }

  [[nodiscard]] const FooterPostings* find_postings(std::uint32_t name_code) const {
    const auto found =
        std::ranges::lower_bound(footer.postings, name_code, {}, &FooterPostings::name_code);
    return found != footer.postings.end() && found->name_code == name_code ? &*found : nullptr;
  }

  [[nodiscard]] Result<PostingRows> read_postings(const FooterPostings& postings) const {
    PostingRows list;
    const NameInfo& name = footer.names[postings.name_code];
    for (const PageRef& ref : postings.pages) {
      HF_TRY(const std::string payload, read(ref, PageKind::postings));
      const auto count = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(posting_page_entries, postings.count - list.rows.size()));
      HF_CHECK(placed(read_posting_page(payload, count, footer.row_count, name, list), ref));
    }
    return list;
  }

  [[nodiscard]] std::uint32_t column_of(ColumnRole role) const {
    const auto& column = by_role[static_cast<std::size_t>(role)];
    HF_ASSERT(column.has_value());
    return *column;
  }
};

DecodedThing Part::Body::thing_of(const PageCache::Key& key) const {
  using Kind = DecodedThing::Kind;
  if (key.column == key_of(Uncolumned::ids)) return {.kind = Kind::ids};
  if (key.column == key_of(Uncolumned::day_sets)) return {.kind = Kind::day_sets, .zone = key.page};
  if (key.column == key_of(Uncolumned::day_counts)) {
    return {.kind = Kind::day_counts, .zone = key.page};
  }
  if (key.column == key_of(Uncolumned::day_rows)) return {.kind = Kind::day_rows, .zone = key.page};
  if (key.column == key_of(Uncolumned::postings)) {
    return {.kind = Kind::postings, .name = footer.names[key.page].name};
  }
  const ColumnInfo& info = columns[key.column];
  DecodedThing thing{.role = info.role};
  switch (info.role) {
    case ColumnRole::time:
      thing.kind = (key.page & compact_pages) != 0 ? Kind::compact_times : Kind::times;
      return thing;
    case ColumnRole::received_at: thing.kind = Kind::received_at; return thing;
    case ColumnRole::name: thing.kind = Kind::name_codes; return thing;
    case ColumnRole::message_id: thing.kind = Kind::texts; return thing;
    default: break;
  }
  thing.kind = key.page == PageCache::dictionary_page ? Kind::dictionary
               : info.kind != ValueKind::number || info.role == ColumnRole::id_code ? Kind::codes
                                                                                    : Kind::numbers;
  thing.value_kind = info.kind;
  thing.name = info.property;
  return thing;
}

Part::Part(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Part::~Part() { body_->cache->erase_part(body_->cache_key); }

Result<std::shared_ptr<const Part>> Part::open(const Env& env, const std::string& path,
                                               PageCache& cache) {
  HF_TRY(auto file, env.files.open(path, OpenMode::read));
  return open(std::move(file), path, cache);
}

Result<std::shared_ptr<const Part>> Part::open(std::unique_ptr<File> file, std::string path,
                                               PageCache& cache) {
  auto body = std::make_unique<Body>();
  body->path = std::move(path);
  body->cache = &cache;
  body->file = std::move(file);
  HF_TRY(body->file_bytes, body->file->size());
  const std::uint64_t size = body->file_bytes;
  if (size < part_format::header_bytes + part_format::trailer_bytes) {
    return bad(fmt::format("{}: offset 0: file too short to be a part", body->path));
  }
  std::string edge(part_format::header_bytes, '\0');
  HF_TRY(std::size_t n, body->file->read_at(0, std::as_writable_bytes(std::span(edge))));
  HF_CHECK(body->placed(check_part_header(std::string_view(edge).substr(0, n)), PageRef{}));
  edge.assign(part_format::trailer_bytes, '\0');
  const PageRef trailer{size - part_format::trailer_bytes, part_format::trailer_bytes};
  HF_TRY(n, body->file->read_at(trailer.offset, std::as_writable_bytes(std::span(edge))));
  HF_TRY(const PageRef footer_ref,
         body->placed(read_trailer(std::string_view(edge).substr(0, n)), trailer));
  HF_TRY(const std::string footer, body->read(footer_ref, PageKind::footer));
  HF_TRY(body->footer, body->placed(decode_footer(footer), footer_ref));

  for (const PageRef& ref : body->footer.directory_pages) {
    HF_TRY(const std::string payload, body->read(ref, PageKind::persons));
    HF_CHECK(body->placed(
        read_directory_page(payload, body->footer.person_count, body->persons, body->offsets),
        ref));
  }
  if (body->persons.size() != body->footer.person_count ||
      body->offsets.back() != body->footer.row_count) {
    return body->placed<std::shared_ptr<const Part>>(
        bad("directory does not add up to the footer's rows"), footer_ref);
  }
  for (std::uint32_t i = 0; i < body->footer.columns.size(); ++i) {
    const ColumnInfo& info = body->footer.columns[i].info;
    body->columns.push_back(info);
    if (info.role == ColumnRole::property) {
      body->properties[info.property].push_back(i);
    } else {
      body->by_role[static_cast<std::size_t>(info.role)] = i;
    }
  }
  for (const ColumnRole role :
       {ColumnRole::time, ColumnRole::name, ColumnRole::id_code, ColumnRole::received_at}) {
    if (!body->by_role[static_cast<std::size_t>(role)]) {
      return body->placed<std::shared_ptr<const Part>>(bad("footer lacks a column"), footer_ref);
    }
  }
  body->cache_key = cache.next_part_key();
  return std::shared_ptr<const Part>(new Part(std::move(body)));
}

const std::string& Part::path() const { return body_->path; }
std::uint64_t Part::file_bytes() const { return body_->file_bytes; }
RowNumber Part::row_count() const { return body_->footer.row_count; }
std::uint32_t Part::page_count() const { return (row_count() + page_rows - 1) / page_rows; }
std::uint32_t Part::rows_in_page(std::uint32_t page) const { return body_->rows_in_page(page); }
std::span<const PersonOrdinal> Part::persons() const { return body_->persons; }
std::span<const RowNumber> Part::row_offsets() const { return body_->offsets; }
TimestampMs Part::time_min() const { return body_->footer.time_min; }
TimestampMs Part::time_max() const { return body_->footer.time_max; }
const std::vector<NameInfo>& Part::names() const { return body_->footer.names; }
const std::vector<ColumnInfo>& Part::columns() const { return body_->columns; }

std::uint64_t Part::column_bytes(std::uint32_t column) const {
  std::uint64_t bytes = 0;
  for (const PageRef& ref : body_->footer.columns[column].pages) bytes += ref.stored_bytes;
  for (const PageRef& ref : body_->footer.columns[column].dictionary_pages) {
    bytes += ref.stored_bytes;
  }
  return bytes;
}

std::optional<std::uint32_t> Part::find(ColumnRole role) const {
  return body_->by_role[static_cast<std::size_t>(role)];
}

std::span<const std::uint32_t> Part::find_property(std::string_view name) const {
  const auto found = body_->properties.find(name);
  if (found == body_->properties.end()) return {};
  return found->second;
}

Result<std::shared_ptr<const TimePage>> Part::times(std::uint32_t page) const {
  const std::uint32_t column = body_->column_of(ColumnRole::time);
  return body_->cached<TimePage>(column, page, [&]() -> Result<std::shared_ptr<TimePage>> {
    auto out = std::make_shared<TimePage>();
    HF_TRY(out->values, read_times(page));
    out->memory_bytes = out->values.size() * sizeof(TimestampMs);
    return out;
  });
}

Result<std::vector<TimestampMs>> Part::read_times(std::uint32_t page) const {
  const PageRef& ref = body_->footer.columns[body_->column_of(ColumnRole::time)].pages[page];
  HF_TRY(const std::string payload, body_->read(ref, PageKind::numbers));
  return body_->placed(decode_times(payload, rows_in_page(page), body_->run_starts(page)), ref);
}

Result<std::shared_ptr<const CompactTimePage>> Part::compact_times(std::uint32_t page) const {
  const std::uint32_t column = body_->column_of(ColumnRole::time);
  // Beside the pages of 64-bit times, under numbers no page has.
  const std::uint32_t key = compact_pages | page;
  return body_->cached<CompactTimePage>(
      column, key, [&]() -> Result<std::shared_ptr<CompactTimePage>> {
        const PageRef& ref = body_->footer.columns[column].pages[page];
        HF_TRY(const std::string payload, body_->read(ref, PageKind::numbers));
        HF_TRY(CompactTimes times, body_->placed(decode_compact_times(payload, rows_in_page(page),
                                                                      body_->run_starts(page)),
                                                 ref));
        auto out = std::make_shared<CompactTimePage>();
        out->base_ms = times.base_ms;
        out->unit_ms = times.unit_ms;
        out->offsets = std::move(times.offsets);
        out->memory_bytes = out->offsets.size() * sizeof(std::uint32_t);
        return out;
      });
}

Result<std::shared_ptr<const TimePage>> Part::received_at(std::uint32_t page) const {
  const std::uint32_t column = body_->column_of(ColumnRole::received_at);
  return body_->cached<TimePage>(column, page, [&]() -> Result<std::shared_ptr<TimePage>> {
    auto out = std::make_shared<TimePage>();
    HF_TRY(out->values, body_->read_all_numbers(column, page));
    const auto [low, high] = std::ranges::minmax(out->values);
    if (low < timestamp_min_ms || high >= timestamp_end_ms) {
      return body_->placed<std::shared_ptr<TimePage>>(bad("time outside 1970 to 2100"),
                                                      body_->footer.columns[column].pages[page]);
    }
    out->memory_bytes = out->values.size() * sizeof(TimestampMs);
    return out;
  });
}

Result<std::shared_ptr<const NamePage>> Part::name_codes(std::uint32_t page) const {
  const std::uint32_t column = body_->column_of(ColumnRole::name);
  return body_->cached<NamePage>(column, page, [&]() -> Result<std::shared_ptr<NamePage>> {
    HF_TRY(const std::vector<std::int64_t> codes, body_->read_all_numbers(column, page));
    auto out = std::make_shared<NamePage>();
    out->codes = CodeArray(names().size());
    out->codes.reserve(codes.size());
    for (const std::int64_t code : codes) {
      if (code < 0 || static_cast<std::uint64_t>(code) >= names().size()) {
        return body_->placed<std::shared_ptr<NamePage>>(bad("event name code out of range"),
                                                        body_->footer.columns[column].pages[page]);
      }
      out->codes.push_back(static_cast<std::uint32_t>(code));
    }
    out->memory_bytes = out->codes.memory_bytes();
    return out;
  });
}

Result<std::shared_ptr<const CodePage>> Part::codes(std::uint32_t column,
                                                    std::uint32_t page) const {
  const ColumnInfo& info = columns()[column];
  const bool is_id_code = info.role == ColumnRole::id_code;
  HF_ASSERT(is_id_code || info.kind != ValueKind::number);
  return body_->cached<CodePage>(column, page, [&]() -> Result<std::shared_ptr<CodePage>> {
    auto out = std::make_shared<CodePage>();
    const std::uint32_t rows = rows_in_page(page);
    const PageRef& ref = body_->footer.columns[column].pages[page];
    if (ref.stored_bytes == 0) {
      out->codes = CodeArray(info.dictionary_size);
      out->codes.assign(rows, CodePage::missing);
      out->memory_bytes = out->codes.memory_bytes();
      return out;
    }
    HF_TRY(const DecodedNumbers numbers, body_->read_numbers(column, page));
    std::uint64_t end = info.dictionary_size;
    if (is_id_code) {  // Of a person's ids, which are few: the page knows how many.
      const auto highest = static_cast<std::uint64_t>(std::ranges::max(numbers.values));
      end = std::min<std::uint64_t>(highest, CodePage::missing - 1) + 1;
    }
    out->codes = CodeArray(end);
    out->codes.reserve(rows);
    for (std::uint32_t row = 0; row < rows; ++row) {
      const bool has =
          numbers.present.empty() || ((numbers.present[row / 64] >> (row % 64)) & 1u) != 0;
      const auto code = static_cast<std::uint64_t>(numbers.values[row]);
      if ((has && code >= end) || (!has && is_id_code)) {
        return body_->placed<std::shared_ptr<CodePage>>(bad("code beyond the dictionary"), ref);
      }
      out->codes.push_back(has ? static_cast<std::uint32_t>(code) : CodePage::missing);
    }
    out->memory_bytes = out->codes.memory_bytes();
    return out;
  });
}

Result<std::shared_ptr<const NumberPage>> Part::numbers(std::uint32_t column,
                                                        std::uint32_t page) const {
  HF_ASSERT(columns()[column].kind == ValueKind::number);
  return body_->cached<NumberPage>(column, page, [&]() -> Result<std::shared_ptr<NumberPage>> {
    auto out = std::make_shared<NumberPage>();
    const std::uint32_t rows = rows_in_page(page);
    const PageRef& ref = body_->footer.columns[column].pages[page];
    if (ref.stored_bytes == 0) {
      out->units.assign(rows, 0);
      out->present.assign((rows + 63) / 64, 0);
    } else {
      HF_TRY(DecodedNumbers numbers, body_->read_numbers(column, page));
      out->units = std::move(numbers.values);
      out->scale = numbers.scale;
      out->scales = std::move(numbers.scales);
      out->present = std::move(numbers.present);
    }
    out->memory_bytes = out->units.size() * 8 + out->scales.size() + out->present.size() * 8;
    return out;
  });
}

Result<std::shared_ptr<const TextPage>> Part::texts(std::uint32_t column,
                                                    std::uint32_t page) const {
  HF_ASSERT(columns()[column].role == ColumnRole::message_id);
  return body_->cached<TextPage>(column, page, [&]() -> Result<std::shared_ptr<TextPage>> {
    auto out = std::make_shared<TextPage>();
    const std::uint32_t rows = rows_in_page(page);
    const PageRef& ref = body_->footer.columns[column].pages[page];
    out->offsets.assign(rows + 1, 0);
    if (ref.stored_bytes != 0) {
      HF_TRY(const std::string payload, body_->read(ref, PageKind::texts));
      ByteReader in(payload);
      std::uint64_t end = 0;
      for (std::uint32_t row = 0; row < rows; ++row) {
        end += in.varint_up_to(payload.size() - end);
        if (!in.ok()) {
          return body_->placed<std::shared_ptr<TextPage>>(bad("text beyond its page"), ref);
        }
        out->offsets[row + 1] = static_cast<std::uint32_t>(end);
      }
      out->bytes = in.bytes(end);
      if (!in.complete()) {
        return body_->placed<std::shared_ptr<TextPage>>(bad("text page with another length"), ref);
      }
    }
    out->memory_bytes = out->offsets.size() * 4 + out->bytes.size();
    return out;
  });
}

Result<std::shared_ptr<const Dictionary>> Part::dictionary(std::uint32_t column) const {
  return body_->cached<Dictionary>(
      column, PageCache::dictionary_page, [&]() -> Result<std::shared_ptr<Dictionary>> {
        auto out = std::make_shared<Dictionary>();
        out->offsets.push_back(0);
        const auto add = [&](std::string_view text) {
          out->bytes += text;
          out->offsets.push_back(static_cast<std::uint32_t>(out->bytes.size()));
        };
        const ColumnInfo& info = columns()[column];
        if (info.role == ColumnRole::property && info.kind == ValueKind::boolean) {
          add("false");
          add("true");
          return out;
        }
        const auto& refs = body_->footer.columns[column].dictionary_pages;
        for (const PageRef& ref : refs) {
          HF_TRY(const std::string payload, body_->read(ref, PageKind::dictionary));
          ByteReader in(payload);
          const std::uint64_t count = in.varint_up_to(
              std::min<std::uint64_t>(payload.size(), info.dictionary_size - out->size()));
          std::vector<std::uint32_t> lengths(count);
          for (std::uint32_t& length : lengths) {
            length = static_cast<std::uint32_t>(in.varint_up_to(payload.size()));
          }
          for (const std::uint32_t length : lengths) add(in.bytes(length));
          if (!in.complete() || out->bytes.size() > 0xffffffff) {
            return body_->placed<std::shared_ptr<Dictionary>>(bad("dictionary of another length"),
                                                              ref);
          }
        }
        if (out->size() != info.dictionary_size) {
          return body_->placed<std::shared_ptr<Dictionary>>(
              bad("dictionary of another size than the footer says"),
              refs.empty() ? PageRef{} : refs.front());
        }
        out->memory_bytes = out->offsets.size() * 4 + out->bytes.size();
        return out;
      });
}

Result<std::shared_ptr<const IdTable>> Part::ids() const {
  const std::uint32_t key = body_->key_of(Uncolumned::ids);
  return body_->cached<IdTable>(
      key, PageCache::dictionary_page, [&]() -> Result<std::shared_ptr<IdTable>> {
        RawIds raw;
        for (const PageRef& ref : body_->footer.id_pages) {
          HF_TRY(const std::string payload, body_->read(ref, PageKind::ids));
          HF_CHECK(body_->placed(
              read_id_page(payload, body_->footer.person_count, row_count(), raw), ref));
        }
        if (raw.first.size() != persons().size() + 1) {
          return bad(fmt::format("{}: ids of another number of persons", path()));
        }
        auto out = std::make_shared<IdTable>();
        out->first = std::move(raw.first);
        out->bytes = std::move(raw.bytes);
        std::size_t at = 0;
        for (std::size_t i = 0; i < raw.user_bytes.size(); ++i) {
          const std::string_view bytes = out->bytes;
          out->entries.push_back(
              {.user_id = bytes.substr(at, raw.user_bytes[i]),
               .anonymous_id = bytes.substr(at + raw.user_bytes[i], raw.anonymous_bytes[i])});
          at += raw.user_bytes[i] + raw.anonymous_bytes[i];
        }
        out->memory_bytes = out->first.size() * 4 + out->entries.size() * 32 + out->bytes.size();
        return out;
      });
}

Result<std::vector<Part::IdKey>> Part::id_keys() const {
  std::vector<Hash128> keys;
  for (const PageRef& ref : body_->footer.id_key_pages) {
    HF_TRY(const std::string payload, body_->read(ref, PageKind::id_keys));
    HF_CHECK(body_->placed(read_key_page(payload, persons().size(), keys), ref));
  }
  if (keys.size() != persons().size()) {
    return bad(fmt::format("{}: keys of another number of persons", path()));
  }
  std::vector<IdKey> out;
  out.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) out.push_back({keys[i], persons()[i]});
  return out;
}

const std::string& Part::source() const { return body_->footer.source; }

bool Part::has_links() const { return !body_->footer.link_pages.empty(); }
bool Part::has_shared_runs() const { return !body_->footer.owner_pages.empty(); }

Result<std::vector<LinkEvidence>> Part::links() const {
  std::vector<LinkEvidence> links;
  for (const PageRef& ref : body_->footer.link_pages) {
    HF_TRY(const std::string payload, body_->read(ref, PageKind::links));
    HF_CHECK(body_->placed(read_link_page(payload, links), ref));
  }
  return links;
}

Result<std::vector<SharedRun>> Part::shared_runs() const {
  std::vector<SharedRun> runs;
  for (const PageRef& ref : body_->footer.owner_pages) {
    HF_TRY(const std::string payload, body_->read(ref, PageKind::owners));
    HF_CHECK(body_->placed(
        read_owner_page(payload, static_cast<std::uint32_t>(persons().size()), runs), ref));
  }
  return runs;
}

bool Part::keeps_days_of(const Zone& zone) const {
  return are_same(body_->footer.day_rules, zone_rules(zone, time_min(), time_max()));
}

Result<std::shared_ptr<const DaySets>> Part::day_sets(const Zone& zone) const {
  ZoneRules rules = zone_rules(zone, time_min(), time_max());
  const auto make = [&]() -> Result<std::shared_ptr<DaySets>> {
    HF_TRY(std::vector<OwnerDay> days,
           keeps_days_of(zone) ? kept_days() : read_owner_days(*this, rules, time_max()));
    return std::make_shared<DaySets>(std::move(days), rules);
  };
  // A page for each zone asked for: that is mostly one.
  const std::uint32_t column = body_->key_of(Uncolumned::day_sets);
  HF_TRY(auto sets, body_->cached<DaySets>(column, crc32c(zone.name()), make));
  if (are_same(sets->rules(), rules)) return sets;
  return make();
}

Result<std::shared_ptr<const DayCounts>> Part::day_counts(const Zone& zone) const {
  ZoneRules rules = zone_rules(zone, time_min(), time_max());
  const auto make = [&]() { return read_day_counts(*this, rules); };
  const std::uint32_t column = body_->key_of(Uncolumned::day_counts);
  HF_TRY(auto counts, body_->cached<DayCounts>(column, crc32c(zone.name()), make));
  if (are_same(counts->rules(), rules)) return counts;
  return make();
}

bool Part::has_day_counts(const Zone& zone) const {
  const std::uint32_t column = body_->key_of(Uncolumned::day_counts);
  return body_->cache->find({body_->cache_key, column, crc32c(zone.name())}) != nullptr;
}

Result<std::shared_ptr<const DayRows>> Part::day_rows(const Zone& zone) const {
  ZoneRules rules = zone_rules(zone, time_min(), time_max());
  const auto make = [&]() { return read_day_rows(*this, rules); };
  const std::uint32_t column = body_->key_of(Uncolumned::day_rows);
  HF_TRY(auto rows, body_->cached<DayRows>(column, crc32c(zone.name()), make));
  if (are_same(rows->rules, rules)) return rows;
  return make();
}

Result<std::vector<OwnerDay>> Part::kept_days() const {
  HF_TRY(const std::vector<SharedRun> shared, shared_runs());
  auto run = shared.begin();
  std::uint32_t position = 0;
  std::size_t of_run = 0;             // Which of its owners.
  std::vector<OwnerDay> days;         // Of persons who have their rows for themselves: in order.
  std::vector<OwnerDay> shared_days;  // Of the few others.
  const auto is_shared = [&] { return run != shared.end() && run->position == position; };
  const auto next = [&](Day day) {
    if (position >= persons().size()) return;
    if (is_shared()) {
      shared_days.push_back({run->owners[of_run].person, day});
    } else {
      days.push_back({persons()[position], day});
    }
  };
  const auto next_owner = [&] {
    if (is_shared() && ++of_run < run->owners.size()) return;
    if (is_shared()) ++run;
    of_run = 0;
    ++position;
  };
  for (const PageRef& ref : body_->footer.day_pages) {
    HF_TRY(const std::string payload, body_->read(ref, PageKind::days));
    HF_CHECK(body_->placed(read_day_page(payload, next, next_owner), ref));
  }
  if (position != persons().size() || of_run != 0) {
    return bad(fmt::format("{}: days of another number of persons than there are", path()));
  }
  if (shared_days.empty()) return days;
  std::ranges::sort(shared_days);
  std::vector<OwnerDay> all(days.size() + shared_days.size());
  std::ranges::merge(days, shared_days, all.begin());
  return all;
}

Result<void> Part::verify_days() const {
  const auto& rules = body_->footer.day_rules;
  if (rules.empty()) return {};
  HF_TRY(const std::vector<OwnerDay> told, kept_days());
  HF_TRY(std::vector<OwnerDay> read, read_owner_days(*this, rules, time_max()));
  if (DaySets(told).all() != DaySets(std::move(read)).all()) {
    return bad(fmt::format("{}: days that differ from the rows'", path()));
  }
  return {};
}

bool Part::has_postings(std::uint32_t name_code) const {
  return body_->find_postings(name_code) != nullptr;
}

Result<std::shared_ptr<const Postings>> Part::postings(std::uint32_t name_code) const {
  const FooterPostings* const listed = body_->find_postings(name_code);
  HF_ASSERT(listed != nullptr);
  // A page for each name.
  const std::uint32_t column = body_->key_of(Uncolumned::postings);
  return body_->cached<Postings>(column, name_code, [&]() -> Result<std::shared_ptr<Postings>> {
    HF_TRY(PostingRows list, body_->read_postings(*listed));
    HF_TRY(Postings postings, with_owners(*this, std::move(list)));
    return std::make_shared<Postings>(std::move(postings));
  });
}

std::map<DecodedThing, std::uint32_t> Part::decoded() const {
  std::map<DecodedThing, std::uint32_t> pages;
  for (const PageCache::Key& key : body_->cache->keys_of(body_->cache_key)) {
    ++pages[body_->thing_of(key)];
  }
  return pages;
}

Result<void> Part::verify_postings() const {
  if (body_->footer.postings.empty()) return {};
  std::vector<PostingRows> told(names().size());
  std::vector<std::size_t> next(names().size(), 0);
  for (const FooterPostings& postings : body_->footer.postings) {
    HF_TRY(told[postings.name_code], body_->read_postings(postings));
  }
  for (std::uint32_t page = 0; page < page_count(); ++page) {
    HF_TRY(const auto codes, name_codes(page));
    HF_TRY(const auto times, this->times(page));
    for (std::uint32_t i = 0; i < rows_in_page(page); ++i) {
      const std::uint32_t code = codes->codes[i];
      const PostingRows& list = told[code];
      if (list.rows.empty()) continue;
      const std::size_t at = next[code]++;
      if (at == list.rows.size() || list.rows[at] != page * page_rows + i ||
          list.times[at] != times->values[i]) {
        return bad(fmt::format("{}: row {}: differs from its name's postings", path(),
                               page * page_rows + i));
      }
    }
  }
  for (std::size_t code = 0; code < told.size(); ++code) {
    if (next[code] != told[code].rows.size()) {
      return bad(fmt::format("{}: postings of name {} with rows of others", path(), code));
    }
  }
  return {};
}

Result<std::vector<Hash128>> Part::message_keys() const {
  std::vector<Hash128> keys;
  for (const PageRef& ref : body_->footer.message_key_pages) {
    HF_TRY(const std::string payload, body_->read(ref, PageKind::id_keys));
    HF_CHECK(body_->placed(read_key_page(payload, row_count(), keys), ref));
  }
  if (std::ranges::adjacent_find(keys, std::greater_equal<>()) != keys.end()) {
    return bad(fmt::format("{}: message keys out of order", path()));
  }
  return keys;
}

}  // namespace hf
