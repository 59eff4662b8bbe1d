// SPDX-License-Identifier: Apache-2.0
#include "service/row_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "base/assert.h"
#include "event/segment_call.h"

namespace hf {
namespace {

bool is_all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// "17850.0" as "17850": how spreadsheets spoil numeric ids.
std::string_view without_zero_fraction(std::string_view id) {
  const std::size_t point = id.find('.');
  if (point == std::string_view::npos || point == 0) return id;
  if (id.substr(point + 1).find_first_not_of('0') != std::string_view::npos) return id;
  return is_all_digits(id.substr(0, point)) ? id.substr(0, point) : id;
}

/// Why a row does not become an event, before its place is known.
struct Refusal {
  std::uint32_t column = 0;
  std::string_view reason;
  std::string message;
};

/// Assembles events from fields and holds them to what every source must hold to.
class EventAssembler {
 public:
  EventAssembler(const ImportMapping& mapping, std::shared_ptr<const Zone> zone)
      : mapping_(mapping), zone_(std::move(zone)) {}

  void begin() {
    event_ = {};
    event_.name = mapping_.constant_event;
    event_.channel = mapping_.constant_channel;
    properties_.clear();
    numbers_.clear();
    refusal_.reset();
    has_time_ = false;
  }

  /// A field as text: a CSV cell. `quoted` empty cells are empty texts, others are missing.
  void add_cell(const FieldMapping& field, std::uint32_t column, std::string_view cell,
                bool quoted) {
    if (field.role == FieldRole::property) {
      if (cell.empty() && !(quoted && field.type == CellType::text)) return;
      properties_.push_back({field.property, typed(field.type, cell)});
      return;
    }
    if (field.role == FieldRole::ignored) return;
    cell = trimmed(cell);
    if (cell.empty()) return;
    add_role(field, column, cell);
  }

  /// A field that brings its own type: JSON, SQL.
  void add_value(const FieldMapping& field, std::uint32_t column, std::string_view name,
                 const ValueView& value) {
    if (field.role == FieldRole::property) {
      properties_.push_back({name, value});
    } else if (field.role != FieldRole::ignored) {
      add_role(field, column, text_of(value));
    }
  }

  void add_property(std::string_view name, const ValueView& value) {
    properties_.push_back({name, value});
  }

  [[nodiscard]] bool is_distinct(std::string_view property) const {
    return std::ranges::count(properties_, property, &PropertyView::name) < 2;
  }

  void add_time(FieldRole role, std::uint32_t column, TimestampMs time) {
    if (time < timestamp_min_ms || time >= timestamp_end_ms) {
      return refuse(column, "time_out_of_range", "a time outside 1970 to 2100");
    }
    set_time(role, time);
  }

  void refuse(std::uint32_t column, std::string_view reason, std::string message) {
    if (!refusal_) refusal_ = Refusal{column, reason, std::move(message)};
  }

  /// The event, or why there is none.
  [[nodiscard]] std::expected<EventView, Refusal> finish() {
    if (!refusal_ && !has_time_) refuse(0, "missing_time", "the row has no time");
    if (refusal_) return std::unexpected(std::move(*refusal_));
    event_.properties = properties_;
    if (const auto valid = validate(event_); !valid) {
      return std::unexpected(Refusal{0, valid.error().reason, valid.error().message});
    }
    return event_;
  }

  [[nodiscard]] std::uint64_t cells_kept_as_text() const { return cells_kept_as_text_; }

 private:
  ValueView typed(CellType type, std::string_view cell) {
    if (type == CellType::text) return {.kind = ValueKind::text, .text = cell};
    const std::string_view word = trimmed(cell);
    if (type == CellType::boolean) {
      if (word == "true" || word == "TRUE" || word == "True") {
        return {.kind = ValueKind::boolean, .boolean = true};
      }
      if (word == "false" || word == "FALSE" || word == "False") {
        return {.kind = ValueKind::boolean, .boolean = false};
      }
    } else if (!has_leading_zero(word)) {
      if (const auto number = parse_decimal(word)) {
        return {.kind = ValueKind::number, .number = *number};
      }
      if (is_number(word)) {
        numbers_.push_back(canonical_number(word));
        return {.kind = ValueKind::big_number, .text = numbers_.back()};
      }
    }
    ++cells_kept_as_text_;
    return {.kind = ValueKind::text, .text = cell};
  }

