// SPDX-License-Identifier: Apache-2.0
//
// The parts of a part file that describe the others: header, person directory, ids, keys, footer
// and trailer (docs/format/part.md). Writing and reading stand side by side here so that they
// cannot drift.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "calendar/zone.h"
#include "store/page.h"
#include "store/part.h"

namespace hf {

struct FooterColumn {
  ColumnInfo info;
  std::vector<PageRef> dictionary_pages;
  std::vector<PageRef> pages;  ///< One per page of rows.
};

/// Where the rows of one event name are listed (store/postings.h).
struct FooterPostings {
  std::uint32_t name_code = 0;
  std::uint64_t count = 0;
  std::vector<PageRef> pages;
};

struct Footer {
  RowNumber row_count = 0;
  std::uint32_t person_count = 0;
  TimestampMs time_min = 0;
  TimestampMs time_max = 0;
  TimestampMs created_at_ms = 0;
  std::string source;
  std::vector<NameInfo> names;
  std::vector<FooterColumn> columns;
  std::vector<PageRef> directory_pages;
  std::vector<PageRef> id_pages;
  std::vector<PageRef> id_key_pages;
  std::vector<PageRef> message_key_pages;
  std::vector<PageRef> link_pages;
  std::vector<PageRef> owner_pages;
  /// On which local days each owner was active, under these rules (zone_rules()); no rules: not
  /// told.
  ZoneRules day_rules;
  std::vector<PageRef> day_pages;
  std::vector<FooterPostings> postings;  ///< Ascending by name_code.
};

/// Persons (or keys) per page of the directory and of the key lists.
inline constexpr std::uint32_t directory_page_persons = 65'536;

[[nodiscard]] std::string encode_part_header();
/// Errors: data_loss/bad_part.
[[nodiscard]] Result<void> check_part_header(std::string_view bytes);

/// Requires offsets.size() == ordinals.size() + 1.
[[nodiscard]] Result<void> write_directory(PageWriter& pages,
                                           std::span<const PersonOrdinal> ordinals,
                                           std::span<const RowNumber> offsets, Footer& footer);
/// Appends one directory page's persons, to at most `person_count`; `offsets` starts as {0}.
/// Errors: data_loss/bad_part.
[[nodiscard]] Result<void> read_directory_page(std::string_view payload, std::uint32_t person_count,
                                               std::vector<PersonOrdinal>& ordinals,
                                               std::vector<RowNumber>& offsets);

[[nodiscard]] Result<void> write_ids(PageWriter& pages, std::span<const IdTable::Entry> entries,
                                     std::span<const std::uint32_t> entry_counts, Footer& footer);
/// Ids as they come off their pages: `first` as in IdTable, and for each entry the two texts'
/// lengths and bytes.
struct RawIds {
  std::vector<std::uint32_t> first = {0};
  std::vector<std::uint32_t> user_bytes;
  std::vector<std::uint32_t> anonymous_bytes;
  std::string bytes;
};
/// Appends one page of ids, to at most `person_count` persons and an entry per row: no damaged
/// count makes it allocate more. Errors: data_loss/bad_part.
[[nodiscard]] Result<void> read_id_page(std::string_view payload, std::uint32_t person_count,
                                        RowNumber row_count, RawIds& ids);

[[nodiscard]] Result<void> write_keys(PageWriter& pages, std::span<const Hash128> keys,
                                      std::vector<PageRef>& refs);
/// Appends one page of keys, to at most `key_count_max`. Errors: data_loss/bad_part.
[[nodiscard]] Result<void> read_key_page(std::string_view payload, std::uint64_t key_count_max,
                                         std::vector<Hash128>& keys);

[[nodiscard]] Result<void> write_links(PageWriter& pages, std::span<const LinkEvidence> links,
                                       Footer& footer);
/// Appends one page of links. Errors: data_loss/bad_part.
[[nodiscard]] Result<void> read_link_page(std::string_view payload,
                                          std::vector<LinkEvidence>& links);

[[nodiscard]] Result<void> write_owners(PageWriter& pages, std::span<const SharedRun> runs,
                                        Footer& footer);
/// Appends one page of shared runs, whose positions rise and lie below `person_count`.
/// Errors: data_loss/bad_part.
[[nodiscard]] Result<void> read_owner_page(std::string_view payload, std::uint32_t person_count,
                                           std::vector<SharedRun>& runs);

/// The days of one owner after the other, by position in the directory, then (of shared runs)
/// id_code.
class DayWriter {
 public:
  explicit DayWriter(PageWriter& pages) : pages_(pages) {}
  /// Ascending, maybe none.
  [[nodiscard]] Result<void> add(std::span<const Day> days);
  [[nodiscard]] Result<void> finish(Footer& footer);

 private:
  [[nodiscard]] Result<void> flush();
  PageWriter& pages_;
  std::vector<PageRef> refs_;
  ByteWriter payload_;
};
/// Calls next(day) for each day of the owner at hand and next_owner() after its last.
/// Errors: data_loss/bad_part.
[[nodiscard]] Result<void> read_day_page(std::string_view payload,
                                         const std::function<void(Day)>& next,
                                         const std::function<void()>& next_owner);

[[nodiscard]] std::string encode_footer(const Footer& footer);
/// Writes the footer page, its payload being what encode_footer() made, and the trailer: the last
/// bytes of the file.
[[nodiscard]] Result<void> write_footer(PageWriter& pages, std::string_view payload);
/// Where the footer page lies. `trailer` is the file's last part_format::trailer_bytes bytes.
[[nodiscard]] Result<PageRef> read_trailer(std::string_view trailer);
/// Errors: data_loss/bad_part, also where what the footer says contradicts itself.
[[nodiscard]] Result<Footer> decode_footer(std::string_view payload);

}  // namespace hf
