// SPDX-License-Identifier: Apache-2.0
//
// Events, of which there are millions, are packed; control records are JSON, which says what it is
// and can grow.
#include "log/record.h"

#include <fmt/format.h>

#include <charconv>
#include <concepts>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/json.h"
#include "calendar/zone.h"

namespace hf {
namespace {

// On disk: never renumber. The index of the variant is the number less one.
enum class RecordKind : std::uint8_t {
  event = 1,
  link = 2,
  unlink = 3,
  erase = 4,
  purge = 5,
  settings = 6,
  import = 7,
  definition = 8,
  tick = 9,
};

std::unexpected<Error> bad(std::string_view what) {
  return fail(ErrorCode::data_loss, "bad_record", std::string(what));
}

void put_value(ByteWriter& out, const ValueView& value) {
  out.u8(static_cast<std::uint8_t>(value.kind));
  switch (value.kind) {
    case ValueKind::number:
      out.signed_varint(value.number.units);
      out.u8(static_cast<std::uint8_t>(value.number.scale));
      return;
    case ValueKind::boolean: out.u8(value.boolean ? 1 : 0); return;
    case ValueKind::text:
    case ValueKind::big_number:
    case ValueKind::list:
    case ValueKind::json: out.text(value.text); return;
  }
}

bool get_value(ByteReader& in, ValueView& value) {
  const std::uint8_t kind = in.u8();
  if (kind < 1 || kind > static_cast<std::uint8_t>(ValueKind::json)) return false;
  value.kind = static_cast<ValueKind>(kind);
  if (value.kind == ValueKind::number) {
    const std::int64_t units = in.signed_varint();
    const std::uint8_t scale = in.u8();
    if (scale > Decimal::scale_max) return false;
    value.number = Decimal::normalized(units, static_cast<std::int8_t>(scale));
  } else if (value.kind == ValueKind::boolean) {
    const std::uint8_t boolean = in.u8();
    if (boolean > 1) return false;
    value.boolean = boolean == 1;
  } else {
    value.text = in.text();
  }
  return in.ok();
}

void put(ByteWriter& out, const EventRecord& record) {
  const EventView& event = record.event;
  out.varint(0);  // Flags: none yet.
  out.text(record.source);
  out.text(event.user_id);
  out.text(event.anonymous_id);
  out.text(event.name);
  out.signed_varint(event.time_ms);
  out.text(event.message_id);
  out.text(event.channel);
  out.varint(event.properties.size());
  for (const PropertyView& property : event.properties) {
    out.text(property.name);
    put_value(out, property.value);
  }
}

Result<LogRecord> get_event(ByteReader& in, std::vector<PropertyView>& scratch) {
  if (in.varint() != 0) return bad("an event with flags this program does not know");
  EventRecord record;
  EventView& event = record.event;
  record.source = in.text();
  event.user_id = in.text();
  event.anonymous_id = in.text();
  event.name = in.text();
  event.time_ms = in.signed_varint();
  event.message_id = in.text();
  event.channel = in.text();
  const std::uint64_t properties = in.varint_up_to(limits::properties_max);
  scratch.clear();
  for (std::uint64_t i = 0; in.ok() && i < properties; ++i) {
    PropertyView& property = scratch.emplace_back();
    property.name = in.text();
    if (!get_value(in, property.value)) return bad("an event with a value of no known kind");
  }
  if (!in.ok() || in.remaining() != 0) return bad("an event that does not fill its record");
  if (event.time_ms < timestamp_min_ms || event.time_ms >= timestamp_end_ms) {
    return bad("an event outside 1970 to 2100");
  }
  event.properties = scratch;
  return record;
}

std::string_view name_of(IdKind kind) { return kind == IdKind::user ? "user" : "anonymous"; }

void put(JsonWriter& out, const PersonId& id) {
  out.begin_object();
  out.key(name_of(id.kind)).text(id.id);
  out.end_object();
}

std::string_view name_of(WeekStart start) {
  return start == WeekStart::monday ? "monday" : "sunday";
}

struct ControlWriter {
  JsonWriter out = {};

