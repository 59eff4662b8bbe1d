// SPDX-License-Identifier: Apache-2.0
#include "adapter/duckdb/events_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <deque>
#include <map>
#include <set>

#include "base/assert.h"

namespace hf::duckdb {
namespace {

__extension__ typedef __int128 Int128;
using part_format::ColumnRole;
using part_format::page_rows;
using Column = EventsTable::Column;

constexpr std::array<std::int64_t, 10> power_of_ten = {
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
constexpr Int128 decimal64_end = 1'000'000'000'000'000'000;  // 10^18
constexpr const char* function_name = "hf_events";
constexpr PersonOrdinal persons_per_window = 4'096;
constexpr std::uint32_t no_page = 0xffffffff;

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// Column names go through C strings.
std::string without_nul(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      out += c;
    }
  }
  return out;
}

/// DuckDB's string, pointing into `text` where it is longer than what the string itself holds.
duckdb_string_t string_of(std::string_view text) {
  duckdb_string_t out;
  std::memset(&out, 0, sizeof out);
  out.value.inlined.length = static_cast<std::uint32_t>(text.size());
  if (text.size() <= sizeof out.value.inlined.inlined) {
    std::memcpy(out.value.inlined.inlined, text.data(), text.size());
  } else {
    std::memcpy(out.value.pointer.prefix, text.data(), sizeof out.value.pointer.prefix);
    out.value.pointer.ptr = const_cast<char*>(text.data());  // DuckDB never writes through it.
  }
  return out;
}

/// All values of one property over all parts.
struct PropertySummary {
  std::set<ValueKind> kinds;
  std::int8_t scale = 0;
  std::vector<Decimal> bounds;

  [[nodiscard]] bool only(ValueKind kind) const {
    return kinds.size() == 1 && kinds.contains(kind);
  }
  [[nodiscard]] bool fits_decimal64() const {
    return std::ranges::all_of(bounds, [this](Decimal bound) {
      const Int128 units = static_cast<Int128>(bound.units) * power_of_ten[scale - bound.scale];
      return units > -decimal64_end && units < decimal64_end;
    });
  }
};

Column::Shape shape_of(const PropertySummary& property, EventsTable::Numbers numbers) {
  if (property.only(ValueKind::boolean)) return Column::Shape::boolean;
  if (!property.only(ValueKind::number)) return Column::Shape::text;
  if (property.scale == 0) return Column::Shape::integer;
  if (numbers == EventsTable::Numbers::canonical_text) return Column::Shape::text;
  return property.fits_decimal64() ? Column::Shape::decimal64 : Column::Shape::decimal128;
}

LogicalType logical_type(const Column& column) {
  switch (column.shape) {
    case Column::Shape::text: return LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
    case Column::Shape::instant:
      return LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP_TZ));
    case Column::Shape::integer: return LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_BIGINT));
    case Column::Shape::decimal64:
      return LogicalType(duckdb_create_decimal_type(18, static_cast<std::uint8_t>(column.scale)));
    case Column::Shape::decimal128:
      return LogicalType(duckdb_create_decimal_type(38, static_cast<std::uint8_t>(column.scale)));
    case Column::Shape::boolean:
      return LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN));
  }
  HF_ASSERT(!"a shape without a type");
  return {};
}

/// One vector of the chunk being filled.
struct Output {
  explicit Output(duckdb_vector v) : vector(v), data(duckdb_vector_get_data(v)) {}

  template <class T>
  T& at(idx_t row) const {
    return static_cast<T*>(data)[row];
  }
  /// Makes rows [from, from + count) NULL.
  void clear(idx_t from, idx_t count) {
    duckdb_vector_ensure_validity_writable(vector);
    validity = duckdb_vector_get_validity(vector);
    for (idx_t row = from; row < from + count; ++row) {
      validity[row / 64] &= ~(std::uint64_t{1} << (row % 64));
    }
  }
  void set_valid(idx_t row) const { validity[row / 64] |= std::uint64_t{1} << (row % 64); }
  void set_copy(idx_t row, std::string_view text) const {
    duckdb_vector_assign_string_element_len(vector, row, text.data(), text.size());
  }

