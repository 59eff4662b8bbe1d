// SPDX-License-Identifier: Apache-2.0
//
// Collects rows column by column in arrival order; write() finds the order (person, time, arrival)
// once and lets each column gather its pages by it.
#include "store/part_builder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/site.h"
#include "calendar/zone.h"
#include "event/alias.h"
#include "identity/person_key.h"
#include "store/footer.h"
#include "store/page.h"
#include "store/postings.h"
#include "store/string_table.h"

namespace hf {
namespace {

using part_format::ColumnRole;
using part_format::page_rows;
using part_format::PageKind;

constexpr std::uint32_t rows_per_part_max = 4'000'000;
constexpr std::size_t memory_per_part_max = std::size_t{1} << 30;
constexpr std::size_t dictionary_page_bytes = 256 * 1024;
constexpr std::uint32_t no_value = 0xffffffff;
constexpr std::uint32_t system_columns = 9;
constexpr std::uint32_t property_columns_max = part_format::columns_max - system_columns;

/// The values of one property and kind, or of a system column, in arrival order.
struct TypedColumn {
  ValueKind kind = ValueKind::text;
  std::vector<std::uint32_t> rows;   // Row of value i; empty while value i belongs to row i.
  std::vector<std::uint32_t> codes;  // Dictionary kinds.
  std::vector<std::int64_t> units;   // Numbers.
  std::vector<std::uint8_t> scales;  // Numbers; empty while all are integers.
  StringTable dictionary;

  [[nodiscard]] std::size_t size() const {
    return kind == ValueKind::number ? units.size() : codes.size();
  }

  void note_row(std::uint32_t row) {
    if (rows.empty() && size() == row) return;
    if (rows.empty()) {
      rows.resize(size());
      std::iota(rows.begin(), rows.end(), 0u);
    }
    rows.push_back(row);
  }

  void add_code(std::uint32_t row, std::uint32_t code) {
    note_row(row);
    codes.push_back(code);
  }

  void add_number(std::uint32_t row, Decimal value) {
    note_row(row);
    units.push_back(value.units);
    if (value.scale != 0 && scales.empty()) scales.resize(units.size() - 1, 0);
    if (!scales.empty() || value.scale != 0) {
      scales.push_back(static_cast<std::uint8_t>(value.scale));
    }
  }

  [[nodiscard]] std::size_t memory_bytes() const {
    return rows.capacity() * 4 + codes.capacity() * 4 + units.capacity() * 8 + scales.capacity() +
           dictionary.memory_bytes();
  }
};

constexpr std::size_t kinds = 6;

struct Property {
  std::array<std::unique_ptr<TypedColumn>, kinds> by_kind;
};

/// The texts of message ids, in arrival order; rows without one hold the empty text.
struct MessageIds {
  std::vector<std::uint64_t> ends;
  std::string bytes;

  [[nodiscard]] std::string_view at(std::uint32_t row) const {
    if (row >= ends.size()) return {};
    const std::uint64_t start = row == 0 ? 0 : ends[row - 1];
    return std::string_view(bytes).substr(start, ends[row] - start);
  }
};

struct Arrangement;
struct Deduplicated;
struct IdPair;
class PartWriter;

/// Where each row's value lies in a typed column.
class ValueIndex {
 public:
  ValueIndex(const TypedColumn& column, std::uint32_t rows) {
    if (column.rows.empty()) {
      dense_ = column.size();
      return;
    }
    index_.assign(rows, no_value);
    for (std::uint32_t i = 0; i < column.rows.size(); ++i) index_[column.rows[i]] = i;
  }
  [[nodiscard]] std::uint32_t of(std::uint32_t row) const {
    if (index_.empty()) return row < dense_ ? row : no_value;
    return index_[row];
  }

 private:
  std::size_t dense_ = 0;
  std::vector<std::uint32_t> index_;
};

}  // namespace

struct PartBuilder::Body {
  explicit Body(TimestampMs received_at_ms)
      : received_at_default(
            std::clamp<TimestampMs>(received_at_ms, timestamp_min_ms, timestamp_end_ms - 1)) {}

  TimestampMs received_at_default;
  std::vector<TimestampMs> times;
  std::vector<std::uint16_t> name_codes;
  std::vector<std::uint32_t> id_pairs;  // Index into id_pair_ids.
  std::vector<TimestampMs> received;    // Empty while all rows have the default.
  TypedColumn raw_times{.kind = ValueKind::number};
  TypedColumn channels{.kind = ValueKind::text};
  TypedColumn sources{.kind = ValueKind::text};  // Of rows that have one of their own.
  TypedColumn imports{.kind = ValueKind::number};
  StringTable names;
  StringTable id_table;  // Pairs of ids: length of the user id as a varint, user id, anonymous id.
  StringTable property_names;
  std::vector<Property> properties;
  std::uint32_t property_columns = 0;
  std::vector<std::uint32_t> last_properties;  // Codes of the row before, in its order.
  std::vector<std::uint32_t> row_properties;
  MessageIds message_ids;
  struct Alias {
    std::uint32_t row;
    std::string previous_id;
  };
  std::vector<Alias> aliases;
  std::string id_scratch;
  std::size_t memory = 0;
  std::uint64_t times_ahead = 0;
  std::uint64_t big_numbers = 0;

  [[nodiscard]] std::uint32_t rows() const { return static_cast<std::uint32_t>(times.size()); }

  std::uint32_t property_code(std::size_t position, std::string_view name) {
    // Rows of one source tend to bring the same properties in the same order.
    if (position < last_properties.size() && property_names.at(last_properties[position]) == name) {
      return last_properties[position];
    }
    const std::uint32_t code = property_names.intern(name);
    if (code == properties.size()) properties.emplace_back();
    return code;
  }

