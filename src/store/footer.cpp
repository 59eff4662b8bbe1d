// SPDX-License-Identifier: Apache-2.0
#include "store/footer.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <set>
#include <tuple>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/site.h"
#include "calendar/zone.h"
#include "event/event.h"
#include "store/postings.h"

namespace hf {
namespace {

using part_format::ColumnRole;
using part_format::PageKind;

constexpr std::size_t id_page_bytes = 256 * 1024;

// Footer sections: a tag and a length each, so that a reader can pass over what it does not know,
// if the tag's upper bit allows it.
enum class Section : std::uint8_t {
  summary = 1,
  names = 2,
  columns = 3,
  directory = 4,
  ids = 5,
  keys = 6,
  origin = 7,
  links = 8,   // Only where there are some, as
  owners = 9,  // are these.
  days = 0x80 | 10,
  postings = 0x80 | 11,
};
constexpr std::uint8_t last_tag = 9;
constexpr std::uint8_t ignorable_bit = 0x80;

std::unexpected<Error> bad(const char* why) { return fail(ErrorCode::data_loss, "bad_part", why); }

void put_refs(ByteWriter& out, const std::vector<PageRef>& refs) {
  out.varint(refs.size());
  std::uint64_t expected = 0;  // Pages of a column mostly follow each other: the gap is 0.
  for (const PageRef& ref : refs) {
    out.varint(ref.stored_bytes);
    if (ref.stored_bytes == 0) continue;
    out.signed_varint(static_cast<std::int64_t>(ref.offset - expected));
    expected = ref.offset + ref.stored_bytes;
  }
}

constexpr std::uint64_t u32_max = std::numeric_limits<std::uint32_t>::max();
constexpr Day last_day = timestamp_end_ms / ms_per_day + 1;  // Anywhere on Earth.
constexpr std::uint64_t day_steps_max = last_day + 1;
constexpr std::size_t day_rules_max = 4096;  // Of a zone, twenty times what any has.

std::vector<PageRef> get_refs(ByteReader& in) {
  const std::uint64_t count = in.varint_up_to(in.remaining());  // Each takes a byte at least.
  std::vector<PageRef> refs;
  refs.reserve(count);
  std::uint64_t expected = 0;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    PageRef ref;
    ref.stored_bytes = static_cast<std::uint32_t>(in.varint_up_to(u32_max));
    if (ref.stored_bytes != 0) {
      ref.offset = expected + static_cast<std::uint64_t>(in.signed_varint());
      expected = ref.offset + ref.stored_bytes;
    }
    refs.push_back(ref);
  }
  return refs;
}

void put_decimal(ByteWriter& out, const Decimal& value) {
  out.signed_varint(value.units);
  out.u8(static_cast<std::uint8_t>(value.scale));
}

Decimal get_decimal(ByteReader& in) {
  const std::int64_t units = in.signed_varint();
  return Decimal::normalized(units, static_cast<int>(in.varint_up_to(Decimal::scale_max)));
}

void put_section(ByteWriter& out, Section tag, const ByteWriter& body) {
  out.u8(static_cast<std::uint8_t>(tag));
  out.text(body.str());
}

bool known_kind(std::uint8_t kind) {
  return kind >= static_cast<std::uint8_t>(ValueKind::text) &&
         kind <= static_cast<std::uint8_t>(ValueKind::json);
}

// The kind a system column is written with.
ValueKind kind_of(ColumnRole role) {
  const bool is_text = role == ColumnRole::time || role == ColumnRole::message_id ||
                       role == ColumnRole::channel || role == ColumnRole::source;
  return is_text ? ValueKind::text : ValueKind::number;
}

// They must be what zone_rules() makes.
Result<void> check_rules(const Footer& footer) {
  constexpr std::int32_t offset_s_max = 26 * 3600;  // RFC 8536, 3.2, allows no more.
  TimestampMs before = footer.time_min - 1;
  for (const Zone::Transition& rule : footer.day_rules) {
    const bool first = &rule == footer.day_rules.data();
    if (rule.from_ms <= before || rule.from_ms > footer.time_max ||
        (first && rule.from_ms != footer.time_min) || std::abs(rule.offset_s) > offset_s_max) {
      return bad("zone of days that no writer writes");
    }
    before = rule.from_ms;
  }
  return {};
}

std::vector<FooterPostings> get_postings(ByteReader& in) {
  std::vector<FooterPostings> out;
  const std::uint64_t names = in.varint_up_to(part_format::names_max);
  for (std::uint64_t i = 0; i < names && in.ok(); ++i) {
    FooterPostings& postings = out.emplace_back();
    postings.name_code = static_cast<std::uint32_t>(in.varint_up_to(part_format::names_max));
    postings.count = in.varint_up_to(part_format::rows_max);
    postings.pages = get_refs(in);
  }
  return out;
}

// They must be of names there are, and of all rows of each.
Result<void> check_postings(const Footer& footer) {
  std::uint32_t code_min = 0;
  for (const FooterPostings& postings : footer.postings) {
    if (postings.name_code < code_min || postings.name_code >= footer.names.size()) {
      return bad("postings of names that are not there, or out of order");
    }
    code_min = postings.name_code + 1;
    if (postings.count == 0 || postings.count != footer.names[postings.name_code].count) {
      return bad("postings of another number of rows than their name has");
    }
    const std::uint64_t pages = (postings.count + posting_page_entries - 1) / posting_page_entries;
    if (postings.pages.size() != pages) return bad("postings of another number of pages");
  }
  return {};
}

Result<FooterColumn> get_column(ByteReader& in, const Footer& footer) {
  const std::uint32_t page_count =
      (footer.row_count + part_format::page_rows - 1) / part_format::page_rows;
  FooterColumn column;
  const std::uint8_t role = in.u8();
  const std::uint8_t kind = in.u8();
  column.info.property = in.text();
  column.info.value_count = in.varint_up_to(footer.row_count);
  const std::uint64_t scale = in.varint_up_to(Decimal::scale_max);
  column.info.number_min = get_decimal(in);
  column.info.number_max = get_decimal(in);
  column.info.dictionary_size = static_cast<std::uint32_t>(in.varint_up_to(footer.row_count + 1));
  column.dictionary_pages = get_refs(in);
  column.pages = get_refs(in);
  if (!in.ok()) return bad("column with impossible counts, or cut off");
  if ((role > static_cast<std::uint8_t>(ColumnRole::raw_time) &&
       role != static_cast<std::uint8_t>(ColumnRole::source) &&
       role != static_cast<std::uint8_t>(ColumnRole::import)) ||
      !known_kind(kind)) {
    return bad("column of an unknown role or kind");
  }
  column.info.role = static_cast<ColumnRole>(role);
  column.info.kind = static_cast<ValueKind>(kind);
  column.info.scale_max = static_cast<std::int8_t>(scale);
  if (column.info.role != ColumnRole::property &&
      (column.info.kind != kind_of(column.info.role) || !column.info.property.empty())) {
    return bad("system column of another shape");
  }
  // Codes of booleans are looked up in no stored dictionary: its size is what bounds them.
  if (column.info.kind == ValueKind::boolean && column.info.dictionary_size != 2) {
    return bad("booleans with another number of values than two");
  }
  if (column.pages.size() != page_count) return bad("column with another number of pages");
  return column;
}

}  // namespace