  duckdb_vector vector;
  void* data;
  std::uint64_t* validity = nullptr;
};

/// A stored column that a column of the table draws from, and its page at hand.
struct Piece {
  std::uint32_t column = 0;
  ValueKind kind = ValueKind::text;
  const Dictionary* dictionary = nullptr;  // Pinned; null for numbers.
  std::uint32_t page = no_page;
  std::shared_ptr<const CodePage> codes;
  std::shared_ptr<const NumberPage> numbers;
};

/// What one part has to offer to each projected column.
struct PartPlan {
  std::vector<std::vector<Piece>> pieces;  // By position in the projection.
  const IdTable* ids = nullptr;            // Pinned; null unless asked for.
  std::vector<duckdb_string_t> persons;    // By entry of ids.
  std::vector<duckdb_string_t> names;      // Empty unless asked for.
};

/// Whose id each entry is.
Result<std::vector<PersonOrdinal>> owners_of_ids(const Part& part, const IdTable& ids) {
  std::vector<PersonOrdinal> owners(ids.entries.size());
  for (std::size_t p = 0; p < part.persons().size(); ++p) {
    for (std::uint32_t i = ids.first[p]; i < ids.first[p + 1]; ++i) owners[i] = part.persons()[p];
  }
  HF_TRY(const auto shared, part.shared_runs());
  for (const SharedRun& run : shared) {
    const std::uint32_t first = ids.first[run.position];
    const std::size_t count =
        std::min<std::size_t>(run.owners.size(), ids.first[run.position + 1] - first);
    for (std::size_t i = 0; i < count; ++i) owners[first + i] = run.owners[i].person;
  }
  return owners;
}

}  // namespace

/// How the events of each owner are called: by the person they belong to.
class EventsTable::PersonNames {
 public:
  /// Errors: those of Part's readers.
  static Result<std::unique_ptr<PersonNames>> gather(const Snapshot& snapshot) {
    auto out = std::make_unique<PersonNames>();
    out->belonging_ = snapshot.belonging;
    if (!snapshot.belonging) return out;
    const auto& of = snapshot.belonging->of;
    for (PersonOrdinal owner = 0; owner < of.size(); ++owner) {
      if (of[owner] != owner && of[owner] != Belonging::nobody) out->names_.try_emplace(of[owner]);
    }
    if (out->names_.empty()) return out;
    for (const auto& part : snapshot.parts) {
      HF_TRY(const auto ids, part->ids());
      HF_TRY(const auto owners, owners_of_ids(*part, *ids));
      for (std::size_t i = 0; i < owners.size(); ++i) out->note(owners[i], ids->entries[i]);
    }
    return out;
  }

  [[nodiscard]] std::string_view of(PersonOrdinal owner, const IdTable& ids,
                                    std::size_t entry) const {
    if (belonging_ && belonging_->person(owner) != owner) {
      const auto found = names_.find(belonging_->person(owner));
      if (found != names_.end()) return found->second.id;
    }
    return id_of(ids.entries[entry]);
  }

 private:
  struct Name {
    int rank = 4;  // 0: the person's own id; 1: a user id of it; 2: an anonymous one; 4: none yet.
    std::string id;
  };
  static std::string_view id_of(const IdTable::Entry& entry) {
    return entry.user_id.empty() ? entry.anonymous_id : entry.user_id;
  }
  void note(PersonOrdinal owner, const IdTable::Entry& entry) {
    const PersonOrdinal person = belonging_->person(owner);
    const auto found = names_.find(person);
    if (found == names_.end()) return;
    const int rank = owner == person ? 0 : entry.user_id.empty() ? 2 : 1;
    Name& name = found->second;
    if (std::pair(rank, id_of(entry)) < std::pair(name.rank, std::string_view(name.id))) {
      name = {rank, std::string(id_of(entry))};
    }
  }

  std::shared_ptr<const Belonging> belonging_;
  std::map<PersonOrdinal, Name> names_;  // Of those who have others' events.
};