  TypedColumn& typed(std::uint32_t property, ValueKind kind) {
    auto& column = properties[property].by_kind[static_cast<std::size_t>(kind) - 1];
    if (!column) {
      column = std::make_unique<TypedColumn>();
      column->kind = kind;
      ++property_columns;
    }
    return *column;
  }

  void add(const EventView& event, std::string_view source, std::uint32_t import);
  void add_all(const Body& other, std::span<const std::uint8_t> left_out = {});
  void recount_memory();
  /// What the rows that stay say of who is who, ascending.
  [[nodiscard]] std::vector<LinkEvidence> links(const Deduplicated& unique,
                                                const std::vector<IdPair>& pairs) const;
  /// Numbers the persons of the rows that stay and sorts these.
  [[nodiscard]] Result<Deduplicated> deduplicate(
      const Target& target, std::span<const std::shared_ptr<const Part>> known) const;
  [[nodiscard]] Result<PartSummary> write_rows(File& file, TimestampMs created_at_ms,
                                               const Target& target, const Deduplicated& unique,
                                               PersonRegistry& persons) const;
  using Canonical = std::function<Hash128(const Hash128&)>;
  [[nodiscard]] Arrangement arrange(const Deduplicated& unique, const Canonical& canonical,
                                    PersonRegistry& persons) const;
  /// Which days each owner was active on.
  [[nodiscard]] Result<void> write_days(PartWriter& writer, const Arrangement& arranged,
                                        const Zone& zone) const;
  /// Lists the names in the footer; returns their codes in the file by those here.
  [[nodiscard]] std::vector<std::uint16_t> recode_names(PartWriter& writer) const;
  /// All columns but the times.
  [[nodiscard]] Result<void> write_columns(PartWriter& writer, const std::vector<IdPair>& pairs,
                                           std::span<const std::uint16_t> recoded) const;
  /// The rows of the rarer names.
  [[nodiscard]] Result<void> write_posting_lists(PartWriter& writer,
                                                 std::span<const std::uint16_t> recoded,
                                                 const PostingRule& rule) const;
};

void PartBuilder::Body::add(const EventView& event, std::string_view source, std::uint32_t import) {
  const std::uint32_t row = rows();
  HF_ASSERT(row < part_format::rows_max);
  const TimestampMs received_at = event.received_at_ms.value_or(received_at_default);
  TimestampMs time = event.time_ms;
  if (time > received_at + limits::ahead_ms_max) {
    raw_times.add_number(row, Decimal{.units = time, .scale = 0});
    time = received_at;
    ++times_ahead;
  }
  times.push_back(time);

  const std::uint32_t name = names.intern(event.name);
  HF_ASSERT(name < part_format::names_max);
  name_codes.push_back(static_cast<std::uint16_t>(name));

  id_scratch.clear();
  for (std::size_t n = event.user_id.size();; n >>= 7) {
    id_scratch += static_cast<char>(n >= 0x80 ? n | 0x80 : n);
    if (n < 0x80) break;
  }
  id_scratch += event.user_id;
  id_scratch += event.anonymous_id;
  id_pairs.push_back(id_table.intern(id_scratch));

  if (!received.empty() || received_at != received_at_default) {
    received.resize(row, received_at_default);
    received.push_back(received_at);
  }
  if (!event.message_id.empty()) {
    message_ids.ends.resize(row, message_ids.bytes.size());
    message_ids.bytes += event.message_id;
    message_ids.ends.push_back(message_ids.bytes.size());
  }
  if (!event.channel.empty()) channels.add_code(row, channels.dictionary.intern(event.channel));
  if (!source.empty()) sources.add_code(row, sources.dictionary.intern(source));
  if (import != 0) imports.add_number(row, Decimal{.units = import, .scale = 0});
  if (std::string id = alias_previous_id(event); !id.empty()) {
    aliases.push_back({row, std::move(id)});
  }

  row_properties.clear();
  for (std::size_t i = 0; i < event.properties.size(); ++i) {
    const PropertyView& property = event.properties[i];
    const std::uint32_t code = property_code(i, property.name);
    row_properties.push_back(code);
    TypedColumn& column = typed(code, property.value.kind);
    switch (property.value.kind) {
      case ValueKind::number: column.add_number(row, property.value.number); break;
      case ValueKind::boolean: column.add_code(row, property.value.boolean ? 1 : 0); break;
      case ValueKind::big_number: ++big_numbers; [[fallthrough]];
      default: column.add_code(row, column.dictionary.intern(property.value.text));
    }
  }
  last_properties.swap(row_properties);
  if (row % 4096 == 0) recount_memory();
}

namespace {

/// Steps through a typed column row by row.
class ColumnCursor {
 public:
  explicit ColumnCursor(const TypedColumn& column) : column_(&column) {}

  /// Index of the row's value, or no_value. Rows must not go back.
  std::uint32_t at(std::uint32_t row) {
    if (column_->rows.empty()) return row < column_->size() ? row : no_value;
    while (next_ < column_->rows.size() && column_->rows[next_] < row) ++next_;
    const bool has = next_ < column_->rows.size() && column_->rows[next_] == row;
    return has ? next_ : no_value;
  }
  const TypedColumn& column() const { return *column_; }
  std::string_view text(std::uint32_t index) const {
    return column_->dictionary.at(column_->codes[index]);
  }

