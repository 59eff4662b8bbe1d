// SPDX-License-Identifier: Apache-2.0
#include "service/access.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "service/last_use.h"
#include "service/secret.h"

namespace hf {
namespace {

constexpr std::size_t hint_characters = 4;
constexpr std::array all_kinds = {KeyKind::write, KeyKind::read, KeyKind::admin};

std::string new_token(Random& random, KeyKind kind) {
  return fmt::format("hf_{}_{}", to_string(kind)[0], new_secret(random));
}

bool is_live(const Key& key, TimestampMs now_ms) {
  return !key.revoked_ms && !(key.expires_ms && *key.expires_ms <= now_ms);
}

std::unexpected<Error> unknown_source(std::string_view name, std::string_view pointer = {}) {
  return fail(ErrorCode::not_found, "unknown_source", fmt::format("there is no source {}", name),
              std::string(pointer));
}

/// What `make(change)` returns, in a transaction of its own.
template <class Make>
auto in_transaction(State& state, const Make& make) {
  decltype(make(std::declval<StateChange&>())) made;
  const Result<void> done = state.change([&](StateChange& change) -> Result<void> {
    made = make(change);
    if (!made) return std::unexpected(made.error());
    return {};
  });
  if (!done) made = std::unexpected(done.error());
  return made;
}

Result<void> check_new_key(KeyKind kind, std::string_view source, std::string_view label,
                           std::optional<TimestampMs> expires_ms, TimestampMs now_ms) {
  if (kind == KeyKind::write) {
    HF_CHECK(check_source_name(source, "/source"));
  } else if (!source.empty()) {
    return fail(
        ErrorCode::invalid_argument, "source_not_needed",
        fmt::format("only a write key has a source, a key of kind {} is for all", to_string(kind)),
        "/source");
  }
  if (label.size() > key_label_bytes_max || !is_utf8(label)) {
    return fail(ErrorCode::invalid_argument, "bad_label",
                fmt::format("a label is UTF-8 of at most {} bytes", key_label_bytes_max), "/label");
  }
  if (expires_ms && *expires_ms <= now_ms) {
    return fail(ErrorCode::invalid_argument, "bad_expiry", "a key expires in the future",
                "/expires_at");
  }
  return {};
}

/// Refuses a further write key where the source is not to have one.
Result<void> check_room(const StateView& state, std::string_view name, TimestampMs now_ms) {
  HF_TRY(const auto source, state.source(name));
  if (!source) return unknown_source(name, "/source");
  if (!source->enabled) {
    return fail(ErrorCode::failed_precondition, "disabled_source",
                fmt::format("enable the source first: {}", name), "/source");
  }
  HF_TRY(const auto keys, state.keys());
  std::vector<std::string> live;
  for (const auto& [key, hash] : keys) {
    if (key.kind == KeyKind::write && key.source == name && is_live(key, now_ms)) {
      live.push_back(fmt::format("{} (ends in {})", key.id, key.hint));
    }
  }
  if (live.size() < live_keys_per_source_max) return {};
  return fail(ErrorCode::failed_precondition, "too_many_keys",
              fmt::format("revoke the key that is out of use first; live keys of {}: {}", name,
                          fmt::join(live, ", ")));
}

}  // namespace

std::string_view to_string(KeyKind kind) {
  switch (kind) {
    case KeyKind::write: return "write";
    case KeyKind::read: return "read";
    case KeyKind::admin: return "admin";
  }
  HF_ASSERT(false);
  return {};
}

std::optional<KeyKind> parse_key_kind(std::string_view text) {
  for (const KeyKind kind : all_kinds) {
    if (text == to_string(kind)) return kind;
  }
  return std::nullopt;
}

Result<void> check_source_name(std::string_view name, std::string_view pointer) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (!name.empty() && name.size() <= source_name_bytes_max &&
      std::ranges::all_of(name, is_allowed)) {
    return {};
  }
  return fail(ErrorCode::invalid_argument, "bad_source_name",
              fmt::format("a source's name is 1 to {} of a-z, 0-9, _ and -", source_name_bytes_max),
              std::string(pointer));
}