  void operator()(const EventRecord&) { HF_ASSERT(false); }
  void operator()(const LinkRecord& record) {
    out.key("a");
    put(out, record.a);
    out.key("b");
    put(out, record.b);
    out.key("time").integer(record.time_ms);
  }
  void operator()(const UnlinkRecord& record) {
    out.key("a");
    put(out, record.a);
    out.key("b");
    put(out, record.b);
  }
  void operator()(const EraseRecord& record) {
    out.key("ids").begin_array();
    for (const PersonId& id : record.ids) put(out, id);
    out.end_array();
  }
  void operator()(const PurgeRecord& record) {
    out.key("before").integer(record.before_ms);
    if (!record.event.empty()) out.key("event").text(record.event);
  }
  void operator()(const SettingsRecord& record) {
    if (record.timezone) out.key("timezone").text(*record.timezone);
    if (record.currency) out.key("currency").text(*record.currency);
    if (record.week_start) out.key("week_start").text(name_of(*record.week_start));
    if (record.keep_events) out.key("keep_events").text(*record.keep_events);
  }
  void operator()(const ImportPartsRecord& record) {
    out.key("import").integer(record.import);
    if (record.undone) out.key("undone").boolean(true);
    out.key("parts").begin_array();
    for (const std::string& part : record.parts) out.text(part);
    out.end_array();
  }
  void operator()(const DefinitionRecord& record) {
    out.key("kind").text(record.kind);
    out.key("name").text(record.name);
    out.key("version").raw(std::to_string(record.version));
    out.key("digest").text(record.digest);
  }
  void operator()(const TickRecord& record) { out.key("time").integer(record.time_ms); }
};

/// Reads a control record's members, each once. A member this program does not know changes what
/// the record means: it is refused, not passed over.
class ControlReader {
 public:
  explicit ControlReader(const Json& json) : json_(json), left_(json.object.size()) {}

  bool done() const { return ok_ && left_ == 0; }

  template <std::integral Number>
  void read(std::string_view name, Number& out) {
    const Json* const value = take(name, Json::Kind::number);
    if (value == nullptr) return;
    const char* const end = value->text.data() + value->text.size();
    const auto [at, error] = std::from_chars(value->text.data(), end, out);
    ok_ = ok_ && at == end && error == std::errc{};
  }
  void read_time(std::string_view name, TimestampMs& out) {
    read(name, out);
    ok_ = ok_ && out >= timestamp_min_ms && out < timestamp_end_ms;
  }
  void read(std::string_view name, std::string& out) {
    if (const Json* const value = take(name, Json::Kind::text)) out = value->text;
  }
  void read(std::string_view name, PersonId& out) {
    if (const Json* const value = take(name, Json::Kind::object)) out = id(*value);
  }
  void read(std::string_view name, std::vector<PersonId>& out) {
    if (const Json* const value = take(name, Json::Kind::array)) {
      for (const Json& item : value->array) out.push_back(id(item));
    }
  }
  void read(std::string_view name, std::vector<std::string>& out) {
    if (const Json* const value = take(name, Json::Kind::array)) {
      for (const Json& item : value->array) {
        ok_ = ok_ && item.is_text();
        out.push_back(item.text);
      }
    }
  }
  void read_true(std::string_view name) {
    const Json* const value = take(name, Json::Kind::boolean);
    ok_ = ok_ && value != nullptr && value->boolean;
  }
  [[nodiscard]] bool has(std::string_view name) const { return json_.find(name) != nullptr; }
  void refuse() { ok_ = false; }

 private:
  const Json* take(std::string_view name, Json::Kind kind) {
    const Json* const value = json_.find(name);
    if (value == nullptr || value->kind != kind) {
      ok_ = false;
      return nullptr;
    }
    --left_;
    return value;
  }