std::string encode_part_header() {
  ByteWriter out;
  out.bytes(part_format::magic);
  out.fixed(part_format::version);
  out.fixed(static_cast<std::uint16_t>(part_format::header_bytes));
  out.fixed(part_format::page_rows);
  out.bytes(std::string(part_format::header_bytes - out.size() - 4, '\0'));  // Reserved.
  out.fixed(crc32c(out.str()));
  return out.take();
}

Result<void> check_part_header(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.bytes(part_format::magic.size()) != part_format::magic) return bad("no part file");
  const auto version = in.fixed<std::uint16_t>();
  const auto header_bytes = in.fixed<std::uint16_t>();
  const auto rows = in.fixed<std::uint32_t>();
  if (bytes.size() != part_format::header_bytes) return bad("file shorter than its header");
  if (HF_SITE("store.header.checksum") && load_le<std::uint32_t>(bytes.data() + bytes.size() - 4) !=
                                              crc32c(bytes.substr(0, bytes.size() - 4))) {
    return bad("header checksum does not match");
  }
  if (version != part_format::version || header_bytes != part_format::header_bytes ||
      rows != part_format::page_rows) {
    return bad("written by a newer version");
  }
  return {};
}

Result<void> write_directory(PageWriter& pages, std::span<const PersonOrdinal> ordinals,
                             std::span<const RowNumber> offsets, Footer& footer) {
  HF_ASSERT(offsets.size() == ordinals.size() + 1);
  footer.person_count = static_cast<std::uint32_t>(ordinals.size());
  for (std::size_t first = 0; first < ordinals.size(); first += directory_page_persons) {
    const std::size_t last = std::min<std::size_t>(first + directory_page_persons, ordinals.size());
    ByteWriter payload;
    payload.varint(last - first);
    for (std::size_t i = first; i < last; ++i) {
      payload.varint(i == first ? ordinals[i] : ordinals[i] - ordinals[i - 1]);
    }
    for (std::size_t i = first; i < last; ++i) payload.varint(offsets[i + 1] - offsets[i]);
    HF_TRY(const PageRef ref, pages.append(PageKind::persons, payload.str()));
    footer.directory_pages.push_back(ref);
  }
  return {};
}