struct EventsTable::GlobalScan {
  /// Rows of one page.
  struct Unit {
    std::uint32_t part;
    RowNumber first_row;
    std::uint32_t rows;
  };
  std::vector<const Column*> projection;  // Null: a column without values, for count(*).
  std::vector<PartPlan> parts;
  std::vector<Unit> units;
  std::atomic<std::size_t> next_unit = 0;
  std::unique_ptr<OrderedScan> ordered;
};

/// Copies rows of one part into chunks. Holds the pages it reads, because rows of an ordered scan
/// come in short runs.
class EventsTable::RowReader {
 public:
  RowReader(const Part& part, const GlobalScan& global, const PartPlan& plan)
      : part_(&part), projection_(&global.projection), plan_(&plan), pieces_(plan.pieces) {}

  /// Requires rows of one page.
  Result<void> read(RowNumber first_row, std::uint32_t count, duckdb_data_chunk output, idx_t to) {
    const std::uint32_t page = first_row / page_rows;
    if (page != page_) HF_CHECK(turn_to(page));
    const std::uint32_t first = first_row % page_rows;
    for (std::size_t i = 0; i < projection_->size(); ++i) {
      const Column* column = (*projection_)[i];
      if (column == nullptr) continue;
      Output out(duckdb_data_chunk_get_vector(output, i));
      switch (column->source) {
        case Column::Source::person: write_person(out, first_row, first, count, to); break;
        case Column::Source::event:
          for (std::uint32_t n = 0; n < count; ++n) {
            out.at<duckdb_string_t>(to + n) = plan_->names[names_->codes[first + n]];
          }
          break;
        case Column::Source::time: write_instants(out, *times_, first, count, to); break;
        case Column::Source::received_at:
          write_instants(out, *received_at_, first, count, to);
          break;
        case Column::Source::message_id: write_message_ids(out, first, count, to); break;
        case Column::Source::channel:
        case Column::Source::property:
          out.clear(to, count);
          for (Piece& piece : pieces_[i]) {
            HF_CHECK(turn_to(piece, page));
            write_piece(out, *column, piece, first, count, to);
          }
          break;
      }
    }
    return {};
  }

 private:
  Result<void> turn_to(std::uint32_t page) {
    for (const Column* column : *projection_) {
      if (column == nullptr) continue;
      switch (column->source) {
        case Column::Source::person: {
          HF_TRY(id_codes_, part_->codes(*part_->find(ColumnRole::id_code), page));
          break;
        }
        case Column::Source::event: {
          HF_TRY(names_, part_->name_codes(page));
          break;
        }
        case Column::Source::time: {
          HF_TRY(times_, part_->times(page));
          break;
        }
        case Column::Source::received_at: {
          HF_TRY(received_at_, part_->received_at(page));
          break;
        }
        case Column::Source::message_id:
          if (const auto at = part_->find(ColumnRole::message_id)) {
            HF_TRY(message_ids_, part_->texts(*at, page));
          }
          break;
        case Column::Source::channel:
        case Column::Source::property: break;
      }
    }
    page_ = page;
    return {};
  }

  Result<void> turn_to(Piece& piece, std::uint32_t page) const {
    if (piece.page == page) return {};
    if (piece.kind == ValueKind::number) {
      HF_TRY(piece.numbers, part_->numbers(piece.column, page));
    } else {
      HF_TRY(piece.codes, part_->codes(piece.column, page));
    }
    piece.page = page;
    return {};
  }

  void write_person(const Output& out, RowNumber first_row, std::uint32_t first,
                    std::uint32_t count, idx_t to) const {
    const auto offsets = part_->row_offsets();
    auto person = std::ranges::upper_bound(offsets, first_row) - offsets.begin() - 1;
    for (std::uint32_t n = 0; n < count; ++n) {
      while (offsets[person + 1] <= first_row + n) ++person;
      out.at<duckdb_string_t>(to + n) =
          plan_->persons[plan_->ids->first[person] + id_codes_->codes[first + n]];
    }
  }

  static void write_instants(const Output& out, const TimePage& page, std::uint32_t first,
                             std::uint32_t count, idx_t to) {
    constexpr std::int64_t micros_per_ms = 1'000;
    for (std::uint32_t n = 0; n < count; ++n) {
      out.at<std::int64_t>(to + n) = page.values[first + n] * micros_per_ms;
    }
  }

