// SPDX-License-Identifier: Apache-2.0
//
// Who is signed in. A session begins with a name and a password, or with the link that makes the
// owner, and is a secret that the browser holds in a cookie; what is kept is its SHA-256. It ends
// when it is signed out, after 14 days without use, after 90 days, and when the owner sets another
// password by a link.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/env.h"
#include "base/guarded.h"
#include "base/result.h"
#include "service/attempt_throttle.h"
#include "service/state.h"

namespace hf {

inline constexpr std::int64_t session_unused_ms_max = std::int64_t{14} * 24 * 3'600'000;
inline constexpr std::int64_t session_ms_max = std::int64_t{90} * 24 * 3'600'000;
/// The one that was not used for longest ends for another.
inline constexpr std::size_t sessions_per_account_max = 100;

/// What the session's own pages know and nobody else's: to be sent with whatever changes something.
/// Of the session's token alone, so that nothing more is kept. Requires a token of a session.
[[nodiscard]] std::string csrf_token(std::string_view session_token);
/// In a time that says nothing about the right one.
[[nodiscard]] bool is_csrf_token(std::string_view session_token, std::string_view text);

/// The sessions of a state in memory, for a server to ask at each request, and its doorkeeper.
/// Thread-safe. Passwords are hashed one at a time on a thread of its own, so that no number of
/// attempts takes more than one hash's memory, or anybody else's thread.
class SignIns {
 public:
  /// Attempts that wait for theirs.
  static constexpr std::size_t waiting_max = 8;

  struct SignedIn {
    Account account;
    std::string token;  ///< Of the session. Nothing can show it again.
  };
  struct Outcome {
    Result<SignedIn> signed_in;
    std::int64_t retry_after_s = 0;  ///< Of too_many_attempts.
  };
  using Done = std::function<void(Outcome)>;

  /// Both must outlive it. Errors: those of State.
  [[nodiscard]] static Result<std::unique_ptr<SignIns>> open(const Env& env, State& state);
  /// Attempts that wait are answered unavailable/stopping.
  ~SignIns();

  /// Until then there is nobody who could sign in.
  [[nodiscard]] bool has_owner() const;
  /// Whose session it is; notes that it was used. Nothing where it is unknown or has ended.
  [[nodiscard]] std::optional<Account> check(std::string_view token) const;

  /// Begins a session for who knows name and password, and calls `done` once, from this thread or
  /// its own. `address` is the client's. Errors: unauthenticated/bad_credentials, which says as
  /// little as its time which of the two is wrong; resource_exhausted/too_many_attempts (this
  /// address or name failed too often, or too many wait); unavailable/stopping; those of State.
  void sign_in(std::string_view address, std::string name, std::string password, const Done& done);
  /// Makes the owner, or gives it another name and password, and begins a session. Errors: those
  /// of set_owner(), account_name() and check_password(); too_many_attempts where too many wait;
  /// unavailable/stopping.
  void set_owner(std::string token, std::string name, std::string password, const Done& done);
  /// Ends the session; fine where there is none. Errors: those of State.
  [[nodiscard]] Result<void> sign_out(std::string_view token);

  /// Saves when sessions were last used, where that is news, and removes those that have ended. To
  /// be called every minute or so, and at the end. Errors: those of State; the next call mends it.
  [[nodiscard]] Result<void> flush();

 private:
  struct Table;
  struct Queue {
    std::deque<std::function<void(bool is_stopping)>> waiting;
    bool is_hashing = false;
    bool stopping = false;
  };
  struct Throttles {
    AttemptThrottle addresses;
    AttemptThrottle names;
  };
  SignIns(const Env& env, State& state);

  void work();
  [[nodiscard]] bool enqueue(std::function<void(bool is_stopping)> attempt);
  [[nodiscard]] std::int64_t wait_s(const std::string& address, const std::string& name) const;
  [[nodiscard]] Outcome try_to_sign_in(const std::string& client, const std::string& name,
                                       const std::string& password);
  [[nodiscard]] Outcome try_to_set_owner(const std::string& token, const std::string& name,
                                         const std::string& password);
  [[nodiscard]] Result<void> reload();

  Env env_;
  State& state_;
  std::mutex reloading_;  // So that an older table never replaces a newer one.
  Guarded<std::shared_ptr<const Table>> table_;
  Guarded<Throttles> throttles_;
  Guarded<Queue> queue_;
  std::condition_variable queue_changed_;
  std::thread thread_;
};

}  // namespace hf
