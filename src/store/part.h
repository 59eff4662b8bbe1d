// SPDX-License-Identifier: Apache-2.0
//
// Reads one part: an immutable file holding many persons' events, sorted by (person, time), equal
// times in arrival order, in columns cut into pages of part_format::page_rows rows.
// Layout and checksums: docs/format/part.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/hash.h"
#include "base/result.h"
#include "event/value.h"
#include "store/code_array.h"
#include "store/day_counts.h"
#include "store/day_rows.h"
#include "store/day_sets.h"
#include "store/page_cache.h"
#include "store/part_format.h"

namespace hf {

/// Decoded page of a number-like system column (time, received_at): one value a row.
struct TimePage final : CachedPage {
  std::vector<TimestampMs> values;
};
/// The same times in half the bytes, for scans that memory bounds: base + offset * unit.
struct CompactTimePage final : CachedPage {
  TimestampMs base_ms = 0;
  std::int64_t unit_ms = 1;
  std::vector<std::uint32_t> offsets;  ///< Empty where the page's times do not fit.
};
/// Decoded page of event names.
struct NamePage final : CachedPage {
  CodeArray codes;
};
/// Decoded page of a dictionary column (text, boolean, big_number, list, json, channel, id_code).
struct CodePage final : CachedPage {
  static constexpr std::uint32_t missing = CodeArray::missing;
  CodeArray codes;  ///< Index into the column's dictionary, or missing.
};
/// Decoded page of a number column.
struct NumberPage final : CachedPage {
  std::vector<std::int64_t> units;
  std::vector<std::uint8_t> scales;  ///< Per row; empty where all rows have `scale`.
  std::int8_t scale = 0;
  std::vector<std::uint64_t> present;  ///< Bit per row; empty where all rows have a value.