  void write_message_ids(Output& out, std::uint32_t first, std::uint32_t count, idx_t to) const {
    out.clear(to, count);
    if (!message_ids_) return;
    for (std::uint32_t n = 0; n < count; ++n) {
      const std::string_view id = message_ids_->at(first + n);
      if (id.empty()) continue;
      out.set_valid(to + n);
      out.set_copy(to + n, id);  // Pages of message ids are let go, unlike dictionaries.
    }
  }

  static void write_piece(const Output& out, const Column& column, const Piece& piece,
                          std::uint32_t first, std::uint32_t count, idx_t to) {
    if (piece.kind == ValueKind::number) {
      for (std::uint32_t n = 0; n < count; ++n) {
        if (!piece.numbers->has(first + n)) continue;
        out.set_valid(to + n);
        write_number(out, column, *piece.numbers, first + n, to + n);
      }
      return;
    }
    for (std::uint32_t n = 0; n < count; ++n) {
      const std::uint32_t code = piece.codes->codes[first + n];
      if (code == CodePage::missing) continue;
      out.set_valid(to + n);
      if (column.shape == Column::Shape::boolean) {
        out.at<bool>(to + n) = code == 1;
      } else {
        out.at<duckdb_string_t>(to + n) = string_of(piece.dictionary->at(code));
      }
    }
  }

  static void write_number(const Output& out, const Column& column, const NumberPage& page,
                           std::uint32_t row, idx_t to) {
    const int scale = page.scales.empty() ? page.scale : page.scales[row];
    if (column.shape == Column::Shape::text) {
      out.set_copy(to, page.at(row).to_string());
      return;
    }
    std::int64_t units = page.units[row];
    if (scale > column.scale) {
      // The column's scale is that of canonical values; a page may write them with more zeros.
      units /= power_of_ten[scale - column.scale];
    } else if (column.shape == Column::Shape::decimal128) {
      const Int128 wide = static_cast<Int128>(units) * power_of_ten[column.scale - scale];
      out.at<duckdb_hugeint>(to) = {static_cast<std::uint64_t>(wide),
                                    static_cast<std::int64_t>(wide >> 64)};
      return;
    } else {
      units *= power_of_ten[column.scale - scale];
    }
    if (column.shape == Column::Shape::decimal128) {
      out.at<duckdb_hugeint>(to) = {static_cast<std::uint64_t>(units), units < 0 ? -1 : 0};
    } else {
      out.at<std::int64_t>(to) = units;
    }
  }

  const Part* part_;
  const std::vector<const Column*>* projection_;
  const PartPlan* plan_;
  std::vector<std::vector<Piece>> pieces_;
  std::uint32_t page_ = no_page;
  std::shared_ptr<const CodePage> id_codes_;
  std::shared_ptr<const NamePage> names_;
  std::shared_ptr<const TimePage> times_;
  std::shared_ptr<const TimePage> received_at_;
  std::shared_ptr<const TextPage> message_ids_;
};

/// One thread's place in an unordered scan.
struct EventsTable::PageScan {
  GlobalScan::Unit unit = {};
  std::uint32_t next = 0;  // Of the unit's rows; at its end: take another one.
  std::optional<RowReader> reader;

  Result<idx_t> fill(const EventsTable& table, GlobalScan& global, duckdb_data_chunk output) {
    if (next == unit.rows) {
      const std::size_t i = global.next_unit.fetch_add(1);
      if (i >= global.units.size()) return 0;
      unit = global.units[i];
      next = 0;
      reader.emplace(*table.snapshot_.parts[unit.part], global, global.parts[unit.part]);
    }
    const auto count =
        std::min<std::uint32_t>(unit.rows - next, static_cast<std::uint32_t>(duckdb_vector_size()));
    HF_CHECK(reader->read(unit.first_row + next, count, output, 0));
    next += count;
    return count;
  }
};