Result<void> read_directory_page(std::string_view payload, std::uint32_t person_count,
                                 std::vector<PersonOrdinal>& ordinals,
                                 std::vector<RowNumber>& offsets) {
  ByteReader in(payload);
  const std::uint64_t count = in.varint_up_to(
      std::min<std::uint64_t>(directory_page_persons, person_count - ordinals.size()));
  if (count == 0) return bad("directory page of impossible size");
  std::uint64_t ordinal = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    ordinal += in.varint();
    if (!in.ok() || ordinal > 0xfffffffe || (!ordinals.empty() && ordinal <= ordinals.back())) {
      return bad("directory whose persons do not ascend");
    }
    ordinals.push_back(static_cast<PersonOrdinal>(ordinal));
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t rows = in.varint();
    if (rows == 0 || rows > part_format::rows_max - offsets.back()) {
      return bad("directory with an impossible number of rows");
    }
    offsets.push_back(offsets.back() + static_cast<RowNumber>(rows));
  }
  return in.complete() ? Result<void>{} : bad("directory page with another length");
}

Result<void> write_ids(PageWriter& pages, std::span<const IdTable::Entry> entries,
                       std::span<const std::uint32_t> entry_counts, Footer& footer) {
  auto entry = entries.begin();
  ByteWriter page;
  std::uint32_t persons = 0;
  const auto flush = [&]() -> Result<void> {
    if (persons == 0) return {};
    ByteWriter payload;
    payload.varint(persons);
    payload.bytes(page.str());
    HF_TRY(const PageRef ref, pages.append(PageKind::ids, payload.str()));
    footer.id_pages.push_back(ref);
    page.clear();
    persons = 0;
    return {};
  };
  for (const std::uint32_t count : entry_counts) {
    page.varint(count);
    for (std::uint32_t i = 0; i < count; ++i, ++entry) {
      page.text(entry->user_id);
      page.text(entry->anonymous_id);
    }
    ++persons;
    if (page.size() >= id_page_bytes) HF_CHECK(flush());
  }
  HF_ASSERT(entry == entries.end());
  return flush();
}

Result<void> read_id_page(std::string_view payload, std::uint32_t person_count, RowNumber row_count,
                          RawIds& ids) {
  ByteReader in(payload);
  const std::uint64_t persons = in.varint_up_to(person_count - (ids.first.size() - 1));
  for (std::uint64_t p = 0; p < persons && in.ok(); ++p) {
    const std::uint64_t count = in.varint_up_to(row_count - ids.user_bytes.size());
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      const std::string_view user = in.text();
      const std::string_view anonymous = in.text();
      ids.user_bytes.push_back(static_cast<std::uint32_t>(user.size()));
      ids.anonymous_bytes.push_back(static_cast<std::uint32_t>(anonymous.size()));
      ids.bytes += user;
      ids.bytes += anonymous;
    }
    ids.first.push_back(static_cast<std::uint32_t>(ids.user_bytes.size()));
  }
  return in.complete() ? Result<void>{} : bad("id page with another length");
}

Result<void> write_keys(PageWriter& pages, std::span<const Hash128> keys,
                        std::vector<PageRef>& refs) {
  for (std::size_t first = 0; first < keys.size(); first += directory_page_persons) {
    const auto chunk =
        keys.subspan(first, std::min<std::size_t>(directory_page_persons, keys.size() - first));
    ByteWriter payload;
    for (const Hash128& key : chunk) {
      payload.fixed(key.high);
      payload.fixed(key.low);
    }
    HF_TRY(const PageRef ref, pages.append(PageKind::id_keys, payload.str()));
    refs.push_back(ref);
  }
  return {};
}