 private:
  const TypedColumn* column_;
  std::uint32_t next_ = 0;
};

struct PropertyCursor {
  std::string_view name;
  ColumnCursor values;
};

}  // namespace

void PartBuilder::Body::add_all(const Body& other, std::span<const std::uint8_t> left_out) {
  ColumnCursor raw_time(other.raw_times);
  ColumnCursor channel(other.channels);
  ColumnCursor source(other.sources);
  ColumnCursor import(other.imports);
  std::vector<PropertyCursor> cursors;
  for (std::uint32_t p = 0; p < other.properties.size(); ++p) {
    for (const auto& column : other.properties[p].by_kind) {
      if (column) cursors.push_back({other.property_names.at(p), ColumnCursor(*column)});
    }
  }
  std::vector<PropertyView> views;
  for (std::uint32_t row = 0; row < other.rows(); ++row) {
    if (!left_out.empty() && left_out[other.id_pairs[row]] != 0) continue;
    views.clear();
    for (PropertyCursor& cursor : cursors) {
      const std::uint32_t at = cursor.values.at(row);
      if (at == no_value) continue;
      const TypedColumn& column = cursor.values.column();
      ValueView value{.kind = column.kind};
      switch (column.kind) {
        case ValueKind::number:
          value.number = {column.units[at], column.scales.empty()
                                                ? std::int8_t{0}
                                                : static_cast<std::int8_t>(column.scales[at])};
          break;
        case ValueKind::boolean: value.boolean = column.codes[at] == 1; break;
        default: value.text = cursor.values.text(at);
      }
      views.push_back({cursor.name, value});
    }
    ByteReader ids(other.id_table.at(other.id_pairs[row]));
    EventView event{.user_id = ids.text()};
    event.anonymous_id = ids.bytes(ids.remaining());
    event.name = other.names.at(other.name_codes[row]);
    const std::uint32_t raw = raw_time.at(row);
    event.time_ms = raw == no_value ? other.times[row] : other.raw_times.units[raw];
    event.received_at_ms =
        row < other.received.size() ? other.received[row] : other.received_at_default;
    event.message_id = other.message_ids.at(row);
    if (const std::uint32_t at = channel.at(row); at != no_value) event.channel = channel.text(at);
    event.properties = views;
    const std::uint32_t at = source.at(row);
    const std::uint32_t by = import.at(row);
    add(event, at == no_value ? std::string_view{} : source.text(at),
        by == no_value ? 0 : static_cast<std::uint32_t>(other.imports.units[by]));
  }
}

void PartBuilder::Body::recount_memory() {
  memory = times.capacity() * 8 + name_codes.capacity() * 2 + id_pairs.capacity() * 4 +
           received.capacity() * 8 + message_ids.ends.capacity() * 8 +
           message_ids.bytes.capacity() + id_table.memory_bytes() + names.memory_bytes() +
           raw_times.memory_bytes() + channels.memory_bytes() + sources.memory_bytes() +
           imports.memory_bytes() + aliases.capacity() * sizeof(Alias) +
           property_names.memory_bytes() + properties.capacity() * sizeof(Property) +
           property_columns * sizeof(TypedColumn);
  for (const Property& property : properties) {
    for (const auto& column : property.by_kind) {
      if (column) memory += column->memory_bytes();
    }
  }
}

PartBuilder::PartBuilder(TimestampMs received_at_ms)
    : body_(std::make_unique<Body>(received_at_ms)) {}
PartBuilder::~PartBuilder() = default;
PartBuilder::PartBuilder(PartBuilder&&) noexcept = default;
PartBuilder& PartBuilder::operator=(PartBuilder&&) noexcept = default;

void PartBuilder::add(const EventView& event, std::string_view source, std::uint32_t import) {
  body_->add(event, source, import);
}
void PartBuilder::add_all(const PartBuilder& other) { body_->add_all(*other.body_); }

std::optional<PartBuilder> PartBuilder::without(std::span<const PersonId> ids) const {
  std::set<std::pair<IdKind, std::string_view>> erased;
  for (const PersonId& id : ids) erased.emplace(id.kind, id.id);
  std::vector<std::uint8_t> left_out(body_->id_table.size(), 0);  // By pair of ids.
  bool any = false;
  for (std::uint32_t pair = 0; pair < left_out.size(); ++pair) {
    ByteReader in(body_->id_table.at(pair));
    const std::string_view user = in.text();
    const std::string_view anonymous = in.bytes(in.remaining());
    const bool is_user = !user.empty();
    left_out[pair] =
        erased.contains({is_user ? IdKind::user : IdKind::anonymous, is_user ? user : anonymous});
    any = any || left_out[pair] != 0;
  }
  if (!any) return std::nullopt;
  PartBuilder kept(body_->received_at_default);
  kept.body_->add_all(*body_, left_out);
  return kept;
}

std::vector<Part::IdKey> PartBuilder::owners(PersonRegistry& persons) const {
  std::vector<Part::IdKey> owners;
  for (std::uint32_t pair = 0; pair < body_->id_table.size(); ++pair) {
    ByteReader in(body_->id_table.at(pair));
    const std::string_view user = in.text();
    const Hash128 key =
        user.empty() ? person_key(persons.hash_key(), IdKind::anonymous, in.bytes(in.remaining()))
                     : person_key(persons.hash_key(), IdKind::user, user);
    owners.push_back({key, persons.ordinal_of(key)});
  }
  return owners;
}

std::uint32_t PartBuilder::rows() const { return body_->rows(); }
std::size_t PartBuilder::memory_bytes() const { return body_->memory; }
std::uint64_t PartBuilder::times_ahead() const { return body_->times_ahead; }
std::uint64_t PartBuilder::big_numbers() const { return body_->big_numbers; }

bool PartBuilder::full() const {
  const Body& body = *body_;
  return body.rows() >= rows_per_part_max || body.memory >= memory_per_part_max ||
         body.names.size() >= part_format::names_max ||
         body.property_columns + limits::properties_max > property_columns_max ||
         body.id_table.text_bytes() + 2 * limits::id_bytes_max > part_format::id_bytes_max;
}

namespace {

/// Rows that stay after duplicates are left out, in arrival order, and their message keys, sorted.
struct Deduplicated {
  std::vector<std::uint8_t> dropped;  // Per row; empty when nothing is.
  std::vector<Hash128> keys;
  std::uint32_t rows = 0;  // That stay.
  std::uint64_t duplicates = 0;
};

/// One distinct pair of ids of the builder, whose id it is and with whom it is put.
struct IdPair {
  std::string_view user_id;
  std::string_view anonymous_id;
  PersonOrdinal owner = 0;
  Hash128 owner_key;
  PersonOrdinal person = 0;  // Another than the owner where a link says so.
  std::uint32_t id_code = 0;
};

/// Writes pages, dictionaries and footer of one part in the given row order.
class PartWriter {
 public:
  PartWriter(File& file, bool compress, std::vector<std::uint32_t> order, std::uint32_t source_rows)
      : pages_(file, compress), order_(std::move(order)), source_rows_(source_rows) {
    footer_.row_count = static_cast<std::uint32_t>(order_.size());
  }