/// The place of an ordered scan: runs of rows, merged a window of persons at a time.
struct EventsTable::OrderedScan {
  struct Run {
    std::uint32_t part;
    RowNumber first_row;
    std::uint32_t count;
  };
  struct Times {
    std::uint32_t page = no_page;
    std::shared_ptr<const TimePage> values;
  };
  PersonOrdinal next_person = 0;
  std::deque<Run> runs;
  std::vector<RowReader> readers;
  std::vector<Times> times;

  Result<TimestampMs> time(const Snapshot& snapshot, std::uint32_t part, RowNumber row) {
    Times& at = times[part];
    if (at.page != row / page_rows) {
      HF_TRY(at.values, snapshot.parts[part]->times(row / page_rows));
      at.page = row / page_rows;
    }
    return at.values->values[row % page_rows];
  }

  void append(std::uint32_t part, RowNumber row, std::uint32_t count) {
    if (!runs.empty() && runs.back().part == part &&
        runs.back().first_row + runs.back().count == row) {
      runs.back().count += count;
    } else {
      runs.push_back({part, row, count});
    }
  }

  /// Merges one person's runs by time; among equal times the earlier part is first.
  Result<void> merge(const Snapshot& snapshot, std::span<const PersonRun> of_person) {
    struct Head {
      PersonRun run;
      TimestampMs time;
    };
    std::vector<Head> heads;
    for (const PersonRun& run : of_person) {
      HF_TRY(const TimestampMs first, time(snapshot, run.part, run.first_row));
      heads.push_back({run, first});
    }
    while (!heads.empty()) {
      const auto head = std::ranges::min_element(heads, {}, &Head::time);
      append(head->run.part, head->run.first_row, 1);
      ++head->run.first_row;
      if (--head->run.row_count == 0) {
        heads.erase(head);
        continue;
      }
      HF_TRY(head->time, time(snapshot, head->run.part, head->run.first_row));
    }
    return {};
  }

  Result<void> refill(const Snapshot& snapshot) {
    while (runs.empty() && next_person < snapshot.person_end) {
      const PersonOrdinal end =
          next_person + std::min(persons_per_window, snapshot.person_end - next_person);
      Result<void> merged;
      for_each_person(snapshot, next_person, end,
                      [&](PersonOrdinal, std::span<const PersonRun> of_person) {
                        if (!merged) return;
                        if (of_person.size() == 1) {
                          append(of_person[0].part, of_person[0].first_row, of_person[0].row_count);
                        } else {
                          merged = merge(snapshot, of_person);
                        }
                      });
      HF_CHECK(std::move(merged));
      next_person = end;
    }
    return {};
  }

  Result<idx_t> fill(const EventsTable& table, duckdb_data_chunk output) {
    const idx_t size = duckdb_vector_size();
    idx_t filled = 0;
    while (filled < size) {
      if (runs.empty()) HF_CHECK(refill(table.snapshot_));
      if (runs.empty()) break;
      Run& run = runs.front();
      const idx_t on_page = page_rows - run.first_row % page_rows;
      const idx_t room = std::min(size - filled, on_page);
      const auto count = static_cast<std::uint32_t>(std::min<idx_t>(run.count, room));
      HF_CHECK(readers[run.part].read(run.first_row, count, output, filled));
      filled += count;
      run.first_row += count;
      run.count -= count;
      if (run.count == 0) runs.pop_front();
    }
    return filled;
  }
};

namespace {

/// The rows of a part that belong to anybody, cut at pages.
void add_units(const Snapshot& snapshot, std::uint32_t part, auto& units) {
  const auto add = [&](RowNumber first, RowNumber end) {
    while (first < end) {
      const RowNumber page_end = std::min<RowNumber>(end, (first / page_rows + 1) * page_rows);
      units.push_back({part, first, page_end - first});
      first = page_end;
    }
  };
  if (!snapshot.moved || !snapshot.moved->hides[part]) {
    return add(0, snapshot.parts[part]->row_count());
  }
  RowNumber first = 0;
  RowNumber end = 0;
  for (const VisibleRun& run : visible_runs(snapshot, part)) {
    if (run.first_row != end) {
      add(first, end);
      first = run.first_row;
    }
    end = run.first_row + run.row_count;
  }
  add(first, end);
}

}  // namespace