Result<void> read_key_page(std::string_view payload, std::uint64_t key_count_max,
                           std::vector<Hash128>& keys) {
  if (payload.size() % 16 != 0 || payload.size() / 16 > key_count_max - keys.size()) {
    return bad("key page with another length");
  }
  ByteReader in(payload);
  while (in.remaining() > 0) {
    const auto high = in.fixed<std::uint64_t>();
    const auto low = in.fixed<std::uint64_t>();
    keys.push_back({.high = high, .low = low});
  }
  return {};
}

Result<void> write_links(PageWriter& pages, std::span<const LinkEvidence> links, Footer& footer) {
  ByteWriter payload;
  for (std::size_t i = 0; i < links.size(); ++i) {
    payload.u8(static_cast<std::uint8_t>(links[i].kind));
    payload.text(links[i].user_id);
    payload.text(links[i].other);
    payload.signed_varint(links[i].time_ms);
    if (payload.size() < id_page_bytes && i + 1 < links.size()) continue;
    HF_TRY(const PageRef ref, pages.append(PageKind::links, payload.str()));
    footer.link_pages.push_back(ref);
    payload.clear();
  }
  return {};
}

Result<void> read_link_page(std::string_view payload, std::vector<LinkEvidence>& links) {
  ByteReader in(payload);
  while (in.ok() && in.remaining() > 0) {
    LinkEvidence link;
    const std::uint8_t kind = in.u8();
    link.kind = static_cast<LinkEvidence::Kind>(kind);
    link.user_id = in.text();
    link.other = in.text();
    link.time_ms = in.signed_varint();
    if (!in.ok() || kind > static_cast<std::uint8_t>(LinkEvidence::Kind::alias) ||
        link.user_id.empty() || link.other.empty() || link.time_ms < timestamp_min_ms ||
        link.time_ms >= timestamp_end_ms) {
      return bad("link that no writer writes");
    }
    if (!links.empty() && links.back() >= link) return bad("links out of order");
    links.push_back(std::move(link));
  }
  return in.ok() ? Result<void>{} : bad("link page that is cut off");
}

Result<void> write_owners(PageWriter& pages, std::span<const SharedRun> runs, Footer& footer) {
  ByteWriter payload;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    payload.varint(runs[i].position);
    payload.varint(runs[i].owners.size());
    for (const SharedRun::Owner& owner : runs[i].owners) {
      payload.varint(owner.person);
      payload.fixed(owner.key.high);
      payload.fixed(owner.key.low);
    }
    if (payload.size() < id_page_bytes && i + 1 < runs.size()) continue;
    HF_TRY(const PageRef ref, pages.append(PageKind::owners, payload.str()));
    footer.owner_pages.push_back(ref);
    payload.clear();
  }
  return {};
}

Result<void> read_owner_page(std::string_view payload, std::uint32_t person_count,
                             std::vector<SharedRun>& runs) {
  ByteReader in(payload);
  while (in.ok() && in.remaining() > 0) {
    SharedRun run;
    const std::uint64_t position = in.varint();
    const std::uint64_t owners = in.varint_up_to(in.remaining());  // Each takes more than a byte.
    for (std::uint64_t i = 0; i < owners && in.ok(); ++i) {
      SharedRun::Owner& owner = run.owners.emplace_back();
      owner.person = static_cast<PersonOrdinal>(in.varint_up_to(u32_max - 1));
      owner.key.high = in.fixed<std::uint64_t>();
      owner.key.low = in.fixed<std::uint64_t>();
    }
    if (!in.ok() || position >= person_count || owners == 0 ||
        (!runs.empty() && runs.back().position >= position)) {
      return bad("shared run that no writer writes");
    }
    run.position = static_cast<std::uint32_t>(position);
    runs.push_back(std::move(run));
  }
  return in.ok() ? Result<void>{} : bad("owner page that is cut off");
}

Result<void> DayWriter::add(std::span<const Day> days) {
  payload_.varint(days.size());
  Day before = -1;  // No local day is earlier.
  for (std::size_t i = 0; i < days.size(); ++i) {
    payload_.varint(static_cast<std::uint64_t>(days[i] - before) - (i == 0 ? 0 : 1));
    before = days[i];
  }
  return payload_.size() < id_page_bytes ? Result<void>{} : flush();
}