  // 007 would read back as 7: a name, not a quantity.
  static bool has_leading_zero(std::string_view word) {
    if (word.starts_with('-') || word.starts_with('+')) word.remove_prefix(1);
    return word.size() > 1 && word[0] == '0' && word[1] >= '0' && word[1] <= '9';
  }

  std::string_view text_of(const ValueView& value) {
    if (value.kind != ValueKind::number && value.kind != ValueKind::boolean) return value.text;
    numbers_.push_back(canonical_text(value));
    return numbers_.back();
  }

  void add_role(const FieldMapping& field, std::uint32_t column, std::string_view text) {
    switch (field.role) {
      case FieldRole::person:
        event_.user_id = field.integral_id ? without_zero_fraction(text) : text;
        break;
      case FieldRole::anonymous:
        event_.anonymous_id = field.integral_id ? without_zero_fraction(text) : text;
        break;
      case FieldRole::event: event_.name = text; break;
      case FieldRole::message_id: event_.message_id = text; break;
      case FieldRole::channel: event_.channel = text; break;
      case FieldRole::time:
      case FieldRole::received_at: {
        const auto time = parse_time(text, field.time, *zone_);
        if (time) return set_time(field.role, *time);
        if (time.error() == TimeError::out_of_range) {
          return refuse(column, "time_out_of_range", "a time outside 1970 to 2100");
        }
        return refuse(column, "invalid_time", fmt::format("\"{}\" is no time", field.column));
      }
      case FieldRole::property:
      case FieldRole::ignored: break;
    }
  }

  void set_time(FieldRole role, TimestampMs time) {
    if (role == FieldRole::received_at) {
      event_.received_at_ms = time;
    } else {
      event_.time_ms = time;
      has_time_ = true;
    }
  }

  const ImportMapping& mapping_;
  std::shared_ptr<const Zone> zone_;
  EventView event_;
  std::vector<PropertyView> properties_;
  std::deque<std::string> numbers_;  // A deque: views into it stay valid.
  std::optional<Refusal> refusal_;
  bool has_time_ = false;
  std::uint64_t cells_kept_as_text_ = 0;
};

using Next = Result<std::variant<End, EventRow, RejectedRow>>;

Next event_or_refusal(EventAssembler& assembler, std::uint64_t line, std::uint64_t offset,
                      std::string_view text) {
  auto event = assembler.finish();
  if (event) return EventRow{*event, text, line};
  Refusal& why = event.error();
  return RejectedRow{
      line, offset, why.column, why.reason, std::move(why.message), excerpt_of(text)};
}

class CsvRows final : public RowSource {
 public:
  CsvRows(std::unique_ptr<ByteSource> bytes, const ImportMapping& mapping,
          std::shared_ptr<const Zone> zone)
      : reader_(std::move(bytes), mapping.dialect),
        mapping_(mapping),
        assembler_(mapping, std::move(zone)) {}

  Result<void> start(RowPosition at) {
    if (at.offset > 0) {
      std::vector<std::string> names;
      for (const FieldMapping& field : mapping_.fields) names.push_back(field.column);
      reader_.resume_at(at, std::move(names));
      return {};
    }
    if (!mapping_.dialect.header) return {};
    HF_TRY(const auto header, reader_.header());
    if (header.empty()) return {};
    if (!std::ranges::equal(header, mapping_.fields, {}, {}, &FieldMapping::column)) {
      return fail(ErrorCode::invalid_argument, "other_columns",
                  "the files do not have the same columns: import them one by one");
    }
    return {};
  }

