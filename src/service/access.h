// SPDX-License-Identifier: Apache-2.0
//
// Who may send and who may read: sources and their keys. A key is "hf_" + w, r or a + "_" + 43
// characters of base64url: 256 random bits. It is shown once; what is kept is its SHA-256, which
// needs no slow hash, as nobody can try 2^256 keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/guarded.h"
#include "base/result.h"
#include "service/state.h"

namespace hf {

/// "write", "read", "admin".
[[nodiscard]] std::string_view to_string(KeyKind kind);
[[nodiscard]] std::optional<KeyKind> parse_key_kind(std::string_view text);

inline constexpr std::size_t source_name_bytes_max = 64;
inline constexpr std::size_t key_label_bytes_max = 255;
/// One in use, and the next one while its clients change over.
inline constexpr std::size_t live_keys_per_source_max = 2;

/// `pointer` is the error's: where a request's body says the name.
/// Errors: invalid_argument/bad_source_name unless it is 1 to 64 of a-z, 0-9, _ and -.
[[nodiscard]] Result<void> check_source_name(std::string_view name, std::string_view pointer = {});

// Each change is a part of a transaction, or one by itself.
//
// The errors of what follows point to "/name", "/source", "/label" and "/expires_at": the members
// of docs/api/openapi.yaml, as which all of these are asked for.

/// Adds a source, enabled. Errors: bad_source_name; already_exists/source_exists; those of State.
[[nodiscard]] Result<Source> add_source(StateChange& change, const Env& env, std::string_view name);
[[nodiscard]] Result<Source> add_source(State& state, const Env& env, std::string_view name);
/// From then on its keys are refused; or taken again. Fine where it is so already.
/// Errors: not_found/unknown_source; those of State.
[[nodiscard]] Result<Source> switch_source(StateChange& change, std::string_view name,
                                           bool enabled);
[[nodiscard]] Result<Source> disable_source(State& state, std::string_view name);
[[nodiscard]] Result<Source> enable_source(State& state, std::string_view name);
/// By name.
[[nodiscard]] Result<std::vector<Source>> list_sources(const State& state);

struct CreatedKey {
  Key key;
  std::string token;  ///< The key itself. Nothing can show it again.
};

/// Makes a key: a write key of `source`, or another one with `source` empty; refused from
/// `expires_ms` on. Errors: invalid_argument/bad_source_name, source_not_needed, bad_label (over
/// 255 bytes or not UTF-8), bad_expiry (not in the future); not_found/unknown_source;
/// failed_precondition/disabled_source, too_many_keys (the message names the live ones of the
/// source, of which one has to be revoked); those of State.
[[nodiscard]] Result<CreatedKey> create_key(StateChange& change, const Env& env, KeyKind kind,
                                            std::string_view source, std::string_view label,
                                            std::optional<TimestampMs> expires_ms = {});
[[nodiscard]] Result<CreatedKey> create_key(State& state, const Env& env, KeyKind kind,
                                            std::string_view source, std::string_view label,
                                            std::optional<TimestampMs> expires_ms = {});
/// Refuses the key from now on, for good. One revoked before keeps its time.
/// Errors: not_found/unknown_key_id; those of State.
[[nodiscard]] Result<Key> revoke_key(StateChange& change, const Env& env, std::uint64_t id);
[[nodiscard]] Result<Key> revoke_key(State& state, const Env& env, std::uint64_t id);
/// By id, revoked and expired ones too.
[[nodiscard]] Result<std::vector<Key>> list_keys(const State& state);

/// What a key allows, or who is signed in.
struct Grant {
  KeyKind kind = KeyKind::write;
  std::string source;         ///< Of a write key; else empty.
  std::uint64_t id = 0;       ///< Of the key; 0 without one.
  std::uint64_t account = 0;  ///< Account::id of who is signed in; else 0.
  friend bool operator==(const Grant&, const Grant&) = default;
};

/// Under whom an Idempotency-Key is remembered: "7" of key 7, "0" of this machine's user, "account
/// 1" of an account, through all of its sessions. Part of the format: docs/format/state.md.
[[nodiscard]] std::string asker_of(const Grant& grant);

/// The keys of a state in memory, for a server to ask at each request. Thread-safe.
class Keyring {
 public:
  /// `state` must outlive the keyring. Errors: those of State.
  [[nodiscard]] static Result<std::unique_ptr<Keyring>> open(State& state);
  ~Keyring();

  /// What `token` allows at `now_ms`; notes that it was used. A key is found by its hash, so that
  /// the time taken says nothing about a key. Errors, all unauthenticated: missing_key (empty),
  /// unknown_key, revoked_key, expired_key, disabled_source.
  [[nodiscard]] Result<Grant> check(std::string_view token, TimestampMs now_ms) const;
  /// Takes over what has changed. To be called after every change to sources and keys; until it
  /// succeeds the ones before hold, revoked ones too. Errors: those of State.
  [[nodiscard]] Result<void> reload();
  /// Saves when keys were last used, to the minute, where that is news; one transaction for all. To
  /// be called every minute or so, and at the end. What fails to be saved is saved by the next.
  /// Errors: those of State.
  [[nodiscard]] Result<void> flush();

 private:
  struct Table;
  explicit Keyring(State& state);

  State& state_;
  std::mutex reloading_;  // So that an older table never replaces a newer one.
  Guarded<std::shared_ptr<const Table>> table_;
};

}  // namespace hf