Result<void> DayWriter::finish(Footer& footer) {
  if (payload_.size() > 0) HF_CHECK(flush());
  footer.day_pages = std::move(refs_);
  return {};
}

Result<void> DayWriter::flush() {
  HF_TRY(const PageRef ref, pages_.append(PageKind::days, payload_.str()));
  refs_.push_back(ref);
  payload_.clear();
  return {};
}

Result<void> read_day_page(std::string_view payload, const std::function<void(Day)>& next,
                           const std::function<void()>& next_owner) {
  ByteReader in(payload);
  while (in.ok() && in.remaining() > 0) {
    const std::uint64_t count = in.varint_up_to(in.remaining());  // Each takes a byte at least.
    Day day = -1;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t step = in.varint_up_to(day_steps_max);
      if (!in.ok()) break;
      day += static_cast<Day>(step) + (i == 0 ? 0 : 1);
      if (day > last_day) return bad("day beyond 2101");
      next(day);
    }
    if (in.ok()) next_owner();
  }
  return in.ok() ? Result<void>{} : bad("page of days that is cut off");
}

std::string encode_footer(const Footer& footer) {
  ByteWriter out;
  ByteWriter body;
  body.varint(footer.row_count);
  body.varint(footer.person_count);
  body.signed_varint(footer.time_min);
  body.signed_varint(footer.time_max);
  put_section(out, Section::summary, body);

  body.clear();
  body.varint(footer.names.size());
  for (const NameInfo& name : footer.names) {
    body.text(name.name);
    body.varint(name.count);
    body.signed_varint(name.time_min);
    body.signed_varint(name.time_max);
  }
  put_section(out, Section::names, body);

  body.clear();
  body.varint(footer.columns.size());
  for (const FooterColumn& column : footer.columns) {
    body.u8(static_cast<std::uint8_t>(column.info.role));
    body.u8(static_cast<std::uint8_t>(column.info.kind));
    body.text(column.info.property);
    body.varint(column.info.value_count);
    body.u8(static_cast<std::uint8_t>(column.info.scale_max));
    put_decimal(body, column.info.number_min);
    put_decimal(body, column.info.number_max);
    body.varint(column.info.dictionary_size);
    put_refs(body, column.dictionary_pages);
    put_refs(body, column.pages);
  }
  put_section(out, Section::columns, body);

  body.clear();
  put_refs(body, footer.directory_pages);
  put_section(out, Section::directory, body);
  body.clear();
  put_refs(body, footer.id_pages);
  put_section(out, Section::ids, body);
  body.clear();
  put_refs(body, footer.id_key_pages);
  put_refs(body, footer.message_key_pages);
  put_section(out, Section::keys, body);
  body.clear();
  body.text(footer.source);
  body.signed_varint(footer.created_at_ms);
  put_section(out, Section::origin, body);
  for (const auto& [tag, refs] : {std::pair(Section::links, &footer.link_pages),
                                  std::pair(Section::owners, &footer.owner_pages)}) {
    if (refs->empty()) continue;
    body.clear();
    put_refs(body, *refs);
    put_section(out, tag, body);
  }
  if (!footer.day_rules.empty()) {
    body.clear();
    body.varint(footer.day_rules.size());
    for (const Zone::Transition& rule : footer.day_rules) {
      body.signed_varint(rule.from_ms);
      body.signed_varint(rule.offset_s);
    }
    put_refs(body, footer.day_pages);
    put_section(out, Section::days, body);
  }
  if (!footer.postings.empty()) {
    body.clear();
    body.varint(footer.postings.size());
    for (const FooterPostings& postings : footer.postings) {
      body.varint(postings.name_code);
      body.varint(postings.count);
      put_refs(body, postings.pages);
    }
    put_section(out, Section::postings, body);
  }
  return out.take();
}

Result<void> write_footer(PageWriter& pages, std::string_view payload) {
  HF_TRY(const PageRef ref, pages.append(PageKind::footer, payload));
  ByteWriter trailer;
  trailer.fixed(ref.offset);
  trailer.fixed(ref.stored_bytes);
  trailer.fixed(std::uint64_t{0});  // Reserved.
  trailer.fixed(crc32c(trailer.str()));
  trailer.bytes(part_format::magic);
  HF_ASSERT(trailer.size() == part_format::trailer_bytes);
  return pages.append_raw(trailer.str());
}