  Footer& footer() { return footer_; }
  /// Row of the file -> row in arrival order.
  [[nodiscard]] std::span<const std::uint32_t> order() const { return order_; }
  PageWriter& pages() { return pages_; }
  [[nodiscard]] std::uint32_t rows() const { return footer_.row_count; }
  [[nodiscard]] std::uint32_t page_count() const { return (rows() + page_rows - 1) / page_rows; }
  [[nodiscard]] std::span<const std::uint32_t> page_order(std::uint32_t page) const {
    const std::size_t first = std::size_t{page} * page_rows;
    return std::span(order_).subspan(first, std::min<std::size_t>(page_rows, rows() - first));
  }

  Result<void> times(const std::vector<TimestampMs>& times, std::span<const RowNumber> offsets) {
    FooterColumn column{.info = {.role = ColumnRole::time, .value_count = rows()}};
    std::vector<TimestampMs> values;
    std::vector<std::uint32_t> starts;
    auto offset = offsets.begin();
    for (std::uint32_t page = 0; page < page_count(); ++page) {
      values.clear();
      for (const std::uint32_t row : page_order(page)) values.push_back(times[row]);
      starts.clear();
      const std::uint32_t first = page * page_rows;
      for (; offset != offsets.end() && *offset < first + values.size(); ++offset) {
        starts.push_back(*offset - first);
      }
      HF_TRY(const PageRef ref, pages_.append(PageKind::numbers, encode_times(values, starts)));
      column.pages.push_back(ref);
    }
    footer_.columns.push_back(std::move(column));
    return {};
  }

  /// A system column with an integer for every row.
  template <class Value>
  Result<void> integers(ColumnRole role, Value&& value) {
    FooterColumn column{.info = {.role = role, .kind = ValueKind::number, .value_count = rows()}};
    std::vector<std::int64_t> values;
    for (std::uint32_t page = 0; page < page_count(); ++page) {
      values.clear();
      for (const std::uint32_t row : page_order(page)) values.push_back(value(row));
      HF_TRY(
          const PageRef ref,
          pages_.append(PageKind::numbers, encode_numbers(static_cast<std::uint32_t>(values.size()),
                                                          {}, values, 0, {})));
      column.pages.push_back(ref);
    }
    footer_.columns.push_back(std::move(column));
    return {};
  }

  Result<void> typed(ColumnRole role, std::string property, const TypedColumn& source) {
    FooterColumn column{
        .info = {.role = role, .property = std::move(property), .kind = source.kind}};
    const bool is_number = source.kind == ValueKind::number;
    const ValueIndex index(source, source_rows_);
    std::vector<std::uint32_t> recoded;
    if (!is_number) {
      HF_TRY(recoded, dictionary(source, index, column));
    }
    std::vector<std::uint8_t> present;
    std::vector<std::int64_t> values;
    std::vector<std::uint8_t> scales;
    std::optional<std::pair<Decimal, Decimal>> bounds;
    for (std::uint32_t page = 0; page < page_count(); ++page) {
      const auto order = page_order(page);
      present.assign(order.size(), 0);
      values.clear();
      scales.clear();
      for (std::size_t i = 0; i < order.size(); ++i) {
        const std::uint32_t at = index.of(order[i]);
        if (at == no_value) continue;
        present[i] = 1;
        if (is_number) {
          values.push_back(source.units[at]);
          scales.push_back(source.scales.empty() ? 0 : source.scales[at]);
        } else {
          values.push_back(recoded[source.codes[at]]);
        }
      }
      column.info.value_count += values.size();
      if (values.empty()) {
        column.pages.push_back({});
        continue;
      }
      std::int8_t scale = 0;
      if (is_number) {
        note_bounds(values, scales, column.info, bounds);
        scale = common_scale(values, scales);
      }
      if (values.size() == order.size()) present.clear();
      HF_TRY(
          const PageRef ref,
          pages_.append(PageKind::numbers, encode_numbers(static_cast<std::uint32_t>(order.size()),
                                                          present, values, scale, scales)));
      column.pages.push_back(ref);
    }
    if (bounds) std::tie(column.info.number_min, column.info.number_max) = *bounds;
    if (column.info.value_count > 0) footer_.columns.push_back(std::move(column));
    return {};
  }

  Result<void> message_ids(const MessageIds& ids) {
    if (ids.ends.empty()) return {};
    FooterColumn column{.info = {.role = ColumnRole::message_id, .kind = ValueKind::text}};
    ByteWriter payload;
    for (std::uint32_t page = 0; page < page_count(); ++page) {
      payload.clear();
      std::uint64_t count = 0;
      for (const std::uint32_t row : page_order(page)) {
        payload.varint(ids.at(row).size());
        count += ids.at(row).empty() ? 0 : 1;
      }
      for (const std::uint32_t row : page_order(page)) payload.bytes(ids.at(row));
      column.info.value_count += count;
      if (count == 0) {
        column.pages.push_back({});
        continue;
      }
      HF_TRY(const PageRef ref, pages_.append(PageKind::texts, payload.str()));
      column.pages.push_back(ref);
    }
    if (column.info.value_count > 0) footer_.columns.push_back(std::move(column));
    return {};
  }

