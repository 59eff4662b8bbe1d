// SPDX-License-Identifier: Apache-2.0
//
// What Holdfast keeps beside the events: sources, the keys of those who may write and read, who may
// sign in, the events it refused, and the questions that were saved. Use cases speak to these
// interfaces; an adapter puts them into a database.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/result.h"

namespace hf {

/// Where events come from: an app, a shop. Never removed, and outlives its keys.
struct Source {
  std::string name;  ///< 1..64 of [a-z0-9_-]; access.h checks it.
  TimestampMs created_ms = 0;
  bool enabled = true;
  friend bool operator==(const Source&, const Source&) = default;
};

enum class KeyKind : std::uint8_t {
  write,  ///< Sends events of one source, and nothing else.
  read,
  admin,
};

/// What may be told of a key. Never removed: who held one is asked years later.
struct Key {
  std::uint64_t id = 0;  ///< From 1, in the order of creation, never used again.
  KeyKind kind = KeyKind::write;
  std::string source;  ///< Of a write key; else empty.
  std::string label;
  std::string hint;  ///< The last 4 characters.
  TimestampMs created_ms = 0;
  std::optional<TimestampMs> expires_ms = {};  ///< Refused from then on.
  std::optional<TimestampMs> revoked_ms = {};
  std::optional<TimestampMs> last_used_ms = {};  ///< To the minute, and a while late.
  friend bool operator==(const Key&, const Key&) = default;
};

/// SHA-256 of the whole key. The key itself is kept nowhere.
using KeyHash = std::array<std::byte, 32>;

struct StoredKey {
  Key key;
  KeyHash hash = {};
  friend bool operator==(const StoredKey&, const StoredKey&) = default;
};

/// What an account may do.
enum class Role : std::uint8_t {
  owner,  ///< Everything that an admin key may.
};

/// Somebody who signs in. What may be told of them.
struct Account {
  std::uint64_t id = 0;  ///< From 1, in the order of creation, never used again.
  std::string name;      ///< account.h checks it.
  Role role = Role::owner;
  TimestampMs created_ms = 0;
  std::optional<TimestampMs> signed_in_ms = {};  ///< The last time.
  friend bool operator==(const Account&, const Account&) = default;
};

struct StoredAccount {
  Account account;
  std::string password;  ///< Argon2id in its textual form, "$argon2id$..". Never the password.
  friend bool operator==(const StoredAccount&, const StoredAccount&) = default;
};

/// SHA-256 of the whole token. The token itself is kept nowhere.
using TokenHash = std::array<std::byte, 32>;

/// A browser that is signed in.
struct StoredSession {
  TokenHash hash = {};        ///< Of what its cookie holds.
  std::uint64_t account = 0;  ///< Account::id.
  TimestampMs created_ms = 0;
  TimestampMs seen_ms = 0;  ///< To the minute, and a while late.
  friend bool operator==(const StoredSession&, const StoredSession&) = default;
};

/// Who holds the token may set the owner's name and password, once.
struct SetupToken {
  TokenHash hash = {};
  TimestampMs expires_ms = 0;  ///< Refused from then on.
  friend bool operator==(const SetupToken&, const SetupToken&) = default;
};

/// An event that was not taken, for whoever has to mend what sends it.
struct Refusal {
  std::uint64_t id = 0;  ///< From 1, in the order of arrival, never used again.
  TimestampMs received_ms = 0;
  std::string source;
  std::string reason;   ///< Error::reason.
  std::string message;  ///< At most refusal_message_bytes_max; what is over is cut off.
  std::string text;     ///< The item as sent; what is over refusal_text_bytes_max is cut off.
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

inline constexpr std::size_t refusal_text_bytes_max = 32 * 1024;
inline constexpr std::size_t refusal_message_bytes_max = 1024;
/// The newest refusals are kept, as many as fit into both.
inline constexpr std::uint64_t refusals_kept_max = 10'000;
inline constexpr std::uint64_t refusal_bytes_kept_max = std::uint64_t{64} << 20;
inline constexpr std::size_t refusal_page_max = 500;

/// What of a refusal counts against refusal_bytes_kept_max.
[[nodiscard]] inline std::uint64_t kept_bytes(const Refusal& refusal) {
  return refusal.source.size() + refusal.reason.size() + refusal.message.size() +
         refusal.text.size();
}

/// SHA-256.
using RequestHash = std::array<std::byte, 32>;

/// What was decided about a request that had a name, to be told again
/// (service/remembered_answer.h). Kept for good.
struct RememberedAnswer {
  RequestHash key = {};      ///< Of who asked and the name; one answer each.
  RequestHash request = {};  ///< Of what was asked.
  int status = 200;          ///< As HTTP says it.
  std::string body;
  TimestampMs created_ms = 0;
  friend bool operator==(const RememberedAnswer&, const RememberedAnswer&) = default;
};

/// A question under a name, to be asked again (service/saved_queries.h).
struct SavedQuery {
  std::string name;         ///< 1..64 of [a-z0-9_-]; saved_queries.h checks it and what follows.
  std::string title;        ///< For people; empty: the name serves.
  std::string description;  ///< May be empty.
  std::string query;        ///< The JSON object of QUERY.md.
  /// One more each time it is saved; at first, one more than any query had that was removed.
  std::uint64_t version = 1;
  TimestampMs created_ms = 0;
  std::string created_by;  ///< As saved_by() tells it.
  TimestampMs updated_ms = 0;
  std::string updated_by;
  friend bool operator==(const SavedQuery&, const SavedQuery&) = default;
};

/// What of a saved query counts against saved_query_bytes_kept_max.
[[nodiscard]] inline std::uint64_t kept_bytes(const SavedQuery& query) {
  return query.name.size() + query.title.size() + query.description.size() + query.query.size();
}

struct SavedQueryTotals {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;  ///< Of all, by kept_bytes().
  /// The highest version that a query had as it was removed; 0: none ever was.
  std::uint64_t removed_version_max = 0;
  friend bool operator==(const SavedQueryTotals&, const SavedQueryTotals&) = default;
};

struct RefusalQuery {
  std::optional<std::uint64_t> before = {};  ///< Only ids below: RefusalPage::next_before.
  std::size_t limit = 50;                    ///< 1..refusal_page_max.
  std::optional<std::string> source = {};
  std::optional<std::string> reason = {};
};

struct RefusalPage {
  std::vector<Refusal> refusals;                  ///< Newest first.
  std::optional<std::uint64_t> next_before = {};  ///< Absent on the last page.
  friend bool operator==(const RefusalPage&, const RefusalPage&) = default;
};

struct RefusalCounts {
  struct Kept {
    std::string source;
    std::string reason;
    std::uint64_t count = 0;
    friend bool operator==(const Kept&, const Kept&) = default;
  };
  struct Ever {
    std::string source;
    std::uint64_t count = 0;
    friend bool operator==(const Ever&, const Ever&) = default;
  };
  std::vector<Kept> kept;  ///< Of the refusals still kept, by source and reason.
  std::vector<Ever> ever;  ///< Of all there ever were, by source.
  friend bool operator==(const RefusalCounts&, const RefusalCounts&) = default;
};

/// Reading. Each call sees one moment. Errors of all: data_loss/bad_state (damaged);
/// unavailable/io_error; failed_precondition/locked (another program holds the database);
/// resource_exhausted (memory, open files).
class StateView {
 public:
  virtual ~StateView() = default;
  StateView() = default;
  StateView(const StateView&) = delete;
  StateView& operator=(const StateView&) = delete;