Result<PageRef> read_trailer(std::string_view trailer) {
  ByteReader in(trailer);
  const auto offset = in.fixed<std::uint64_t>();
  const auto stored_bytes = in.fixed<std::uint32_t>();
  (void)in.fixed<std::uint64_t>();
  const auto checksum = in.fixed<std::uint32_t>();
  const std::string_view magic = in.bytes(part_format::magic.size());
  if (!in.complete() || magic != part_format::magic) return bad("file ends without its trailer");
  if (HF_SITE("store.trailer.checksum") && checksum != crc32c(trailer.substr(0, 20))) {
    return bad("trailer checksum does not match");
  }
  return PageRef{offset, stored_bytes};
}

Result<Footer> decode_footer(std::string_view payload) {
  Footer footer;
  std::uint32_t seen = 0;
  ByteReader sections(payload);
  while (sections.remaining() > 0) {
    const std::uint8_t tag = sections.u8();
    ByteReader in(sections.text());
    if (!sections.ok()) return bad("footer ends within a section");
    if (tag <= last_tag) {
      if ((seen & (1u << tag)) != 0) return bad("footer with a section twice");
      seen |= 1u << tag;
    }
    if (footer.row_count == 0 && tag != static_cast<std::uint8_t>(Section::summary)) {
      return bad("footer that does not begin with its summary");  // All counts are checked by it.
    }
    switch (static_cast<Section>(tag)) {
      case Section::summary: {
        const std::uint64_t rows = in.varint();
        const std::uint64_t persons = in.varint();
        if (rows == 0 || rows > part_format::rows_max || persons == 0 || persons > rows) {
          return bad("impossible number of rows or persons");
        }
        footer.row_count = static_cast<RowNumber>(rows);
        footer.person_count = static_cast<std::uint32_t>(persons);
        footer.time_min = in.signed_varint();
        footer.time_max = in.signed_varint();
        break;
      }
      case Section::names: {
        const std::uint64_t count = in.varint();
        if (count == 0 || count > part_format::names_max) return bad("impossible number of names");
        std::set<std::string_view> distinct;
        for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
          NameInfo& name = footer.names.emplace_back();
          const std::string_view text = in.text();
          if (!distinct.insert(text).second) return bad("event name listed twice");
          name.name = text;
          name.count = in.varint_up_to(footer.row_count);
          name.time_min = in.signed_varint();
          name.time_max = in.signed_varint();
        }
        break;
      }
      case Section::columns: {
        const std::uint64_t count = in.varint_up_to(part_format::columns_max);
        std::set<std::tuple<ColumnRole, ValueKind, std::string>> distinct;
        for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
          HF_TRY(FooterColumn column, get_column(in, footer));
          if (!distinct.emplace(column.info.role, column.info.kind, column.info.property).second) {
            return bad("column listed twice");
          }
          footer.columns.push_back(std::move(column));
        }
        break;
      }
      case Section::directory: footer.directory_pages = get_refs(in); break;
      case Section::ids: footer.id_pages = get_refs(in); break;
      case Section::keys:
        footer.id_key_pages = get_refs(in);
        footer.message_key_pages = get_refs(in);
        break;
      case Section::origin:
        footer.source = in.text();
        footer.created_at_ms = in.signed_varint();
        break;
      case Section::links: footer.link_pages = get_refs(in); break;
      case Section::owners: footer.owner_pages = get_refs(in); break;
      case Section::days: {
        if (!footer.day_rules.empty()) return bad("footer with a section twice");
        const std::uint64_t count = in.varint_up_to(day_rules_max);
        if (count == 0) return bad("days without a zone");
        for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
          const TimestampMs from = in.signed_varint();
          footer.day_rules.push_back({from, static_cast<std::int32_t>(in.signed_varint())});
        }
        footer.day_pages = get_refs(in);
        HF_CHECK(check_rules(footer));
        break;
      }
      case Section::postings:
        if (!footer.postings.empty()) return bad("footer with a section twice");
        footer.postings = get_postings(in);
        if (footer.postings.empty()) return bad("postings of no name");
        break;
      default:
        if ((tag & ignorable_bit) == 0) return bad("footer section of a newer version");
        continue;
    }
    if (!in.complete()) return bad("footer section with another length");
  }
  if ((seen & 0xfe) != 0xfe) return bad("footer lacks a section");
  HF_CHECK(check_postings(footer));  // Whichever came first, these or the names.
  return footer;
}

}  // namespace hf