 private:
  // Brings a page's numbers to one scale where they fit it; `scales` is emptied then.
  static std::int8_t common_scale(std::vector<std::int64_t>& values,
                                  std::vector<std::uint8_t>& scales) {
    const std::uint8_t highest = *std::ranges::max_element(scales);
    const std::uint8_t lowest = *std::ranges::min_element(scales);
    if (highest != lowest) {
      std::vector<std::int64_t> scaled = values;
      for (std::size_t i = 0; i < values.size(); ++i) {
        for (std::uint8_t s = scales[i]; s < highest; ++s) {
          if (__builtin_mul_overflow(scaled[i], 10, &scaled[i]))
            return 0;  // Scales stay per value.
        }
      }
      values = std::move(scaled);
    }
    scales.clear();
    return static_cast<std::int8_t>(highest);
  }

  static void note_bounds(const std::vector<std::int64_t>& values,
                          const std::vector<std::uint8_t>& scales, ColumnInfo& info,
                          std::optional<std::pair<Decimal, Decimal>>& bounds) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Decimal value{values[i], static_cast<std::int8_t>(scales[i])};
      info.scale_max = std::max(info.scale_max, value.scale);
      if (!bounds) {
        bounds = {value, value};
      } else if (value < bounds->first) {
        bounds->first = value;
      } else if (value > bounds->second) {
        bounds->second = value;
      }
    }
  }

  // Writes the dictionary, most frequent first, ties by bytes; returns new codes by old ones.
  Result<std::vector<std::uint32_t>> dictionary(const TypedColumn& source, const ValueIndex& index,
                                                FooterColumn& column) {
    if (source.kind == ValueKind::boolean) {
      column.info.dictionary_size = 2;
      return std::vector<std::uint32_t>{0, 1};
    }
    std::vector<std::uint32_t> counts(source.dictionary.size(), 0);
    for (const std::uint32_t row : order_) {
      if (const std::uint32_t at = index.of(row); at != no_value) ++counts[source.codes[at]];
    }
    std::vector<std::uint32_t> by_count;
    for (std::uint32_t code = 0; code < counts.size(); ++code) {
      if (counts[code] > 0) by_count.push_back(code);
    }
    std::ranges::sort(by_count, [&](std::uint32_t a, std::uint32_t b) {
      if (counts[a] != counts[b]) return counts[a] > counts[b];
      return source.dictionary.at(a) < source.dictionary.at(b);
    });
    std::vector<std::uint32_t> recoded(counts.size(), no_value);
    ByteWriter page;
    std::uint32_t in_page = 0;
    std::string bytes;
    const auto flush = [&]() -> Result<void> {
      if (in_page == 0) return {};
      ByteWriter payload;
      payload.varint(in_page);
      payload.bytes(page.str());
      payload.bytes(bytes);
      HF_TRY(const PageRef ref, pages_.append(PageKind::dictionary, payload.str()));
      column.dictionary_pages.push_back(ref);
      page.clear();
      bytes.clear();
      in_page = 0;
      return {};
    };
    for (std::uint32_t code = 0; code < by_count.size(); ++code) {
      const std::string_view text = source.dictionary.at(by_count[code]);
      recoded[by_count[code]] = code;
      page.varint(text.size());
      bytes += text;
      ++in_page;
      if (bytes.size() + page.size() >= dictionary_page_bytes) HF_CHECK(flush());
    }
    HF_CHECK(flush());
    column.info.dictionary_size = static_cast<std::uint32_t>(by_count.size());
    return recoded;
  }

  PageWriter pages_;
  Footer footer_;
  std::vector<std::uint32_t> order_;
  std::uint32_t source_rows_;
};

/// The rows that stay, in the order of the file, and whom they belong to.
struct Arrangement {
  std::vector<IdPair> pairs;              // By the builder's pair number; unused ones empty.
  std::vector<std::uint32_t> used_pairs;  // By person, then first appearance.
  std::vector<std::uint32_t> positions;   // Of each pair's person in the directory.
  std::vector<PersonOrdinal> ordinals;    // The directory: ascending.
  std::vector<Hash128> keys;              // The directory's person keys.
  std::vector<SharedRun> shared;          // Persons with events of other owners.
  std::vector<RowNumber> offsets = {0};   // Rows of person p are [offsets[p], offsets[p + 1]).
  std::vector<std::uint32_t> order;       // Row of the file -> row in arrival order.
};

}  // namespace

Result<Deduplicated> PartBuilder::Body::deduplicate(
    const Target& target, std::span<const std::shared_ptr<const Part>> known) const {
  Deduplicated out{.rows = rows()};
  const MessageIds& ids = message_ids;
  if (ids.ends.empty()) return out;
  struct KeyedRow {
    Hash128 key;
    std::uint32_t row;
    auto operator<=>(const KeyedRow&) const = default;
  };
  std::vector<KeyedRow> keyed;
  const ValueIndex source_of(sources, rows());
  for (std::uint32_t row = 0; row < ids.ends.size(); ++row) {
    const std::string_view id = ids.at(row);
    if (id.empty()) continue;
    const std::uint32_t at = source_of.of(row);
    const std::string_view source =
        at == no_value ? std::string_view(target.source) : sources.dictionary.at(sources.codes[at]);
    keyed.push_back({message_key(target.hash_key, source, id), row});
  }
  std::ranges::sort(keyed);
  if (target.keep_duplicates) {
    for (const KeyedRow& row : keyed) {
      if (out.keys.empty() || out.keys.back() != row.key) out.keys.push_back(row.key);
    }
    return out;
  }
  std::vector<std::uint8_t> drop(keyed.size(), 0);
  for (std::size_t i = 1; i < keyed.size(); ++i) drop[i] = keyed[i].key == keyed[i - 1].key;
  for (const auto& part : known) {
    HF_TRY(const std::vector<Hash128> others, part->message_keys());
    std::size_t j = 0;
    for (std::size_t i = 0; i < keyed.size(); ++i) {
      while (j < others.size() && others[j] < keyed[i].key) ++j;
      if (j == others.size()) break;
      if (others[j] == keyed[i].key) drop[i] = 1;
    }
  }
  for (std::size_t i = 0; i < keyed.size(); ++i) {
    if (drop[i] == 0) {
      out.keys.push_back(keyed[i].key);
      continue;
    }
    if (out.dropped.empty()) out.dropped.assign(rows(), 0);
    out.dropped[keyed[i].row] = 1;
    ++out.duplicates;
    --out.rows;
  }
  return out;
}

