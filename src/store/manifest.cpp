// SPDX-License-Identifier: Apache-2.0
#include "store/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/assert.h"
#include "base/json.h"
#include "base/site.h"
#include "store/part_builder.h"

namespace hf {
namespace {

constexpr std::string_view first_line = "holdfast manifest 1 crc32c=";

std::unexpected<Error> bad(std::string why) {
  return fail(ErrorCode::data_loss, "bad_manifest", "manifest: " + std::move(why));
}

std::string hex(const HashKey& key) {
  std::string out;
  for (const std::byte byte : key) out += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return out;
}

/// Reads members of the manifest's JSON; the first thing amiss is kept and told at the end.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {
    if (!object.is_object()) note("an object is missing");
  }

  template <class Integer>
  void read(std::string_view name, Integer& out) {
    const Json* json = get(name);
    if (json == nullptr) return;
    const char* end = json->text.data() + json->text.size();
    const auto [at, error] = std::from_chars(json->text.data(), end, out);
    if (!json->is_number() || error != std::errc{} || at != end) note(name);
  }
  void read(std::string_view name, std::string& out) {
    const Json* json = get(name);
    if (json == nullptr) return;
    if (!json->is_text()) return note(name);
    out = json->text;
  }
  void read(std::string_view name, bool& out) {
    const Json* json = get(name);
    if (json == nullptr) return;
    if (!json->is_boolean()) return note(name);
    out = json->boolean;
  }
  void read_hex(std::string_view name, std::span<std::byte> out) {
    std::string text;
    read(name, text);
    if (text.size() != out.size() * 2) return note(name);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const char* from = text.data() + i * 2;
      std::uint8_t byte = 0;
      const auto [at, error] = std::from_chars(from, from + 2, byte, 16);
      if (error != std::errc{} || at != from + 2) return note(name);
      out[i] = static_cast<std::byte>(byte);
    }
  }
  void read(std::string_view name, Hash128& out) {
    std::array<std::byte, 16> bytes{};
    read_hex(name, bytes);
    for (std::size_t i = 0; i < 8; ++i) {
      out.high = out.high << 8 | static_cast<std::uint64_t>(bytes[i]);
      out.low = out.low << 8 | static_cast<std::uint64_t>(bytes[i + 8]);
    }
  }
  /// Ascending ones.
  void read_numbers(std::string_view name, std::vector<std::uint32_t>& out) {
    for (const Json& item : list(name)) {
      std::uint32_t value = 0;
      const char* end = item.text.data() + item.text.size();
      const auto [at, error] = std::from_chars(item.text.data(), end, value);
      const bool in_order = out.empty() || value > out.back();
      if (!item.is_number() || error != std::errc{} || at != end || !in_order) return note(name);
      out.push_back(value);
    }
  }
  const std::vector<Json>& list(std::string_view name) {
    static const std::vector<Json> none;
    const Json* json = get(name);
    if (json == nullptr) return none;
    if (!json->is_array()) note(name);
    return json->array;
  }
  const Json* object(std::string_view name) {
    const Json* json = get(name);
    if (json != nullptr && !json->is_object()) note(name);
    return json;
  }
  void take(const Fields& other) {
    if (!other.problem_.empty()) note(other.problem_);
  }
  void note(std::string_view problem) {
    if (problem_.empty()) problem_ = problem;
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  const Json* get(std::string_view name) {
    const Json* json = object_.is_object() ? object_.find(name) : nullptr;
    if (json == nullptr) note(name);
    return json;
  }
  const Json& object_;
  std::string problem_;
};

constexpr std::string_view state_names[] = {"running", "done", "undone"};

void put_count(JsonWriter& out, std::string_view name, std::uint64_t value) {
  out.key(name).raw(std::to_string(value));
}

void write_import(JsonWriter& out, const ImportRecord& import) {
  out.begin_object();
  out.key("id").integer(import.id);
  out.key("state").text(to_string(import.state));
  out.key("started_at_ms").integer(import.started_at_ms);
  out.key("finished_at_ms").integer(import.finished_at_ms);
  out.key("mapping").text(import.mapping);
  put_count(out, "data_version", import.data_version);
  out.key("files").begin_array();
  for (const ImportedFile& file : import.files) {
    out.begin_object().key("name").text(file.name);
    put_count(out, "bytes", file.bytes);
    out.key("digest").text(file.digest).end_object();
  }
  out.end_array();
  const auto put = [&](std::string_view name, std::uint64_t value) { put_count(out, name, value); };
  put("events", import.counts.events);
  put("rejected", import.counts.rejected);
  put("duplicates", import.counts.duplicates);
  put("times_ahead", import.counts.times_ahead);
  put("big_numbers", import.counts.big_numbers);
  put("reject_bytes", import.reject_bytes);
  put("reject_crc32c", import.reject_crc32c);
  out.key("position").begin_object();
  put("file", import.position.file);
  put("offset", import.position.offset);
  put("line", import.position.line);
  put("row", import.position.row);
  out.end_object().end_object();
}

