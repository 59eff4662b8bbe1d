// SPDX-License-Identifier: Apache-2.0
#include "service/import_mapping.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "base/decimal.h"
#include "base/json.h"

namespace hf {
namespace {

constexpr std::string_view role_names[] = {"person",  "anonymous_id", "event",
                                           "time",    "received_at",  "message_id",
                                           "channel", "property",     "ignore"};
constexpr std::string_view type_names[] = {"text", "number", "boolean"};
constexpr std::string_view format_names[] = {"csv", "json", "parquet"};
constexpr std::string_view style_names[] = {"iso",      "compact",  "epoch_s",
                                            "epoch_ms", "epoch_us", "pattern"};

// Names that mean a role, without case and punctuation, the surest first.
constexpr std::array<std::string_view, 18> person_names = {
    "person",     "personid", "userid",   "customerid",  "customer", "memberid",
    "clientid",   "uid",      "user",     "distinctid",  "custid",   "member",
    "customerno", "buyerid",  "playerid", "householdid", "account",  "email"};
constexpr std::array<std::string_view, 5> anonymous_names = {"anonymousid", "visitorid", "deviceid",
                                                             "cookieid", "anonid"};
constexpr std::array<std::string_view, 6> event_names = {"event",  "eventname", "eventtype",
                                                         "action", "activity",  "name"};
constexpr std::array<std::string_view, 16> time_names = {
    "time",      "timestamp",    "ts",          "datetime",
    "eventtime", "occurredat",   "invoicedate", "orderdate",
    "createdat", "purchasedate", "date",        "transactiontimestamp",
    "eventdate", "day",          "orderedat",   "orderpurchasetimestamp"};
constexpr std::array<std::string_view, 3> message_names = {"messageid", "insertid", "eventid"};
constexpr std::array<std::string_view, 1> received_names = {"receivedat"};
constexpr std::array<std::string_view, 1> channel_names = {"channel"};

// A file without an event column whose columns speak of buying is a list of purchases.
constexpr std::array<std::string_view, 9> purchase_words = {
    "invoice", "order", "price", "quantity", "sales", "revenue", "amount", "cds", "dollar"};

std::string plain_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

bool is_all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Numbers that would read back otherwise, 007 above all, are names, not quantities.
bool looks_like_number(std::string_view text) {
  if (!is_number(text)) return false;
  const std::string_view digits =
      text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
  return !(digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9');
}

bool looks_like_boolean(std::string_view text) {
  return text == "true" || text == "false" || text == "TRUE" || text == "FALSE" || text == "True" ||
         text == "False";
}

template <class Test>
bool all_values(const ColumnSample& column, Test&& test) {
  return !column.values.empty() && std::ranges::all_of(column.values, test);
}

std::optional<RecognizedTime> time_of(const ColumnSample& column) {
  if (column.typed_time) return RecognizedTime{};
  if (column.values.empty()) return std::nullopt;
  const std::vector<std::string_view> views(column.values.begin(), column.values.end());
  return recognize_time(views);
}

bool is_epoch(TimeStyle style) {
  return style == TimeStyle::epoch_s || style == TimeStyle::epoch_ms ||
         style == TimeStyle::epoch_us;
}

std::string list_columns(std::span<const ColumnSample> columns) {
  std::string out;
  for (const ColumnSample& column : columns) {
    if (!out.empty()) out += ", ";
    out += column.name;
  }
  return out;
}

class Recognizer {
 public:
  Recognizer(std::span<const ColumnSample> columns, ImportMapping& mapping,
             std::vector<std::string>& remarks)
      : columns_(columns), mapping_(mapping), remarks_(remarks) {
    for (const ColumnSample& column : columns) {
      FieldMapping field;
      field.column = column.name;
      field.property = column.name;
      field.type = mapping.is_table() ? typed_by_source(column) : type_of(column);
      if (!column.values.empty()) field.example = column.values.front();
      mapping.fields.push_back(std::move(field));
    }
  }

  Result<void> apply(const MappingOverrides& overrides) {
    for (const std::string& map : overrides.maps) HF_CHECK(apply_map(map));
    for (const std::string& type : overrides.types) HF_CHECK(apply_type(type));
    return {};
  }

  void recognize_exactly() {
    for (FieldMapping& field : mapping_.fields) {
      const auto* found = std::ranges::find(role_names, std::string_view(field.column));
      const auto role = static_cast<std::size_t>(found - role_names);
      if (role < static_cast<std::size_t>(FieldRole::property)) {
        take(field, static_cast<FieldRole>(role));
      }
    }
  }

  Result<void> recognize_by_looks(const MappingOverrides& overrides) {
    if (!overrides.time_format.empty()) {
      HF_TRY(given_format_, given_time_format(overrides.time_format));
    }
    find_by_name(FieldRole::message_id, message_names);
    find_by_name(FieldRole::received_at, received_names, &Recognizer::is_time);
    find_by_name(FieldRole::channel, channel_names);
    find_by_name(FieldRole::person, person_names);
    find_by_name(FieldRole::anonymous, anonymous_names);
    if (mapping_.constant_event.empty()) find_by_name(FieldRole::event, event_names);
    find_by_name(FieldRole::time, time_names, &Recognizer::is_time);
    if (mapping_.find(FieldRole::time) == nullptr) find_time_by_content();
    // Nothing speaks against the name of a column without values.
    find_by_name(FieldRole::time, time_names, &Recognizer::is_empty);
    find_by_name(FieldRole::received_at, received_names, &Recognizer::is_empty);
    if (mapping_.find(FieldRole::event) == nullptr && mapping_.constant_event.empty() &&
        speaks_of_buying()) {
      mapping_.constant_event = "purchase";
      remarks_.emplace_back(
          "no event column; the columns speak of buying: every row is a purchase");
    }
    return {};
  }

  Result<void> finish(const MappingOverrides& overrides) {
    if (mapping_.find(FieldRole::person) == nullptr &&
        mapping_.find(FieldRole::anonymous) == nullptr) {
      return missing("unmapped_person", "no column is known to name the person", "person=COLUMN");
    }
    if (mapping_.find(FieldRole::event) == nullptr && mapping_.constant_event.empty()) {
      return missing("unmapped_event", "no column is known to name the event",
                     "event=COLUMN or event==NAME for every row");
    }
    if (mapping_.find(FieldRole::time) == nullptr) {
      return missing("unmapped_time", "no column holds times", "time=COLUMN");
    }
    HF_CHECK(require_distinct_properties());
    for (std::size_t i = 0; i < mapping_.fields.size(); ++i) {
      FieldMapping& field = mapping_.fields[i];
      const ColumnSample& column = columns_[i];
      if (field.role == FieldRole::person || field.role == FieldRole::anonymous) {
        field.integral_id = all_values(column, [](const std::string& value) {
          const std::size_t point = value.find('.');
          const std::string_view fraction = point == std::string::npos
                                                ? std::string_view{}
                                                : std::string_view(value).substr(point + 1);
          return is_all_digits(std::string_view(value).substr(0, point)) &&
                 fraction.find_first_not_of('0') == std::string_view::npos;
        });
      }
      if (field.role == FieldRole::time || field.role == FieldRole::received_at) {
        HF_CHECK(set_time_format(field, column, overrides.time_format));
      }
    }
    return {};
  }

 private:
  // A table's values bring their types; this is only what is shown.
  static CellType typed_by_source(const ColumnSample& column) {
    return column.typed_number ? CellType::number : CellType::text;
  }

  static CellType type_of(const ColumnSample& column) {
    if (column.typed_number) return CellType::number;
    if (all_values(column, looks_like_number)) return CellType::number;
    if (all_values(column, looks_like_boolean)) return CellType::boolean;
    return CellType::text;
  }

  bool is_time(std::size_t column) const {
    // A format the user gave need not read every value: those it does not are rejected.
    if (given_format_ &&
        std::ranges::any_of(columns_[column].values, [&](const std::string& value) {
          return parse_time(value, *given_format_, *Zone::utc()).has_value();
        })) {
      return true;
    }
    return time_of(columns_[column]).has_value();
  }
  bool is_empty(std::size_t column) const { return columns_[column].values.empty(); }
  bool any(std::size_t) const { return true; }

  static void take(FieldMapping& field, FieldRole role) {
    field.role = role;
    field.property.clear();
    field.type = CellType::text;
  }

  void find_by_name(FieldRole role, std::span<const std::string_view> names,
                    bool (Recognizer::*fits)(std::size_t) const = &Recognizer::any) {
    if (mapping_.find(role) != nullptr) return;
    for (const std::string_view name : names) {
      for (std::size_t i = 0; i < mapping_.fields.size(); ++i) {
        FieldMapping& field = mapping_.fields[i];
        if (field.role != FieldRole::property || overridden(field)) continue;
        if (plain_name(field.column) == name && (this->*fits)(i)) return take(field, role);
      }
    }
  }

  void find_time_by_content() {
    for (std::size_t i = 0; i < mapping_.fields.size(); ++i) {
      FieldMapping& field = mapping_.fields[i];
      if (field.role != FieldRole::property || overridden(field)) continue;
      const auto time = time_of(columns_[i]);
      if (time && !is_epoch(time->format.style) && time->format.style != TimeStyle::compact) {
        return take(field, FieldRole::time);
      }
    }
  }

  [[nodiscard]] bool overridden(const FieldMapping& field) const {
    return std::ranges::find(named_, field.column) != named_.end();
  }

  [[nodiscard]] bool speaks_of_buying() const {
    return std::ranges::any_of(mapping_.fields, [](const FieldMapping& field) {
      const std::string name = plain_name(field.column);
      return std::ranges::any_of(purchase_words, [&](std::string_view word) {
        return name.find(word) != std::string::npos;
      });
    });
  }

  FieldMapping* find_column(std::string_view name) {
    const auto found = std::ranges::find(mapping_.fields, name, &FieldMapping::column);
    return found == mapping_.fields.end() ? nullptr : &*found;
  }

  Result<FieldMapping*> column(std::string_view name) {
    FieldMapping* field = find_column(name);
    if (field == nullptr) {
      return fail(
          ErrorCode::invalid_argument, "unknown_column",
          fmt::format("no column is named \"{}\"; there are: {}", name, list_columns(columns_)));
    }
    return field;
  }

  Result<void> apply_map(const std::string& map) {
    const std::size_t equals = map.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == map.size()) {
      return fail(ErrorCode::invalid_argument, "bad_map",
                  fmt::format("a mapping is ROLE=COLUMN or ROLE==VALUE, not \"{}\"", map));
    }
    const std::string_view target = std::string_view(map).substr(0, equals);
    std::string_view from = std::string_view(map).substr(equals + 1);
    if (from.starts_with('=')) {
      from.remove_prefix(1);
      if (target == "event") {
        mapping_.constant_event = from;
      } else if (target == "channel") {
        mapping_.constant_channel = from;
      } else {
        return fail(
            ErrorCode::invalid_argument, "bad_map",
            fmt::format("only event and channel can be one value for all rows, not {}", target));
      }
      return {};
    }
    HF_TRY(FieldMapping* const field, column(from));
    if (overridden(*field)) {
      return fail(ErrorCode::invalid_argument, "duplicate_role",
                  fmt::format("column \"{}\" is mapped twice", field->column));
    }
    named_.push_back(field->column);
    const auto* found = std::ranges::find(role_names, target);
    if (found == std::end(role_names) || target == "property") {
      field->property = target;
      return {};
    }
    const auto role = static_cast<FieldRole>(found - role_names);
    if (role != FieldRole::ignored && mapping_.find(role) != nullptr) {
      return fail(ErrorCode::invalid_argument, "duplicate_role",
                  fmt::format("two columns are mapped to {}", target));
    }
    take(*field, role);
    return {};
  }

  Result<void> require_distinct_properties() const {
    std::set<std::string_view> names;
    for (const FieldMapping& field : mapping_.fields) {
      if (field.role != FieldRole::property || names.insert(field.property).second) continue;
      // Of JSON the mapping knows keys that no row need have together.
      if (mapping_.format == InputFormat::json && mapping_.sql.empty()) continue;
      return fail(ErrorCode::invalid_argument, "duplicate_property",
                  fmt::format("two columns are the property \"{}\"", field.property));
    }
    return {};
  }

  Result<void> apply_type(const std::string& text) {
    const std::size_t equals = text.rfind('=');
    const std::string_view name = std::string_view(text).substr(0, std::min(equals, text.size()));
    const std::string_view type = equals == std::string::npos
                                      ? std::string_view{}
                                      : std::string_view(text).substr(equals + 1);
    const auto* found = std::ranges::find(type_names, type);
    if (found == std::end(type_names)) {
      return fail(ErrorCode::invalid_argument, "bad_type",
                  fmt::format("a type is COLUMN=text, number or boolean, not \"{}\"", text));
    }
    HF_TRY(FieldMapping* const field, column(name));
    field->type = static_cast<CellType>(found - type_names);
    field->type_chosen = true;
    return {};
  }

  static Result<TimeFormat> given_time_format(const std::string& given) {
    const auto* style = std::ranges::find(style_names, std::string_view(given));
    if (style != std::end(style_names) && given != "pattern") {
      return TimeFormat{.style = static_cast<TimeStyle>(style - style_names)};
    }
    if (is_time_pattern(given)) return TimeFormat{.style = TimeStyle::pattern, .pattern = given};
    return fail(ErrorCode::invalid_argument, "bad_time_format",
                fmt::format("\"{}\" is no time format: say iso, epoch_s, epoch_ms, epoch_us, "
                            "compact or a pattern such as %d/%m/%Y %H:%M",
                            given));
  }

  Result<void> set_time_format(FieldMapping& field, const ColumnSample& column,
                               const std::string& given) {
    if (!given.empty() && field.role == FieldRole::time) {
      HF_TRY(field.time, given_time_format(given));
      field.time_chosen = true;
      return {};
    }
    const auto recognized = time_of(column);
    if (!recognized) {
      if (column.values.empty()) return {};
      return fail(ErrorCode::invalid_argument, "bad_time_format",
                  fmt::format("column \"{}\" does not look like times (\"{}\"): say --time-format",
                              column.name, column.values.front()));
    }
    field.time = recognized->format;
    if (recognized->ambiguous) {
      remarks_.push_back(fmt::format(
          "\"{}\" could be day first or month first; read as {} (say --time-format to choose)",
          column.name, field.time.pattern));
    }
    return {};
  }

  Result<void> missing(std::string_view reason, std::string_view what, std::string_view say) const {
    return fail(ErrorCode::invalid_argument, reason,
                fmt::format("{}: say --map {} (columns: {})", what, say, list_columns(columns_)));
  }

  std::span<const ColumnSample> columns_;
  ImportMapping& mapping_;
  std::vector<std::string>& remarks_;
  std::vector<std::string> named_;
  std::optional<TimeFormat> given_format_;
};

}  // namespace

std::string_view to_string(FieldRole role) { return role_names[static_cast<std::size_t>(role)]; }
std::string_view to_string(CellType type) { return type_names[static_cast<std::size_t>(type)]; }
std::string_view to_string(InputFormat format) {
  return format_names[static_cast<std::size_t>(format)];
}

const FieldMapping* ImportMapping::find(FieldRole role) const {
  const auto found = std::ranges::find(fields, role, &FieldMapping::role);
  return found == fields.end() ? nullptr : &*found;
}

std::string canonical_json(const ImportMapping& mapping) {
  JsonWriter out;
  out.begin_object();
  out.key("format").text(to_string(mapping.format));
  if (mapping.format == InputFormat::csv && mapping.sql.empty()) {
    out.key("delimiter").text(std::string_view(&mapping.dialect.delimiter, 1));
    out.key("quote").text(
        std::string_view(&mapping.dialect.quote, mapping.dialect.quote == 0 ? 0 : 1));
    out.key("header").boolean(mapping.dialect.header);
  }
  out.key("fields").begin_array();
  for (const FieldMapping& field : mapping.fields) {
    // JSON keys are properties by default: which of them a sample happened to show is no choice.
    if (mapping.format == InputFormat::json && field.role == FieldRole::property &&
        field.property == field.column && !field.type_chosen) {
      continue;
    }
    out.begin_object();
    out.key("column").text(field.column);
    out.key("role").text(to_string(field.role));
    if (field.role == FieldRole::property) {
      out.key("property").text(field.property);
      if (field.type_chosen) out.key("type").text(to_string(field.type));
    }
    if (field.time_chosen) {
      out.key("time").text(field.time.style == TimeStyle::pattern
                               ? std::string_view(field.time.pattern)
                               : style_names[static_cast<std::size_t>(field.time.style)]);
    }
    out.end_object();
  }
  out.end_array();
  if (!mapping.constant_event.empty()) out.key("event").text(mapping.constant_event);
  if (!mapping.constant_channel.empty()) out.key("channel").text(mapping.constant_channel);
  out.key("timezone").text(mapping.timezone);
  if (!mapping.sql.empty()) out.key("sql").text(mapping.sql);
  out.key("source").text(mapping.source);
  if (mapping.identify_rows) out.key("identify_rows").boolean(true);
  out.end_object();
  return out.take();
}

Result<void> recognize_fields(std::span<const ColumnSample> columns, bool strict_names,
                              const MappingOverrides& overrides, ImportMapping& mapping,
                              std::vector<std::string>& remarks) {
  // A key of JSON lines may be mapped though the sample happens not to have it.
  std::vector<ColumnSample> all(columns.begin(), columns.end());
  if (mapping.format == InputFormat::json && mapping.sql.empty()) {
    for (const std::string& map : overrides.maps) {
      const std::size_t equals = map.find('=');
      if (equals == std::string::npos || map.substr(equals + 1).starts_with('=')) continue;
      const std::string name = map.substr(equals + 1);
      if (std::ranges::find(all, name, &ColumnSample::name) == all.end())
        all.push_back({.name = name});
    }
  }
  Recognizer recognizer(all, mapping, remarks);
  HF_CHECK(recognizer.apply(overrides));
  if (strict_names) {
    recognizer.recognize_exactly();
  } else {
    HF_CHECK(recognizer.recognize_by_looks(overrides));
  }
  return recognizer.finish(overrides);
}

CsvDialect guess_dialect(std::string_view beginning) {
  CsvDialect dialect;
  const std::string_view first_line = beginning.substr(0, beginning.find_first_of("\r\n"));
  std::ptrdiff_t best = 0;
  for (const char delimiter : {',', '\t', ';', '|'}) {
    const std::ptrdiff_t count = std::ranges::count(first_line, delimiter);
    if (count > best) {
      best = count;
      dialect.delimiter = delimiter;
    }
  }
  return dialect;
}

}  // namespace hf