Arrangement PartBuilder::Body::arrange(const Deduplicated& unique, const Canonical& canonical,
                                       PersonRegistry& persons) const {
  const auto is_dropped = [&](std::uint32_t row) {
    return !unique.dropped.empty() && unique.dropped[row] != 0;
  };
  Arrangement out;
  out.pairs.resize(id_table.size());
  std::vector<std::uint32_t> rows_of_pair(out.pairs.size(), 0);
  for (std::uint32_t row = 0; row < rows(); ++row) {
    if (!is_dropped(row)) ++rows_of_pair[id_pairs[row]];
  }
  struct PersonKey {
    PersonOrdinal person;
    Hash128 key;
  };
  std::vector<PersonKey> keys;
  // New persons are numbered in order of arrival.
  for (std::uint32_t i = 0; i < out.pairs.size(); ++i) {
    if (rows_of_pair[i] == 0) continue;
    IdPair& pair = out.pairs[i];
    ByteReader in(id_table.at(i));
    pair.user_id = in.text();
    pair.anonymous_id = in.bytes(in.remaining());
    const bool is_user = !pair.user_id.empty();
    pair.owner_key = person_key(persons.hash_key(), is_user ? IdKind::user : IdKind::anonymous,
                                is_user ? pair.user_id : pair.anonymous_id);
    pair.owner = persons.ordinal_of(pair.owner_key);
    const Hash128 key = canonical ? canonical(pair.owner_key) : pair.owner_key;
    pair.person = persons.ordinal_of(key);
    out.used_pairs.push_back(i);
    keys.push_back({pair.person, key});
  }
  std::ranges::stable_sort(out.used_pairs, {},
                           [&](std::uint32_t i) { return out.pairs[i].person; });
  std::ranges::sort(keys, {}, &PersonKey::person);
  const auto repeated = std::ranges::unique(keys, {}, &PersonKey::person);
  keys.erase(repeated.begin(), repeated.end());
  for (const PersonKey& key : keys) out.keys.push_back(key.key);

  // Directory positions, and the rows of each person side by side in order of arrival.
  out.positions.resize(out.pairs.size(), 0);
  std::uint32_t first_pair = 0;
  for (std::uint32_t n = 0; n < out.used_pairs.size(); ++n) {
    IdPair& pair = out.pairs[out.used_pairs[n]];
    if (out.ordinals.empty() || out.ordinals.back() != pair.person) {
      out.ordinals.push_back(pair.person);
      out.offsets.push_back(0);
      first_pair = n;
    }
    pair.id_code = n - first_pair;
    out.positions[out.used_pairs[n]] = static_cast<std::uint32_t>(out.ordinals.size() - 1);
    out.offsets.back() += rows_of_pair[out.used_pairs[n]];
  }
  for (std::size_t n = 0; n < out.used_pairs.size();) {
    const std::uint32_t position = out.positions[out.used_pairs[n]];
    SharedRun run{.position = position};
    bool is_shared = false;
    for (; n < out.used_pairs.size() && out.positions[out.used_pairs[n]] == position; ++n) {
      const IdPair& pair = out.pairs[out.used_pairs[n]];
      is_shared = is_shared || pair.owner != pair.person;
      if (canonical) run.owners.push_back({pair.owner, pair.owner_key});
    }
    if (is_shared) out.shared.push_back(std::move(run));
  }
  std::partial_sum(out.offsets.begin(), out.offsets.end(), out.offsets.begin());
  out.order.resize(out.offsets.back());
  std::vector<RowNumber> next(out.offsets.begin(), out.offsets.end() - 1);
  for (std::uint32_t row = 0; row < rows(); ++row) {
    if (!is_dropped(row)) out.order[next[out.positions[id_pairs[row]]]++] = row;
  }
  // Equal times of one owner stay in order of arrival; of two, the one known longer goes first.
  const auto by_time = [&](std::uint32_t a, std::uint32_t b) { return times[a] < times[b]; };
  const auto by_time_and_owner = [&](std::uint32_t a, std::uint32_t b) {
    if (times[a] != times[b]) return times[a] < times[b];
    return out.pairs[id_pairs[a]].owner < out.pairs[id_pairs[b]].owner;
  };
  auto shared = out.shared.begin();
  for (std::uint32_t p = 0; p + 1 < out.offsets.size(); ++p) {
    const auto first = out.order.begin() + out.offsets[p];
    const auto last = out.order.begin() + out.offsets[p + 1];
    if (shared != out.shared.end() && shared->position == p) {
      std::stable_sort(first, last, by_time_and_owner);
      ++shared;
    } else if (!std::is_sorted(first, last, by_time)) {
      std::stable_sort(first, last, by_time);
    }
  }
  return out;
}