ImportRecord read_import(const Json& json, Fields& problems) {
  Fields in(json);
  ImportRecord import;
  in.read("id", import.id);
  std::string state;
  in.read("state", state);
  const auto* found = std::ranges::find(state_names, state);
  if (found == std::end(state_names)) {
    in.note("state");
  } else {
    import.state = static_cast<ImportState>(found - state_names);
  }
  in.read("started_at_ms", import.started_at_ms);
  in.read("finished_at_ms", import.finished_at_ms);
  in.read("mapping", import.mapping);
  in.read("data_version", import.data_version);
  for (const Json& item : in.list("files")) {
    Fields file(item);
    ImportedFile& out = import.files.emplace_back();
    file.read("name", out.name);
    file.read("bytes", out.bytes);
    file.read("digest", out.digest);
    in.take(file);
  }
  in.read("events", import.counts.events);
  in.read("rejected", import.counts.rejected);
  in.read("duplicates", import.counts.duplicates);
  in.read("times_ahead", import.counts.times_ahead);
  in.read("big_numbers", import.counts.big_numbers);
  in.read("reject_bytes", import.reject_bytes);
  in.read("reject_crc32c", import.reject_crc32c);
  if (const Json* at = in.object("position")) {
    Fields position(*at);
    position.read("file", import.position.file);
    position.read("offset", import.position.offset);
    position.read("line", import.position.line);
    position.read("row", import.position.row);
    in.take(position);
  }
  problems.take(in);
  return import;
}

std::string_view kind_name(const PersonId& id) {
  return id.kind == IdKind::user ? "user" : "anonymous";
}

void write_link(JsonWriter& out, const LinkDecision& link) {
  out.begin_object();
  out.key("linked").boolean(link.linked);
  out.key("a_kind").text(kind_name(link.a));
  out.key("a").text(link.a.id);
  out.key("b_kind").text(kind_name(link.b));
  out.key("b").text(link.b.id);
  out.key("time").integer(link.time_ms);
  out.end_object();
}

LinkDecision read_link(const Json& json, Fields& problems) {
  Fields in(json);
  LinkDecision link;
  in.read("linked", link.linked);
  for (auto [kind, name, id] : {std::tuple("a_kind", "a", &link.a), {"b_kind", "b", &link.b}}) {
    std::string text;
    in.read(kind, text);
    if (text != "user" && text != "anonymous") in.note(kind);
    id->kind = text == "user" ? IdKind::user : IdKind::anonymous;
    in.read(name, id->id);
  }
  in.read("time", link.time_ms);
  problems.take(in);
  return link;
}

void write_part(JsonWriter& out, const PartEntry& part) {
  const auto put = [&](std::string_view name, std::uint64_t value) { put_count(out, name, value); };
  out.begin_object();
  out.key("file").text(part.file);
  put("import", part.import);
  out.key("imports").begin_array();
  for (const std::uint32_t import : part.imports) out.raw(std::to_string(import));
  out.end_array();
  put("group", part.group);
  put("rows", part.rows);
  put("persons", part.persons);
  put("bytes", part.bytes);
  out.key("time_min").integer(part.time_min);
  out.key("time_max").integer(part.time_max);
  out.end_object();
}

PartEntry read_part(const Json& json, Fields& problems) {
  Fields in(json);
  PartEntry part;
  in.read("file", part.file);
  in.read("import", part.import);
  in.read_numbers("imports", part.imports);
  in.read("group", part.group);
  in.read("rows", part.rows);
  in.read("persons", part.persons);
  in.read("bytes", part.bytes);
  in.read("time_min", part.time_min);
  in.read("time_max", part.time_max);
  problems.take(in);
  return part;
}

void write_purge(JsonWriter& out, const PendingPurge& pending) {
  out.begin_object();
  out.key("before").integer(pending.purge.before_ms);
  out.key("event").text(pending.purge.event);
  put_count(out, "part_end", pending.part_end);
  out.end_object();
}

PendingPurge read_purge(const Json& json, Fields& problems) {
  Fields in(json);
  PendingPurge pending;
  in.read("before", pending.purge.before_ms);
  in.read("event", pending.purge.event);
  in.read("part_end", pending.part_end);
  problems.take(in);
  return pending;
}