  /// By name.
  [[nodiscard]] virtual Result<std::vector<Source>> sources() const = 0;
  [[nodiscard]] virtual Result<std::optional<Source>> source(std::string_view name) const = 0;
  /// By id.
  [[nodiscard]] virtual Result<std::vector<StoredKey>> keys() const = 0;
  [[nodiscard]] virtual Result<std::optional<Key>> key(std::uint64_t id) const = 0;
  /// By id.
  [[nodiscard]] virtual Result<std::vector<StoredAccount>> accounts() const = 0;
  /// By hash, ended ones among them until they are removed.
  [[nodiscard]] virtual Result<std::vector<StoredSession>> sessions() const = 0;
  /// By hash, expired ones too.
  [[nodiscard]] virtual Result<std::vector<SetupToken>> setup_tokens() const = 0;
  /// Also: invalid_argument/bad_limit.
  [[nodiscard]] virtual Result<RefusalPage> refusals(const RefusalQuery& query) const = 0;
  [[nodiscard]] virtual Result<RefusalCounts> refusal_counts() const = 0;
  /// By name.
  [[nodiscard]] virtual Result<std::vector<SavedQuery>> saved_queries() const = 0;
  [[nodiscard]] virtual Result<std::optional<SavedQuery>> saved_query(
      std::string_view name) const = 0;
  [[nodiscard]] virtual Result<SavedQueryTotals> saved_query_totals() const = 0;
};

/// Reading and writing within one transaction; reading sees what was written.
/// Errors: those of StateView; resource_exhausted/disk_full.
class StateChange : public StateView {
 public:
  /// Adds the source, or replaces the one of this name.
  [[nodiscard]] virtual Result<void> save_source(const Source& source) = 0;
  /// Adds a key, whose id is ignored, and returns the id it has now. Requires its source to be
  /// there.
  [[nodiscard]] virtual Result<std::uint64_t> add_key(const StoredKey& key) = 0;
  /// Replaces the key of this id, which must be there; its hash stays.
  [[nodiscard]] virtual Result<void> save_key(const Key& key) = 0;
  /// Adds an account, whose id is ignored, and returns the id it has now. Requires its name to be
  /// no other's, as save_account() does.
  [[nodiscard]] virtual Result<std::uint64_t> add_account(const StoredAccount& account) = 0;
  /// Replaces the account of this id, which must be there.
  [[nodiscard]] virtual Result<void> save_account(const StoredAccount& account) = 0;
  /// Adds the session, or replaces the one of this hash. Requires its account to be there.
  [[nodiscard]] virtual Result<void> save_session(const StoredSession& session) = 0;
  /// Fine where there is none.
  [[nodiscard]] virtual Result<void> remove_session(const TokenHash& hash) = 0;
  /// Adds the token, or replaces the one of this hash.
  [[nodiscard]] virtual Result<void> save_setup_token(const SetupToken& token) = 0;
  /// Fine where there is none.
  [[nodiscard]] virtual Result<void> remove_setup_token(const TokenHash& hash) = 0;
  /// Adds them in this order, ids of theirs ignored; the oldest beyond what is kept are removed.
  [[nodiscard]] virtual Result<void> add_refusals(std::span<const Refusal> refusals) = 0;
  /// Nothing where none was remembered under this key.
  [[nodiscard]] virtual Result<std::optional<RememberedAnswer>> answer(
      const RequestHash& key) const = 0;
  /// Requires that there is none of this key.
  [[nodiscard]] virtual Result<void> remember(const RememberedAnswer& answer) = 0;
  /// Removes the refusals of these ids, as far as they are kept, and returns how many that were. In
  /// RefusalCounts::ever they still count.
  [[nodiscard]] virtual Result<std::uint64_t> remove_refusals(
      std::span<const std::uint64_t> ids) = 0;
  /// Adds the query, or replaces the one of this name.
  [[nodiscard]] virtual Result<void> save_query(const SavedQuery& query) = 0;
  /// Its version stays in SavedQueryTotals. Fine where there is none.
  [[nodiscard]] virtual Result<void> remove_query(std::string_view name) = 0;
};

/// All methods may be called from any thread at any time.
class State : public StateView {
 public:
  using Work = std::function<Result<void>(StateChange&)>;
  /// Runs `work` in a transaction and returns when it is durable. An error of `work` undoes what it
  /// did, and nothing else. It runs on another thread and may run more than once, each time upon
  /// nothing of the time before: what it leaves behind outside must be set anew each time. It must
  /// not call this State. Errors: those of `work` and StateChange; in_doubt/commit_in_doubt (the
  /// disk failed; it may be there after a restart), after which every change is
  /// unavailable/state_stopped until a restart.
  [[nodiscard]] virtual Result<void> change(const Work& work) = 0;
};

}  // namespace hf