std::vector<LinkEvidence> PartBuilder::Body::links(const Deduplicated& unique,
                                                   const std::vector<IdPair>& pairs) const {
  const auto is_dropped = [&](std::uint32_t row) {
    return !unique.dropped.empty() && unique.dropped[row] != 0;
  };
  constexpr TimestampMs never = std::numeric_limits<TimestampMs>::max();
  std::vector<TimestampMs> earliest(pairs.size(), never);
  for (std::uint32_t row = 0; row < rows(); ++row) {
    TimestampMs& time = earliest[id_pairs[row]];
    if (!is_dropped(row)) time = std::min(time, times[row]);
  }
  std::vector<LinkEvidence> links;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (earliest[i] == never || pairs[i].user_id.empty() || pairs[i].anonymous_id.empty()) continue;
    links.push_back({LinkEvidence::Kind::anonymous, std::string(pairs[i].user_id),
                     std::string(pairs[i].anonymous_id), earliest[i]});
  }
  for (const Alias& alias : aliases) {
    if (is_dropped(alias.row)) continue;
    links.push_back({LinkEvidence::Kind::alias, std::string(pairs[id_pairs[alias.row]].user_id),
                     alias.previous_id, times[alias.row]});
  }
  std::ranges::sort(links);
  const auto repeated = std::ranges::unique(links, [](const auto& a, const auto& b) {
    return a.kind == b.kind && a.user_id == b.user_id && a.other == b.other;
  });
  links.erase(repeated.begin(), repeated.end());
  return links;
}

std::vector<std::uint16_t> PartBuilder::Body::recode_names(PartWriter& writer) const {
  Footer& footer = writer.footer();
  // Names by frequency, so that the common ones have small codes.
  std::vector<NameInfo> infos(names.size());
  for (std::uint32_t page = 0; page < writer.page_count(); ++page) {
    for (const std::uint32_t row : writer.page_order(page)) {
      NameInfo& name = infos[name_codes[row]];
      const TimestampMs time = times[row];
      name.time_min = name.count == 0 ? time : std::min(name.time_min, time);
      name.time_max = name.count == 0 ? time : std::max(name.time_max, time);
      ++name.count;
    }
  }
  std::vector<std::uint16_t> by_count;
  for (std::uint32_t code = 0; code < infos.size(); ++code) {
    infos[code].name = names.at(code);
    if (infos[code].count > 0) by_count.push_back(static_cast<std::uint16_t>(code));
  }
  std::ranges::sort(by_count, [&](std::uint16_t a, std::uint16_t b) {
    if (infos[a].count != infos[b].count) return infos[a].count > infos[b].count;
    return infos[a].name < infos[b].name;
  });
  std::vector<std::uint16_t> recoded(infos.size(), 0);
  footer.time_min = infos[by_count.front()].time_min;
  footer.time_max = infos[by_count.front()].time_max;
  for (std::uint32_t code = 0; code < by_count.size(); ++code) {
    recoded[by_count[code]] = static_cast<std::uint16_t>(code);
    footer.time_min = std::min(footer.time_min, infos[by_count[code]].time_min);
    footer.time_max = std::max(footer.time_max, infos[by_count[code]].time_max);
    footer.names.push_back(infos[by_count[code]]);
  }
  return recoded;
}

Result<void> PartBuilder::Body::write_columns(PartWriter& writer, const std::vector<IdPair>& pairs,
                                              std::span<const std::uint16_t> recoded) const {
  HF_CHECK(writer.integers(ColumnRole::name,
                           [&](std::uint32_t row) { return recoded[name_codes[row]]; }));
  HF_CHECK(writer.integers(ColumnRole::id_code,
                           [&](std::uint32_t row) { return pairs[id_pairs[row]].id_code; }));
  HF_CHECK(writer.integers(ColumnRole::received_at, [&](std::uint32_t row) {
    return row < received.size() ? received[row] : received_at_default;
  }));
  HF_CHECK(writer.typed(ColumnRole::raw_time, {}, raw_times));
  HF_CHECK(writer.typed(ColumnRole::channel, {}, channels));
  HF_CHECK(writer.typed(ColumnRole::source, {}, sources));
  HF_CHECK(writer.typed(ColumnRole::import, {}, imports));
  HF_CHECK(writer.message_ids(message_ids));
  // Properties by name, so that equal contents give equal files whatever came first.
  std::map<std::string_view, std::uint32_t> by_name;
  for (std::uint32_t p = 0; p < properties.size(); ++p) by_name.emplace(property_names.at(p), p);
  for (const auto& [name, p] : by_name) {
    for (const auto& column : properties[p].by_kind) {
      if (column) HF_CHECK(writer.typed(ColumnRole::property, std::string(name), *column));
    }
  }
  return {};
}

Result<void> PartBuilder::Body::write_days(PartWriter& writer, const Arrangement& arranged,
                                           const Zone& zone) const {
  std::vector<std::uint8_t> is_active(names.size());
  for (std::uint32_t code = 0; code < is_active.size(); ++code) {
    is_active[code] = is_inactive_name(names.at(code)) ? 0 : 1;
  }
  DayWriter out(writer.pages());
  std::vector<std::vector<Day>> by_id_code;
  auto shared = arranged.shared.begin();
  for (std::uint32_t p = 0; p < arranged.ordinals.size(); ++p) {
    const bool is_shared = shared != arranged.shared.end() && shared->position == p;
    by_id_code.assign(is_shared ? shared->owners.size() : 1, {});
    for (RowNumber row = arranged.offsets[p]; row < arranged.offsets[p + 1]; ++row) {
      const std::uint32_t at = writer.order()[row];
      if (is_active[name_codes[at]] == 0) continue;
      std::vector<Day>& days = by_id_code[is_shared ? arranged.pairs[id_pairs[at]].id_code : 0];
      const Day day = zone.local_day(times[at]);
      // Times ascend, local days nearly so: a clock set back over midnight repeats one.
      if (days.empty() || days.back() < day) {
        days.push_back(day);
      } else if (days.back() > day && !std::ranges::binary_search(days, day)) {
        days.insert(std::ranges::lower_bound(days, day), day);
      }
    }
    for (const std::vector<Day>& days : by_id_code) HF_CHECK(out.add(days));
    if (is_shared) ++shared;
  }
  HF_CHECK(out.finish(writer.footer()));
  writer.footer().day_rules = zone_rules(zone, writer.footer().time_min, writer.footer().time_max);
  return {};
}