EventsTable::EventsTable(Snapshot snapshot, Order order, Numbers numbers)
    : snapshot_(std::move(snapshot)), order_(order) {
  using enum Column::Source;
  using enum Column::Shape;
  columns_ = {{.name = "person", .source = person},
              {.name = "event", .source = event},
              {.name = "time", .source = time, .shape = instant},
              {.name = "received_at", .source = received_at, .shape = instant},
              {.name = "message_id", .source = message_id},
              {.name = "channel", .source = channel}};
  add_properties(numbers);
}

EventsTable::~EventsTable() = default;

void EventsTable::add_properties(Numbers numbers) {
  std::map<std::string, PropertySummary> properties;
  for (const auto& part : snapshot_.parts) {
    for (const ColumnInfo& info : part->columns()) {
      if (info.role != ColumnRole::property || info.value_count == 0) continue;
      PropertySummary& property = properties[info.property];
      property.kinds.insert(info.kind);
      if (info.kind != ValueKind::number) continue;
      property.scale = std::max(property.scale, info.scale_max);
      property.bounds.insert(property.bounds.end(), {info.number_min, info.number_max});
    }
  }
  std::set<std::string> taken;
  for (const Column& column : columns_) taken.insert(column.name);
  for (const auto& [name, property] : properties) {
    std::string as = without_nul(name);
    // DuckDB's names are equal regardless of the case of ASCII letters.
    if (as.empty() || taken.contains(lowered(as))) as.insert(0, "properties.");
    const std::string prefixed = as;
    for (int n = 2; taken.contains(lowered(as)); ++n) as = prefixed + "_" + std::to_string(n);
    taken.insert(lowered(as));
    columns_.push_back({.name = as,
                        .source = Column::Source::property,
                        .shape = shape_of(property, numbers),
                        .scale = property.scale,
                        .property = name,
                        .only_text = property.only(ValueKind::text)});
  }
}

std::string EventsTable::note(Error error) {
  std::string message = error.message;
  const auto first = error_.lock();
  if (!first->has_value()) *first = std::move(error);
  return message;
}

Result<std::unique_ptr<EventsTable>> EventsTable::attach(Session& session, const Snapshot& snapshot,
                                                         Order order, Numbers numbers) {
  std::unique_ptr<EventsTable> table(new EventsTable(snapshot, order, numbers));
  HF_TRY(table->person_names_, PersonNames::gather(snapshot));
  Owned<duckdb_table_function, duckdb_destroy_table_function> function(
      duckdb_create_table_function());
  duckdb_table_function_set_name(function.get(), function_name);
  duckdb_table_function_set_extra_info(function.get(), table.get(), nullptr);
  duckdb_table_function_set_bind(function.get(), bind);
  duckdb_table_function_set_init(function.get(), init);
  duckdb_table_function_set_local_init(function.get(), init_local);
  duckdb_table_function_set_function(function.get(), scan);
  duckdb_table_function_supports_projection_pushdown(function.get(), true);
  if (duckdb_register_table_function(session.connection(), function.get()) != DuckDBSuccess) {
    return fail(ErrorCode::unavailable, "sql_engine", "the SQL engine refuses the events table");
  }
  duckdb_add_replacement_scan(session.database(), replace, nullptr, nullptr);
  session.on_failure([t = table.get()] { return t->error(); });
  return table;
}

void EventsTable::replace(duckdb_replacement_scan_info info, const char* name, void*) {
  if (lowered(name) == "events") duckdb_replacement_scan_set_function_name(info, function_name);
}

void EventsTable::bind(duckdb_bind_info info) {
  const auto& table = *static_cast<EventsTable*>(duckdb_bind_get_extra_info(info));
  for (const Column& column : table.columns_) {
    const LogicalType type = logical_type(column);
    duckdb_bind_add_result_column(info, column.name.c_str(), type.get());
  }
  idx_t rows = 0;
  for (const auto& part : table.snapshot_.parts) rows += part->row_count();
  duckdb_bind_set_cardinality(info, rows, true);
}