Result<Source> add_source(StateChange& change, const Env& env, std::string_view name) {
  HF_CHECK(check_source_name(name, "/name"));
  HF_TRY(const auto present, change.source(name));
  if (present) {
    return fail(ErrorCode::already_exists, "source_exists",
                fmt::format("there is a source {} already", name), "/name");
  }
  const Source added = {.name = std::string(name), .created_ms = env.clock.now_ms()};
  HF_CHECK(change.save_source(added));
  return added;
}

Result<Source> switch_source(StateChange& change, std::string_view name, bool enabled) {
  HF_CHECK(check_source_name(name));  // What a message repeats is printable.
  HF_TRY(const auto source, change.source(name));
  if (!source) return unknown_source(name);
  Source changed = *source;
  if (changed.enabled == enabled) return changed;
  changed.enabled = enabled;
  HF_CHECK(change.save_source(changed));
  return changed;
}

Result<Source> add_source(State& state, const Env& env, std::string_view name) {
  return in_transaction(state, [&](StateChange& c) { return add_source(c, env, name); });
}

Result<Source> disable_source(State& state, std::string_view name) {
  return in_transaction(state, [&](StateChange& c) { return switch_source(c, name, false); });
}

Result<Source> enable_source(State& state, std::string_view name) {
  return in_transaction(state, [&](StateChange& c) { return switch_source(c, name, true); });
}

Result<std::vector<Source>> list_sources(const State& state) { return state.sources(); }

Result<CreatedKey> create_key(StateChange& change, const Env& env, KeyKind kind,
                              std::string_view source, std::string_view label,
                              std::optional<TimestampMs> expires_ms) {
  const TimestampMs now_ms = env.clock.now_ms();
  HF_CHECK(check_new_key(kind, source, label, expires_ms, now_ms));
  if (kind == KeyKind::write) HF_CHECK(check_room(change, source, now_ms));
  CreatedKey created;
  created.token = new_token(env.random, kind);
  created.key = {.kind = kind,
                 .source = std::string(source),
                 .label = std::string(label),
                 .hint = created.token.substr(created.token.size() - hint_characters),
                 .created_ms = now_ms,
                 .expires_ms = expires_ms};
  HF_TRY(created.key.id, change.add_key({created.key, sha256(created.token)}));
  return created;
}

Result<CreatedKey> create_key(State& state, const Env& env, KeyKind kind, std::string_view source,
                              std::string_view label, std::optional<TimestampMs> expires_ms) {
  return in_transaction(
      state, [&](StateChange& c) { return create_key(c, env, kind, source, label, expires_ms); });
}

Result<Key> revoke_key(StateChange& change, const Env& env, std::uint64_t id) {
  HF_TRY(const auto key, change.key(id));
  if (!key) {
    return fail(ErrorCode::not_found, "unknown_key_id", fmt::format("there is no key {}", id));
  }
  Key revoked = *key;
  if (revoked.revoked_ms) return revoked;
  revoked.revoked_ms = env.clock.now_ms();
  HF_CHECK(change.save_key(revoked));
  return revoked;
}

Result<Key> revoke_key(State& state, const Env& env, std::uint64_t id) {
  return in_transaction(state, [&](StateChange& c) { return revoke_key(c, env, id); });
}

Result<std::vector<Key>> list_keys(const State& state) {
  HF_TRY(auto stored, state.keys());
  std::vector<Key> keys;
  for (StoredKey& one : stored) keys.push_back(std::move(one.key));
  return keys;
}

std::string asker_of(const Grant& grant) {
  return grant.account != 0 ? fmt::format("account {}", grant.account)
                            : fmt::format("{}", grant.id);
}

// -- Keyring --------------------------------------------------------------------------------------

namespace {

struct Entry {
  Key key;
  KeyHash hash = {};
  bool source_is_enabled = true;
  std::shared_ptr<LastUse> use;
};

/// By which a hash is looked up; equal ones are compared whole.
Hash128 front_of(const KeyHash& hash) {
  Hash128 front;
  std::memcpy(&front.high, hash.data(), sizeof(front.high));
  std::memcpy(&front.low, hash.data() + sizeof(front.high), sizeof(front.low));
  return front;
}

}  // namespace