  [[nodiscard]] bool has(std::uint32_t row_in_page) const {
    return present.empty() || ((present[row_in_page / 64] >> (row_in_page % 64)) & 1u) != 0;
  }
  /// Canonical. Requires has(row_in_page).
  [[nodiscard]] Decimal at(std::uint32_t row_in_page) const {
    return Decimal::normalized(units[row_in_page], scales.empty() ? scale : scales[row_in_page]);
  }
};
/// Decoded page of a text column without dictionary (message_id); empty where missing.
struct TextPage final : CachedPage {
  std::vector<std::uint32_t> offsets;  ///< rows + 1
  std::string bytes;
  [[nodiscard]] std::string_view at(std::uint32_t row_in_page) const {
    return std::string_view(bytes).substr(offsets[row_in_page],
                                          offsets[row_in_page + 1] - offsets[row_in_page]);
  }
};
/// The distinct values of a dictionary column, most frequent first.
struct Dictionary final : CachedPage {
  std::vector<std::uint32_t> offsets;  ///< size() + 1
  std::string bytes;
  [[nodiscard]] std::uint32_t size() const {
    return static_cast<std::uint32_t>(offsets.size() - 1);
  }
  [[nodiscard]] std::string_view at(std::uint32_t code) const {
    return std::string_view(bytes).substr(offsets[code], offsets[code + 1] - offsets[code]);
  }
};

/// The ids events of this part came with: entry k of person p (position in the directory) is
/// entries[first[p] + k], k being the id_code.
struct IdTable final : CachedPage {
  struct Entry {
    std::string_view user_id;       ///< Empty when absent.
    std::string_view anonymous_id;  ///< Empty when absent.
  };
  std::vector<std::uint32_t> first;  ///< persons + 1
  std::vector<Entry> entries;
  std::string bytes;
};

/// All rows of one event name, as (owner, time): ascending by owner, then row. An owner is whose
/// event it is (store/moved_runs.h), whomever it lies with.
struct Postings final : CachedPage {
  std::vector<PersonOrdinal> owners;
  std::vector<TimestampMs> times;
  std::vector<RowNumber> rows;
};

/// What events of a part say of who is who (identity/link_set.h).
struct LinkEvidence {
  enum class Kind : std::uint8_t {
    anonymous = 0,  ///< An event brought both ids.
    alias = 1,      ///< An alias call: `other` is a user id or an anonymous one.
  };
  Kind kind = Kind::anonymous;
  std::string user_id;
  std::string other;
  TimestampMs time_ms = 0;  ///< The earliest.
  friend auto operator<=>(const LinkEvidence&, const LinkEvidence&) = default;
};

/// A person of the directory with whose events others' lie, put there because a link said that
/// they are one person.
struct SharedRun {
  struct Owner {
    PersonOrdinal person = 0;
    Hash128 key;
    friend bool operator==(const Owner&, const Owner&) = default;
  };
  std::uint32_t position = 0;  ///< In the directory.
  std::vector<Owner> owners;   ///< Whose event it is, by id_code.
  friend bool operator==(const SharedRun&, const SharedRun&) = default;
};

/// One event name of a part.
struct NameInfo {
  std::string name;
  std::uint64_t count = 0;
  TimestampMs time_min = 0;
  TimestampMs time_max = 0;
};

/// One stored column. A property that changed type has one column per ValueKind; a row has a value
/// in at most one of them.
struct ColumnInfo {
  part_format::ColumnRole role = part_format::ColumnRole::property;
  std::string property;              ///< Empty unless role is property.
  ValueKind kind = ValueKind::text;  ///< Meaningful for properties.
  std::uint64_t value_count = 0;     ///< Rows with a value.
  std::int8_t scale_max = 0;         ///< Number columns: the largest scale of a value.
  Decimal number_min = {};           ///< Number columns with value_count > 0.
  Decimal number_max = {};
  std::uint32_t dictionary_size = 0;
};

/// Something of a part that is kept once it is decoded, told so that it is the same of another
/// part.
struct DecodedThing {
  enum class Kind : std::uint8_t {
    times,
    compact_times,
    received_at,
    name_codes,
    codes,
    numbers,
    texts,
    dictionary,
    ids,
    day_sets,
    day_counts,
    day_rows,
    postings,
  };
  Kind kind = Kind::times;
  part_format::ColumnRole role = part_format::ColumnRole::time;  ///< What has a column.
  ValueKind value_kind = ValueKind::text;                        ///< What is a property's.
  std::string name;        ///< Of the property; postings: of the events.
  std::uint32_t zone = 0;  ///< Of days: the CRC-32C of the zone's name.
  friend auto operator<=>(const DecodedThing&, const DecodedThing&) = default;
};

/// Const methods may run concurrently.
class Part {
 public:
  /// Opens the part and verifies header, footer and person directory; other pages are verified
  /// when read. Pages decoded later are kept in `cache`, which must outlive the part.
  /// Errors: not_found; data_loss/bad_part (magic, version, CRC-32C, short file, inconsistent
  /// contents), naming path and offset; unavailable.
  [[nodiscard]] static Result<std::shared_ptr<const Part>> open(const Env& env,
                                                                const std::string& path,
                                                                PageCache& cache);
  /// The same of a file that is open already; `path` is for messages.
  [[nodiscard]] static Result<std::shared_ptr<const Part>> open(std::unique_ptr<File> file,
                                                                std::string path, PageCache& cache);
  ~Part();

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] std::uint64_t file_bytes() const;
  [[nodiscard]] RowNumber row_count() const;
  [[nodiscard]] std::uint32_t page_count() const;
  /// Rows of that page: page_rows, fewer in the last one.
  [[nodiscard]] std::uint32_t rows_in_page(std::uint32_t page) const;

  /// Ascending ordinals of the persons with events here.
  [[nodiscard]] std::span<const PersonOrdinal> persons() const;
  /// Rows of persons()[i] are [row_offsets()[i], row_offsets()[i + 1]). Size persons() + 1.
  [[nodiscard]] std::span<const RowNumber> row_offsets() const;

  [[nodiscard]] TimestampMs time_min() const;
  [[nodiscard]] TimestampMs time_max() const;
  /// Event names by code.
  [[nodiscard]] const std::vector<NameInfo>& names() const;
  [[nodiscard]] const std::vector<ColumnInfo>& columns() const;
  /// Stored bytes per column, in the order of columns(); dictionaries included.
  [[nodiscard]] std::uint64_t column_bytes(std::uint32_t column) const;