  Next next() override {
    HF_TRY(auto next, reader_.next());
    if (auto* row = std::get_if<CsvRow>(&next)) {
      assembler_.begin();
      const std::size_t n = std::min(row->fields.size(), mapping_.fields.size());
      for (std::size_t i = 0; i < n; ++i) {
        assembler_.add_cell(mapping_.fields[i], static_cast<std::uint32_t>(i + 1), row->fields[i],
                            row->quoted[i] != 0);
      }
      return event_or_refusal(assembler_, row->line, row->offset, row->text);
    }
    if (auto* rejected = std::get_if<RejectedRow>(&next)) return std::move(*rejected);
    return End{};
  }

  RowPosition position() const override { return reader_.position(); }
  std::uint64_t consumed() const override { return reader_.source().consumed(); }
  std::uint64_t cells_kept_as_text() const override { return assembler_.cells_kept_as_text(); }

 private:
  CsvReader reader_;
  const ImportMapping& mapping_;
  EventAssembler assembler_;
};

class JsonRows final : public RowSource {
 public:
  JsonRows(std::unique_ptr<ByteSource> bytes, const ImportMapping& mapping,
           std::shared_ptr<const Zone> zone)
      : reader_(std::move(bytes)), assembler_(mapping, std::move(zone)), mapping_(mapping) {
    for (const FieldMapping& field : mapping.fields) {
      by_name_.emplace(field.column, &field);
      if (field.role == FieldRole::property && field.property != field.column) {
        renamed_.push_back(field.property);
      }
    }
  }

  void start(RowPosition at) {
    if (at.offset > 0) reader_.resume_at(at);
  }

  Next next() override {
    HF_TRY(auto next, reader_.next());
    if (auto* rejected = std::get_if<RejectedRow>(&next)) return std::move(*rejected);
    auto* row = std::get_if<JsonRow>(&next);
    if (row == nullptr) return End{};
    if (row->call) return call(*row);
    assembler_.begin();
    for (const PropertyView& field : row->fields) {
      const auto found = by_name_.find(field.name);
      if (found == by_name_.end()) {
        assembler_.add_property(field.name, field.value);
      } else {
        const FieldMapping& mapping = *found->second;
        assembler_.add_value(
            mapping, 0,
            mapping.property == mapping.column ? field.name : std::string_view(mapping.property),
            field.value);
      }
    }
    for (const std::string_view name : renamed_) {
      if (!assembler_.is_distinct(name)) {
        assembler_.refuse(0, "duplicate_key",
                          fmt::format("two fields are the property \"{}\"", name));
      }
    }
    return event_or_refusal(assembler_, row->line, row->offset, row->text);
  }

  RowPosition position() const override { return reader_.position(); }
  std::uint64_t consumed() const override { return reader_.source().consumed(); }
  std::uint64_t cells_kept_as_text() const override { return 0; }

 private:
  Next call(const JsonRow& row) {
    auto event = to_event(*row.call, row.fields, call_buffer_);
    Result<void> valid = event ? validate(*event) : Result<void>(std::unexpected(event.error()));
    if (!valid) {
      return RejectedRow{row.line,
                         row.offset,
                         0,
                         valid.error().reason,
                         valid.error().message,
                         excerpt_of(row.text)};
    }
    if (event->channel.empty()) event->channel = mapping_.constant_channel;
    return EventRow{*event, row.text, row.line};
  }

  JsonRowReader reader_;
  EventAssembler assembler_;
  const ImportMapping& mapping_;
  CallBuffer call_buffer_;
  std::unordered_map<std::string_view, const FieldMapping*> by_name_;
  std::vector<std::string_view> renamed_;  // Names a row may also have of its own.
};

class TableRows final : public RowSource {
 public:
  TableRows(std::unique_ptr<TableCursor> cursor, const ImportMapping& mapping,
            std::shared_ptr<const Zone> zone)
      : cursor_(std::move(cursor)),
        mapping_(mapping),
        zone_(std::move(zone)),
        assembler_(mapping, zone_) {}