Result<void> PartBuilder::Body::write_posting_lists(PartWriter& writer,
                                                    std::span<const std::uint16_t> recoded,
                                                    const PostingRule& rule) const {
  Footer& footer = writer.footer();
  const std::uint32_t first_code = first_posting_code(footer.names, writer.rows(), rule);
  std::vector<PostingRows> lists(footer.names.size() - first_code);
  for (RowNumber row = 0; row < writer.rows(); ++row) {
    const std::uint32_t at = writer.order()[row];
    const std::uint32_t code = recoded[name_codes[at]];
    if (code < first_code) continue;
    lists[code - first_code].rows.push_back(row);
    lists[code - first_code].times.push_back(times[at]);
  }
  for (std::uint32_t i = 0; i < lists.size(); ++i) {
    FooterPostings& postings = footer.postings.emplace_back();
    postings.name_code = first_code + i;
    postings.count = lists[i].rows.size();
    HF_TRY(postings.pages, write_postings(writer.pages(), lists[i]));
  }
  return {};
}

Result<PartSummary> PartBuilder::write(const Env& env, const Target& target,
                                       PersonRegistry& persons,
                                       std::span<const std::shared_ptr<const Part>> known) const {
  HF_TRY(const Deduplicated unique, body_->deduplicate(target, known));
  if (unique.rows == 0) return PartSummary{.duplicates = unique.duplicates};
  const std::string path = target.directory + "/" + target.file;
  const std::string temporary = path + ".tmp";
  const auto write_temporary = [&]() -> Result<PartSummary> {
    HF_TRY(const auto file, env.files.open(temporary, OpenMode::create));
    HF_TRY(const PartSummary summary,
           body_->write_rows(*file, env.clock.now_ms(), target, unique, persons));
    if (HF_SITE("store.part.sync")) HF_CHECK(file->sync());
    return summary;
  };
  auto written = write_temporary();
  if (written) {
    if (auto renamed = env.files.rename(temporary, path); !renamed) {
      written = std::unexpected(std::move(renamed).error());
    }
  }
  if (!written) {
    (void)env.files.remove(temporary);  // Frees the space on a full disk.
    return written;
  }
  if (!HF_SITE("store.part.directory_sync")) return written;
  if (auto synced = env.files.sync_directory(target.directory); !synced) {
    (void)env.files.remove(path);
    return std::unexpected(std::move(synced).error());
  }
  return written;
}

Result<PartSummary> PartBuilder::write_to(
    File& file, TimestampMs created_at_ms, const Target& target, PersonRegistry& persons,
    std::span<const std::shared_ptr<const Part>> known) const {
  HF_TRY(const Deduplicated unique, body_->deduplicate(target, known));
  if (unique.rows == 0) return PartSummary{.duplicates = unique.duplicates};
  return body_->write_rows(file, created_at_ms, target, unique, persons);
}

Result<PartSummary> PartBuilder::Body::write_rows(File& file, TimestampMs created_at_ms,
                                                  const Target& target, const Deduplicated& unique,
                                                  PersonRegistry& persons) const {
  PartSummary summary;
  summary.duplicates = unique.duplicates;
  summary.rows = unique.rows;
  Arrangement arranged = arrange(unique, target.canonical, persons);
  summary.persons = arranged.ordinals.size();

  PartWriter writer(file, target.compress, std::move(arranged.order), rows());
  Footer& footer = writer.footer();
  footer.source = target.source;
  footer.created_at_ms = created_at_ms;
  HF_CHECK(writer.pages().append_raw(encode_part_header()));
  HF_CHECK(write_directory(writer.pages(), arranged.ordinals, arranged.offsets, footer));
  HF_CHECK(writer.times(times, std::span(arranged.offsets).first(arranged.ordinals.size())));
  const std::vector<std::uint16_t> recoded = recode_names(writer);
  HF_CHECK(write_columns(writer, arranged.pairs, recoded));
  std::vector<IdTable::Entry> entries;
  std::vector<std::uint32_t> entry_counts(arranged.ordinals.size(), 0);
  for (const std::uint32_t i : arranged.used_pairs) {
    entries.push_back({arranged.pairs[i].user_id, arranged.pairs[i].anonymous_id});
    ++entry_counts[arranged.positions[i]];
  }
  HF_CHECK(write_ids(writer.pages(), entries, entry_counts, footer));
  HF_CHECK(write_keys(writer.pages(), arranged.keys, footer.id_key_pages));
  HF_CHECK(write_keys(writer.pages(), unique.keys, footer.message_key_pages));
  HF_CHECK(write_links(writer.pages(), links(unique, arranged.pairs), footer));
  HF_CHECK(write_owners(writer.pages(), arranged.shared, footer));
  if (target.zone) HF_CHECK(write_days(writer, arranged, *target.zone));
  HF_CHECK(write_posting_lists(writer, recoded, target.postings));
  HF_CHECK(write_footer(writer.pages(), encode_footer(footer)));
  HF_CHECK(writer.pages().flush());
  summary.bytes = writer.pages().offset();
  summary.time_min = footer.time_min;
  summary.time_max = footer.time_max;
  return summary;
}

}  // namespace hf