struct Keyring::Table {
  std::unordered_map<Hash128, Entry> entries;
};

Keyring::Keyring(State& state) : state_(state), table_(std::make_shared<const Table>()) {}
Keyring::~Keyring() = default;

Result<std::unique_ptr<Keyring>> Keyring::open(State& state) {
  std::unique_ptr<Keyring> keyring(new Keyring(state));
  HF_CHECK(keyring->reload());
  return keyring;
}

Result<Grant> Keyring::check(std::string_view token, TimestampMs now_ms) const {
  if (token.empty()) {
    return fail(ErrorCode::unauthenticated, "missing_key", "a key is needed");
  }
  const KeyHash hash = sha256(token);
  const std::shared_ptr<const Table> table = *table_.lock();
  const auto found = table->entries.find(front_of(hash));
  if (found == table->entries.end() ||
      sodium_memcmp(found->second.hash.data(), hash.data(), hash.size()) != 0) {
    return fail(ErrorCode::unauthenticated, "unknown_key", "this key is not known here");
  }
  const auto& [key, key_hash, source_is_enabled, use] = found->second;
  if (key.revoked_ms) {
    return fail(ErrorCode::unauthenticated, "revoked_key",
                fmt::format("this key was revoked; it is key {}", key.id));
  }
  if (!is_live(key, now_ms)) {
    return fail(ErrorCode::unauthenticated, "expired_key",
                fmt::format("this key has expired; it is key {}", key.id));
  }
  if (!source_is_enabled) {
    return fail(ErrorCode::unauthenticated, "disabled_source",
                fmt::format("the source of this key is disabled: {}", key.source));
  }
  use->note(now_ms);
  return Grant{key.kind, key.source, key.id};
}

Result<void> Keyring::reload() {
  const std::lock_guard lock(reloading_);
  // Keys first: sources never go, so that the source of each of these keys is among them.
  HF_TRY(const auto keys, state_.keys());
  HF_TRY(const auto sources, state_.sources());
  std::unordered_map<std::string_view, bool> enabled;
  for (const Source& source : sources) enabled[source.name] = source.enabled;

  const std::shared_ptr<const Table> before = *table_.lock();
  auto table = std::make_shared<Table>();
  for (const auto& [key, hash] : keys) {
    const Hash128 front = front_of(hash);
    const auto known = before->entries.find(front);
    Entry entry = {.key = key, .hash = hash};
    entry.use = known == before->entries.end() ? std::make_shared<LastUse>() : known->second.use;
    // A write key whose source is missing would be damage: refused like one of a disabled source.
    entry.source_is_enabled = key.source.empty() || enabled[key.source];
    table->entries.emplace(front, std::move(entry));
  }
  *table_.lock() = std::move(table);
  return {};
}

Result<void> Keyring::flush() {
  struct News {
    std::uint64_t id;
    TimestampMs minute;
    std::shared_ptr<LastUse> use;
  };
  std::vector<News> news;
  const std::shared_ptr<const Table> table = *table_.lock();
  for (const auto& [front, entry] : table->entries) {
    const TimestampMs minute = entry.use->minute.load(std::memory_order_relaxed);
    if (minute > entry.use->saved.load(std::memory_order_relaxed)) {
      news.push_back({entry.key.id, minute, entry.use});
    }
  }
  if (news.empty()) return {};
  const auto save = [&](StateChange& change) -> Result<void> {
    for (const News& one : news) {
      HF_TRY(auto key, change.key(one.id));
      if (!key || (key->last_used_ms && *key->last_used_ms >= one.minute)) continue;
      key->last_used_ms = one.minute;
      HF_CHECK(change.save_key(*key));
    }
    return {};
  };
  HF_CHECK(state_.change(save));
  for (const News& one : news) one.use->saved.store(one.minute, std::memory_order_relaxed);
  return {};
}

}  // namespace hf