  PersonId id(const Json& json) {
    const bool one = json.is_object() && json.object.size() == 1 && json.object[0].second.is_text();
    const std::string_view kind = one ? std::string_view(json.object[0].first) : "";
    if (kind != name_of(IdKind::user) && kind != name_of(IdKind::anonymous)) {
      ok_ = false;
      return {};
    }
    return {kind == name_of(IdKind::user) ? IdKind::user : IdKind::anonymous,
            json.object[0].second.text};
  }

  const Json& json_;
  std::size_t left_;
  bool ok_ = true;
};

SettingsRecord read_settings(ControlReader& in) {
  SettingsRecord record;
  if (in.has("timezone")) in.read("timezone", record.timezone.emplace());
  if (in.has("currency")) in.read("currency", record.currency.emplace());
  if (in.has("week_start")) {
    std::string start;
    in.read("week_start", start);
    if (start != name_of(WeekStart::monday) && start != name_of(WeekStart::sunday)) in.refuse();
    record.week_start = start == name_of(WeekStart::monday) ? WeekStart::monday : WeekStart::sunday;
  }
  if (in.has("keep_events")) {
    std::string& keep = record.keep_events.emplace();
    in.read("keep_events", keep);
    if (!keep.empty() && !parse_keep(keep)) in.refuse();
  }
  return record;
}

std::optional<LogRecord> read_control(RecordKind kind, ControlReader& in) {
  switch (kind) {
    case RecordKind::event: break;
    case RecordKind::link: {
      LinkRecord record;
      in.read("a", record.a);
      in.read("b", record.b);
      in.read_time("time", record.time_ms);
      return record;
    }
    case RecordKind::unlink: {
      UnlinkRecord record;
      in.read("a", record.a);
      in.read("b", record.b);
      return record;
    }
    case RecordKind::erase: {
      EraseRecord record;
      in.read("ids", record.ids);
      return record;
    }
    case RecordKind::purge: {
      PurgeRecord record;
      in.read_time("before", record.before_ms);
      if (in.has("event")) in.read("event", record.event);
      return record;
    }
    case RecordKind::settings: return read_settings(in);
    case RecordKind::import: {
      ImportPartsRecord record;
      in.read("import", record.import);
      if (in.has("undone")) {
        record.undone = true;
        in.read_true("undone");
      }
      in.read("parts", record.parts);
      return record;
    }
    case RecordKind::definition: {
      DefinitionRecord record;
      in.read("kind", record.kind);
      in.read("name", record.name);
      in.read("version", record.version);
      in.read("digest", record.digest);
      return record;
    }
    case RecordKind::tick: {
      TickRecord record;
      in.read_time("time", record.time_ms);
      return record;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Duration> parse_keep(std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration || duration->ms != 0) {
    return fail(ErrorCode::invalid_argument, "bad_duration",
                "how long events are kept is a number of whole days, weeks, months or years, as "
                "P24M, P90D or P3Y");
  }
  return *duration;
}

std::string encode_record(const LogRecord& record) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(record.index() + 1));
  if (const auto* event = std::get_if<EventRecord>(&record)) {
    put(out, *event);
    return out.take();
  }
  ControlWriter control;
  control.out.begin_object();
  std::visit(control, record);
  control.out.end_object();
  out.bytes(control.out.str());
  return out.take();
}

Result<LogRecord> decode_record(std::string_view bytes, std::vector<PropertyView>& scratch) {
  ByteReader in(bytes);
  const std::uint8_t kind = in.u8();
  if (!in.ok()) return bad("an empty record");
  if (kind == static_cast<std::uint8_t>(RecordKind::event)) return get_event(in, scratch);
  if (kind == 0 || kind > std::variant_size_v<LogRecord>) {
    return bad(fmt::format("a record of kind {}, which this program does not know", kind));
  }
  const auto json = parse_json(bytes.substr(1));
  if (!json || !json->is_object()) return bad("a control record that is no JSON object");
  ControlReader control(*json);
  auto record = read_control(static_cast<RecordKind>(kind), control);
  if (!record || !control.done()) {
    return bad(fmt::format("a control record of kind {} with other members than it has", kind));
  }
  return *std::move(record);
}

}  // namespace hf