  /// Pages. Errors: data_loss/bad_part, unavailable. `column` is an index into columns(); asking
  /// for a shape the column does not have is a broken invariant.
  [[nodiscard]] Result<std::shared_ptr<const TimePage>> times(std::uint32_t page) const;
  [[nodiscard]] Result<std::shared_ptr<const CompactTimePage>> compact_times(
      std::uint32_t page) const;
  /// Times that are not kept in the cache: for who makes something else of them.
  [[nodiscard]] Result<std::vector<TimestampMs>> read_times(std::uint32_t page) const;
  [[nodiscard]] Result<std::shared_ptr<const TimePage>> received_at(std::uint32_t page) const;
  [[nodiscard]] Result<std::shared_ptr<const NamePage>> name_codes(std::uint32_t page) const;
  [[nodiscard]] Result<std::shared_ptr<const CodePage>> codes(std::uint32_t column,
                                                              std::uint32_t page) const;
  [[nodiscard]] Result<std::shared_ptr<const NumberPage>> numbers(std::uint32_t column,
                                                                  std::uint32_t page) const;
  [[nodiscard]] Result<std::shared_ptr<const TextPage>> texts(std::uint32_t column,
                                                              std::uint32_t page) const;
  /// Booleans have the dictionary {"false", "true"}.
  [[nodiscard]] Result<std::shared_ptr<const Dictionary>> dictionary(std::uint32_t column) const;
  [[nodiscard]] Result<std::shared_ptr<const IdTable>> ids() const;
  /// The keyed hash of every id that names a person here, with the person's ordinal.
  struct IdKey {
    Hash128 key;
    PersonOrdinal person;
  };
  [[nodiscard]] Result<std::vector<IdKey>> id_keys() const;
  [[nodiscard]] bool has_links() const;
  [[nodiscard]] bool has_shared_runs() const;
  /// Ascending, each pair of ids once a kind.
  [[nodiscard]] Result<std::vector<LinkEvidence>> links() const;
  /// Ascending by position; persons not named have only events of their own.
  [[nodiscard]] Result<std::vector<SharedRun>> shared_runs() const;
  /// Who was active on which days of the zone. From what the file keeps of it, where that was made
  /// with the same rules; else from the rows.
  [[nodiscard]] Result<std::shared_ptr<const DaySets>> day_sets(const Zone& zone) const;
  /// How many rows of each name are on each day of the zone.
  [[nodiscard]] Result<std::shared_ptr<const DayCounts>> day_counts(const Zone& zone) const;
  /// True where day_counts() reads nothing.
  [[nodiscard]] bool has_day_counts(const Zone& zone) const;
  /// The rows by day of the zone.
  [[nodiscard]] Result<std::shared_ptr<const DayRows>> day_rows(const Zone& zone) const;
  /// True where day_sets() need not read the rows.
  [[nodiscard]] bool keeps_days_of(const Zone& zone) const;
  /// True where the part lists the rows of that name (an index into names()).
  [[nodiscard]] bool has_postings(std::uint32_t name_code) const;
  /// Requires has_postings(name_code). Errors: data_loss/bad_part, unavailable.
  [[nodiscard]] Result<std::shared_ptr<const Postings>> postings(std::uint32_t name_code) const;
  /// Of rows without a source of their own.
  [[nodiscard]] const std::string& source() const;
  /// Sorted keyed hashes of (source, message id) of this part's rows that have one.
  [[nodiscard]] Result<std::vector<Hash128>> message_keys() const;
  /// Index into columns() of the column with that role, if the part has it.
  [[nodiscard]] std::optional<std::uint32_t> find(part_format::ColumnRole role) const;
  /// Indexes of the columns of one property, one per kind it ever had in this part.
  [[nodiscard]] std::span<const std::uint32_t> find_property(std::string_view name) const;

  /// What of it is in the cache: for each thing, how many pages.
  [[nodiscard]] std::map<DecodedThing, std::uint32_t> decoded() const;

  /// Reads every page and checks every checksum and invariant. Errors: data_loss/bad_part.
  [[nodiscard]] Result<void> verify() const;

 private:
  struct Body;
  explicit Part(std::unique_ptr<Body> body);
  [[nodiscard]] Result<void> verify_column(std::uint32_t column) const;
  [[nodiscard]] Result<std::vector<OwnerDay>> kept_days() const;
  [[nodiscard]] Result<void> verify_days() const;
  [[nodiscard]] Result<void> verify_postings() const;

  std::unique_ptr<Body> body_;
};

}  // namespace hf
