// SPDX-License-Identifier: Apache-2.0
#include "http/access_api.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/json.h"
#include "calendar/time_text.h"
#include "http/json_members.h"
#include "service/access.h"

namespace hf::http {
namespace {

constexpr auto invalid = ErrorCode::invalid_argument;

void put_time(JsonWriter& out, std::string_view name, std::optional<TimestampMs> time) {
  if (time) out.key(name).text(format_rfc3339(*time, *Zone::utc()));
}

void put(JsonWriter& out, const Source& source) {
  out.begin_object();
  out.key("name").text(source.name);
  put_time(out, "created_at", source.created_ms);
  out.key("enabled").boolean(source.enabled);
  out.end_object();
}

void put_members(JsonWriter& out, const Key& key) {
  out.key("id").integer(static_cast<std::int64_t>(key.id));
  out.key("kind").text(to_string(key.kind));
  if (!key.source.empty()) out.key("source").text(key.source);
  if (!key.label.empty()) out.key("label").text(key.label);
  out.key("hint").text(key.hint);
  put_time(out, "created_at", key.created_ms);
  put_time(out, "expires_at", key.expires_ms);
  put_time(out, "revoked_at", key.revoked_ms);
  put_time(out, "last_used_at", key.last_used_ms);
}

AccessAnswer answer_of(const Source& source) {
  JsonWriter out;
  put(out, source);
  return {.text = out.take()};
}

std::string text_of(const Key& key, std::string_view token, bool is_replayed) {
  JsonWriter out;
  out.begin_object();
  put_members(out, key);
  if (!token.empty()) out.key("key").text(token);
  if (is_replayed) out.key("replayed").boolean(true);
  out.end_object();
  return out.take();
}

}  // namespace

Result<std::string> source_list(const State& state) {
  HF_TRY(const auto sources, list_sources(state));
  JsonWriter out;
  out.begin_object().key("sources").begin_array();
  for (const Source& source : sources) put(out, source);
  out.end_array().end_object();
  return out.take();
}

Result<AccessAnswer> new_source(StateChange& change, const Env& env, std::string_view body) {
  HF_TRY(const Json members, parse_members(body, {"name"}));
  HF_TRY(const std::string name, text_of(members, "name"));
  HF_TRY(const Source source, add_source(change, env, name));
  return answer_of(source);
}

Result<AccessAnswer> changed_source(StateChange& change, std::string_view name,
                                    std::string_view body) {
  HF_TRY(const Json members, parse_members(body, {"enabled"}));
  const Json* const enabled = members.find("enabled");
  if (enabled == nullptr || !enabled->is_boolean()) {
    return fail(invalid, "wrong_type", "enabled must be true or false", "/enabled");
  }
  HF_TRY(const Source source, switch_source(change, name, enabled->boolean));
  return answer_of(source);
}

Result<std::string> key_list(const State& state) {
  HF_TRY(const auto keys, list_keys(state));
  JsonWriter out;
  out.begin_object().key("keys").begin_array();
  for (const Key& key : keys) {
    out.begin_object();
    put_members(out, key);
    out.end_object();
  }
  out.end_array().end_object();
  return out.take();
}

Result<AccessAnswer> new_key(StateChange& change, const Env& env, std::string_view body) {
  HF_TRY(const Json members, parse_members(body, {"kind", "source", "label", "expires_at"}));
  HF_TRY(const std::string kind_text, text_of(members, "kind"));
  const auto kind = parse_key_kind(kind_text);
  if (!kind) return fail(invalid, "bad_kind", "a key's kind is write, read or admin", "/kind");
  HF_TRY(const std::string source, text_of(members, "source"));
  HF_TRY(const std::string label, text_of(members, "label"));
  HF_TRY(const std::string expires, text_of(members, "expires_at"));
  std::optional<TimestampMs> expires_ms;
  if (!expires.empty()) {
    expires_ms = parse_rfc3339(expires);
    if (!expires_ms) {
      return fail(invalid, "invalid_time", "expires_at is no RFC 3339 time", "/expires_at");
    }
  }
  HF_TRY(const CreatedKey created, create_key(change, env, *kind, source, label, expires_ms));
  return AccessAnswer{.text = text_of(created.key, created.token, false),
                      .kept = text_of(created.key, "", true)};
}

Result<AccessAnswer> revoked_key(StateChange& change, const Env& env, std::string_view id) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(id.data(), id.data() + id.size(), number);
  if (read.ec != std::errc() || read.ptr != id.data() + id.size()) {
    return fail(ErrorCode::not_found, "unknown_key_id", "no key has this id");
  }
  HF_TRY(const Key key, revoke_key(change, env, number));
  return AccessAnswer{.text = text_of(key, "", false)};
}

}  // namespace hf::http