void EventsTable::init(duckdb_init_info info) {
  auto& table = *static_cast<EventsTable*>(duckdb_init_get_extra_info(info));
  auto global = std::make_unique<GlobalScan>();
  for (idx_t i = 0; i < duckdb_init_get_column_count(info); ++i) {
    const idx_t column = duckdb_init_get_column_index(info, i);
    global->projection.push_back(column < table.columns_.size() ? &table.columns_[column]
                                                                : nullptr);
  }
  const auto pin = [&table](std::shared_ptr<const CachedPage> page) {
    table.pinned_.lock()->push_back(std::move(page));
  };
  const auto plan_part = [&](const Part& part, PartPlan& plan) -> Result<void> {
    const auto add_piece = [&](std::uint32_t at, ValueKind kind) -> Result<void> {
      Piece& piece = plan.pieces.back().emplace_back(Piece{.column = at, .kind = kind});
      if (kind == ValueKind::number) return {};
      HF_TRY(auto dictionary, part.dictionary(at));
      piece.dictionary = dictionary.get();
      pin(std::move(dictionary));
      return {};
    };
    for (const Column* column : global->projection) {
      plan.pieces.emplace_back();
      if (column == nullptr) continue;
      if (column->source == Column::Source::person && plan.ids == nullptr) {
        HF_TRY(auto ids, part.ids());
        plan.ids = ids.get();
        pin(std::move(ids));
        HF_TRY(const auto owners, owners_of_ids(part, *plan.ids));
        for (std::size_t i = 0; i < owners.size(); ++i) {
          plan.persons.push_back(string_of(table.person_names_->of(owners[i], *plan.ids, i)));
        }
      } else if (column->source == Column::Source::event && plan.names.empty()) {
        for (const NameInfo& name : part.names()) plan.names.push_back(string_of(name.name));
      } else if (column->source == Column::Source::channel) {
        if (const auto at = part.find(ColumnRole::channel)) {
          HF_CHECK(add_piece(*at, ValueKind::text));
        }
      } else if (column->source == Column::Source::property) {
        for (const std::uint32_t at : part.find_property(column->property)) {
          if (part.columns()[at].value_count == 0) continue;
          HF_CHECK(add_piece(at, part.columns()[at].kind));
        }
      }
    }
    return {};
  };
  for (const auto& part : table.snapshot_.parts) {
    if (auto planned = plan_part(*part, global->parts.emplace_back()); !planned) {
      duckdb_init_set_error(info, table.note(std::move(planned).error()).c_str());
      return;
    }
  }
  if (table.order_ == Order::person_by_time) {
    global->ordered = std::make_unique<OrderedScan>();
    global->ordered->times.resize(global->parts.size());
    for (std::size_t i = 0; i < global->parts.size(); ++i) {
      global->ordered->readers.emplace_back(*table.snapshot_.parts[i], *global, global->parts[i]);
    }
    duckdb_init_set_max_threads(info, 1);
  } else {
    for (std::uint32_t i = 0; i < table.snapshot_.parts.size(); ++i) {
      add_units(table.snapshot_, i, global->units);
    }
    duckdb_init_set_max_threads(info, std::max<idx_t>(1, global->units.size()));
  }
  duckdb_init_set_init_data(info, global.release(),
                            [](void* data) { delete static_cast<GlobalScan*>(data); });
}

void EventsTable::init_local(duckdb_init_info info) {
  duckdb_init_set_init_data(info, new PageScan(),
                            [](void* data) { delete static_cast<PageScan*>(data); });
}

void EventsTable::scan(duckdb_function_info info, duckdb_data_chunk output) {
  auto& table = *static_cast<EventsTable*>(duckdb_function_get_extra_info(info));
  auto& global = *static_cast<GlobalScan*>(duckdb_function_get_init_data(info));
  auto& local = *static_cast<PageScan*>(duckdb_function_get_local_init_data(info));
  auto rows =
      global.ordered ? global.ordered->fill(table, output) : local.fill(table, global, output);
  if (!rows) {
    duckdb_function_set_error(info, table.note(std::move(rows).error()).c_str());
    return;
  }
  duckdb_data_chunk_set_size(output, *rows);
}

}  // namespace hf::duckdb