/// What paths are made of and what is looked up by number.
Result<void> check_references(const Manifest& manifest) {
  std::set<std::string_view> files;
  for (const auto* parts : {&manifest.parts, &manifest.first_seen}) {
    for (const PartEntry& part : *parts) {
      const bool plain = !part.file.empty() && part.file.front() != '.' &&
                         part.file.find('/') == std::string::npos;
      if (!plain || !files.insert(part.file).second) return bad("wrong part file: " + part.file);
    }
  }
  std::set<std::uint32_t> ids;
  for (const ImportRecord& import : manifest.imports) {
    if (!ids.insert(import.id).second || import.position.file > import.files.size()) {
      return bad(fmt::format("wrong import: {}", import.id));
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(ImportState state) {
  return state_names[static_cast<std::size_t>(state)];
}

const ImportRecord* Manifest::find_import(std::uint32_t id) const {
  const auto found = std::ranges::find(imports, id, &ImportRecord::id);
  return found == imports.end() ? nullptr : &*found;
}

ImportRecord* Manifest::find_import(std::uint32_t id) {
  return const_cast<ImportRecord*>(std::as_const(*this).find_import(id));
}

PartEntry PartEntry::of(std::string file, const PartSummary& summary) {
  return {.file = std::move(file),
          .rows = summary.rows,
          .persons = summary.persons,
          .bytes = summary.bytes,
          .time_min = summary.time_min,
          .time_max = summary.time_max};
}

std::uint32_t PartEntry::number() const {
  std::uint32_t number = 0;
  const auto [at, error] = std::from_chars(file.data(), file.data() + file.size(), number);
  return error == std::errc{} && std::string_view(at) == ".part" ? number : 0;
}

bool Manifest::is_visible(const PartEntry& part) const {
  if (part.import == 0) return true;
  const ImportRecord* import = find_import(part.import);
  return import != nullptr && import->state == ImportState::done;
}

std::string encode_manifest(const Manifest& manifest) {
  JsonWriter out;
  const auto put = [&](std::string_view name, std::uint64_t value) { put_count(out, name, value); };
  out.begin_object();
  put("generation", manifest.generation);
  put("data_version", manifest.data_version);
  out.key("store_id").text(manifest.store_id.hex());
  out.key("epoch").text(manifest.epoch.hex());
  out.key("hash_key").text(hex(manifest.hash_key));
  put("next_person", manifest.next_person);
  put("next_part", manifest.next_part);
  put("next_import", manifest.next_import);
  put("log_end", manifest.log_end);
  out.key("timezone").text(manifest.settings.timezone);
  out.key("currency").text(manifest.settings.currency);
  out.key("week_start")
      .text(manifest.settings.week_start == WeekStart::monday ? "monday" : "sunday");
  out.key("keep_events").text(manifest.settings.keep_events);
  out.key("links").begin_array();
  for (const LinkDecision& link : manifest.links) write_link(out, link);
  out.end_array();
  out.key("parts").begin_array();
  for (const PartEntry& part : manifest.parts) write_part(out, part);
  out.end_array();
  out.key("first_seen").begin_array();
  for (const PartEntry& part : manifest.first_seen) write_part(out, part);
  out.end_array();
  out.key("erased").begin_array();
  for (const PersonOrdinal person : manifest.erased) out.raw(std::to_string(person));
  out.end_array();
  out.key("purges").begin_array();
  for (const PendingPurge& pending : manifest.purges) write_purge(out, pending);
  out.end_array();
  out.key("imports").begin_array();
  for (const ImportRecord& import : manifest.imports) write_import(out, import);
  out.end_array().end_object();
  const std::string body = out.take() + "\n";
  return fmt::format("{}{:08x}\n{}", first_line, crc32c(body), body);
}

Result<Manifest> decode_manifest(std::string_view bytes) {
  if (!bytes.starts_with(first_line)) return bad("not one, or of a newer version");
  const std::size_t newline = bytes.find('\n');
  if (newline == std::string_view::npos) return bad("cut off");
  const std::string_view body = bytes.substr(newline + 1);
  if (HF_SITE("store.manifest.checksum") &&
      bytes.substr(first_line.size(), newline - first_line.size()) !=
          fmt::format("{:08x}", crc32c(body))) {
    return bad("checksum does not match");
  }
  const Result<Json> json = parse_json(body);
  if (!json) return bad(json.error().message);
  Fields in(*json);
  Manifest manifest;
  in.read("generation", manifest.generation);
  in.read("data_version", manifest.data_version);
  in.read("store_id", manifest.store_id);
  in.read("epoch", manifest.epoch);
  in.read_hex("hash_key", manifest.hash_key);
  in.read("next_person", manifest.next_person);
  in.read("next_part", manifest.next_part);
  in.read("next_import", manifest.next_import);
  in.read("log_end", manifest.log_end);
  if (manifest.log_end == 0) in.note("log_end");
  in.read("timezone", manifest.settings.timezone);
  in.read("currency", manifest.settings.currency);
  std::string week_start;
  in.read("week_start", week_start);
  if (week_start != "monday" && week_start != "sunday") in.note("week_start");
  manifest.settings.week_start = week_start == "sunday" ? WeekStart::sunday : WeekStart::monday;
  in.read("keep_events", manifest.settings.keep_events);
  if (const std::string& keep = manifest.settings.keep_events; !keep.empty() && !parse_keep(keep)) {
    in.note("keep_events");
  }
  for (const Json& item : in.list("links")) manifest.links.push_back(read_link(item, in));
  for (const Json& item : in.list("parts")) manifest.parts.push_back(read_part(item, in));
  for (const Json& item : in.list("first_seen")) {
    manifest.first_seen.push_back(read_part(item, in));
  }
  in.read_numbers("erased", manifest.erased);
  for (const Json& item : in.list("purges")) manifest.purges.push_back(read_purge(item, in));
  for (const Json& item : in.list("imports")) manifest.imports.push_back(read_import(item, in));
  if (!in.problem().empty()) return bad("missing or wrong: " + in.problem());
  HF_CHECK(check_references(manifest));
  return manifest;
}

}  // namespace hf