  Next next() override {
    HF_TRY(const auto cells, cursor_->next());
    if (cells.empty()) return End{};
    ++rows_;
    assembler_.begin();
    times_.clear();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const FieldMapping& field = mapping_.fields[i];
      const TableCell& cell = cells[i];
      const auto column = static_cast<std::uint32_t>(i + 1);
      switch (cell.kind) {
        case TableCell::Kind::null: break;
        case TableCell::Kind::value:
          if (field.role != FieldRole::property && cell.value.kind == ValueKind::text) {
            assembler_.add_cell(field, column, cell.value.text, true);
          } else {
            assembler_.add_value(field, column, field.property, cell.value);
          }
          break;
        case TableCell::Kind::local_time: add_time(field, column, cell.time_ms, true); break;
        case TableCell::Kind::instant: add_time(field, column, cell.time_ms, false); break;
      }
    }
    text_.clear();
    if (mapping_.identify_rows) describe(cells);
    return event_or_refusal(assembler_, rows_, 0, text_);
  }

  RowPosition position() const override { return {.line = rows_ + 1, .offset = 0}; }
  std::uint64_t consumed() const override { return rows_; }
  std::uint64_t cells_kept_as_text() const override { return 0; }

 private:
  void add_time(const FieldMapping& field, std::uint32_t column, std::int64_t time, bool local) {
    if (field.role == FieldRole::time || field.role == FieldRole::received_at) {
      const bool sane =
          time >= timestamp_min_ms - ms_per_day && time < timestamp_end_ms + ms_per_day;
      assembler_.add_time(field.role, column, local && sane ? zone_->from_local(time) : time);
    } else {
      times_.push_back(time_text(time, local));
      assembler_.add_value(field, column, field.property,
                           {.kind = ValueKind::text, .text = times_.back()});
    }
  }

  // A time that is a property stays what it is: a local reading without, an instant with its zone.
  static std::string time_text(std::int64_t time, bool local) {
    std::string text = format_rfc3339(time, *Zone::utc());
    if (local && text.ends_with('Z')) text.pop_back();
    return text;
  }

  void describe(std::span<const TableCell> cells) {
    for (const TableCell& cell : cells) {
      const std::string part = cell.kind == TableCell::Kind::null    ? std::string()
                               : cell.kind == TableCell::Kind::value ? canonical_text(cell.value)
                                                                     : std::to_string(cell.time_ms);
      text_ += fmt::format("{}:{}{},", static_cast<int>(cell.kind), part.size(), part);
    }
  }

  std::unique_ptr<TableCursor> cursor_;
  const ImportMapping& mapping_;
  std::shared_ptr<const Zone> zone_;
  EventAssembler assembler_;
  std::deque<std::string> times_;
  std::string text_;
  std::uint64_t rows_ = 0;
};

}  // namespace

Result<std::unique_ptr<RowSource>> open_csv_rows(std::unique_ptr<ByteSource> bytes,
                                                 const ImportMapping& mapping,
                                                 std::shared_ptr<const Zone> zone,
                                                 RowPosition start) {
  if (start.offset > 0) HF_CHECK(bytes->skip(start.offset));
  auto rows = std::make_unique<CsvRows>(std::move(bytes), mapping, std::move(zone));
  HF_CHECK(rows->start(start));
  return rows;
}

Result<std::unique_ptr<RowSource>> open_json_rows(std::unique_ptr<ByteSource> bytes,
                                                  const ImportMapping& mapping,
                                                  std::shared_ptr<const Zone> zone,
                                                  RowPosition start) {
  if (start.offset > 0) HF_CHECK(bytes->skip(start.offset));
  auto rows = std::make_unique<JsonRows>(std::move(bytes), mapping, std::move(zone));
  rows->start(start);
  return rows;
}

Result<std::unique_ptr<RowSource>> open_table_rows(std::unique_ptr<TableCursor> cursor,
                                                   const ImportMapping& mapping,
                                                   std::shared_ptr<const Zone> zone) {
  HF_ASSERT(cursor->columns().size() == mapping.fields.size());
  return std::make_unique<TableRows>(std::move(cursor), mapping, std::move(zone));
}

}  // namespace hf
